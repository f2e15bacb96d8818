import type { Leg } from '../leg/leg.ts'
import { nextMaxForwards, usualMaxForwards } from '../sip/trunk/loop-guard.ts'

/** How many more servers a call may pass: from the INVITE that came in to those that go out on its behalf. */
export class Hops {
  readonly #maxForwards = new WeakMap<Leg, number | null>()

  /** @param maxForwards - of the INVITE that opened the leg; null where it had none. */
  note(leg: Leg, maxForwards: number | null): void {
    this.#maxForwards.set(leg, maxForwards)
  }

  /** Max-Forwards for a call on behalf of this leg; null when it may go no further. */
  next(onBehalfOf: Leg | null): number | null {
    if (!onBehalfOf) return usualMaxForwards
    return nextMaxForwards({ maxForwards: this.#maxForwards.get(onBehalfOf) ?? null })
  }
}
