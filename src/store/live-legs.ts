import type { CallId, LegId } from '../base/ids.ts'
import type { LegRecord } from '../call/records.ts'

/** Legs remembered of one call. One that dials on and on for hours is still told by its first. */
const maxLegs = 200

/** The legs of calls that are up, as they were written: whose call it was is told from all of them when it is closed. */
export class LiveLegs {
  readonly #calls = new Map<CallId, Map<LegId, LegRecord>>()
  readonly #homes = new Map<LegId, CallId>()

  open(leg: LegRecord): void {
    this.#calls.set(leg.callId, new Map())
    this.add(leg)
  }

  add(leg: LegRecord): void {
    const legs = this.#calls.get(leg.callId)
    if (!legs || legs.size >= maxLegs) return
    legs.set(leg.id, leg)
    this.#homes.set(leg.id, leg.callId)
  }

  update(id: LegId, change: Partial<Omit<LegRecord, 'id'>>): void {
    const home = this.#homes.get(id)
    const legs = home && this.#calls.get(home)
    const leg = legs?.get(id)
    if (!legs || !leg) return
    const changed = { ...leg, ...change }
    if (changed.callId === home) {
      legs.set(id, changed)
      return
    }
    legs.delete(id)
    this.#homes.delete(id)
    this.add(changed)
  }

  /** Forgets the call and returns its legs, in the order in which they came. @param last - with their last word. */
  close(id: CallId, last: readonly LegRecord[]): readonly LegRecord[] {
    const legs = this.#calls.get(id) ?? new Map<LegId, LegRecord>()
    this.#calls.delete(id)
    for (const leg of legs.keys()) this.#homes.delete(leg)
    for (const leg of last) legs.set(leg.id, leg)
    return [...legs.values()]
  }
}
