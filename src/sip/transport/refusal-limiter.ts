import type { Clock } from '../../base/clock.ts'

const windowMs = 1000
/** A faulty phone retransmits once or twice a second; more than this is no phone. */
const perSource = 10
/** For all sources together: a flood of forged ones makes us send no more than this, and bounds the memory. */
const inAll = 500

/**
 * Bounds how many malformed requests are answered, so that forged ones cannot make this server flood somebody else.
 * Counts begin anew every second.
 */
export class RefusalLimiter {
  readonly #clock: Clock
  readonly #counts = new Map<string, number>()
  #startMs = Number.NEGATIVE_INFINITY
  #total = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether one more answer may go to that address; counts it if so. */
  allows(address: string): boolean {
    const nowMs = this.#clock.now()
    if (nowMs - this.#startMs >= windowMs) {
      this.#startMs = nowMs
      this.#total = 0
      this.#counts.clear()
    }
    const count = this.#counts.get(address) ?? 0
    if (count >= perSource || this.#total >= inAll) return false
    this.#counts.set(address, count + 1)
    this.#total++
    return true
  }
}
