import { Buffer, isUtf8 } from 'node:buffer'
import { isClass } from './char-classes.ts'

/**
 * Undoes %-escapes (RFC 3261 §19.1.2, RFC 2396 §2.4). Escaped bytes are read as UTF-8; a byte that is no part of UTF-8
 * becomes a lone surrogate U+DC00 + byte, so that `escape` writes the same byte again and nothing is lost.
 * @returns null when a `%` is not followed by two hexadecimal digits.
 */
export function unescape(text: string): string | null {
  let at = text.indexOf('%')
  if (at < 0) return text
  let out = ''
  let start = 0
  while (at >= 0) {
    out += text.slice(start, at)
    const bytes: number[] = []
    while (text.charCodeAt(at) === 0x25) {
      const byte = hexByte(text, at + 1)
      if (byte < 0) return null
      bytes.push(byte)
      at += 3
    }
    out += decode(bytes)
    start = at
    at = text.indexOf('%', start)
  }
  return out + text.slice(start)
}

/** Writes text so that it holds only characters of the class and %-escapes of the UTF-8 bytes of the others. */
export function escape(text: string, bits: number): string {
  let plain = 0
  while (plain < text.length && isClass(text.charCodeAt(plain), bits)) plain++
  if (plain === text.length) return text
  let out = text.slice(0, plain)
  for (const character of text.slice(plain)) {
    const code = character.charCodeAt(0)
    if (isClass(code, bits)) out += character
    else if (code < 0x80) out += hex(code)
    else if (code >= 0xdc80 && code <= 0xdcff) out += hex(code - 0xdc00)
    else for (const byte of Buffer.from(character, 'utf8')) out += hex(byte)
  }
  return out
}

/**
 * Text for records, logs and screens: what a peer may legally put into user parts, display names and reason phrases but no
 * reader or database wants (control characters, NUL among them, and bytes that are no UTF-8) becomes U+FFFD.
 */
export function toLegible(text: string): string {
  let out = ''
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x20 && code !== 0x7f && (code < 0xd800 || code > 0xdfff)) continue
    const isPair = code < 0xdc00 && code >= 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00
    if (isPair) i++
    else {
      out += `${text.slice(start, i)}\ufffd`
      start = i + 1
    }
  }
  return start === 0 ? text : out + text.slice(start)
}

function hex(byte: number): string {
  return `%${byte < 16 ? '0' : ''}${byte.toString(16).toUpperCase()}`
}

function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at))
  const low = hexDigit(text.charCodeAt(at + 1))
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

/** -1 for anything else, the NaN behind the end of the text included. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function decode(bytes: readonly number[]): string {
  const buffer = Buffer.from(bytes)
  if (isUtf8(buffer)) return buffer.toString('utf8')
  let out = ''
  let i = 0
  while (i < buffer.length) {
    const length = sequenceLength(buffer[i] ?? 0)
    const sequence = buffer.subarray(i, i + length)
    if (sequence.length === length && isUtf8(sequence)) {
      out += sequence.toString('utf8')
      i += length
    } else {
      out += String.fromCharCode(0xdc00 + (buffer[i] ?? 0))
      i++
    }
  }
  return out
}

function sequenceLength(first: number): number {
  if (first < 0xc0) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}
