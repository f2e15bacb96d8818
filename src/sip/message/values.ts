import { CharClass, skipClass } from './char-classes.ts'
import { parseBounded } from './cseq.ts'
import type { Headers } from './headers.ts'
import { MessageError } from './message-error.ts'
import { printParameters, readParameters } from './parameters.ts'
import { Scanner } from './scanner.ts'
import type { Parameters } from './types.ts'

/** 2^32 - 1, the largest `delta-seconds` (RFC 3261 §20.19). */
export const maxDeltaSeconds = 2 ** 32 - 1

/** A media type of Content-Type or Accept: §20.15, §20.1. */
export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly type: string
  readonly parameters: Parameters
}

/** Seconds with parameters: Session-Expires (RFC 4028 §4), Min-SE (§5), Retry-After (RFC 3261 §20.33). */
export interface DeltaSeconds {
  readonly seconds: number
  readonly parameters: Parameters
}

/** RFC 3262 §7.2: which reliable provisional response a PRACK acknowledges. */
export interface RAck {
  readonly rseq: number
  readonly cseq: number
  readonly method: string
}

/** A token with parameters: Event, Content-Disposition, Subscription-State and the protocol of Reason. */
export interface TokenWithParameters {
  readonly token: string
  readonly parameters: Parameters
}

/**
 * Reads `Content-Type`, or one value of `Accept` (whose ranges may have `*`).
 * @throws MessageError `sip-message.header`.
 */
export function parseContentType(value: string): MediaType {
  const scanner = new Scanner(value)
  const type = scanner.token('A media type')
  if (!scanner.takeSeparator(0x2f)) scanner.fail('A / was expected in the media type.')
  const subtype = scanner.token('A media subtype')
  const parameters = readParameters(scanner)
  scanner.expectEnd()
  return { type: `${type}/${subtype}`.toLowerCase(), parameters }
}

/**
 * Whether the Accept header fields let a type through. None at all: application/sdp alone (§20.1); an empty one: nothing.
 * @param type - `type/subtype` in lower case.
 * @throws MessageError `sip-message.header`.
 */
export function accepts(headers: Headers, type: string): boolean {
  if (!headers.has('Accept')) return type === 'application/sdp'
  const wildcard = `${type.slice(0, type.indexOf('/'))}/*`
  return headers.list('Accept').some((value) => {
    const range = parseContentType(value)
    if (range.parameters.has('q') && Number(range.parameters.get('q')) === 0) return false
    return range.type === type || range.type === wildcard || range.type === '*/*'
  })
}

/**
 * Every token of a list: Require, Proxy-Require, Supported, Unsupported, Allow, In the case they were written in (option
 * tags and event packages are compared without case, methods with).
 * @throws MessageError `sip-message.header` when a part is no token.
 */
export function tokenList(headers: Headers, name: string): readonly string[] {
  return headers.list(name).map((part) => {
    if (skipClass(part, 0, part.length, CharClass.token) < part.length) {
      throw new MessageError('sip-message.header', `${name}: A token was expected.`, { facts: { header: name } })
    }
    return part
  })
}

/** Whether an option tag stands in Require or Supported (or any other list of tokens). Compared without case. */
export function hasOption(headers: Headers, name: string, option: string): boolean {
  if (!headers.has(name)) return false
  return tokenList(headers, name).some((token) => token.toLowerCase() === option)
}

/**
 * Reads `delta-seconds` with parameters and, for Retry-After, a comment in between, which is dropped.
 * @throws MessageError `sip-message.header`.
 */
export function parseDeltaSeconds(value: string): DeltaSeconds {
  const scanner = new Scanner(value)
  scanner.skipBlanks()
  const seconds = parseBounded(scanner.take(CharClass.digit, 'A number of seconds'), maxDeltaSeconds)
  scanner.skipBlanks()
  if (scanner.peek() === 0x28) skipComment(scanner)
  const parameters = readParameters(scanner)
  scanner.expectEnd()
  return { seconds, parameters }
}

export function printDeltaSeconds(value: DeltaSeconds): string {
  return `${value.seconds}${printParameters(value.parameters)}`
}

/** `comment` of §25.1: parentheses nest, a backslash escapes. */
function skipComment(scanner: Scanner): void {
  let depth = 0
  for (let i = scanner.position; i < scanner.end; i++) {
    const code = scanner.text.charCodeAt(i)
    if (code === 0x5c) i++
    else if (code === 0x28) depth++
    else if (code === 0x29 && --depth === 0) {
      scanner.position = i + 1
      scanner.skipBlanks()
      return
    }
  }
  scanner.fail('A comment is not closed.')
}

/**
 * Reads Event (RFC 6665 §8.2.1), Content-Disposition (RFC 3261 §20.11), Subscription-State (RFC 6665 §8.2.3).
 * @throws MessageError `sip-message.header`.
 */
export function parseTokenWithParameters(value: string): TokenWithParameters {
  const scanner = new Scanner(value)
  scanner.skipBlanks()
  const token = scanner.token('A token')
  const parameters = readParameters(scanner)
  scanner.expectEnd()
  return { token, parameters }
}

/**
 * Reads RSeq: 1 to 2^32 - 1 (RFC 3262 §7.1).
 * @throws MessageError `sip-message.header`.
 */
export function parseRSeq(value: string): number {
  const number = parseBounded(value, maxDeltaSeconds)
  if (number === 0) throw new MessageError('sip-message.header', 'An RSeq begins at 1.')
  return number
}

/**
 * Reads RAck: two numbers and a method (RFC 3262 §7.2).
 * @throws MessageError `sip-message.header`.
 */
export function parseRAck(value: string): RAck {
  const scanner = new Scanner(value)
  const rseq = parseRSeq(scanner.take(CharClass.digit, 'A response number'))
  scanner.skipBlanks()
  const cseq = parseBounded(scanner.take(CharClass.digit, 'A sequence number'), maxDeltaSeconds)
  scanner.skipBlanks()
  const method = scanner.token('A method')
  scanner.expectEnd()
  return { rseq, cseq, method }
}

export function printRAck(rack: RAck): string {
  return `${rack.rseq} ${rack.cseq} ${rack.method}`
}

/**
 * Reads the `q` of a Contact: 0 to 1 with at most three decimals (§25.1 `qvalue`); absent counts as 1.
 * @throws MessageError `sip-message.header`.
 */
export function parseQ(value: string | null | undefined): number {
  if (value === undefined) return 1
  const whole = value?.slice(0, 1)
  const decimals = value?.slice(2) ?? ''
  const isShaped =
    value !== null &&
    (whole === '0' || whole === '1') &&
    (value.length === 1 || value[1] === '.') &&
    decimals.length <= 3 &&
    skipClass(decimals, 0, decimals.length, CharClass.digit) === decimals.length
  const q = Number(value)
  if (!isShaped || q > 1) throw new MessageError('sip-message.header', 'A q is a number of 0 to 1 with three decimals.')
  return q
}
