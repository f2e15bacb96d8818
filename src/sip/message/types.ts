import type { SipCallId } from '../../base/ids.ts'
import type { Headers } from './headers.ts'

/** Parameters behind `;`. Names in lower case; a parameter without `=` has the value null; values are unquoted. */
export type Parameters = ReadonlyMap<string, string | null>

/** RFC 3261 §19.1. `user` and `password` are unescaped; the printer escapes again. Hosts in lower case, IPv6 in brackets. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  readonly user: string | null
  readonly password: string | null
  readonly host: string
  readonly port: number | null
  readonly parameters: Parameters
  /** The part behind `?`, unescaped, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** Any other scheme: legal in To, From, Contact; refused with 416 as a Request-URI. */
export interface OtherUri {
  readonly scheme: Exclude<string, 'sip' | 'sips'>
  /** All that follows the colon, as it came. */
  readonly opaque: string
}

export type Uri = SipUri | OtherUri

/** From, To, Contact, Route, Record-Route, Diversion and their like: §20.10. */
export interface NameAddress {
  /** Unquoted; null where there is none. */
  readonly displayName: string | null
  readonly uri: Uri
  /** Header parameters (`tag`, `expires`, `q`), not the URI's. */
  readonly parameters: Parameters
}

/** §20.42. */
export interface Via {
  /** Upper case: UDP, TCP, TLS, SCTP, WS, WSS or any other token. */
  readonly transport: string
  readonly host: string
  readonly port: number | null
  readonly parameters: Parameters
}

export interface CSeq {
  /** 0 to 2^31 - 1. */
  readonly number: number
  readonly method: string
}

/** §20.2, §20.6, §20.7, §20.27, §20.44: a scheme and its parameters, names in lower case, values unquoted. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: Parameters
}

/** What every message has, parsed and checked once, by the parser. */
interface MessageCommon {
  /** All header fields as they stand on the wire, in order. What the fields below say stands here too. */
  readonly headers: Headers
  readonly body: Uint8Array
  /** All Via values, topmost first. */
  readonly vias: readonly [Via, ...Via[]]
  readonly from: NameAddress
  readonly to: NameAddress
  readonly sipCallId: SipCallId
  readonly cseq: CSeq
}

export interface SipRequest extends MessageCommon {
  readonly kind: 'request'
  /** Case-sensitive: `Invite` is an unknown method. */
  readonly method: string
  readonly uri: Uri
  /** null where the peer left it out (RFC 2543); treat as 70. */
  readonly maxForwards: number | null
}

export interface SipResponse extends MessageCommon {
  readonly kind: 'response'
  /** 100 to 699. */
  readonly status: number
  /** UTF-8; may be empty. */
  readonly reason: string
}

export type SipMessage = SipRequest | SipResponse

export function isSipUri(uri: Uri): uri is SipUri {
  return uri.scheme === 'sip' || uri.scheme === 'sips'
}
