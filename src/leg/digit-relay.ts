import type { Digit, PlayEnd } from '../media/plane/types.ts'
import type { Sending } from './leg.ts'

/** Keys that wait while one is sent; a hand presses no more in that time. */
const maxWaiting = 32

/** Hands keys of one party on to another, one after the other: what is sent meanwhile would end what is being sent. */
export class DigitRelay {
  readonly #send: (digits: readonly Digit[]) => Sending
  #waiting: Digit[] = []
  #running: Sending | null = null

  constructor(send: (digits: readonly Digit[]) => Sending) {
    this.#send = send
  }

  add(digit: Digit): void {
    if (this.#waiting.length < maxWaiting) this.#waiting.push(digit)
    if (!this.#running) this.#next()
  }

  /** What waits is not sent any more; the key that is being sent is finished. */
  clear(): void {
    this.#waiting = []
  }

  #next(): void {
    const digits = this.#waiting
    this.#waiting = []
    this.#running = digits.length === 0 ? null : this.#send(digits)
    this.#running?.ended.then(
      (end) => this.#sent(end),
      () => this.#sent('stopped'),
    )
  }

  /** Stopped: the leg has ended, or somebody sends digits of its own on it. */
  #sent(end: PlayEnd): void {
    if (end === 'stopped') this.clear()
    this.#next()
  }
}
