import type { Clock } from '../base/clock.ts'
import { LimitError } from '../base/errors.ts'
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
import type { HangupCause } from './hangup-cause.ts'
import type { Leg, LegFacts, LegRecording, Playing, Sending } from './leg.ts'
import { LegDigits } from './leg-digits.ts'
import { MediaAgreement } from './media-agreement.ts'

/** Where our RTP socket is bound for a peer, and what its SDP is told. */
export interface MediaAddresses {
  readonly bindAddress: string
  readonly advertisedAddress: string
}

export interface LegMediaParts {
  readonly clock: Clock
  readonly plane: Pick<MediaPlane, 'open'>
  readonly media: MediaAddresses
  /** Neither RTP nor RTCP for so long ends the leg; null: never. */
  readonly mediaTimeoutMs: number | null
}

/** Hears of the sound of a leg; nothing after `close`. */
export interface LegMediaUser {
  digitReceived(digit: DetectedDigit): void
  mediaNoted(what: string, facts: LegFacts): void
  /** The leg cannot go on: silence for too long, or a fault of ours. */
  mediaBroken(cause: HangupCause, sentence: string): void
}

/** The sound of one leg: an endpoint of the media plane, what was agreed with the peer for it, and the peer's keys. */
export class LegMedia implements MediaEndpointUser {
  readonly digits: LegDigits
  readonly #parts: LegMediaParts
  readonly #user: LegMediaUser
  /** In the sentence about silence: `caller`. */
  readonly #peer: string
  readonly #near: MediaEndpoint | null
  #endpoint: MediaEndpoint
  #bindAddress: string
  #agreement: MediaAgreement
  #isConnected = false
  #finalStats: Promise<MediaStats> | null = null

  /**
   * @param near - a leg whose worker is preferred, so that the two can be joined without leaving it.
   * @throws LimitError `media.no-ports`.
   */
  constructor(parts: LegMediaParts, user: LegMediaUser, peer: string, near: Leg | null = null) {
    this.#parts = parts
    this.#user = user
    this.#peer = peer
    this.#near = near ? (mediaOf(near)?.endpoint ?? null) : null
    this.digits = new LegDigits({
      digitReceived: (digit) => user.digitReceived(digit),
      armInband: (isArmed) => this.#endpoint.detectInband(isArmed),
    })
    this.#bindAddress = parts.media.bindAddress
    this.#endpoint = this.#open(this.#bindAddress)
    this.#agreement = this.#newAgreement(parts.media.advertisedAddress)
  }

  get endpoint(): MediaEndpoint {
    return this.#endpoint
  }

  /** The offers and answers of the dialog in force. */
  get agreement(): MediaAgreement {
    return this.#agreement
  }

  get agreed(): AgreedMedia | null {
    return this.#agreement.current
  }

  /**
   * Begins anew with another dialog, and on another local address where that is needed.
   * @throws LimitError `media.no-ports`, also where the address would change under a stream that runs.
   */
  restart(addresses: MediaAddresses): void {
    const { bindAddress, advertisedAddress } = addresses
    if (bindAddress !== this.#bindAddress) {
      // What plays, records and is bridged hangs on the endpoint: it is not taken away from under them.
      if (this.#isConnected)
        throw new LimitError('media.no-ports', `The media of this leg cannot move to ${bindAddress}.`)
      const before = this.#endpoint
      this.#endpoint = this.#open(bindAddress)
      this.#bindAddress = bindAddress
      void before.close()
    }
    this.#agreement = this.#newAgreement(advertisedAddress)
  }

  /**
   * Starts or changes the stream by what is agreed. `isEarly`: before the answer nobody is bound to send, so the media time-out
   * does not run.
   */
  connect(signallingAddress: string | null, isEarly: boolean): void {
    const { agreed } = this
    if (!agreed || this.#finalStats) return
    this.#isConnected = true
    const options = signallingAddress === null ? {} : { signallingAddress }
    this.#endpoint.connect(isEarly ? { ...agreed, isHeld: true } : agreed, options)
  }

  /** For the journal. */
  noteAgreement(what: string): void {
    const { agreed } = this
    if (!agreed) return
    this.#user.mediaNoted(what, {
      codec: agreed.sendCodec,
      remote: `${agreed.remoteAddress}:${agreed.remotePort}`,
      direction: agreed.direction,
      ptimeMs: agreed.ptimeMs,
      telephoneEvent: agreed.telephoneEvent?.receivePayloadType ?? null,
    })
  }

  play(prompts: readonly Prompt[], options: { readonly loop?: boolean }): Playing {
    return this.#endpoint.play(prompts, options)
  }

  sendDigits(digits: readonly Digit[]): Sending {
    return this.#endpoint.sendDigits(digits)
  }

  record(options: RecordOptions): LegRecording {
    return this.#endpoint.record(options)
  }

  echo(isOn: boolean): void {
    this.#endpoint.echo(isOn)
  }

  stats(): Promise<MediaStats> {
    return this.#finalStats ?? this.#endpoint.stats()
  }

  /** Ends all that runs and gives the ports back. Idempotent. */
  close(): void {
    this.#finalStats ??= this.#endpoint.close()
  }

  // MediaEndpointUser

  digitReceived(digit: DetectedDigit): void {
    if (!this.#finalStats) this.digits.received(digit)
  }

  mediaLatched(from: string): void {
    this.#user.mediaNoted('mediaLatched', { from })
  }

  mediaTimedOut(silentMs: number): void {
    const seconds = Math.round(silentMs / 1000)
    const sentence = `Neither RTP nor RTCP came from the ${this.#peer} for ${seconds} s, so Switchhook hung up.`
    this.#user.mediaBroken('media-timeout', sentence)
  }

  mediaFailed(sentence: string): void {
    this.#user.mediaBroken('server-error', sentence)
  }

  #open(localAddress: string): MediaEndpoint {
    const { plane, mediaTimeoutMs } = this.#parts
    const options = { user: this, localAddress, timeoutMs: mediaTimeoutMs }
    if (!this.#near) return plane.open(options)
    try {
      return plane.open({ ...options, near: this.#near })
    } catch (thrown) {
      // That worker is full or gone: any other does, only the way between the two is longer.
      if (thrown instanceof LimitError) return plane.open(options)
      throw thrown
    }
  }

  #newAgreement(address: string): MediaAgreement {
    const port = this.#endpoint.localPort
    // RFC 8866 §5.2: unlike that of any other session of this host. No two at one time have one port.
    const sessionId = (BigInt(this.#parts.clock.wallTime()) << 16n) | BigInt(port)
    return new MediaAgreement({ address, port, sessionId })
  }
}

const medias = new WeakMap<Leg, LegMedia>()

/** For the mixer and for legs that are opened beside another. Null for a leg without media. */
export function mediaOf(leg: Leg): LegMedia | null {
  return medias.get(leg) ?? null
}

export function setMediaOf(leg: Leg, media: LegMedia): void {
  medias.set(leg, media)
}
