import type { DetectedDigit, DigitCarrier } from '../media/plane/types.ts'

/** One key press as first heard, and by which carriers it has been heard by now. */
interface Press {
  readonly digit: string
  readonly startedMs: number
  readonly carriers: Set<DigitCarrier>
}

/**
 * Within this time two reports of one key by two carriers are one key press. INFO is sent when the key is released and
 * may cross a slow network; RFC 4733 and tones come while it is down.
 */
const samePressMs = 1000

/**
 * Makes one stream of digits out of up to three carriers. The n-th press of a key by one carrier is the n-th press of
 * that key by another: so `55` by RFC 4733 and INFO together is two fives, not one and not four.
 */
export class DigitFilter {
  #presses: Press[] = []

  /** Whether this is a key press not yet told of. */
  accept(report: DetectedDigit): boolean {
    this.#presses = this.#presses.filter((press) => report.startedMs - press.startedMs < samePressMs)
    const known = this.#presses.find(
      (press) =>
        press.digit === report.digit &&
        !press.carriers.has(report.carrier) &&
        Math.abs(report.startedMs - press.startedMs) < samePressMs,
    )
    if (known) {
      known.carriers.add(report.carrier)
      return false
    }
    this.#presses.push({ digit: report.digit, startedMs: report.startedMs, carriers: new Set([report.carrier]) })
    return true
  }
}
