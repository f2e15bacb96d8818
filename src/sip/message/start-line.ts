import { CharClass, isDigits, isToken, skipClass } from './char-classes.ts'
import type { MessageLimits } from './limits.ts'
import { MessageError } from './message-error.ts'
import { isSipUri, type Uri } from './types.ts'
import { parseUri } from './uri.ts'

export interface RequestLine {
  readonly kind: 'request'
  readonly method: string
  readonly uri: Uri
}

export interface StatusLine {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
}

/**
 * Reads the first line of a message, without its CRLF. RFC 3261 §7.1, §7.2.
 * A Status-Line may end behind its code without the blank that the grammar asks for: a response is too dear to drop for that.
 * @throws MessageError `sip-message.start-line`, `sip-message.version` (505), `sip-message.uri`, `sip-message.too-large` (414).
 */
export function parseStartLine(line: string, limits: MessageLimits): RequestLine | StatusLine {
  const blank = line.indexOf(' ')
  if (blank <= 0) fail('The first line has no blank.', 0)
  const first = line.slice(0, blank)
  // A / is in no method, so this can only be a version.
  if (first.includes('/')) {
    checkVersion(first, 0)
    return readStatus(line, blank + 1)
  }
  return readRequest(line, first, blank + 1, limits)
}

function readRequest(line: string, method: string, from: number, limits: MessageLimits): RequestLine {
  if (!isToken(method)) fail('The method is no token.', 0)
  const blank = line.indexOf(' ', from)
  if (blank < 0) fail('The Request-Line has no version.', from)
  const version = line.slice(blank + 1)
  // Exactly one blank stands between the three parts (§7.1); a second one leaves a part empty or the version wrong.
  if (blank === from) fail('The Request-URI is empty.', from)
  checkVersion(version, blank + 1)
  try {
    const uri = parseUri(line.slice(from, blank), limits.uriLength)
    if (isSipUri(uri) && uri.headers.length > 0) fail('The Request-URI may have no headers (§19.1.1).', from)
    return { kind: 'request', method, uri }
  } catch (error) {
    if (!(error instanceof MessageError) || error.code === 'sip-message.start-line') throw error
    const offset = typeof error.facts.offset === 'number' ? error.facts.offset : 0
    throw new MessageError(error.code, error.message, {
      sipStatus: error.sipStatus,
      facts: { ...error.facts, offset: from + offset },
    })
  }
}

function readStatus(line: string, from: number): StatusLine {
  const end = skipClass(line, from, line.length, CharClass.digit)
  const status = Number(line.slice(from, end))
  if (end - from !== 3 || status < 100 || status > 699) fail('The status code is not one of 100 to 699.', from)
  if (end < line.length && line.charCodeAt(end) !== 0x20) fail('A blank was expected behind the status code.', end)
  return { kind: 'response', status, reason: line.slice(end + 1) }
}

/** `SIP-Version`: compared without case (§7.1). */
function checkVersion(text: string, offset: number): void {
  if (text === 'SIP/2.0' || text.toUpperCase() === 'SIP/2.0') return
  const [protocol = '', numbers = '', ...rest] = text.split('/', 3)
  const [major = '', minor = '', ...more] = numbers.split('.', 3)
  const isSip = protocol.toUpperCase() === 'SIP' && rest.length === 0
  if (isSip && more.length === 0 && isDigits(major) && isDigits(minor)) {
    throw new MessageError('sip-message.version', 'The message is not of SIP/2.0.', {
      sipStatus: 505,
      facts: { offset },
    })
  }
  fail('SIP/2.0 was expected.', offset)
}

function fail(sentence: string, offset: number): never {
  throw new MessageError('sip-message.start-line', sentence, { facts: { offset } })
}
