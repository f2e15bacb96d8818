import { nationalNumber } from '../config/numbers.ts'
import type { TrunkSettings } from '../config/settings.ts'
import { toLegible } from '../sip/message/escapes.ts'
import { isSipUri } from '../sip/message/types.ts'
import { parseUri } from '../sip/message/uri.ts'

/** What somebody wants to reach, read. */
export type DialString =
  /** A number, an extension, a name: without separators where it is a number. */
  | { readonly kind: 'text'; readonly text: string }
  /** `sip:user@host`. */
  | { readonly kind: 'sip'; readonly user: string; readonly host: string }
  | { readonly kind: 'illegal'; readonly sentence: string }

/** Longer than any number, name or address that is meant. */
const maxLength = 255

/** Hyphens and dashes of word processors, from which numbers are pasted. */
const dashes = /[\u2010-\u2015\u2212]/g

/**
 * Reads a dialled string: a number however it is written (`+84 (0) 912.345-678`, `tel:` of RFC 3966), an extension, or a
 * `sip:` address.
 */
export function readDialString(dialled: string): DialString {
  const text = legible(dialled.normalize('NFKC').replace(/\s/g, ' ').replace(dashes, '-')).trim()
  if (text === '') return { kind: 'illegal', sentence: 'No number was dialled.' }
  if (text.length > maxLength) return { kind: 'illegal', sentence: 'What was dialled is too long to be a number.' }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return { kind: 'text', text: withoutTrunkZero(text) }
  if (scheme === 'tel') {
    const [number = ''] = text.slice('tel:'.length).split(';')
    return number === ''
      ? { kind: 'illegal', sentence: 'The tel: address has no number.' }
      : { kind: 'text', text: withoutTrunkZero(number) }
  }
  return readSip(text, scheme)
}

function readSip(text: string, scheme: string): DialString {
  if (scheme !== 'sip') {
    return {
      kind: 'illegal',
      sentence: `Addresses beginning with ${scheme}: cannot be called, only numbers, extensions and sip:.`,
    }
  }
  try {
    const uri = parseUri(text)
    if (!isSipUri(uri) || uri.user === null)
      return { kind: 'illegal', sentence: 'The sip: address names nobody before the @.' }
    // RFC 3261 §19.1.6: a user part may carry telephone parameters behind the number.
    const [user = ''] = uri.user.split(';')
    return { kind: 'sip', user: withoutTrunkZero(legible(user)), host: uri.host }
  } catch {
    return { kind: 'illegal', sentence: 'The sip: address is not a legal one.' }
  }
}

/** Nothing that a record or a screen chokes on: it stands in sentences. */
function legible(text: string): string {
  return toLegible(text).replace(/\p{Cc}/gu, '\ufffd')
}

/** `+84 (0) 912…` is written for people: the zero in brackets is dialled at home only. */
function withoutTrunkZero(text: string): string {
  return /^(\+|00)/.test(text) ? text.replace(/\(0\)/, '') : text
}

/** A number as the trunk wants it written; what is no E.164 number stays as it is, as do other countries' in `national`. */
export function numberFor(trunk: Pick<TrunkSettings, 'numberFormat'>, key: string, countryCode: string | null): string {
  if (trunk.numberFormat === 'plain') return key.startsWith('+') ? key.slice(1) : key
  return trunk.numberFormat === 'national' ? nationalNumber(key, countryCode) : key
}
