import type { Cancel, Clock } from '../base/clock.ts'
import { type Lane, Receiver } from './delivery-receiver.ts'

/** Wall time may be set: nothing is slept through for longer. */
const longestSleepMs = 60_000

/**
 * The receivers that events wait for, by scheme, host and port, and whose turn it is. Kept in memory while there is something
 * to do for them. What it does costs the same however many wait.
 */
export class DeliveryLanes {
  readonly #receivers = new Map<string, Receiver>()
  readonly #sleeping = new Map<Lane, Cancel>()
  /** Whose turn it is, each in the order in which they came: first those whose receiver has nothing under way. */
  readonly #idle = new Set<Lane>()
  readonly #busy = new Set<Lane>()
  readonly #perLane: number
  readonly #clock: Clock
  readonly #onReady: () => void
  #isClosed = false

  /** @param onReady - a lane has something to send. */
  constructor(perLane: number, clock: Clock, onReady: () => void) {
    this.#perLane = perLane
    this.#clock = clock
    this.#onReady = onReady
  }

  /** @param at - when there is something to send, wall-clock ms. */
  wake(name: string, aside: number, at: number): void {
    const receiver = this.#receivers.get(name) ?? new Receiver(name, this.#perLane)
    this.#receivers.set(name, receiver)
    this.#wakeLane(receiver.lane(aside), at)
  }

  /** See OutboxListener. */
  asideOf(name: string, url: string): number {
    return this.#receivers.get(name)?.asideOf(url) ?? 0
  }

  /** The lane whose turn it is, with room for a request at least; null: none. From here on it is leased for. */
  take(): Lane | null {
    for (const turn of [this.#idle, this.#busy]) {
      for (const lane of turn) {
        turn.delete(lane)
        // Without room it comes up again when a request of its receiver has ended.
        if (lane.dueAt === null || lane.room <= 0) continue
        lane.beginLease()
        return lane
      }
    }
    return null
  }

  /** @param nextAt - when there is more to send, wall-clock ms; null: nothing is known of. */
  endLease(lane: Lane, nextAt: number | null): void {
    lane.endLease()
    if (nextAt !== null) this.#wakeLane(lane, nextAt)
    this.#forgetIfIdle(lane)
  }

  /** A request has ended, or takes no place any more: others may go. */
  freed(lane: Lane): void {
    for (const other of lane.receiver.lanes) if (!this.#sleeping.has(other)) this.#queue(other)
    this.#forgetIfIdle(lane)
  }

  /** Nothing is woken any more. */
  close(): void {
    this.#isClosed = true
    for (const cancel of this.#sleeping.values()) cancel()
    this.#sleeping.clear()
  }

  #wakeLane(lane: Lane, at: number): void {
    if (lane.dueAt !== null && lane.dueAt <= at) return
    lane.dueAt = at
    this.#sleeping.get(lane)?.()
    this.#sleeping.delete(lane)
    const waitMs = at - this.#clock.wallTime()
    if (waitMs > 0) this.#sleep(lane, waitMs)
    else this.#queue(lane)
  }

  #sleep(lane: Lane, waitMs: number): void {
    if (this.#isClosed) return
    const cancel = this.#clock.after(Math.min(waitMs, longestSleepMs), () => {
      this.#sleeping.delete(lane)
      const leftMs = (lane.dueAt ?? 0) - this.#clock.wallTime()
      if (leftMs > 0) return this.#sleep(lane, leftMs)
      this.#queue(lane)
      this.#onReady()
    })
    this.#sleeping.set(lane, cancel)
  }

  #queue(lane: Lane): void {
    if (lane.dueAt === null || this.#idle.has(lane) || this.#busy.has(lane)) return
    if (lane.receiver.running === 0) this.#idle.add(lane)
    else this.#busy.add(lane)
  }

  /** What is known of a receiver is remembered while events wait for it, which is as long as that matters. */
  #forgetIfIdle({ receiver }: Lane): void {
    receiver.forgetIdleLanes()
    if (receiver.isIdle && this.#receivers.get(receiver.name) === receiver) this.#receivers.delete(receiver.name)
  }
}
