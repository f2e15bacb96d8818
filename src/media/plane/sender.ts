import { eventOfKey, eventPayloadBytes, writeEventPayload } from '../../rtp/event-payload.ts'
import { EventSender } from '../../rtp/event-sender.ts'
import { type RtpHeader, rtpHeaderBytes } from '../../rtp/packet.ts'
import { timestampDistance } from '../../rtp/sequence.ts'
import type { AgreedMedia, AudioCodec } from '../../sdp/types.ts'
import { transcodeG711 } from '../g711.ts'
import { bytesPerMs, type Prompt } from '../prompt.ts'
import { digitPrompts } from './digit-prompts.ts'
import type { LatenessHistogram } from './lateness.ts'
import { type OutgoingStream, ticksPerMs } from './outgoing-stream.ts'
import { Paced, type Pacer, rest } from './pacer.ts'
import type { PacketRing } from './packet-ring.ts'
import { Playlist } from './playlist.ts'
import type { Digit, PlayEnd } from './types.ts'

/** What the senders of one thread share. */
export interface SendingShop {
  readonly pacer: Pacer
  readonly ring: PacketRing
  /** How late packets left. */
  readonly lateness: LatenessHistogram
  /** Frames that were not sent in time, nor at all at that time. */
  skippedFrames: number
}

/** Hears what became of the things to send. */
export interface SenderUser {
  playEnded(play: number, end: PlayEnd, playedMs: number): void
  digitsEnded(digits: number, end: PlayEnd): void
}

/** Is shown each frame of sound as it leaves; for recording our side. The bytes are read before the call returns. */
export interface SentAudioSink {
  sentAudio(tick: number, codec: AudioCodec, bytes: Uint8Array, offset: number, length: number): void
}

/** After a stall so many late frames are sent at once; what is later still is skipped. A jitter buffer holds them. */
const maxLateFrames = 3

/** Longer pauses of the peer begin the echo anew, on our clock. */
const maxEchoGapTicks = 4000

/** What fits a packet on any link; peers' longer ones are not echoed. */
const maxEchoBytes = 1400

/** Sending copies, and there is one packet at a time. */
const echoPacket = new Uint8Array(rtpHeaderBytes + maxEchoBytes)

/** A new talkspurt may wait this long for a quieter tick, so that streams that begin together do not stay one burst. */
const spreadTicks = 8

/**
 * Everything that one endpoint sends by the clock: prompts, and digits in front of them. A tick is a millisecond.
 *
 * Frame by frame: digits while there are any (the prompt waits, no word of it is lost), else the prompt, else nothing and
 * the pacer is left. Sequence numbers go on without a gap; timestamps go on with time; the first sound after none has
 * the marker bit (RFC 3551 §4.1). While the peer must not hear us (hold) the prompt runs on unsent.
 *
 * After a stall: up to three late frames are sent back to back. Older ones are not sent at their time any more: the
 * prompt is heard from where it stopped, later, with a true timestamp and a marker.
 */
export class Sender extends Paced {
  // First what every frame needs, in as few cache lines as it goes: with thousands of streams in turn none is warm.
  readonly #shop: SendingShop
  readonly #stream: OutgoingStream
  #list: Playlist | null = null
  #digits: { readonly id: number; readonly keys: readonly Digit[]; readonly tones: Playlist | null } | null = null
  #events: EventSender | null = null
  /** Null while nobody looks. */
  #sinks: SentAudioSink[] | null = null
  // Of what was agreed.
  #isSending = false
  #codec: AudioCodec = 'PCMU'
  #payloadType = 0
  #ptimeMs = 20
  /** The tick at which sound would go on without a gap. */
  #nextTick = rest
  #isMarked = true
  #isEchoing = false
  #maxLatenessUs = 0
  readonly #user: SenderUser
  #agreed: AgreedMedia | null = null
  /** Of `#list`. */
  #playId = 0
  #echoedSsrc = 0
  /** Of the last packet that was echoed, as it came and as it went. */
  #echoedTimestamp = 0
  #echoTimestamp = 0

  constructor(shop: SendingShop, stream: OutgoingStream, user: SenderUser) {
    super()
    this.#shop = shop
    this.#stream = stream
    this.#user = user
  }

  /** Whether something is being sent by the clock. Echo waits for it. */
  get isBusy(): boolean {
    return this.#list !== null || this.#digits !== null || this.#events?.isBusy === true
  }

  /** The latest that a packet left in this endpoint's life. */
  get maxLatenessMs(): number {
    return this.#maxLatenessUs / 1000
  }

  /** Shows `sink` every frame of sound that leaves from now on. */
  addSink(sink: SentAudioSink): void {
    this.#sinks = [...(this.#sinks ?? []), sink]
  }

