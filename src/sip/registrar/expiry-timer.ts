import type { Cancel, Clock } from '../../base/clock.ts'

/** Sweeps are at least this far apart: many bindings that run out in one second share a sweep. */
const leastSweepMs = 1000
/** Timers reach no further than 2^31 ms. */
const mostSweepMs = 2_000_000_000

/**
 * One timer for any number of things that expire: it wakes at the soonest of their times, sweeps, and is told the next one.
 * A thing whose time moved on in between (a refreshed registration) costs one idle sweep, nothing else.
 */
export class ExpiryTimer {
  readonly #clock: Clock
  readonly #sweep: (wallTime: number) => number | null
  #dueAt = Number.POSITIVE_INFINITY
  #cancel: Cancel | null = null

  /** @param sweep - removes what has run out; returns the wall time of the soonest of the others, or null. */
  constructor(clock: Clock, sweep: (wallTime: number) => number | null) {
    this.#clock = clock
    this.#sweep = sweep
  }

  /** Something will run out at this wall time. */
  expect(wallTime: number): void {
    if (wallTime >= this.#dueAt) return
    this.#cancel?.()
    this.#dueAt = wallTime
    const ms = Math.min(Math.max(wallTime - this.#clock.wallTime(), leastSweepMs), mostSweepMs)
    this.#cancel = this.#clock.after(ms, () => this.#wake())
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  #wake(): void {
    this.stop()
    const next = this.#sweep(this.#clock.wallTime())
    if (next !== null) this.expect(next)
  }
}
