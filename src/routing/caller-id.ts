import { isE164, numberKey } from '../config/numbers.ts'
import type { TenantSettings, TrunkSettings } from '../config/settings.ts'
import type { HangupCause } from '../leg/hangup-cause.ts'
import { numberFor, readDialString } from './dial-string.ts'

export type CallerId =
  | {
      readonly kind: 'shown'
      /** The number in the trunk's format: From, or P-Asserted-Identity where `isPrivate`. */
      readonly shown: string
      /** Its key form, for records. */
      readonly number: string
      /** The callee is not to see it: how that is said to the provider is the trunk's `privacy`. */
      readonly isPrivate: boolean
      /** A telephone number was wanted that the tenant may not show, and this one stands for it. */
      readonly isReplaced: boolean
    }
  | { readonly kind: 'refused'; readonly cause: HangupCause; readonly sentence: string }

/** Fewest digits of what may pass for a telephone number where it is not of E.164 form. */
const leastDigits = 7

/**
 * Which number a call of this tenant shows by this trunk: the one that is wanted if the tenant may show it (its own numbers,
 * `callerIds`), else the trunk's `callerId`, else the tenant's first own number. Nobody shows what is another's.
 * @param wanted - a number, however written; `anonymous`: the call hides its number; null: nothing is wanted.
 * @param isVouched - it is the number of the caller who is passed on, and the trunk that brought it says so (docs/adr/0025).
 */
export function callerIdFor(
  tenant: TenantSettings,
  wanted: string | null,
  trunk: TrunkSettings,
  isVouched = false,
): CallerId {
  const isPrivate = wanted !== null && wanted.trim().toLowerCase() === 'anonymous'
  if (isPrivate && trunk.privacy === 'never') {
    const sentence = `The trunk ${trunk.name} takes no calls that hide their number (privacy: never).`
    return { kind: 'refused', cause: 'forbidden', sentence }
  }
  const asked = wanted === null || isPrivate ? null : numberIn(wanted, tenant.countryCode)
  const allowed = asked !== null && (isVouched || mayShow(tenant, asked)) ? asked : null
  const number = allowed ?? trunk.callerId ?? firstOwnNumber(tenant)
  if (number === null) {
    const sentence = `There is no number to show: tenant ${tenant.name} has none of its own, and the trunk ${trunk.name} no callerId.`
    return { kind: 'refused', cause: 'forbidden', sentence }
  }
  const shown = numberFor(trunk, number, tenant.countryCode)
  return { kind: 'shown', shown, number, isPrivate, isReplaced: asked !== null && asked !== number }
}

/** The key of the telephone number in a text; null for an extension or a short number, which mean nothing outside, or a name. */
function numberIn(text: string, countryCode: string | null): string | null {
  const read = readDialString(text)
  if (read.kind === 'illegal') return null
  const key = numberKey(read.kind === 'sip' ? read.user : read.text, countryCode)
  return isTelephoneNumber(key) ? key : null
}

function mayShow({ numbers, callerIds }: TenantSettings, key: string): boolean {
  return numbers.has(key) || callerIds === 'any' || callerIds.includes(key)
}

function firstOwnNumber(tenant: TenantSettings): string | null {
  for (const key of tenant.numbers.keys()) if (isTelephoneNumber(key)) return key
  return null
}

function isTelephoneNumber(key: string): boolean {
  return isE164(key) || (key.length >= leastDigits && /^\d+$/.test(key))
}