  removeSink(sink: SentAudioSink): void {
    const others = this.#sinks?.filter((one) => one !== sink) ?? []
    this.#sinks = others.length > 0 ? others : null
  }

  /**
   * Sends the peer's own sound back to it, as it comes: on its clock, with its pauses and its losses. Only while nothing
   * is sent by our clock. RFC 4733 digits are not echoed.
   * @param header - of the packet received.
   * @param codec - what its payload is in; it goes back in the agreed one.
   */
  echo(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array): void {
    const agreed = this.#agreed
    const length = header.payloadBytes
    if (agreed === null || !this.#isSending || this.isBusy || length === 0 || length > maxEchoBytes) return
    const { nowTick } = this.#shop.pacer
    const ahead = timestampDistance(this.#echoedTimestamp, header.timestamp)
    const isGoingOn = this.#isEchoing && header.ssrc === this.#echoedSsrc && ahead < maxEchoGapTicks
    // A packet that was overtaken comes too late to be said again.
    if (isGoingOn && ahead <= 0) return
    if (!isGoingOn) this.#stream.settleClock(nowTick)
    const timestamp = isGoingOn ? (this.#echoTimestamp + ahead) | 0 : this.#stream.timestampAt(nowTick)
    const payload = bytes.subarray(header.payloadOffset, header.payloadOffset + length)
    if (codec === agreed.sendCodec) echoPacket.set(payload, rtpHeaderBytes)
    else transcodeG711(codec, payload, echoPacket, rtpHeaderBytes)
    const isMarked = header.isMarked || !isGoingOn
    this.#isEchoing = true
    this.#isMarked = true
    this.#echoedSsrc = header.ssrc
    this.#echoedTimestamp = header.timestamp
    this.#echoTimestamp = timestamp
    if (this.#sinks) showAll(this.#sinks, nowTick, agreed.sendCodec, echoPacket, length)
    this.#stream.send(echoPacket, rtpHeaderBytes + length, agreed.sendPayloadType, isMarked, timestamp, nowTick)
  }

  /** Takes what was agreed; the frame that is due next follows it. */
  connect(agreed: AgreedMedia): void {
    const isFirst = this.#agreed === null
    this.#agreed = agreed
    this.#codec = agreed.sendCodec
    this.#payloadType = agreed.sendPayloadType
    this.#ptimeMs = agreed.ptimeMs
    const isSending = agreed.direction === 'sendrecv' || agreed.direction === 'sendonly'
    // What a held peer missed was a silence to it.
    if (isSending && !this.#isSending) this.#isMarked = true
    this.#isSending = isSending
    if (this.#digits !== null) this.#carryDigits(this.#digits, agreed, isFirst)
    this.#start()
  }

  /** Plays; what played before is stopped, and the new sound takes its place in the rhythm. */
  play(id: number, prompts: readonly Prompt[], isLoop: boolean): void {
    this.#endPlay('stopped')
    this.#list = new Playlist(prompts, isLoop)
    this.#playId = id
    if (this.#list.isAtEnd) this.#endPlay('finished')
    else this.#start()
  }

  /** No packet of it leaves after this. Nothing happens when it has ended or been replaced. */
  stopPlay(id: number): void {
    if (this.#list === null || this.#playId !== id) return
    this.#endPlay('stopped')
    this.#restIfIdle()
  }

  /** Sends keys one after the other, once connected. Replaces what is being sent. */
  sendDigits(id: number, digits: readonly Digit[]): void {
    if (this.#digits) this.stopDigits(this.#digits.id)
    if (digits.length === 0) return this.#user.digitsEnded(id, 'finished')
    this.#digits = { id, keys: digits, tones: null }
    if (this.#agreed) this.#carryDigits(this.#digits, this.#agreed, true)
    this.#start()
  }

  /** Chooses the carrier: events, or tones where they were not agreed. Events that are under way cannot become tones. */
  #carryDigits(
    digits: { id: number; keys: readonly Digit[]; tones: Playlist | null },
    agreed: AgreedMedia,
    isNew: boolean,
  ): void {
    if (!isNew) {
      if (agreed.telephoneEvent === null && digits.tones === null) this.stopDigits(digits.id)
      return
    }
    if (agreed.telephoneEvent === null) {
      this.#digits = { ...digits, tones: new Playlist(digitPrompts(digits.keys), false) }
      return
    }
    this.#events ??= new EventSender()
    for (const key of digits.keys) this.#events.enqueue(eventOfKey(key))
  }

  /** Stops behind the key that sounds: its three end packets still go, or the peer would hear it for ever. */
  stopDigits(id: number): void {
    if (this.#digits?.id !== id) return
    this.#events?.stop()
    this.#endDigits('stopped')
    this.#restIfIdle()
  }

  /** Ends all of it at once. */
  close(): void {
    this.#shop.pacer.remove(this)
    this.#events = null
    this.#endPlay('stopped')
    this.#endDigits('stopped')
  }

  due(tick: number, nowTick: number): number {
    const ptimeMs = this.#ptimeMs
    if (nowTick - tick > maxLateFrames * ptimeMs) return this.#skipLate(tick, nowTick)
    this.#nextTick = tick + ptimeMs
    const list = this.#list
    if (this.#digits !== null || this.#events !== null) this.#sendDigitFrame(tick)
    else if (list !== null) this.#sendPlayFrame(tick, list)
    return this.isBusy ? tick + ptimeMs : rest
  }

  /** Frames that are too late are left out at their time; the sound goes on with the first that is not. */
  #skipLate(tick: number, nowTick: number): number {
    const skipped = Math.ceil((nowTick - tick) / this.#ptimeMs) - maxLateFrames
    this.#shop.skippedFrames += skipped
    this.#isMarked = true
    return tick + skipped * this.#ptimeMs
  }

  #sendDigitFrame(tick: number): void {
    const tones = this.#digits?.tones
    if (tones) {
      this.#sendSound(tick, tones)
      if (tones.isAtEnd) this.#endDigits('finished')
      return
    }
    const frame = this.#events?.next(this.#stream.timestampAt(tick), this.#ptimeMs * ticksPerMs) ?? 'idle'
    if (frame === 'event') return this.#sendEvent(tick)
    if (frame === 'pause') return
    this.#events = null
    this.#endDigits('finished')
    if (this.#list !== null) this.#sendPlayFrame(tick, this.#list)
  }

  #sendEvent(tick: number): void {
    const events = this.#events
    const payloadType = this.#agreed?.telephoneEvent?.sendPayloadType
    if (!this.#isSending || events === null || payloadType === undefined) return
    const slot = this.#shop.ring.take(eventPayloadBytes)
    writeEventPayload(slot.bytes, rtpHeaderBytes, events.code, events.isEnd, events.durationTicks)
    this.#stream.send(slot.bytes, slot.bytes.length, payloadType, events.isMarked, events.timestamp, tick)
    this.#countLateness(tick)
    this.#isMarked = true
  }

  #sendPlayFrame(tick: number, list: Playlist): void {
    this.#sendSound(tick, list)
    if (list.isAtEnd) this.#endPlay('finished')
  }

  #sendSound(tick: number, list: Playlist): void {
    if (!this.#isSending) return list.skip(this.#ptimeMs)
    const payloadBytes = this.#ptimeMs * bytesPerMs
    const slot = this.#shop.ring.take(payloadBytes)
    list.fill(this.#codec, slot.payloadWords)
    if (this.#isMarked) this.#stream.settleClock(tick)
    const timestamp = this.#stream.timestampAt(tick)
    this.#stream.send(slot.bytes, slot.bytes.length, this.#payloadType, this.#isMarked, timestamp, tick)
    this.#isMarked = false
    this.#isEchoing = false
    this.#countLateness(tick)
    if (this.#sinks) showAll(this.#sinks, tick, this.#codec, slot.bytes, payloadBytes)
  }

  #countLateness(tick: number): void {
    const lateMs = this.#shop.pacer.roughlyLateMs(tick)
    this.#shop.lateness.add(lateMs)
    const lateUs = (lateMs * 1000) | 0
    if (lateUs > this.#maxLatenessUs) this.#maxLatenessUs = lateUs
  }

  #start(): void {
    if (this.#agreed === null || !this.isBusy || this.dueTick !== rest) return
    const { pacer } = this.#shop
    if (this.#nextTick > pacer.nowTick) return pacer.add(this, this.#nextTick)
    this.#isMarked = true
    pacer.addSpread(this, spreadTicks)
  }

  #restIfIdle(): void {
    if (!this.isBusy) this.#shop.pacer.remove(this)
  }

  #endPlay(end: PlayEnd): void {
    const list = this.#list
    if (list === null) return
    this.#list = null
    this.#user.playEnded(this.#playId, end, list.playedMs)
  }

  #endDigits(end: PlayEnd): void {
    const digits = this.#digits
    if (digits === null) return
    this.#digits = null
    this.#user.digitsEnded(digits.id, end)
  }
}

function showAll(
  sinks: readonly SentAudioSink[],
  tick: number,
  codec: AudioCodec,
  packet: Uint8Array,
  payloadBytes: number,
): void {
  for (const sink of sinks) sink.sentAudio(tick, codec, packet, rtpHeaderBytes, payloadBytes)
}
