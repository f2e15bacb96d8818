import { Buffer } from 'node:buffer'
import { isToken } from './char-classes.ts'
import { headerKey } from './header-names.ts'
import { Headers } from './headers.ts'
import { MessageError } from './message-error.ts'
import type { SipMessage } from './types.ts'
import { type MediaType, parseContentType } from './values.ts'

/** Deeper nesting and more parts than any use known have; both bound the work on one body. */
const maxDepth = 4
const maxParts = 32
const maxPartHeaders = 16

/** One part of a body, or the whole body of a message that is not multipart. */
export interface BodyPart {
  readonly type: MediaType
  /** Header fields of the part: Content-Disposition, Content-ID and others. Those of the message for a whole body. */
  readonly headers: Headers
  /** A view of the message's body. */
  readonly bytes: Uint8Array
}

/** RFC 2046 §5.1.2, §5.1: a part without Content-Type is this. */
const plainText: MediaType = { type: 'text/plain', parameters: new Map() }

/**
 * The body of a message when it is of that very type, else null. An empty body is null.
 * @param type - `type/subtype` in lower case.
 */
export function bodyOf(message: SipMessage, type: string): Uint8Array | null {
  const value = message.headers.get('Content-Type')
  if (value === undefined || message.body.length === 0) return null
  return parseContentType(value).type === type ? message.body : null
}

/**
 * The bytes of the first part of that type, in the body itself or anywhere within multipart/* (RFC 2046 §5.1, RFC 5621).
 * @param type - `type/subtype` in lower case: `application/sdp`.
 * @returns a view of the body, or null when there is no such part.
 * @throws MessageError `sip-message.body` when the multipart is not well put together.
 */
export function findBodyPart(message: SipMessage, type: string): Uint8Array | null {
  return bodyParts(message).find((part) => part.type.type === type)?.bytes ?? null
}

/**
 * Every part of the body that is not itself multipart, in order; the whole body as one part when it is not multipart; none
 * when it is empty. Throws as `findBodyPart`.
 */
export function bodyParts(message: SipMessage): readonly BodyPart[] {
  if (message.body.length === 0) return []
  const value = message.headers.get('Content-Type')
  const type = value === undefined ? plainText : parseContentType(value)
  const found: BodyPart[] = []
  collect({ type, headers: message.headers, bytes: message.body }, 0, found)
  return found
}

/** Whether the body is multipart, or one of its parts is, of a kind other than the given ones. */
export function isMultipart(message: SipMessage): boolean {
  return message.headers.get('Content-Type')?.toLowerCase().startsWith('multipart/') ?? false
}

function collect(part: BodyPart, depth: number, found: BodyPart[]): void {
  if (!part.type.type.startsWith('multipart/')) {
    if (found.length >= maxParts) fail('The body has too many parts.', maxParts)
    found.push(part)
    return
  }
  if (depth >= maxDepth) fail('The body is nested too deeply.', maxDepth)
  for (const bytes of split(part.bytes, boundaryOf(part.type))) collect(readPart(bytes), depth + 1, found)
}

/** `bchars` of RFC 2046 §5.1.1 besides letters and digits. */
const boundaryMarks = "'()+_,-./:=? "

/** `boundary`: 1 to 70 characters of `bchars`, the last no blank. RFC 2046 §5.1.1. */
function boundaryOf(type: MediaType): string {
  const boundary = type.parameters.get('boundary') ?? ''
  const isLegal = boundary.length >= 1 && boundary.length <= 70 && !boundary.endsWith(' ')
  if (!isLegal) fail('The boundary is missing or too long.')
  for (let i = 0; i < boundary.length; i++) {
    const code = boundary.charCodeAt(i)
    if (!isAlphanumeric(code) && !boundaryMarks.includes(boundary.charAt(i))) fail('The boundary is illegal.')
  }
  return boundary
}

function isAlphanumeric(code: number): boolean {
  const lower = code | 0x20
  return (code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x7a && code < 0x80)
}

/**
 * Cuts a multipart body at its delimiters. RFC 2046 §5.1.1:
 *
 *     [preamble CRLF] --boundary pad CRLF part *( CRLF --boundary pad CRLF part ) CRLF --boundary-- pad [CRLF epilogue]
 */
function split(body: Uint8Array, boundary: string): Uint8Array[] {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  const parts: Uint8Array[] = []
  let partStart = -1
  let searchFrom = 0
  for (;;) {
    const at = buffer.indexOf(mark, searchFrom)
    if (at < 0) fail('The last delimiter is missing.')
    const isLineStart = at === 0 || (buffer[at - 1] === 0x0a && buffer[at - 2] === 0x0d)
    const behind = isLineStart ? behindDelimiter(buffer, at + mark.length) : null
    if (behind === null) {
      searchFrom = at + 1
      continue
    }
    // The CRLF before a delimiter belongs to it. It may be the one that ended the delimiter before: an empty part.
    if (partStart >= 0) parts.push(buffer.subarray(partStart, Math.max(partStart, at - 2)))
    if (behind.isLast) return parts
    if (parts.length >= maxParts) fail('The body has too many parts.', maxParts)
    partStart = behind.end
    searchFrom = behind.end
  }
}

/** What follows a boundary: `--` for the last, blanks, and CRLF (or the end behind the last). Null: no delimiter. */
function behindDelimiter(buffer: Buffer, from: number): { readonly isLast: boolean; readonly end: number } | null {
  const isLast = buffer[from] === 0x2d && buffer[from + 1] === 0x2d
  let i = isLast ? from + 2 : from
  while (buffer[i] === 0x20 || buffer[i] === 0x09) i++
  if (buffer[i] === 0x0d && buffer[i + 1] === 0x0a) return { isLast, end: i + 2 }
  return isLast && i === buffer.length ? { isLast, end: i } : null
}

/** A part: header lines, an empty line, and the bytes. Without header fields it begins with the empty line. */
function readPart(bytes: Uint8Array): BodyPart {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headers = Headers.empty()
  let position = 0
  let open: { readonly name: string; value: string } | null = null
  for (;;) {
    const end = buffer.indexOf('\r\n', position, 'latin1')
    if (end < 0) fail('The header fields of a part have no end.')
    const line = buffer.toString('utf8', position, end)
    position = end + 2
    if (open !== null && (line.startsWith(' ') || line.startsWith('\t'))) {
      open.value = `${open.value} ${line.trim()}`.trim()
      continue
    }
    if (open !== null) headers.append(open.name, open.value)
    if (line === '') break
    if (headers.count >= maxPartHeaders) fail('A part has too many header fields.', maxPartHeaders)
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trimEnd()
    if (!isToken(name)) fail('A header field of a part is illegal.')
    open = { name, value: line.slice(colon + 1).trim() }
  }
  const type = headers.get(headerKey('Content-Type'))
  return { type: type === undefined ? plainText : parseContentType(type), headers, bytes: bytes.subarray(position) }
}

function fail(sentence: string, bound?: number): never {
  throw new MessageError('sip-message.body', sentence, bound === undefined ? {} : { facts: { bound } })
}
