import type { Clock } from '../base/clock.ts'

/** Where the totals are kept over a restart. Implemented by the root over the store; both resolve when done. */
export interface MinutesStore {
  get(tenant: string): Promise<string | null>
  set(tenant: string, value: string): Promise<void>
}

interface Usage {
  /** `2026-11-21`, in the tenant's time zone. */
  day: string
  /** Of conversations that are over. */
  usedMs: number
  /** Those that go on: since when, in clock ms. */
  readonly running: Set<{ readonly sinceMs: number }>
}

const minuteMs = 60_000

/**
 * Counts a tenant's outbound minutes per day of its own calendar, those of conversations that go on among them, so that a
 * stolen password costs a day's minutes and no more. A conversation over midnight counts for the day on which it ends.
 */
export class OutboundMinutes {
  readonly #clock: Clock
  readonly #store: MinutesStore
  readonly #failed: (thrown: unknown) => void
  readonly #tenants = new Map<string, Usage>()

  /** @param failed - told when a total could not be kept: it counts in this process all the same. */
  constructor(clock: Clock, store: MinutesStore, failed: (thrown: unknown) => void) {
    this.#clock = clock
    this.#store = store
    this.#failed = failed
  }

  /** Takes over what the server before this one had counted. Rejects with StoreError. */
  async load(tenants: Iterable<{ readonly name: string; readonly timeZone: string }>): Promise<void> {
    for (const { name, timeZone } of tenants) {
      const [day, ms] = ((await this.#store.get(name)) ?? '').split(' ')
      const usage = this.#usageOf(name, timeZone)
      if (day === usage.day && Number.isFinite(Number(ms))) usage.usedMs = Number(ms)
    }
  }

  /** What is left today, 0 when nothing is. Milliseconds. */
  leftMs(tenant: string, timeZone: string, minutesPerDay: number): number {
    const usage = this.#usageOf(tenant, timeZone)
    const now = this.#clock.now()
    let usedMs = usage.usedMs
    for (const { sinceMs } of usage.running) usedMs += now - sinceMs
    return Math.max(0, minutesPerDay * minuteMs - usedMs)
  }

  /** A conversation has begun. Returns the way to say that it is over; idempotent. */
  begin(tenant: string, timeZone: string): () => void {
    const conversation = { sinceMs: this.#clock.now() }
    this.#usageOf(tenant, timeZone).running.add(conversation)
    return () => {
      const usage = this.#usageOf(tenant, timeZone)
      if (!usage.running.delete(conversation)) return
      usage.usedMs += this.#clock.now() - conversation.sinceMs
      this.#store.set(tenant, `${usage.day} ${Math.round(usage.usedMs)}`).catch(this.#failed)
    }
  }

  #usageOf(tenant: string, timeZone: string): Usage {
    // The Swedish form of a date is that of ISO 8601.
    const day = new Date(this.#clock.wallTime()).toLocaleDateString('sv-SE', { timeZone })
    let usage = this.#tenants.get(tenant)
    if (!usage) {
      usage = { day, usedMs: 0, running: new Set() }
      this.#tenants.set(tenant, usage)
    }
    if (usage.day !== day) {
      usage.day = day
      usage.usedMs = 0
    }
    return usage
  }
}
