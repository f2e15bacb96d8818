import { Machine, type Table, to } from './machine.ts'

export type OfferAnswerPhase = 'stable' | 'remoteOffer' | 'localOffer'
type Input = 'receiveOffer' | 'sendAnswer' | 'refuseOffer' | 'sendOffer' | 'receiveAnswer' | 'offerRefused'
type Effect = 'establish'

/** RFC 3264 §4, RFC 6337 §2: at most one offer is open, and only the other side may close it. */
const table: Table<OfferAnswerPhase, Input, Effect> = {
  stable: {
    receiveOffer: to('remoteOffer'),
    sendOffer: to('localOffer'),
  },
  remoteOffer: {
    sendAnswer: to('stable', 'establish'),
    refuseOffer: to('stable'), // what was agreed before stays
  },
  localOffer: {
    receiveAnswer: to('stable', 'establish'),
    offerRefused: to('stable'),
  },
}

/** Which offers and answers a usage has exchanged, in whatever messages. */
export class OfferAnswerState {
  readonly #machine = new Machine<OfferAnswerPhase, Input, Effect>(table, 'stable')
  #isEstablished = false
  #peerOffers = 0

  get phase(): OfferAnswerPhase {
    return this.#machine.state
  }

  /** Whether a first exchange has been completed. */
  get isEstablished(): boolean {
    return this.#isEstablished
  }

  /** How many offers the peer has made: an offer of ours that was made before the last of them is out of date. */
  get peerOffers(): number {
    return this.#peerOffers
  }

  /** Returns false, and changes nothing, when the step is not allowed now. */
  take(input: Input): boolean {
    const effects = this.#machine.step(input)
    if (effects === null) return false
    if (input === 'receiveOffer') this.#peerOffers++
    if (effects.includes('establish')) this.#isEstablished = true
    return true
  }
}
