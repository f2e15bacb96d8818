import type { Cancel, Clock } from '../../src/base/clock.ts'

interface Pending {
  readonly dueMs: number
  readonly order: number
  readonly fn: () => void
}

/** A clock that stands still until told to move. Timers fire in due order, and in the order set where due together. */
export class TestClock implements Clock {
  #nowMs = 0
  #order = 0
  readonly #startWallTime: number
  readonly #pending = new Set<Pending>()

  constructor(options: { wallTime?: number } = {}) {
    this.#startWallTime = options.wallTime ?? Date.UTC(2026, 0, 1)
  }

  now(): number {
    return this.#nowMs
  }

  wallTime(): number {
    return this.#startWallTime + Math.floor(this.#nowMs)
  }

  after(ms: number, fn: () => void): Cancel {
    const entry: Pending = { dueMs: this.#nowMs + Math.max(0, Math.ceil(ms)), order: this.#order++, fn }
    this.#pending.add(entry)
    return () => this.#pending.delete(entry)
  }

  /** How many timers wait. Flow tests end with 0. */
  get pending(): number {
    return this.#pending.size
  }

  /** Milliseconds until the next timer is due, or null when none waits. */
  get untilNext(): number | null {
    const next = this.#next(Number.POSITIVE_INFINITY)
    return next ? Math.max(0, next.dueMs - this.#nowMs) : null
  }

  /** Moves time on by `ms`, firing every timer that falls due, those set on the way included. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) this.#fire(next)
    this.#nowMs = untilMs
  }

  /** As `advance`, letting promises settle before each timer, after the last one, and at least `settleRounds` deep. */
  async advanceAsync(ms: number, settleRounds = 5): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle(settleRounds)
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#fire(next)
      await settle(settleRounds)
    }
    this.#nowMs = untilMs
    await settle(settleRounds)
  }

  #fire(entry: Pending): void {
    this.#pending.delete(entry)
    this.#nowMs = Math.max(this.#nowMs, entry.dueMs)
    entry.fn()
  }

  #next(untilMs: number): Pending | undefined {
    let first: Pending | undefined
    for (const entry of this.#pending) {
      if (entry.dueMs > untilMs) continue
      if (!first || entry.dueMs < first.dueMs || (entry.dueMs === first.dueMs && entry.order < first.order))
        first = entry
    }
    return first
  }
}

/** Lets promise callbacks and immediates run, `rounds` times over. */
export async function settle(rounds = 5): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setImmediate(resolve))
}
