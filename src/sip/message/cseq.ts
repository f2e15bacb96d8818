import { CharClass, isDigits, skipClass } from './char-classes.ts'
import { MessageError } from './message-error.ts'
import { Scanner } from './scanner.ts'
import type { CSeq } from './types.ts'

/** The largest sequence number: "less than 2**31", RFC 3261 §8.1.1.5. */
export const maxCSeq = 2 ** 31 - 1

/**
 * Reads `CSeq`: a number, blanks, a method. RFC 3261 §20.16.
 * @throws MessageError `sip-message.header`.
 */
export function parseCSeq(value: string): CSeq {
  const scanner = new Scanner(value)
  const number = parseBounded(scanner.take(CharClass.digit, 'A sequence number'), maxCSeq)
  const code = scanner.peek()
  if (code !== 0x20 && code !== 0x09) scanner.fail('A blank was expected behind the sequence number.')
  scanner.skipBlanks()
  const method = scanner.token('A method')
  scanner.expectEnd()
  return { number, method }
}

export function printCSeq(cseq: CSeq): string {
  return `${cseq.number} ${cseq.method}`
}

/**
 * A number made of digits only, from 0 to `max`.
 * @throws MessageError `sip-message.header`.
 */
export function parseBounded(text: string, max: number): number {
  if (!isDigits(text)) {
    throw new MessageError('sip-message.header', 'A number was expected.', {
      facts: { offset: skipClass(text, 0, text.length, CharClass.digit) },
    })
  }
  const number = Number(text)
  if (number > max) {
    throw new MessageError('sip-message.header', 'The number is too large.', { facts: { offset: 0, bound: max } })
  }
  return number
}
