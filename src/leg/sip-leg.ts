import { SwitchhookError, toError } from '../base/errors.ts'
import type { LegId } from '../base/ids.ts'
import type { Logger } from '../base/log.ts'
import type { DetectedDigit, Digit, MediaStats, RecordOptions } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import type {
  IncomingRefer,
  InviteUsage,
  InviteUsageUser,
  MessageSummary,
  OfferOutcome,
  Reason,
  UsageEnd,
} from '../sip/dialog/types.ts'
import type { NameAddress } from '../sip/message/types.ts'
import { parseUri } from '../sip/message/uri.ts'
import { type HangupCause, hangupCauses } from './hangup-cause.ts'
import type {
  Leg,
  LegDirection,
  LegEnd,
  LegEndOptions,
  LegFacts,
  LegParty,
  LegRecording,
  LegRole,
  LegState,
  LegUser,
  Playing,
  ReferEnd,
  Sending,
} from './leg.ts'
import type { LegDirectory } from './leg-directory.ts'
import { type HoldEnd, LegHold, type LegHoldUser } from './leg-hold.ts'
import { LegMedia, type LegMediaParts, type LegMediaUser, setMediaOf } from './leg-media.ts'
import type { OurOffer } from './media-agreement.ts'
import { PeerTransfer, referEndOf } from './transfer.ts'
import { endOfUsage, reasonsFor } from './usage-end.ts'

export interface SipLegParts extends LegMediaParts {
  readonly log: Logger
  /** All legs of the server, for Replaces. */
  readonly directory: LegDirectory
}

export interface SipLegIdentity {
  readonly id: LegId
  readonly role: LegRole
  readonly direction: LegDirection
  readonly party: LegParty
  /** A leg whose media worker is preferred. */
  readonly near: Leg | null
}

/** What inbound and outbound SIP legs have in common: an INVITE usage for the signalling, `LegMedia` for the sound. */
export abstract class SipLeg implements Leg, InviteUsageUser, LegMediaUser, LegHoldUser {
  readonly id: LegId
  readonly role: LegRole
  readonly direction: LegDirection
  readonly party: LegParty
  protected readonly media: LegMedia
  protected readonly log: Logger
  readonly #parts: SipLegParts
  readonly #hold = new LegHold(this)
  #user: LegUser | null = null
  #state: LegState = 'ringing'
  #ending: LegEnd | null = null
  /** The answer to an offer that the peer asked for by a message without SDP. */
  #wanted: OurOffer | null = null

  /** @throws LimitError `media.no-ports`. */
  constructor({ id, role, direction, party, near }: SipLegIdentity, parts: SipLegParts) {
    this.id = id
    this.role = role
    this.direction = direction
    this.party = party
    this.#parts = parts
    this.log = parts.log.child({ legId: id })
    this.media = new LegMedia(parts, this, direction === 'inbound' ? 'caller' : 'called party', near)
    setMediaOf(this, this.media)
  }

  /** The dialog in force; null while there is none. */
  protected abstract readonly usage: InviteUsage | null
  /** Our own address in it. */
  protected abstract readonly ownAddress: NameAddress | null
  abstract readonly sipCallId: string
  abstract ring(): void
  abstract openEarlyMedia(): void
  abstract answer(): void
  /** @param status - what an unanswered INVITE of the peer is refused with; null: CANCEL or BYE. */
  protected abstract endUsage(status: number | null, reasons: readonly Reason[]): void

  get state(): LegState {
    return this.#state
  }

  get ending(): LegEnd | null {
    return this.#ending
  }

  get codec(): string | null {
    return this.media.agreed?.sendCodec ?? null
  }

  attach(user: LegUser): void {
    this.#user = user
    this.media.noteAgreement('offerAnswered')
  }

