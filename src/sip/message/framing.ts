import { Buffer } from 'node:buffer'
import { isDigits } from './char-classes.ts'
import { knownHeader } from './header-names.ts'
import { defaultLimits, type MessageLimits } from './limits.ts'
import { MessageError } from './message-error.ts'
import { salvageRequest } from './refusal.ts'
import { isBlank } from './scanner.ts'

/** What stands at the start of the bytes of a stream. */
export type Frame =
  /** Nothing whole yet. `searched` is handed in at the next try, so that no byte is searched twice. */
  | { readonly kind: 'incomplete'; readonly searched: number }
  /** One CRLF between messages, or the answer to a keep-alive (RFC 5626 §3.5.1). Two bytes; nothing is to be done. */
  | { readonly kind: 'empty-line'; readonly end: 2 }
  /** A double CRLF: the peer's keep-alive, answered with one CRLF (RFC 5626 §3.5.1). */
  | { readonly kind: 'keep-alive'; readonly end: 4 }
  /** A message stands in front of `end`. */
  | { readonly kind: 'message'; readonly end: number }
  /** The head is whole, the body not yet: `end` is where it will end. */
  | { readonly kind: 'body-missing'; readonly end: number }

const headEnd = Buffer.from('\r\n\r\n')

/**
 * Finds the first message on a stream: RFC 3261 §18.3. On a stream Content-Length must be there, once, as a plain number;
 * with anything else nobody knows where the next message begins, so the connection has to be closed after the answer.
 * @param bytes - what has come and was not consumed, from the start of a message.
 * @param searched - how far a call before found no end of the head; 0 at first.
 * @throws MessageError `sip-message.content-length`, `sip-message.too-large` (513), with a `reply` where there can be one.
 */
export function findFrame(bytes: Uint8Array, limits: MessageLimits = defaultLimits, searched = 0): Frame {
  if (bytes[0] === 0x0d && (bytes.length < 2 || bytes[1] === 0x0a)) return emptyLine(bytes)
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // The end may straddle what was searched.
  const at = buffer.indexOf(headEnd, Math.max(0, searched - (headEnd.length - 1)))
  const headBytes = at < 0 ? buffer.length : at + headEnd.length
  if (headBytes > limits.headBytes)
    refuse(buffer, 'sip-message.too-large', 'The head of the message is too large.', limits.headBytes)
  if (at < 0) return { kind: 'incomplete', searched: buffer.length }
  const head = buffer.toString('latin1', 0, at + 2)
  const length = contentLength(head)
  if (typeof length === 'string') refuse(buffer.subarray(0, headBytes), 'sip-message.content-length', length)
  const end = headBytes + length
  if (length > limits.bodyBytes || end > limits.messageBytes) {
    refuse(buffer.subarray(0, headBytes), 'sip-message.too-large', 'The message is too large.', limits.messageBytes)
  }
  return buffer.length < end ? { kind: 'body-missing', end } : { kind: 'message', end }
}

/** One CRLF is told from two only by what follows. */
function emptyLine(bytes: Uint8Array): Frame {
  if (bytes.length < 3 || (bytes[2] === 0x0d && bytes.length < 4)) return { kind: 'incomplete', searched: 0 }
  return bytes[2] === 0x0d && bytes[3] === 0x0a ? { kind: 'keep-alive', end: 4 } : { kind: 'empty-line', end: 2 }
}

/** The one Content-Length of a head, or the sentence that says what is wrong with it. */
function contentLength(head: string): number | string {
  let found: number | null = null
  let position = head.indexOf('\r\n') + 2
  while (position > 1 && position < head.length) {
    let end = head.indexOf('\r\n', position)
    if (end < 0) end = head.length
    const colon = isLengthName(head.charCodeAt(position)) ? head.indexOf(':', position) : -1
    const isLength = colon >= 0 && colon < end && isContentLength(head.slice(position, colon))
    // Folded lines belong to the value.
    while (end + 2 < head.length && isBlank(head.charCodeAt(end + 2))) {
      const next = head.indexOf('\r\n', end + 2)
      end = next < 0 ? head.length : next
    }
    if (isLength) {
      const value = head.slice(colon + 1, end).trim()
      if (!isDigits(value) || Number(value) > Number.MAX_SAFE_INTEGER) return 'Content-Length is not a plain number.'
      if (found !== null) return 'Content-Length stands twice.'
      found = Number(value)
    }
    position = end + 2
  }
  return found ?? 'Content-Length is missing, which a stream needs.'
}

/** C, c, L or l: the first letter rules out nearly every line without making a string. */
function isLengthName(code: number): boolean {
  const lower = code | 0x20
  return lower === 0x63 || lower === 0x6c
}

function isContentLength(spelling: string): boolean {
  return knownHeader(spelling.trimEnd())?.key === 'content-length'
}

function refuse(
  head: Buffer,
  code: 'sip-message.content-length' | 'sip-message.too-large',
  sentence: string,
  bound?: number,
): never {
  throw new MessageError(code, sentence, {
    sipStatus: code === 'sip-message.too-large' ? 513 : 400,
    facts: bound === undefined ? { header: 'Content-Length' } : { bound },
    reply: salvageRequest(head.toString('utf8')),
  })
}
