import type { Clock } from '../base/clock.ts'
import { SwitchhookError, toError } from '../base/errors.ts'
import type { LegId } from '../base/ids.ts'
import type { Logger } from '../base/log.ts'
import type {
  DetectedDigit,
  Digit,
  MediaEndpoint,
  MediaEndpointUser,
  MediaPlane,
  MediaStats,
  RecordOptions,
} from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import type { AgreedMedia } from '../sdp/types.ts'
import type { IncomingInvite, InviteUsageUser, MessageSummary, Reason, UsageEnd } from '../sip/dialog/types.ts'
import { DigitFilter } from './digit-filter.ts'
import { type HangupCause, hangupCauses } from './hangup-cause.ts'
import { readInfoDigit } from './info-digit.ts'
import type { Leg, LegEnd, LegParty, LegRecording, LegState, LegUser, Playing, Sending } from './leg.ts'
import { MediaAgreement } from './media-agreement.ts'
import { endOfUsage } from './usage-end.ts'

export interface SipLegParts {
  readonly clock: Clock
  readonly log: Logger
  readonly plane: MediaPlane
  /** Where our RTP socket is bound for this peer, and what its SDP is told. */
  readonly media: { readonly bindAddress: string; readonly advertisedAddress: string }
  /** Neither RTP nor RTCP for so long ends the leg; null: never. */
  readonly mediaTimeoutMs: number | null
}

/** An inbound SIP call: an INVITE usage for the signalling, an endpoint of the media plane for the sound. */
export class SipLeg implements Leg, InviteUsageUser, MediaEndpointUser {
  readonly id: LegId
  readonly role = 'caller'
  readonly direction = 'inbound'
  readonly party: LegParty
  readonly #invite: IncomingInvite
  readonly #clock: Clock
  readonly #log: Logger
  readonly #endpoint: MediaEndpoint
  readonly #agreement: MediaAgreement
  readonly #filter = new DigitFilter()
  #user: LegUser | null = null
  #state: LegState = 'ringing'
  #ending: LegEnd | null = null
  /** The SDP of our side for the first offer/answer exchange: the answer to the INVITE's offer, or our offer. */
  #localSdp: Uint8Array
  #hasEarlyMedia = false
  #collecting = 0
  /** Set by the first RFC 4733 or INFO digit: tones in the audio are speech from then on. */
  #hasBetterCarrier = false
  #finalStats: Promise<MediaStats> | null = null

