import type { LegId } from '../base/ids.ts'
import type { IncomingInvite, InviteUsage, Reason } from '../sip/dialog/types.ts'
import { type Identity, readIdentity } from '../sip/message/identity.ts'
import type { NameAddress } from '../sip/message/types.ts'
import type { LegParty } from './leg.ts'
import type { OurOffer } from './media-agreement.ts'
import { SipLeg, type SipLegParts } from './sip-leg.ts'

/** An INVITE that somebody sent to us. */
export class InboundSipLeg extends SipLeg {
  protected readonly unanswered = 'The ACK of the caller brought no answer to our offer.'
  readonly #invite: IncomingInvite
  /** The SDP of our side for the first offer/answer exchange: the answer to the INVITE's offer, or our offer. */
  readonly #localSdp: Uint8Array
  /** Our offer, where the INVITE had none: the answer comes with the ACK, or PRACK. */
  #firstOffer: OurOffer | null = null
  #hasEarlyMedia = false

  /**
   * Binds media to an INVITE and works out the answer, without sending anything.
   * @throws NegotiationError `sdp.…` when there is nothing in common; LimitError `media.no-ports`; ParseError for SDP that is none.
   */
  constructor(id: LegId, invite: IncomingInvite, party: LegParty, parts: SipLegParts) {
    super({ id, role: 'caller', direction: 'inbound', party, near: null }, parts)
    this.#invite = invite
    try {
      this.#localSdp = invite.offer === null ? this.#makeFirstOffer() : this.media.agreement.answer(invite.offer)
    } catch (thrown) {
      this.media.close()
      throw thrown
    }
    this.useDialog(invite.usage)
    invite.attach(this)
  }

  get sipCallId(): string {
    return this.#invite.usage.sipCallId
  }

  /** What the INVITE says of who calls and who sent it on: for those it is passed on to, as far as its sender is trusted. */
  get identity(): Identity {
    return readIdentity(this.#invite.request.headers)
  }

  /** Max-Forwards of the INVITE: a call passed on has one less. */
  get maxForwards(): number {
    return this.#invite.request.maxForwards ?? 70
  }

  ring(): void {
    if (this.state === 'ringing' && !this.#hasEarlyMedia) this.#invite.provisional(180)
  }

  openEarlyMedia(): void {
    // Without the peer's offer there is nowhere to send audio to before the answer.
    if (this.state !== 'ringing' || this.#hasEarlyMedia || this.#invite.offer === null) return
    this.#hasEarlyMedia = true
    this.#invite.provisional(183, { sdp: this.#localSdp })
    this.connect()
  }

  answer(): void {
    if (this.state !== 'ringing') return
    this.#invite.accept({ sdp: this.#localSdp })
    this.becomeAnswered('peer')
  }

  override answerReceived(sdp: Uint8Array): boolean {
    const offer = this.#firstOffer
    if (offer === null) return super.answerReceived(sdp)
    this.#firstOffer = null
    const why = this.accept(offer, sdp)
    // Without a first agreement there is no call: the dialog layer ends it, and the record is to say why.
    if (why !== null) this.neverAgreed(`The caller's answer cannot be used: ${why}`)
    return why === null
  }

  protected get usage(): InviteUsage {
    return this.#invite.usage
  }

  protected get ownAddress(): NameAddress {
    return this.#invite.request.to
  }

  protected endUsage(status: number | null, reasons: readonly Reason[]): void {
    if (status === null) this.#invite.usage.end({ reasons })
    else this.#invite.reject(status, { reasons, ...retryAfter(status) })
  }

  #makeFirstOffer(): Uint8Array {
    this.#firstOffer = this.media.agreement.offer()
    return this.#firstOffer.sdp
  }
}

/** RFC 3261 §21.5.4: a refusal for load says when to come back. */
function retryAfter(status: number): { headers?: readonly (readonly [string, string])[] } {
  return status === 503 ? { headers: [['Retry-After', '5']] } : {}
}