  end(cause: HangupCause, options: LegEndOptions = {}): void {
    if (this.#state === 'ended') return
    const isRefusal = this.direction === 'inbound' && this.#state === 'ringing'
    const status = isRefusal ? (options.status ?? hangupCauses[cause].sipStatus) : null
    // Finished first: the usage tells of its end while it is being ended, and the cause is ours.
    this.finish({ by: 'local', cause, sipStatus: status, q850: options.q850 ?? null, sentence: null })
    this.endUsage(status, reasonsFor(cause, options))
  }

  play(prompts: readonly Prompt[], options: { readonly loop?: boolean } = {}): Playing {
    return this.media.play(prompts, options)
  }

  sendDigits(digits: readonly Digit[]): Sending {
    return this.media.sendDigits(digits)
  }

  record(options: RecordOptions): LegRecording {
    return this.media.record(options)
  }

  echo(isOn: boolean): void {
    this.media.echo(isOn)
  }

  hold(isHeld: boolean): Promise<HoldEnd> {
    return this.#hold.hold(isHeld)
  }

  async refer(target: string, options: { readonly limitMs: number; readonly replaces?: Leg }): Promise<ReferEnd> {
    const { usage } = this
    if (this.#state === 'ended' || !usage) return { outcome: 'ended' }
    const replaces = options.replaces && this.#parts.directory.nameFor(options.replaces)
    // As the peer would be answered by the target.
    if (options.replaces && !replaces) return { outcome: 'refused', status: 481 }
    let uri: ReturnType<typeof parseUri>
    try {
      uri = parseUri(target)
    } catch (thrown) {
      this.log.info({ err: toError(thrown) }, 'a transfer was asked for to what is no address')
      return { outcome: 'refused', status: 400 }
    }
    const { limitMs } = options
    const own = this.ownAddress
    const referredBy = own && { displayName: null, uri: own.uri, parameters: new Map<string, string | null>() }
    const progress = (status: number): void => this.note('sip', 'transferProgress', { status })
    const outcome = await usage.refer({ target: uri, limitMs, referredBy, ...(replaces ? { replaces } : {}) }, progress)
    return referEndOf(outcome, this.#ending?.by ?? 'remote')
  }

  collectDigits(isCollecting: boolean): void {
    this.media.digits.collect(isCollecting)
  }

  stats(): Promise<MediaStats> {
    return this.media.stats()
  }

  // LegMediaUser: news of the sound.

  digitReceived(digit: DetectedDigit): void {
    if (this.#state !== 'ended') this.#user?.digitReceived(digit)
  }

  mediaNoted(what: string, facts: LegFacts): void {
    this.note('media', what, facts)
  }

  /** Something below gave way: CANCEL or BYE with what we know, and the record says that it was the network or us. */
  mediaBroken(cause: HangupCause, sentence: string): void {
    if (this.#state === 'ended') return
    const isRefusal = this.direction === 'inbound' && this.#state === 'ringing'
    const status = isRefusal ? hangupCauses[cause].sipStatus : null
    this.finish({ by: 'network', cause, sipStatus: status, q850: null, sentence })
    this.endUsage(status, reasonsFor(cause))
  }

  // LegHoldUser

  makeOffer(direction: 'sendonly' | 'sendrecv'): OurOffer {
    return this.media.agreement.offer(direction)
  }

  async sendOffer(sdp: Uint8Array): Promise<OfferOutcome> {
    return (await this.usage?.offer(sdp)) ?? { kind: 'ended' }
  }

  takeAnswer(offer: OurOffer, answer: Uint8Array): boolean {
    return this.accept(offer, answer) === null
  }

  peerHolds(isHeld: boolean): void {
    this.#user?.legHeld(isHeld)
  }

  // InviteUsageUser: news from the dialog.

  offerReceived(sdp: Uint8Array): Uint8Array | null {
    try {
      const answer = this.media.agreement.answer(sdp)
      this.connect()
      this.media.noteAgreement('offerAnswered')
      this.#hold.agreed(this.media.agreed, 'peer')
      return answer
    } catch (thrown) {
      this.noteRefusedSdp(thrown)
      return null
    }
  }

  offerWanted(): Uint8Array {
    this.#wanted = this.media.agreement.offer()
    return this.#wanted.sdp
  }

  answerReceived(sdp: Uint8Array): boolean {
    const offer = this.#wanted
    this.#wanted = null
    return offer !== null && this.accept(offer, sdp) === null
  }

  confirmed(): void {
    this.note('sip', 'confirmed', {})
  }

  infoReceived(contentType: string | null, body: Uint8Array): number {
    return this.media.digits.infoReceived(contentType, body, this.#parts.clock.now())
  }

  referReceived(refer: IncomingRefer): void {
    // Before the answer there is no call yet that could be transferred.
    if (!this.#user || this.#state !== 'answered') return refer.reject(603)
    this.#user.transferRequested(new PeerTransfer(refer, this.#parts.directory))
  }

  ended(end: UsageEnd): void {
    // What we end ourselves is finished before; this is the dialog layer, which waited for an answer to our offer.
    if (end.by === 'local' && !this.media.agreed) this.neverAgreed(this.unanswered)
    this.finish(endOfUsage(end))
  }

  messageSeen(direction: 'incoming' | 'outgoing', summary: MessageSummary): void {
    this.note('sip', summary.text, { direction, cseq: summary.cseq })
  }

  // For the two directions.

  protected get user(): LegUser | null {
    return this.#user
  }

  /** Puts an answer to an offer of ours in force. @returns why it cannot be used, then what was agreed stays; null where it can. */
  protected accept(offer: OurOffer, answer: Uint8Array): string | null {
    try {
      offer.accept(answer)
    } catch (thrown) {
      this.noteRefusedSdp(thrown)
      return toError(thrown).message
    }
    this.connect()
    this.media.noteAgreement('answerReceived')
    this.#hold.agreed(this.media.agreed, 'us')
    return null
  }

  protected connect(): void {
    if (this.#state === 'ended') return
    this.media.connect(this.usage?.flow?.remote.address ?? null, this.#state === 'ringing')
  }

  /** What is said where our offer is never answered. */
  protected abstract readonly unanswered: string

  /** @param by - whose offer is in force. */
  protected becomeAnswered(by: 'peer' | 'us'): void {
    if (this.#state !== 'ringing') return
    this.#state = 'answered'
    this.connect()
    if (this.direction === 'outbound') this.#user?.legAnswered()
    this.#hold.agreed(this.media.agreed, by)
  }

  protected useDialog(usage: InviteUsage): void {
    if (this.#state !== 'ended') this.#parts.directory.add(usage, this)
  }

  protected finish(end: LegEnd): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#ending = end
    this.media.close()
    this.#parts.directory.remove(this)
    this.#user?.legEnded(end)
  }

  protected neverAgreed(sentence: string): void {
    this.finish({ by: 'local', cause: 'not-acceptable', sipStatus: null, q850: null, sentence })
  }

  protected note(kind: 'sip' | 'media', what: string, facts: LegFacts): void {
    this.#user?.legNoted(kind, what, facts)
  }

  protected noteRefusedSdp(thrown: unknown): void {
    const error = toError(thrown)
    const code = error instanceof SwitchhookError ? error.code : 'unknown'
    this.note('media', 'sdpRefused', { code, sentence: error.message })
    this.log.info({ err: error }, 'an SDP of the peer was refused')
  }
}
