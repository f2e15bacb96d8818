import { parseNameAddressList, parseRouteList } from './name-address.ts'
import type { NameAddress, SipMessage } from './types.ts'

/**
 * The Contact addresses of a message, over all its lines; `*` where that is what stands there (RFC 3261 §10.2.2).
 * In a message from the parser they are known to be legal; in one of ours a slip throws MessageError.
 */
export function contactsOf(message: SipMessage): readonly NameAddress[] | '*' {
  const lines = message.headers.getAll('Contact')
  if (lines.length === 1 && lines[0] === '*') return '*'
  return lines.flatMap((line) => parseNameAddressList(line))
}

/** The first Contact: the remote target of a dialog (§12.1.1). Null when there is none, or `*`. */
export function contactOf(message: SipMessage): NameAddress | null {
  const contacts = contactsOf(message)
  return contacts === '*' ? null : (contacts[0] ?? null)
}

/** Route, in order. */
export function routesOf(message: SipMessage): readonly NameAddress[] {
  return message.headers.getAll('Route').flatMap((line) => parseRouteList(line))
}

/** Record-Route, in the order it stands. */
export function recordRoutesOf(message: SipMessage): readonly NameAddress[] {
  return message.headers.getAll('Record-Route').flatMap((line) => parseRouteList(line))
}

/** The tag of From or To; null for peers of RFC 2543. */
export function tagOf(address: NameAddress): string | null {
  return address.parameters.get('tag') ?? null
}

/** The same address with its tag set, or taken away by null. */
export function withTag(address: NameAddress, tag: string | null): NameAddress {
  const parameters = new Map(address.parameters)
  if (tag === null) parameters.delete('tag')
  else parameters.set('tag', tag)
  return { ...address, parameters }
}
