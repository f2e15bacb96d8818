import { contactsOf } from '../message/addresses.ts'
import { requestUri } from '../message/refer-to.ts'
import { isSipUri, type NameAddress, type SipResponse, type Uri } from '../message/types.ts'
import { uriEquals } from '../message/uri-compare.ts'
import { parseQ } from '../message/values.ts'
import { readOr } from './lenient.ts'

/** 305 names a proxy and 380 another service: neither says where the callee is. */
const redirections: ReadonlySet<number> = new Set([300, 301, 302])

/** Targets of one response that are read: a redirection is to save calls, not to make them. */
const maxTargets = 8

/**
 * Where a 3xx says the callee is, best first: its Contacts by `q`, equal ones in their order (RFC 3261 §8.1.3.4, §20.10).
 * Only SIP, SIPS and tel URIs; their `method` and header fields are dropped (§19.1.5); a URI that was tried is left out.
 * @param tried - every URI that this call has been sent to, so that two proxies cannot send it in a circle.
 */
export function redirectTargets(response: SipResponse, tried: readonly Uri[] = []): readonly NameAddress[] {
  if (!redirections.has(response.status)) return []
  const contacts = readOr([], () => contactsOf(response))
  if (contacts === '*') return []
  const found: { readonly address: NameAddress; readonly q: number }[] = []
  const known = [...tried]
  for (const contact of contacts) {
    const { uri } = contact
    if (!isSipUri(uri) && uri.scheme !== 'tel') continue
    const target = isSipUri(uri) ? requestUri(uri) : uri
    if (known.some((other) => uriEquals(other, target))) continue
    known.push(target)
    found.push({ address: { ...contact, uri: target }, q: readOr(0, () => parseQ(contact.parameters.get('q'))) })
  }
  return found
    .toSorted((a, b) => b.q - a.q)
    .slice(0, maxTargets)
    .map(({ address }) => address)
}
