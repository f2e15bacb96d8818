import { parseBounded } from './cseq.ts'
import { readParameters } from './parameters.ts'
import { quote, Scanner } from './scanner.ts'
import { splitList } from './split-list.ts'

/** One value of Reason: RFC 3326 §2. */
export interface ReasonValue {
  /** `SIP`, `Q.850` or another protocol, as it came. */
  readonly protocol: string
  /** A status or a Q.850 cause; null where none was given. */
  readonly cause: number | null
  readonly text: string
}

/**
 * Reads one line of Reason, which may have several values.
 * @throws MessageError `sip-message.header`.
 */
export function parseReasonList(value: string): ReasonValue[] {
  return splitList(value).map((part) => {
    const scanner = new Scanner(part)
    const protocol = scanner.token('A protocol')
    const parameters = readParameters(scanner)
    scanner.expectEnd()
    const cause = parameters.get('cause')
    return {
      protocol,
      // Q.850 causes end at 127, statuses at 699.
      cause: cause === undefined || cause === null ? null : parseBounded(cause, 999),
      text: parameters.get('text') ?? '',
    }
  })
}

/** Writes one value, `Q.850;cause=16;text="Terminated"`. */
export function printReason(reason: ReasonValue): string {
  const cause = reason.cause === null ? '' : `;cause=${reason.cause}`
  const text = reason.text === '' ? '' : `;text=${quote(reason.text)}`
  return `${reason.protocol}${cause}${text}`
}
