import { MessageError } from './message-error.ts'
import { parseNameAddress, printNameAddress } from './name-address.ts'
import { noParameters } from './parameters.ts'
import { parseReplaces, printReplaces, type Replaces } from './replaces.ts'
import { isSipUri, type NameAddress, type SipUri, type Uri } from './types.ts'

/** What a Refer-To asks for: RFC 3515 §2.1, with the Replaces that RFC 3891 §6.1 lets its URI carry. */
export interface ReferTo {
  /** Whom to send the request to; without the method and the header fields that stood in its URI. */
  readonly target: NameAddress
  /** Of the request; INVITE where the URI does not say. */
  readonly method: string
  readonly replaces: Replaces | null
}

/**
 * Reads Refer-To, which has one value. Header fields in its URI other than Replaces are dropped: RFC 3261 §19.1.5 leaves
 * it to us which of them to honour, and a peer is not to write ours.
 * Kindness: a URI with a question mark is taken without <> too, as some telephones send it.
 * @throws MessageError `sip-message.header`, `sip-message.uri`.
 */
export function parseReferTo(value: string): ReferTo {
  const text = value.trim()
  const isBare = !text.includes('<') && !text.includes(',') && text.includes('?')
  const address = parseNameAddress(isBare ? `<${text}>` : text)
  const { uri } = address
  if (!isSipUri(uri)) return { target: address, method: 'INVITE', replaces: null }
  const all = uri.headers.filter(([name]) => name.toLowerCase() === 'replaces')
  if (all.length > 1) {
    throw new MessageError('sip-message.header', 'A Refer-To with several Replaces.', { facts: { header: 'Refer-To' } })
  }
  const [replaces] = all
  const method = uri.parameters.get('method') ?? 'INVITE'
  return {
    target: { ...address, uri: requestUri(uri) },
    method,
    replaces: replaces ? parseReplaces(replaces[1]) : null,
  }
}

/** Writes one; the Replaces goes into the URI, escaped: `<sip:bob@example.net?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>`. */
export function printReferTo(target: Uri, replaces: Replaces | null = null): string {
  const uri =
    isSipUri(target) && replaces
      ? { ...target, headers: [...target.headers, ['Replaces', printReplaces(replaces)] as const] }
      : target
  return printNameAddress({ displayName: null, uri, parameters: noParameters })
}

/** The URI without what has no place in a request line: RFC 3261 §19.1.1, table 1. */
export function requestUri(uri: SipUri): SipUri {
  if (uri.headers.length === 0 && !uri.parameters.has('method')) return uri
  const parameters = new Map(uri.parameters)
  parameters.delete('method')
  return { ...uri, parameters, headers: [] }
}
