import { contactsOf } from '../message/addresses.ts'
import type { NameAddress, SipResponse, SipUri } from '../message/types.ts'
import { uriEquals } from '../message/uri-compare.ts'
import { readSeconds, secondsIn } from './answers.ts'

/**
 * How long a 2xx to REGISTER lets our binding live (RFC 3261 §10.2.4): what stands behind our own Contact in the answer, for
 * the account may have other telephones; behind the only one there is, where a registrar has rewritten it for a NAT; else
 * Expires; else what we asked for.
 * @returns seconds; 0: it holds no binding of ours.
 */
export function grantedSeconds(response: SipResponse, contact: SipUri, askedSeconds: number): number {
  const contacts = readContacts(response)
  const own = contacts.find(({ uri }) => uriEquals(uri, contact)) ?? (contacts.length === 1 ? contacts[0] : undefined)
  const text = own?.parameters.get('expires')
  const behind = text === undefined || text === null ? null : readSeconds(text)
  return behind ?? secondsIn(response, 'Expires') ?? askedSeconds
}

function readContacts(response: SipResponse): readonly NameAddress[] {
  try {
    const found = contactsOf(response)
    return found === '*' ? [] : found
  } catch {
    return []
  }
}
