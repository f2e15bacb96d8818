/**
 * Telephone numbers are compared by their key: E.164 with a plus where that can be told, otherwise as dialled.
 * ITU-T E.164: at most 15 digits behind the plus, the first not zero.
 */
const e164Form = /^\+[1-9]\d{1,14}$/

/** Countries that write national numbers without a leading zero: there a bare number of 8 digits or more is national. */
const withoutTrunkZero = new Set(
  '1 30 34 45 47 48 65 351 352 356 357 371 372 377 420 852 853 855 960 965 966 968 973 974'.split(' '),
)

/** Countries whose leading zero belongs to the number and stays behind the country code. */
const keepingZero = new Set(['39', '225', '242', '378'])

/** Fewest digits behind the country code for a number written without plus to be taken for an international one. */
const leastNationalDigits = 8

/** Whether the text is `+` and 2 to 15 digits. */
export function isE164(text: string): boolean {
  return e164Form.test(text)
}

/**
 * The form in which numbers are compared and stored: `+84912345678` for all of `+84 912 345 678`, `0084912345678`,
 * `84912345678` and `0912345678` in country 84; a short number (`222`) or a name stays as it is, without separators.
 * @param countryCode - digits without plus; null: only numbers with `+` or `00` become E.164.
 */
export function numberKey(number: string, countryCode: string | null): string {
  const trimmed = number.trim()
  const bare = /^[+(]?\d[\d\s().\-/]*$/.test(trimmed) ? trimmed.replace(/[^+\d]/g, '') : trimmed
  if (isE164(bare)) return bare
  if (!/^\d+$/.test(bare)) return bare
  if (bare.startsWith('00') && isE164(`+${bare.slice(2)}`)) return `+${bare.slice(2)}`
  if (countryCode === null) return bare
  const key = nationalToE164(bare, countryCode)
  return isE164(key) ? key : bare
}

/** Whether two ways of writing mean one number. */
export function isSameNumber(a: string, b: string, countryCode: string | null): boolean {
  return numberKey(a, countryCode) === numberKey(b, countryCode)
}

/**
 * As people of that country write it: `+84912345678` becomes `0912345678` in country 84; other countries' numbers and
 * short ones stay as they are.
 */
export function nationalNumber(key: string, countryCode: string | null): string {
  if (countryCode === null || !isE164(key) || !key.startsWith(`+${countryCode}`)) return key
  const rest = key.slice(countryCode.length + 1)
  return withoutTrunkZero.has(countryCode) || keepingZero.has(countryCode) ? rest : `0${rest}`
}

function nationalToE164(digits: string, countryCode: string): string {
  const isInternational = digits.startsWith(countryCode) && digits.length >= countryCode.length + leastNationalDigits
  if (withoutTrunkZero.has(countryCode)) {
    if (isInternational) return `+${digits}`
    return digits.length >= leastNationalDigits ? `+${countryCode}${digits}` : digits
  }
  if (digits.startsWith('0') && digits.length > 3) {
    return `+${countryCode}${keepingZero.has(countryCode) ? digits : digits.slice(1)}`
  }
  return isInternational ? `+${digits}` : digits
}
