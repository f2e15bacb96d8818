/** One receiver, as far as waiting for it goes. */
export class Lane {
  readonly name: string
  /** Requests under way. */
  running = 0
  /** Its last attempt failed: one request at a time, until one succeeds. */
  isFailing = false
  /** When it may have something to send, wall-clock ms; null: it waits for nothing. */
  dueAt: number | null = null
  readonly #most: number
  #isLeasing = false

  constructor(name: string, most: number) {
    this.name = name
    this.#most = most
  }

  /** How many more requests it may have. */
  get room(): number {
    return Math.max(0, (this.isFailing ? 1 : this.#most) - this.running)
  }

  get isIdle(): boolean {
    return this.running === 0 && this.dueAt === null && !this.#isLeasing
  }

  /** What is told from here on is told of what the lease does not see. */
  beginLease(): void {
    this.#isLeasing = true
    this.dueAt = null
  }

  endLease(nextAt: number | null): void {
    this.#isLeasing = false
    if (nextAt !== null) this.wake(nextAt)
  }

  wake(at: number): void {
    this.dueAt = this.dueAt === null ? at : Math.min(this.dueAt, at)
  }
}

/** The receivers that events wait for, by scheme, host and port. Kept in memory while there is something to do for them. */
export class DeliveryLanes {
  readonly #lanes = new Map<string, Lane>()
  readonly #perLane: number

  constructor(perLane: number) {
    this.#perLane = perLane
  }

  /** @param at - wall-clock ms. */
  wake(name: string, at: number): void {
    const lane = this.#lanes.get(name) ?? new Lane(name, this.#perLane)
    this.#lanes.set(name, lane)
    lane.wake(at)
  }

  endLease(lane: Lane, nextAt: number | null): void {
    lane.endLease(nextAt)
    this.forgetIfIdle(lane)
  }

  /** Those that have something to send and room for it, the one with the fewest requests under way first. */
  due(now: number): readonly Lane[] {
    return [...this.#lanes.values()]
      .filter((lane) => lane.room > 0 && lane.dueAt !== null && lane.dueAt <= now)
      .sort((a, b) => a.running - b.running || (a.dueAt ?? 0) - (b.dueAt ?? 0))
  }

  /** @returns when the next lane with room falls due; null when there is none, or no room in all. */
  nextAt(totalRoom: number): number | null {
    if (totalRoom <= 0) return null
    let next: number | null = null
    for (const lane of this.#lanes.values()) {
      if (lane.room > 0 && lane.dueAt !== null && (next === null || lane.dueAt < next)) next = lane.dueAt
    }
    return next
  }

  /** A lane that fails is remembered while events wait for it, which is as long as that matters. */
  forgetIfIdle(lane: Lane): void {
    if (lane.isIdle && this.#lanes.get(lane.name) === lane) this.#lanes.delete(lane.name)
  }
}
