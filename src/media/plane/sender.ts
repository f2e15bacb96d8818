import { eventOfKey, eventPayloadBytes, writeEventPayload } from '../../rtp/event-payload.ts'
import { EventSender } from '../../rtp/event-sender.ts'
import { type RtpHeader, rtpHeaderBytes } from '../../rtp/packet.ts'
import type { AgreedMedia, AudioCodec } from '../../sdp/types.ts'
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
  /** Somebody else's sound, which left as it came: on its source's clock, by its source's header. */
  relayedAudio(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array, nowMs: number): void
}

/** After a stall so many late frames are sent at once; what is later still is skipped. A jitter buffer holds them. */
const maxLateFrames = 3

/** The number of keys that are said for somebody else: nobody is told of their end. */
const noRun = 0

/** Keys that wait to be said for somebody else. Nobody types so far ahead. */
const maxKeysToSay = 32

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
  #maxLatenessUs = 0
  readonly #user: SenderUser
  #agreed: AgreedMedia | null = null
  /** Of `#list`. */
  #playId = 0
  #keysToSay: Digit[] = []

  constructor(shop: SendingShop, stream: OutgoingStream, user: SenderUser) {
    super()
    this.#shop = shop
    this.#stream = stream
    this.#user = user
  }

  /** Whether something is being sent by the clock. What is passed on waits for it. */
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

  /** Who is shown what leaves; null for nobody. */
  get sinks(): readonly SentAudioSink[] | null {
    return this.#sinks
  }

  /** Whether anything may be sent: not before the first agreement, nor to a peer that holds. */
  get isSending(): boolean {
    return this.#isSending
  }

  /** Whether somebody else's sound may be sent now: the peer listens, and nothing of our own is being sent. */
  get isFree(): boolean {
    return this.#isSending && !this.isBusy
  }

  get codec(): AudioCodec {
    return this.#codec
  }

  get payloadType(): number {
    return this.#payloadType
  }

  get ptimeMs(): number {
    return this.#ptimeMs
  }

  /** The number that keys are sent with; null where events were not agreed. */
  get eventPayloadType(): number | null {
    return this.#agreed?.telephoneEvent?.sendPayloadType ?? null
  }

  /** Somebody else's packet left on this stream: what we send next begins anew. */
  relayed(): void {
    this.#isMarked = true
  }

  /** Says a key for somebody else, as tones, behind those that wait. Not while a prompt plays or keys of our own are sent. */
  sayKey(key: Digit): void {
    const isOurs = this.#digits !== null && this.#digits.id !== noRun
    if (!this.#isSending || this.#list !== null || this.#events?.isBusy === true || isOurs) return
    if (this.#keysToSay.length >= maxKeysToSay) return
    this.#keysToSay.push(key)
    if (this.#digits === null) this.#sayNextKey()
    this.#start()
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
    this.#keysToSay.length = 0
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
    this.#keysToSay.length = 0
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
    this.#stream.send(slot.bytes, 0, slot.bytes.length, payloadType, events.isMarked, events.timestamp, tick)
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
    if (this.#isMarked) this.#stream.settleClock(tick, this.#ptimeMs * ticksPerMs)
    const timestamp = this.#stream.timestampAt(tick)
    this.#stream.send(slot.bytes, 0, slot.bytes.length, this.#payloadType, this.#isMarked, timestamp, tick)
    this.#isMarked = false
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
    if (digits.id !== noRun) this.#user.digitsEnded(digits.id, end)
    else this.#sayNextKey()
  }

  #sayNextKey(): void {
    const key = this.#keysToSay.shift()
    if (key !== undefined) this.#digits = { id: noRun, keys: [key], tones: new Playlist(digitPrompts([key]), false) }
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
