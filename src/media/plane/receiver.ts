import { eventPayloadBytes, keyOfEvent } from '../../rtp/event-payload.ts'
import { EventReceiver } from '../../rtp/event-receiver.ts'
import { Latch } from '../../rtp/latching.ts'
import { newRtpHeader, type RtpHeader, readRtpHeader } from '../../rtp/packet.ts'
import { ReceiveStatistics } from '../../rtp/receive-statistics.ts'
import type { AgreedMedia, AudioCodec } from '../../sdp/types.ts'
import { ticksPerMs } from './outgoing-stream.ts'
import { Paced, type Pacer, rest } from './pacer.ts'
import type { ReceivedAudio } from './received-audio.ts'
import type { Digit } from './types.ts'

/** Hears what packets tell. */
export interface ReceiverUser {
  /** A key went down: told with its first packet. */
  keyPressed(digit: Digit, nowMs: number, durationMs: number): void
  /** A source was latched: the first one, or another. */
  sourceLatched(from: string): void
  /** A packet of sound. The header is read before the call returns; the bytes are the user's, to write over if it likes. */
  soundReceived(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array, nowMs: number): void
  /** A packet of a telephone-event, before what it means is told. Both are read before the call returns. */
  eventReceived(header: RtpHeader, bytes: Uint8Array, nowMs: number): void
  /** A packet of comfort noise. */
  quietReceived(header: RtpHeader, nowMs: number): void
}

/** RFC 3389: static payload type 13. Accepted always, offered never. */
const comfortNoise = 13

type PayloadKind = AudioCodec | 'event' | 'comfort-noise' | 'unknown'

/** How often a key that is down is asked whether its end was lost. */
const expireTicks = 20

/** What becomes of the RTP datagrams of one endpoint: who may be heard, what is counted, which are keys and which sound. */
export class Receiver extends Paced {
  readonly statistics = new ReceiveStatistics()
  readonly discarded = { malformed: 0, stranger: 0, unknownPayload: 0 }
  /** When the last accepted packet came; 0 before. Monotonic ms. */
  heardMs = 0
  readonly #pacer: Pacer
  readonly #audio: ReceivedAudio
  readonly #user: ReceiverUser
  readonly #events: EventReceiver
  /** Filled packet by packet. */
  readonly #header = newRtpHeader()
  #kinds: ReadonlyMap<number, PayloadKind> = new Map()
  #latch: Latch | null = null
  #isListening = false
  #isClosed = false
  #ssrc = -1
  #keyMs = 0
  #keyNowMs = 0

  constructor(pacer: Pacer, audio: ReceivedAudio, user: ReceiverUser) {
    super()
    this.#pacer = pacer
    this.#audio = audio
    this.#user = user
    this.#events = new EventReceiver({
      eventStarted: (code) => {
        const digit = keyOfEvent(code)
        this.#pacer.addRoughly(this, this.#pacer.nowTick + expireTicks)
        // Last: whoever hears it may close the endpoint from within.
        if (digit !== null) this.#user.keyPressed(digit, this.#keyNowMs, this.#keyMs)
      },
      eventEnded: () => this.#pacer.remove(this),
    })
  }

  /** Who is heard and where packets go; null before the first `connect`. */
  get latch(): Latch | null {
    return this.#latch
  }

  /** Takes what was agreed. A new address opens the latch anew. */
  connect(agreed: AgreedMedia, signallingAddress: string | null, nowMs: number): void {
    const kinds = new Map<number, PayloadKind>([[comfortNoise, 'comfort-noise'], ...agreed.receivePayloadTypes])
    if (agreed.telephoneEvent) kinds.set(agreed.telephoneEvent.receivePayloadType, 'event')
    this.#kinds = kinds
    this.#isListening = agreed.direction === 'sendrecv' || agreed.direction === 'recvonly'
    const signalled = {
      address: agreed.remoteAddress,
      port: agreed.remotePort,
      isExpected: this.#isListening,
      signallingAddress,
    }
    if (this.#latch) this.#latch.negotiated(signalled, nowMs)
    else this.#latch = new Latch(signalled, nowMs)
  }

  /** Takes one datagram of the RTP port, whatever it holds. */
  receive(bytes: Uint8Array, address: string, port: number, nowMs: number): void {
    const header = this.#header
    if (!readRtpHeader(bytes, header)) {
      this.discarded.malformed++
      return
    }
    const kind = this.#kinds.get(header.payloadType) ?? 'unknown'
    const verdict =
      this.#latch?.receive(address, port, header.ssrc, header.sequence, kind !== 'unknown', nowMs) ?? 'refused'
    if (verdict === 'refused') {
      this.discarded.stranger++
      return
    }
    if (verdict === 'latched') this.#user.sourceLatched(endpointText(address, port))
    if (this.#isClosed) return
    this.heardMs = nowMs
    if (header.ssrc !== this.#ssrc) this.#changeSource(header.ssrc)
    // Comfort noise and events have timestamps that do not tell when they were sent.
    const isTimed = kind === 'PCMU' || kind === 'PCMA'
    this.statistics.update(header.sequence, header.timestamp, header.ssrc, nowMs, isTimed)
    this.#use(kind, header, bytes, nowMs)
  }

  /** A key whose end was lost ends by itself. */
  due(tick: number): number {
    this.#events.expire(this.#pacer.timeOf(tick))
    return this.#events.isActive ? tick + expireTicks : rest
  }

  close(): void {
    this.#isClosed = true
    this.#pacer.remove(this)
  }

  #use(kind: PayloadKind, header: RtpHeader, bytes: Uint8Array, nowMs: number): void {
    const { payloadOffset, payloadBytes, sequence, timestamp, ssrc } = header
    switch (kind) {
      case 'PCMU':
      case 'PCMA':
        if (!this.#isListening) return
        if (this.#audio.isWanted) {
          this.#audio.push(kind, bytes, payloadOffset, payloadBytes, sequence, timestamp, ssrc, nowMs)
        }
        return this.#user.soundReceived(header, kind, bytes, nowMs)
      case 'event':
        if (payloadBytes < eventPayloadBytes) {
          this.discarded.malformed++
          return
        }
        if (this.#audio.isWanted) this.#audio.pushSilence(sequence, timestamp, ssrc, nowMs)
        if (this.#isListening) this.#user.eventReceived(header, bytes, nowMs)
        this.#keyNowMs = nowMs
        this.#keyMs = Math.round(
          (((bytes[payloadOffset + 2] ?? 0) << 8) | (bytes[payloadOffset + 3] ?? 0)) / ticksPerMs,
        )
        return this.#events.receive(bytes, payloadOffset, payloadBytes, timestamp, nowMs)
      case 'comfort-noise':
        if (this.#audio.isWanted) this.#audio.pushSilence(sequence, timestamp, ssrc, nowMs)
        if (this.#isListening) this.#user.quietReceived(header, nowMs)
        return
      case 'unknown':
        this.discarded.unknownPayload++
    }
  }

  #changeSource(ssrc: number): void {
    this.#ssrc = ssrc
    this.#events.reset()
  }
}

/** `192.0.2.1:4000`, `[2001:db8::1]:4000`. */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
