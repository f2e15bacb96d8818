import type { Clock } from '../../base/clock.ts'
import { Refusal } from './codec.ts'

const windowMs = 60_000
/** Applications whose windows are kept; past it old windows are dropped first. */
const mostKept = 10_000

/** Counts what one application does within a minute. */
export class MinuteLimit {
  readonly #clock: Clock
  readonly #windows = new Map<string, { count: number; readonly sinceMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Throws Refusal `error_rate_limit_exceeded`. */
  take(key: string, most: number): void {
    const now = this.#clock.now()
    const window = this.#windows.get(key)
    if (!window || now - window.sinceMs >= windowMs) {
      if (this.#windows.size >= mostKept) this.#dropOld(now)
      this.#windows.set(key, { count: 1, sinceMs: now })
      return
    }
    if (window.count >= most) throw new Refusal('error_rate_limit_exceeded')
    window.count++
  }

  #dropOld(now: number): void {
    for (const [key, { sinceMs }] of this.#windows) if (now - sinceMs >= windowMs) this.#windows.delete(key)
    if (this.#windows.size >= mostKept) this.#windows.clear()
  }
}
