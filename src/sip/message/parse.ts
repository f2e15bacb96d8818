import { Buffer, isAscii, isUtf8 } from 'node:buffer'
import type { SipCallId } from '../../base/ids.ts'
import { CharClass, skipClass } from './char-classes.ts'
import { HeadReader } from './head-reader.ts'
import { defaultLimits, type MessageLimits } from './limits.ts'
import { MessageError, type MessageErrorCode } from './message-error.ts'
import { salvageRequest } from './refusal.ts'
import type { SipMessage } from './types.ts'

const headEnd = Buffer.from('\r\n\r\n')

/**
 * Reads one datagram, one WebSocket message, or one message that was framed on a stream. RFC 3261 §7, §18.3.
 * Start line, every Via, From, To, Call-ID, CSeq, Max-Forwards, Content-Length, Content-Type, Contact, Route, Record-Route,
 * Expires, Min-Expires and Date are checked here; other header fields are kept as text for who wants them.
 * Empty lines before the start line are skipped (§7.5), bytes behind Content-Length ignored (§18.3).
 * @param bytes - the message keeps a view of it as its body: hand it over, or hand in a copy.
 * @throws MessageError `sip-message.*` and nothing else. Its `reply` is what an answer needs, null where none is due.
 */
export function parseMessage(bytes: Uint8Array, limits: MessageLimits = defaultLimits): SipMessage {
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = skipEmptyLines(buffer)
  const end = buffer.indexOf(headEnd, start)
  // Behind the last header line; without an end of the head, as far as it goes, so that something can be saved of it.
  const stop = end < 0 ? Math.min(buffer.length, start + limits.headBytes) : end + 2
  const isPlain = isAscii(buffer) || isAscii(buffer.subarray(start, stop))
  const text = buffer.toString(isPlain ? 'latin1' : 'utf8', start, stop)
  const reader = new HeadReader(text, limits)
  try {
    if (buffer.length > limits.messageBytes) tooLarge('The message is too large.', limits.messageBytes)
    if (stop - start > limits.headBytes) tooLarge('The head of the message is too large.', limits.headBytes)
    if (end < 0) fail('sip-message.framing', 'The head of the message has no end.')
    if (!isPlain && !isUtf8(buffer.subarray(start, stop)))
      fail('sip-message.framing', 'The head of the message is not UTF-8.')
    reader.readHead()
    return assemble(reader, buffer.subarray(end + 4), limits)
  } catch (error) {
    if (!(error instanceof MessageError)) throw error
    throw located(error, reader, start, !isPlain)
  }
}

/**
 * Whether a datagram is no message but something that keeps a NAT binding open: nothing, or only CR, LF, NUL and blanks
 * (RFC 5626 §3.5.1 knows CRLFCRLF; telephones also send a NUL or a blank). Up to 8 bytes are looked at.
 */
export function isKeepAlive(datagram: Uint8Array): boolean {
  if (datagram.length > 8) return false
  return datagram.every((byte) => byte === 0x0d || byte === 0x0a || byte === 0 || byte === 0x20)
}

function skipEmptyLines(buffer: Buffer): number {
  let i = 0
  while (buffer[i] === 0x0d && buffer[i + 1] === 0x0a) i += 2
  return i
}

function assemble(reader: HeadReader, rest: Uint8Array, limits: MessageLimits): SipMessage {
  const { startLine, headers } = reader
  const vias = reader.vias()
  const from = reader.address('From')
  const to = reader.address('To')
  const sipCallId = callId(reader)
  const cseq = reader.cseq()
  reader.checkRest()
  const body = cutBody(reader, rest, limits)
  reader.leave()
  const { kind } = startLine
  if (kind === 'response') {
    const { status, reason } = startLine
    return { kind, status, reason, headers, body, vias, from, to, sipCallId, cseq }
  }
  const { method, uri } = startLine
  const maxForwards = reader.maxForwards()
  if (cseq.method !== method) {
    reader.enter('CSeq')
    reader.fail('The method of CSeq is not the method of the request (§8.1.1.5).')
  }
  return { kind, method, uri, maxForwards, headers, body, vias, from, to, sipCallId, cseq }
}

/** `callid`: word [ "@" word ]. */
function callId(reader: HeadReader): SipCallId {
  const value = reader.required('Call-ID')
  const end = value.length
  const at = skipClass(value, 0, end, CharClass.word)
  const isLegal = at === end ? end > 0 : at > 0 && value.charCodeAt(at) === 0x40 && at + 1 < end
  if (!isLegal || (at < end && skipClass(value, at + 1, end, CharClass.word) < end)) {
    reader.fail('The Call-ID has a character that is not allowed in it.')
  }
  return value as SipCallId
}

function cutBody(reader: HeadReader, rest: Uint8Array, limits: MessageLimits): Uint8Array {
  const length = reader.contentLength()
  const bodyBytes = length ?? rest.length
  if (bodyBytes > rest.length) {
    fail('sip-message.content-length', 'The body is shorter than Content-Length says.')
  }
  if (bodyBytes > limits.bodyBytes) tooLarge('The body is too large.', limits.bodyBytes)
  return bodyBytes === rest.length ? rest : rest.subarray(0, bodyBytes)
}

function fail(code: MessageErrorCode, sentence: string): never {
  throw new MessageError(code, sentence)
}

/** 513, RFC 3261 §21.5.7. */
function tooLarge(sentence: string, bound: number): never {
  throw new MessageError('sip-message.too-large', sentence, { sipStatus: 513, facts: { bound } })
}

/** The same error with the header field, the place in the message and what can be answered. */
function located(error: MessageError, reader: HeadReader, start: number, hasWideText: boolean): MessageError {
  const { offset } = reader.place
  const header = reader.place.header ?? error.facts.header ?? null
  const inner = typeof error.facts.offset === 'number' ? error.facts.offset : 0
  const place = offset + inner
  const bytes = hasWideText ? Buffer.byteLength(reader.text.slice(0, place)) : place
  const isRequest = reader.startLine.kind === 'request'
  return new MessageError(error.code, header === null ? error.message : `${header}: ${error.message}`, {
    sipStatus: error.sipStatus,
    facts: { ...error.facts, ...(header === null ? {} : { header }), offset: start + bytes },
    reply: isRequest ? salvageRequest(reader.text) : null,
  })
}
