/** Character classes of RFC 3261 §25.1 as bits, so that one table look-up answers every question about a character. */
export const CharClass = {
  /** `token`: methods, header names, parameter names, tags, branches. */
  token: 1 << 0,
  /** `user`: unreserved / user-unreserved, without the escapes. */
  user: 1 << 1,
  /** `password`. */
  password: 1 << 2,
  /** `paramchar`: param-unreserved / unreserved. */
  uriParameter: 1 << 3,
  /** `hname` and `hvalue`: hnv-unreserved / unreserved. */
  uriHeader: 1 << 4,
  /** Characters of host names and IPv4 addresses. */
  host: 1 << 5,
  /** `word`, of which Call-ID is made. */
  word: 1 << 6,
  /** `uric` of RFC 2396: any legal URI. */
  uri: 1 << 7,
  digit: 1 << 8,
  hex: 1 << 9,
  alpha: 1 << 10,
  /** Characters of a parameter value that is not quoted: token / host, where host may be an IPv6 reference. */
  value: 1 << 11,
  /** Characters of an IPv6 address. */
  ipv6: 1 << 12,
} as const

const table = new Uint16Array(128)

function mark(characters: string, bit: number): void {
  for (const character of characters) {
    const code = character.charCodeAt(0)
    table[code] = (table[code] ?? 0) | bit
  }
}

const digits = '0123456789'
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const unreserved = `${letters}${digits}-_.!~*'()`

mark(`${letters}${digits}-.!%*_+\`'~`, CharClass.token | CharClass.value)
mark('[]:', CharClass.value)
mark(`${unreserved}&=+$,;?/`, CharClass.user)
mark(`${unreserved}&=+$,`, CharClass.password)
mark(`${unreserved}[]/:&+$`, CharClass.uriParameter)
mark(`${unreserved}[]/?:+$`, CharClass.uriHeader)
// The underscore is no letter of a host name (RFC 1123), but names of containers have it and nothing else can be meant.
mark(`${letters}${digits}-._`, CharClass.host)
mark(`${letters}${digits}-.!%*_+\`'~()<>:\\"/[]?{}`, CharClass.word)
mark(`${unreserved};/?:@&=+$,%[]`, CharClass.uri)
mark(digits, CharClass.digit)
mark(`${digits}abcdefABCDEF`, CharClass.hex)
mark(letters, CharClass.alpha)
mark(`${digits}abcdefABCDEF:.`, CharClass.ipv6)

/** Whether the character belongs to (one of) the class bits. Codes of 128 and above belong to none. */
export function isClass(code: number, bits: number): boolean {
  return code < 128 && ((table[code] as number) & bits) !== 0
}

/** The first index at or after `from`, below `end`, whose character is outside the class; `end` when all are inside. */
export function skipClass(text: string, from: number, end: number, bits: number): number {
  let i = from
  while (i < end) {
    const code = text.charCodeAt(i)
    if (code >= 128 || ((table[code] as number) & bits) === 0) return i
    i++
  }
  return end
}

/** Whether the text is one `token` of RFC 3261 §25.1. */
export function isToken(text: string): boolean {
  return text.length > 0 && skipClass(text, 0, text.length, CharClass.token) === text.length
}

/** Whether the text is one or more ASCII digits. */
export function isDigits(text: string): boolean {
  return text.length > 0 && skipClass(text, 0, text.length, CharClass.digit) === text.length
}
