import type { DetectedDigit, Digit } from '../media/plane/types.ts'
import { DigitFilter } from './digit-filter.ts'
import { readInfoDigit } from './info-digit.ts'

export interface LegDigitsUser {
  digitReceived(digit: DetectedDigit): void
  /** Whether tones in the audio are to be looked for. */
  armInband(isArmed: boolean): void
}

/** The keys that the peer presses: one stream of them, whatever carries them. */
export class LegDigits {
  /**
   * Takes the keys that have to be handed on to a party joined with this one. RFC 4733 events and tones pass through the media
   * plane by themselves; INFO does not, so only its keys come here, and none of a telephone that also sends events.
   */
  relay: ((digit: Digit) => void) | null = null
  readonly #user: LegDigitsUser
  readonly #filter = new DigitFilter()
  #collecting = 0
  /** Set by the first RFC 4733 or INFO digit: tones in the audio are speech from then on. */
  #hasBetterCarrier = false
  #sendsEvents = false

  constructor(user: LegDigitsUser) {
    this.#user = user
  }

  /** A collector has begun or ended; there may be several. */
  collect(isCollecting: boolean): void {
    this.#collecting = Math.max(0, this.#collecting + (isCollecting ? 1 : -1))
    this.#arm()
  }

  received(digit: DetectedDigit): void {
    const { carrier } = digit
    if (carrier !== 'inband' && !this.#hasBetterCarrier) {
      this.#hasBetterCarrier = true
      this.#arm()
    }
    if (carrier === 'rfc4733') this.#sendsEvents = true
    if (!this.#filter.accept(digit)) return
    if (carrier === 'info' && !this.#sendsEvents) this.relay?.(digit.digit)
    this.#user.digitReceived(digit)
  }

  /** INFO in the dialog. @returns the status for it. */
  infoReceived(contentType: string | null, body: Uint8Array, nowMs: number): 200 | 415 {
    const info = readInfoDigit(contentType, body)
    if (info === 'unsupported') return 415
    // A flash or a damaged body is answered 200 all the same: a refusal makes some telephones hang up.
    if (info) {
      const startedMs = nowMs - Math.min(info.durationMs, 1000)
      this.received({ digit: info.digit, carrier: 'info', startedMs, durationMs: info.durationMs })
    }
    return 200
  }

  #arm(): void {
    this.#user.armInband(this.#collecting > 0 && !this.#hasBetterCarrier)
  }
}
