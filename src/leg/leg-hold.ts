import { canSend } from '../sdp/direction.ts'
import type { AgreedMedia } from '../sdp/types.ts'
import type { OfferOutcome } from '../sip/dialog/types.ts'
import type { OurOffer } from './media-agreement.ts'

export type HoldEnd = 'done' | 'refused' | 'ended'

export interface LegHoldUser {
  readonly state: 'ringing' | 'answered' | 'ended'
  makeOffer(direction: 'sendonly' | 'sendrecv'): OurOffer
  sendOffer(sdp: Uint8Array): Promise<OfferOutcome>
  /** Puts the answer in force. @returns false where it cannot be used. */
  takeAnswer(offer: OurOffer, answer: Uint8Array): boolean
  /** Once per change. */
  peerHolds(isHeld: boolean): void
}

/**
 * Offers that the peer's own have overtaken are made anew so often. The back-off of RFC 3261 §14.1 and its repeats are below;
 * this is for an offer that an agreement made since has outdated.
 */
const maxTries = 3

/** Hold in both directions, RFC 3264 §8.4: ours by offers of `sendonly`, the peer's as its descriptions tell. */
export class LegHold {
  readonly #user: LegHoldUser
  #last: Promise<unknown> = Promise.resolve()
  #isHolding = false
  #isHeld = false

  constructor(user: LegHoldUser) {
    this.#user = user
  }

  /** One after the other, in the order asked for. */
  hold(isHeld: boolean): Promise<HoldEnd> {
    const change = this.#last.then(() => this.#change(isHeld))
    // One that failed is its caller's matter; those behind it take their turn all the same.
    this.#last = change.catch(() => {})
    return change
  }

  /**
   * Looks at an agreement. We always wish to send, so not being allowed to is the peer's hold: `sendonly`, `inactive` or the
   * address 0.0.0.0 of RFC 2543.
   * @param by - whose offer it came of. An `inactive` to an offer of `sendonly` is a peer that wants no music, not one that holds.
   */
  agreed(agreed: AgreedMedia | null, by: 'peer' | 'us'): void {
    if (!agreed || this.#user.state !== 'answered') return
    if (by === 'us' && this.#isHolding) return
    const isHeld = !canSend(agreed.direction)
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    this.#user.peerHolds(isHeld)
  }

  async #change(isHeld: boolean): Promise<HoldEnd> {
    for (let tries = 0; tries < maxTries; tries++) {
      if (this.#user.state === 'ended') return 'ended'
      if (isHeld === this.#isHolding) return 'done'
      if (this.#user.state === 'ringing') return 'refused'
      const offer = this.#user.makeOffer(isHeld ? 'sendonly' : 'sendrecv')
      const outcome = await this.#user.sendOffer(offer.sdp)
      if (outcome.kind === 'ended') return 'ended'
      if (outcome.kind === 'answered') return this.#answered(isHeld, offer, outcome.sdp)
      if (outcome.status !== 491) return 'refused'
    }
    return 'refused'
  }

  #answered(isHeld: boolean, offer: OurOffer, answer: Uint8Array): HoldEnd {
    if (this.#user.state === 'ended') return 'ended'
    const before = this.#isHolding
    // Before the answer is looked at, so that it is known whose wish a one-way stream is.
    this.#isHolding = isHeld
    if (this.#user.takeAnswer(offer, answer)) return 'done'
    this.#isHolding = before
    return 'refused'
  }
}
