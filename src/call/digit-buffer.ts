import type { Clock } from '../base/clock.ts'
import type { DetectedDigit } from '../media/plane/types.ts'

/** More typed ahead than any menu reads; what comes on top is dropped, oldest kept. */
const capacity = 128

export type DigitWait =
  | { readonly kind: 'digit'; readonly digit: DetectedDigit }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'cancelled' }

/**
 * Keeps the digits of a call from the moment it is answered, so that what is typed before a prompt ends, between two
 * prompts, or before anybody asks is not lost. One reader at a time.
 */
export class DigitBuffer {
  readonly #clock: Clock
  readonly #digits: DetectedDigit[] = []
  #waiting: ((result: DigitWait) => void) | null = null
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  push(digit: DetectedDigit): void {
    if (this.#isClosed) return
    if (this.#waiting) this.#waiting({ kind: 'digit', digit })
    else if (this.#digits.length < capacity) this.#digits.push(digit)
  }

  /** Forgets what was typed ahead. */
  clear(): void {
    this.#digits.length = 0
  }

  /** Forgets what was typed ahead but the first so many. */
  keepFirst(count: number): void {
    this.#digits.length = Math.min(this.#digits.length, count)
  }

  /**
   * The next digit, at once where one was typed ahead.
   * @param timeoutMs - null waits until a digit comes, `cancel` is called or the call ends.
   */
  next(timeoutMs: number | null): { readonly result: Promise<DigitWait>; cancel(): void } {
    const ready = this.#digits.shift()
    if (ready) return { result: Promise.resolve({ kind: 'digit', digit: ready }), cancel: () => {} }
    if (this.#isClosed) return { result: Promise.resolve({ kind: 'cancelled' }), cancel: () => {} }
    this.#waiting?.({ kind: 'cancelled' })
    let settle: (result: DigitWait) => void = () => {}
    const result = new Promise<DigitWait>((resolve) => {
      const cancelTimer = timeoutMs === null ? null : this.#clock.after(timeoutMs, () => settle({ kind: 'timeout' }))
      settle = (value) => {
        cancelTimer?.()
        if (this.#waiting === settle) this.#waiting = null
        resolve(value)
      }
      this.#waiting = settle
    })
    return { result, cancel: () => settle({ kind: 'cancelled' }) }
  }

  /** The call is over: whoever waits is told, later digits are dropped. */
  close(): void {
    this.#isClosed = true
    this.clear()
    this.#waiting?.({ kind: 'cancelled' })
  }
}
