import { contactsOf } from '../message/addresses.ts'
import type { NameAddress, SipRequest, SipUri } from '../message/types.ts'
import { isSipUri } from '../message/types.ts'
import { parseDeltaSeconds, parseQ } from '../message/values.ts'

export interface ExpiryLimits {
  /** Where the request says nothing, or nothing legible (RFC 3261 §10.2.1.1). */
  readonly defaultSeconds: number
  /** Shorter ones are refused with 423. */
  readonly minSeconds: number
  /** Longer ones are cut to this. */
  readonly maxSeconds: number
}

export interface ContactUpdate {
  readonly uri: SipUri
  /** 0 removes the binding. */
  readonly expiresSeconds: number
  readonly q: number
  /** RFC 5626 §4.1, null where absent. */
  readonly instance: string | null
}

/** What a REGISTER asks for: RFC 3261 §10.3 steps 6 and 7. */
export type RegisterRequest =
  | { readonly kind: 'query' }
  | { readonly kind: 'removeAll' }
  | { readonly kind: 'update'; readonly contacts: readonly ContactUpdate[] }
  /** Step 7: an interval that is too brief. */
  | { readonly kind: 'tooBrief' }
  | { readonly kind: 'illegal'; readonly sentence: string }

/**
 * Reads the Contact and Expires of a REGISTER. Contacts that are no SIP addresses (mailto, tel) cannot be called by us;
 * they are left out, as a registrar may do by its policy.
 */
export function readRegister(request: SipRequest, limits: ExpiryLimits): RegisterRequest {
  const contacts = contactsOf(request)
  const expires = readExpires(request.headers.get('Expires'))
  if (contacts === '*') {
    // §10.2.2: the header field, not a parameter, has to be there and be 0.
    return expires === 0 ? { kind: 'removeAll' } : { kind: 'illegal', sentence: 'Contact is * but Expires is not 0.' }
  }
  if (contacts.length === 0) return { kind: 'query' }
  const updates: ContactUpdate[] = []
  for (const contact of contacts) {
    if (!isSipUri(contact.uri)) continue
    const asked = readExpires(contact.parameters.get('expires')) ?? expires ?? limits.defaultSeconds
    if (asked > 0 && asked < limits.minSeconds) return { kind: 'tooBrief' }
    updates.push({
      uri: contact.uri,
      expiresSeconds: Math.min(asked, limits.maxSeconds),
      q: readQ(contact),
      instance: contact.parameters.get('+sip.instance') ?? null,
    })
  }
  return { kind: 'update', contacts: updates }
}

/** Null where it is absent or not legible: then the default holds. */
function readExpires(value: string | null | undefined): number | null {
  if (value === undefined || value === null) return null
  try {
    return parseDeltaSeconds(value).seconds
  } catch {
    return null
  }
}

function readQ(contact: NameAddress): number {
  try {
    return parseQ(contact.parameters.get('q'))
  } catch {
    return 1
  }
}