  /**
   * Binds media to an INVITE and works out the answer, without sending anything.
   * @throws NegotiationError `sdp.…` when there is nothing in common; LimitError `media.no-ports`; ParseError for SDP that is none.
   */
  constructor(id: LegId, invite: IncomingInvite, party: LegParty, parts: SipLegParts) {
    this.id = id
    this.party = party
    this.#invite = invite
    this.#clock = parts.clock
    this.#log = parts.log.child({ legId: id })
    this.#endpoint = parts.plane.open({
      user: this,
      localAddress: parts.media.bindAddress,
      timeoutMs: parts.mediaTimeoutMs,
    })
    this.#agreement = new MediaAgreement({
      address: parts.media.advertisedAddress,
      port: this.#endpoint.localPort,
      sessionId: Math.floor(parts.clock.wallTime() / 1000),
    })
    try {
      this.#localSdp = invite.offer === null ? this.#agreement.offer() : this.#agreement.answer(invite.offer)
    } catch (thrown) {
      this.#closeMedia()
      throw thrown
    }
    invite.attach(this)
  }

  get state(): LegState {
    return this.#state
  }

  get ending(): LegEnd | null {
    return this.#ending
  }

  get sipCallId(): string {
    return this.#invite.usage.sipCallId
  }

  get codec(): string | null {
    return this.#agreement.current?.sendCodec ?? null
  }

  attach(user: LegUser): void {
    this.#user = user
    const { current } = this.#agreement
    if (current) this.#noteAgreement('offerAnswered', current)
  }

  ring(): void {
    if (this.#state === 'ringing' && !this.#hasEarlyMedia) this.#invite.provisional(180)
  }

  openEarlyMedia(): void {
    // Without the peer's offer there is nowhere to send audio to before the answer.
    if (this.#state !== 'ringing' || this.#hasEarlyMedia || this.#invite.offer === null) return
    this.#hasEarlyMedia = true
    this.#invite.provisional(183, { sdp: this.#localSdp })
    this.#connect()
  }

  answer(): void {
    if (this.#state !== 'ringing') return
    this.#state = 'answered'
    this.#invite.accept({ sdp: this.#localSdp })
    this.#connect()
  }

  end(cause: HangupCause, options: { readonly status?: number; readonly text?: string } = {}): void {
    if (this.#state === 'ended') return
    const { sipStatus, q850, text } = hangupCauses[cause]
    const reasons: readonly Reason[] = [{ protocol: 'Q.850', cause: q850, text: options.text ?? text }]
    const wasAnswered = this.#state === 'answered'
    const status = wasAnswered ? null : (options.status ?? sipStatus)
    // Finished first: the usage tells of its end while it is being ended, and the cause is ours.
    this.#finish({ by: 'local', cause, sipStatus: status, q850: null, sentence: null })
    if (status === null) this.#invite.usage.end({ reasons })
    else this.#invite.reject(status, { reasons, ...retryAfter(status) })
  }

  play(prompts: readonly Prompt[], options: { readonly loop?: boolean } = {}): Playing {
    if (this.#state === 'ended') return { ended: Promise.resolve({ end: 'stopped', playedMs: 0 }), stop: () => {} }
    return this.#endpoint.play(prompts, options)
  }

  sendDigits(digits: readonly Digit[]): Sending {
    if (this.#state === 'ended') return { ended: Promise.resolve('stopped'), stop: () => {} }
    return this.#endpoint.sendDigits(digits)
  }

  record(options: RecordOptions): LegRecording {
    return this.#endpoint.record(options)
  }

  echo(isOn: boolean): void {
    if (this.#state !== 'ended') this.#endpoint.echo(isOn)
  }

  collectDigits(isCollecting: boolean): void {
    this.#collecting = Math.max(0, this.#collecting + (isCollecting ? 1 : -1))
    this.#armInband()
  }

  stats(): Promise<MediaStats> {
    return this.#finalStats ?? this.#endpoint.stats()
  }

  // MediaEndpointUser: news from the media plane.

  digitReceived(digit: DetectedDigit): void {
    if (this.#state === 'ended') return
    if (digit.carrier !== 'inband' && !this.#hasBetterCarrier) {
      this.#hasBetterCarrier = true
      this.#armInband()
    }
    if (this.#filter.accept(digit)) this.#user?.digitReceived(digit)
  }

  mediaLatched(from: string): void {
    this.#user?.legNoted('media', 'mediaLatched', { from })
  }

  mediaTimedOut(silentMs: number): void {
    const sentence = `Neither RTP nor RTCP came from the caller for ${Math.round(silentMs / 1000)} s, so Switchhook hung up.`
    this.#breakDown('media-timeout', sentence)
  }

  mediaFailed(sentence: string): void {
    this.#breakDown('server-error', sentence)
  }

  // InviteUsageUser: news from the dialog.

  offerReceived(sdp: Uint8Array): Uint8Array | null {
    try {
      const answer = this.#agreement.answer(sdp)
      this.#connect()
      this.#noteAgreement('offerAnswered', this.#agreement.current)
      return answer
    } catch (thrown) {
      this.#refuseSdp(thrown)
      return null
    }
  }

  offerWanted(): Uint8Array {
    return this.#agreement.offer()
  }

  answerReceived(sdp: Uint8Array): boolean {
    try {
      this.#agreement.accept(sdp)
      this.#connect()
      this.#noteAgreement('answerReceived', this.#agreement.current)
      return true
    } catch (thrown) {
      this.#refuseSdp(thrown)
      // Without a first agreement there is no call: the dialog layer ends it, and the record is to say why.
      if (!this.#agreement.current) this.#neverAgreed(`The caller's answer cannot be used: ${toError(thrown).message}`)
      return false
    }
  }

  confirmed(): void {
    this.#user?.legNoted('sip', 'confirmed', {})
  }

  infoReceived(contentType: string | null, body: Uint8Array): number {
    const info = readInfoDigit(contentType, body)
    if (info === 'unsupported') return 415
    // A flash or a damaged body is answered 200 all the same: a refusal makes some telephones hang up.
    if (info) {
      const startedMs = this.#clock.now() - Math.min(info.durationMs, 1000)
      this.digitReceived({ digit: info.digit, carrier: 'info', startedMs, durationMs: info.durationMs })
    }
    return 200
  }

  ended(end: UsageEnd): void {
    // What we end ourselves is finished before; this is the dialog layer, which waited for an answer to our offer.
    if (end.by === 'local' && this.#state === 'answered' && !this.#agreement.current)
      this.#neverAgreed('The ACK of the caller brought no answer to our offer.')
    this.#finish(endOfUsage(end))
  }

  messageSeen(direction: 'incoming' | 'outgoing', summary: MessageSummary): void {
    this.#user?.legNoted('sip', summary.text, { direction, cseq: summary.cseq })
  }

  #connect(): void {
    const { current } = this.#agreement
    if (!current || this.#state === 'ended') return
    this.#endpoint.connect(current, { signallingAddress: this.#invite.flow.remote.address })
  }

  #armInband(): void {
    if (this.#state !== 'ended') this.#endpoint.detectInband(this.#collecting > 0 && !this.#hasBetterCarrier)
  }

  /** Something below gave way: BYE with what we know, and the record says that it was the network or us. */
  #breakDown(cause: HangupCause, sentence: string): void {
    if (this.#state === 'ended') return
    const { q850, text } = hangupCauses[cause]
    this.#finish({ by: 'network', cause, sipStatus: null, q850: null, sentence })
    this.#invite.usage.end({ reasons: [{ protocol: 'Q.850', cause: q850, text }] })
  }

  #finish(end: LegEnd): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#ending = end
    this.#closeMedia()
    this.#user?.legEnded(end)
  }

  #closeMedia(): void {
    this.#finalStats ??= this.#endpoint.close()
  }

  #neverAgreed(sentence: string): void {
    this.#finish({ by: 'local', cause: 'not-acceptable', sipStatus: null, q850: null, sentence })
  }

  #refuseSdp(thrown: unknown): void {
    const error = toError(thrown)
    const code = error instanceof SwitchhookError ? error.code : 'unknown'
    this.#user?.legNoted('media', 'sdpRefused', { code, sentence: error.message })
    this.#log.info({ err: error }, 'an SDP of the peer was refused')
  }

  #noteAgreement(what: string, agreed: AgreedMedia | null): void {
    if (!agreed) return
    this.#user?.legNoted('media', what, {
      codec: agreed.sendCodec,
      remote: `${agreed.remoteAddress}:${agreed.remotePort}`,
      direction: agreed.direction,
      ptimeMs: agreed.ptimeMs,
      telephoneEvent: agreed.telephoneEvent?.receivePayloadType ?? null,
    })
  }
}

/** RFC 3261 §21.5.4: a refusal for load says when to come back. */
function retryAfter(status: number): { headers?: readonly (readonly [string, string])[] } {
  return status === 503 ? { headers: [['Retry-After', '5']] } : {}
}
