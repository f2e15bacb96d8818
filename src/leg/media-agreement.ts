import {
  acceptAnswer,
  answerOffer,
  createOffer,
  type Direction,
  type LocalDescription,
  type LocalMedia,
  newLocalDescription,
} from '../sdp/index.ts'
import type { AgreedMedia } from '../sdp/types.ts'

/** An offer of ours, and what to do with its answer. */
export interface OurOffer {
  readonly sdp: Uint8Array
  /**
   * Puts an answer in force. Each fork of an INVITE answers the same offer, so this may be called again.
   * Throws as `acceptAnswer`; then nothing has changed.
   */
  accept(answer: Uint8Array): void
}

/** The offers and answers of one dialog, RFC 3264: remembers what must stay the same from one to the next. */
export class MediaAgreement {
  readonly #local: LocalMedia
  #state: LocalDescription
  #current: AgreedMedia | null = null
  /** What we want, as it stands in the description in force: `sendonly` while the peer is on hold. */
  #direction: Direction = 'sendrecv'

  /** @param local - the address and port our peer is told, and a session id unlike that of other calls. */
  constructor(local: { readonly address: string; readonly port: number; readonly sessionId: number | bigint }) {
    this.#local = { address: local.address, port: local.port }
    this.#state = newLocalDescription(local.sessionId)
  }

  /** What is in force; null before the first agreement. */
  get current(): AgreedMedia | null {
    return this.#current
  }

  /** The answer to an offer of the peer, in force from now on. Throws as `answerOffer`; then nothing has changed. */
  answer(offer: Uint8Array): Uint8Array {
    const local = { ...this.#local, direction: this.#direction }
    const { answer, agreed, nextState } = answerOffer(offer, local, this.#state)
    this.#state = nextState
    this.#current = agreed
    return answer
  }

  /** An offer of ours. @param direction - a change of what we want, in force once it is answered. */
  offer(direction: Direction = this.#direction): OurOffer {
    const { offer, pending, nextState } = createOffer({ ...this.#local, direction }, this.#state)
    this.#state = nextState
    return {
      sdp: offer,
      accept: (answer) => {
        this.#current = acceptAnswer(pending, answer)
        this.#direction = direction
      },
    }
  }
}
