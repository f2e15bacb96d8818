import type { Clock } from '../base/clock.ts'

const windowMs = 60_000
/** Addresses watched at once: beyond it all is forgotten, so that nobody fills the memory. */
const addressesWatched = 10_000

/** Counts wrong secrets by address, so that who guesses is slowed down. */
export class FailureWindow {
  readonly #clock: Clock
  readonly #allowed: number
  readonly #failures = new Map<string, { count: number; readonly sinceMs: number }>()

  /** @param allowed - failures within a minute before an address has to wait. */
  constructor(clock: Clock, allowed: number) {
    this.#clock = clock
    this.#allowed = allowed
  }

  mustWait(address: string): boolean {
    return (this.#fresh(address)?.count ?? 0) >= this.#allowed
  }

  note(address: string): void {
    const fresh = this.#fresh(address)
    if (fresh) {
      fresh.count++
      return
    }
    if (this.#failures.size >= addressesWatched) this.#failures.clear()
    this.#failures.set(address, { count: 1, sinceMs: this.#clock.now() })
  }

  #fresh(address: string): { count: number } | null {
    const failed = this.#failures.get(address)
    return failed && this.#clock.now() - failed.sinceMs < windowMs ? failed : null
  }
}
