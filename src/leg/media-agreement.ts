import { StateError } from '../base/errors.ts'
import {
  acceptAnswer,
  answerOffer,
  createOffer,
  type LocalDescription,
  type LocalMedia,
  newLocalDescription,
  type PendingOffer,
} from '../sdp/index.ts'
import type { AgreedMedia } from '../sdp/types.ts'

/** The offers and answers of one leg, RFC 3264: remembers what must stay the same from one to the next. */
export class MediaAgreement {
  readonly #local: LocalMedia
  #state: LocalDescription
  #pending: PendingOffer | null = null
  #current: AgreedMedia | null = null

  /** @param local - the address and port our peer is told, and a session id unlike that of other calls. */
  constructor(local: { readonly address: string; readonly port: number; readonly sessionId: number }) {
    this.#local = { address: local.address, port: local.port }
    this.#state = newLocalDescription(local.sessionId)
  }

  /** What is in force; null before the first agreement. */
  get current(): AgreedMedia | null {
    return this.#current
  }

  /** The answer to an offer of the peer, in force from now on. Throws as `answerOffer`; then nothing has changed. */
  answer(offer: Uint8Array): Uint8Array {
    const { answer, agreed, nextState } = answerOffer(offer, this.#local, this.#state)
    this.#state = nextState
    this.#current = agreed
    return answer
  }

  /** An offer of ours; `accept` takes its answer. */
  offer(): Uint8Array {
    const { offer, pending, nextState } = createOffer(this.#local, this.#state)
    this.#state = nextState
    this.#pending = pending
    return offer
  }

  /** Throws as `acceptAnswer`; StateError `sdp.answer-unasked` when there was no offer. */
  accept(answer: Uint8Array): void {
    if (!this.#pending) throw new StateError('sdp.answer-unasked', 'An answer came to no offer of ours.')
    this.#current = acceptAnswer(this.#pending, answer)
    this.#pending = null
  }
}
