import type { SipCallId } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import type { TrunkSettings } from '../../config/settings.ts'
import { newTag } from '../dialog/context.ts'
import { withTag } from '../message/addresses.ts'
import { createRequest } from '../message/build.ts'
import { printNameAddress } from '../message/name-address.ts'
import { noParameters } from '../message/parameters.ts'
import { isSipUri, type NameAddress, type SipRequest, type SipUri } from '../message/types.ts'
import { parseUri } from '../message/uri.ts'

/** The addresses that stand in requests to a trunk. */
export interface TrunkAddress {
  /** Its `uri`: Request-URI of OPTIONS, and of calls with a user part added. */
  readonly uri: SipUri
  /** The domain of its location service: Request-URI of REGISTER, RFC 3261 §10.2. */
  readonly registrar: SipUri
  /** Who we are there: To and From of REGISTER, From of OPTIONS. */
  readonly account: NameAddress
  /** The outbound proxy, with `lr`; empty without one. */
  readonly routes: readonly SipUri[]
  /** Where requests to it go first: the proxy, else `uri`. */
  readonly nextHop: SipUri
}

/** Who asks for health at trunks where we have no account. */
const nobody = 'switchhook'

/** @throws MessageError when a URI of the settings is illegal: they are checked when they are read. */
export function trunkAddress(settings: TrunkSettings): TrunkAddress {
  const uri = sipUri(settings.uri)
  const proxy = settings.proxy === null ? null : sipUri(settings.proxy)
  // RFC 3261 §16.12.1: what has no `lr` is taken for a strict router, of which there are none left.
  const routes = proxy === null ? [] : [{ ...proxy, parameters: new Map([...proxy.parameters, ['lr', null] as const]) }]
  return {
    uri,
    registrar: { ...uri, parameters: noParameters },
    account: {
      displayName: null,
      uri: { ...uri, user: settings.username ?? nobody, port: null, parameters: noParameters },
      parameters: noParameters,
    },
    routes,
    nextHop: proxy ?? uri,
  }
}

function sipUri(text: string): SipUri {
  const uri = parseUri(text)
  if (isSipUri(uri)) return uri
  throw new TypeError(`${uri.scheme}: is no address of a trunk`)
}

/** What stays the same over the requests of one registration, or belongs to one OPTIONS. */
export interface RequestSeries {
  readonly sipCallId: SipCallId
  readonly fromTag: string
}

export function newSeries(random: Random): RequestSeries {
  // 128 bits and more: RFC 3261 §8.1.1.4 asks for a Call-ID that nobody else makes.
  return { sipCallId: random.token(26) as SipCallId, fromTag: newTag(random) }
}

/** A REGISTER or OPTIONS to the trunk. */
export function trunkRequest(
  address: TrunkAddress,
  series: RequestSeries,
  options: {
    readonly method: 'REGISTER' | 'OPTIONS'
    readonly cseq: number
    readonly headers: readonly (readonly [name: string, value: string])[]
  },
): SipRequest {
  const isRegister = options.method === 'REGISTER'
  const to: NameAddress = isRegister
    ? address.account
    : { displayName: null, uri: address.uri, parameters: noParameters }
  const routes = address.routes.map((uri) => {
    return ['Route', printNameAddress({ displayName: null, uri, parameters: noParameters })] as const
  })
  return createRequest({
    method: options.method,
    uri: isRegister ? address.registrar : address.uri,
    from: withTag(address.account, series.fromTag),
    to,
    sipCallId: series.sipCallId,
    cseq: options.cseq,
    headers: [...routes, ...options.headers],
  })
}
