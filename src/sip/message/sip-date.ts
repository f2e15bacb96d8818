const shape = 'www, dd mmm dddd dd:dd:dd GMT'
const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * Reads a SIP-date, `Sat, 13 Nov 2010 23:29:00 GMT`: RFC 1123 form, always GMT. RFC 3261 §20.17.
 * @returns milliseconds since 1970 UTC, or null when it is none.
 */
export function parseSipDate(text: string): number | null {
  if (text.length !== shape.length || !weekdays.includes(text.slice(0, 3)) || !text.endsWith(' GMT')) return null
  for (let i = 3; i < shape.length; i++) {
    const expected = shape[i]
    const code = text.charCodeAt(i)
    if (expected === 'm') continue
    if (expected === 'd' ? code < 0x30 || code > 0x39 : text[i] !== expected) return null
  }
  const month = months.indexOf(text.slice(8, 11))
  if (month < 0) return null
  const numbers = [12, 5, 17, 20, 23].map((at) => Number(text.slice(at, at === 12 ? 16 : at + 2)))
  const [year = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers
  // 60 is a leap second.
  if (day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return null
  return Date.UTC(year, month, day, hour, minute, second)
}

/** Writes a SIP-date. */
export function printSipDate(wallTime: number): string {
  return new Date(wallTime).toUTCString()
}
