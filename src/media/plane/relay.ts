import { eventPayloadBytes, keyOfEvent, writeEventPayload } from '../../rtp/event-payload.ts'
import { EventReceiver, lostEndMs } from '../../rtp/event-receiver.ts'
import { type RtpHeader, rtpHeaderBytes } from '../../rtp/packet.ts'
import { sequenceDistance, timestampDistance } from '../../rtp/sequence.ts'
import type { AudioCodec } from '../../sdp/types.ts'
import { silenceByte, transcodeG711InPlace } from '../g711.ts'
import { bytesPerMs } from '../prompt.ts'
import { type OutgoingStream, ticksPerMs } from './outgoing-stream.ts'
import type { Outlet } from './outlet.ts'
import type { Sender, SendingShop } from './sender.ts'

/** What fits a packet on any link; longer ones are not passed on. */
const maxPassedBytes = 1400

/**
 * A source whose timestamps and whose packets' arrivals grow apart by more than this between two packets has a new time
 * base. Less is a network that stalled; the jitter buffer draws the line at the same place.
 */
const jumpTicks = 500 * ticksPerMs

/** Packets behind the newest are told apart for so long: 32 are 640 ms, and what is later is of no use to anybody. */
const rememberedPackets = 32

/** A peer's packets are passed on at this rate at most, with so many at once after a stall: 4 s of the usual 50 a second. */
const packetsPerMs = 0.4
const maxBurst = 200

/** What one packet of comfort noise becomes: a frame of silence. */
const quietFrameBytes = 20 * bytesPerMs

/** The end of a key is told so often. RFC 4733 §2.5.1.4. */
const endPackets = 3

/** How the place of a packet is told. */
type Place = 'next' | 'first' | 'late' | 'unusable'

/**
 * Sends what another source says as our own stream, packet by packet as it comes: the other side of a bridge, a room, the
 * peer itself (echo). RFC 3550 §7.1 calls this a translator; our SSRC is our own, since the two sides never hear of each other.
 *
 * - Sequence numbers are ours and have no gaps. What the source lost is a step of the timestamps to the receiver, as a
 *   silence is; receivers place sound by its timestamp.
 * - Timestamps are the source's, moved by a constant: its spacing, packet times and pauses stay what they were. A new
 *   source, a new time base, and a beginning after something of our own was sent or the peer was held, get a new constant
 *   such that the first packet lies now and behind all that was sent, and a marker.
 * - A packet that was overtaken is passed on late with the timestamp that is right for it and the sequence number that is
 *   next: RFC 3550 §5.1 allows timestamps that are not monotonic. To hold others back for it would delay all; to leave it
 *   out would cost every receiver 20 ms, while so only those who play in the order of numbers hear two frames change
 *   places. Packets that come twice go once.
 * - Keys by RFC 4733 go as such with the agreed number, else as tones. The comfort noise of RFC 3389 was not agreed with
 *   the receiver: each of its packets becomes one frame of silence, which keeps the stream alive.
 * - While the endpoint sends something of its own, or may send nothing, all of it is left out.
 */
export class Relay implements Outlet {
  readonly #shop: SendingShop
  readonly #stream: OutgoingStream
  readonly #sender: Sender
  #isOn = false
  #ssrc = 0
  /** Newest sequence number, and a bit for it and each of the 31 before it: came already. */
  #sequence = 0
  #seen = 0
  /** A number this far out of order begins anew when the next one follows it. RFC 3550 A.1. */
  #restartSequence = -1
  /** Ours minus the source's. */
  #offset = 0
  /** The source's, of the first packet with this offset, and of the newest sound. */
  #firstTimestamp = 0
  #timestamp = 0
  /** Where the source was at what time, by its newest packet. */
  #clockTicks = 0
  #clockMs = 0
  /** As many packets had left when our last one had: more means that somebody else sent. */
  #packetsSent = -1
  #credit = maxBurst
  #creditMs = 0
  // The key that is being passed on as an event.
  #isKeyDown = false
  #keyCode = 0
  #keyTimestamp = 0
  #keyTicks = 0
  #keyMs = 0
  #tones: EventReceiver | null = null

  constructor(shop: SendingShop, stream: OutgoingStream, sender: Sender) {
    this.#shop = shop
    this.#stream = stream
    this.#sender = sender
  }

  /** What sound leaves in. */
  get codec(): AudioCodec {
    return this.#sender.codec
  }

  /** Whether sound would leave now; else it is left out, and what comes later begins anew. */
  isReady(): boolean {
    if (this.#sender.isFree) return true
    this.#interrupt()
    return false
  }

  /**
   * Passes one packet of sound on.
   * @param bytes - the packet; the payload is where the header says, with at least 12 bytes in front of it. Header and
   *   payload are written over: nobody may need them any more.
   * @param codec - what the payload is in; it leaves in the agreed one.
   * @param nowMs - monotonic, when it came.
   */
  sound(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array, nowMs: number): void {
    const { payloadOffset, payloadBytes } = header
    const sender = this.#sender
    if (payloadBytes === 0 || payloadBytes > maxPassedBytes) return
    if (this.#isKeyDown && nowMs - this.#keyMs > lostEndMs) this.#endKey()
    if (!this.isReady()) return
    const place = this.#place(header, header.timestamp | 0, nowMs)
    if (place === 'unusable') return
    if (codec !== sender.codec) transcodeG711InPlace(codec, bytes, payloadOffset, payloadBytes)
    const sinks = sender.sinks
    if (sinks !== null) {
      for (const sink of sinks) sink.relayedAudio(header, sender.codec, bytes, nowMs)
    }
    const isMarked = place === 'first' || (place === 'next' && header.isMarked)
    const timestamp = (header.timestamp + this.#offset) | 0
    this.#send(bytes, payloadOffset - rtpHeaderBytes, payloadBytes, sender.payloadType, isMarked, timestamp, nowMs)
  }

  /** A packet of comfort noise, RFC 3389: the source is silent, and lives. */
  quiet(header: RtpHeader, nowMs: number): void {
    const sender = this.#sender
    if (!this.isReady() || !this.#isOn) return
    if (this.#place(header, header.timestamp | 0, nowMs) !== 'next') return
    const slot = this.#shop.ring.take(quietFrameBytes)
    slot.bytes.fill(silenceByte[sender.codec], rtpHeaderBytes)
    const timestamp = (header.timestamp + this.#offset) | 0
    this.#send(slot.bytes, 0, quietFrameBytes, sender.payloadType, false, timestamp, nowMs)
  }

  /**
   * Passes one packet of a telephone-event on, RFC 4733 §2.3: with the mapped timestamp that all of its packets share, its
   * duration and its end bit. As a tone where events were not agreed.
   * @param bytes - the packet; only read.
   */
  event(header: RtpHeader, bytes: Uint8Array, nowMs: number): void {
    const { payloadOffset: at, payloadBytes } = header
    const code = bytes[at] as number
    // 0 to 15 are the keys, and what both sides agreed on.
    if (payloadBytes < eventPayloadBytes || code > 15) return
    const payloadType = this.#sender.eventPayloadType
    if (payloadType === null) return this.#sayKey(header, bytes, nowMs)
    const timestamp = header.timestamp | 0
    const isUnderWay = this.#isKeyDown && timestamp === this.#keyTimestamp && header.ssrc === this.#ssrc
    const { isFree } = this.#sender
    // A key that begins while something else is sent is kept back; one under way is passed on to its end.
    if (!isFree && !(isUnderWay && this.#sender.isSending)) return this.#interrupt()
    if (!isUnderWay) this.#endKey()
    const ticks = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
    // The timestamp is that of its beginning: what tells the time is where it has got to.
    const place = this.#place(header, (timestamp + ticks) | 0, nowMs)
    // Each packet of a key tells all of it: one that was overtaken has nothing to say.
    if (place === 'unusable' || place === 'late') return
    const isEnd = ((bytes[at + 1] as number) & 0x80) !== 0
    this.#isKeyDown = true
    this.#keyCode = code
    this.#keyTimestamp = timestamp
    this.#keyTicks = ticks
    this.#keyMs = nowMs
    if (isEnd && !isFree) {
      this.#endKey()
      this.#isOn = false
      return
    }
    this.#isKeyDown = !isEnd
    const isMarked = place === 'first' || header.isMarked
    this.#sendEvent(payloadType, isMarked, isEnd, (bytes[at + 1] as number) & 0x3f, nowMs)
  }

  /** Nothing more of this source comes: a key that is down is let go, or the peer would hear it until it lost patience. */
  cut(nowMs: number): void {
    this.#clockMs = Math.max(this.#clockMs, nowMs)
    this.#endKey()
    this.#tones = null
    this.#isOn = false
  }

  /** Something of our own is sent, or nothing may be. A key that is down stays so: its packets still go. */
  #interrupt(): void {
    if (!this.#isKeyDown) this.#isOn = false
  }

  #sayKey(header: RtpHeader, bytes: Uint8Array, nowMs: number): void {
    this.#tones ??= new EventReceiver({
      eventStarted: (code) => {
        const key = keyOfEvent(code)
        if (key !== null) this.#sender.sayKey(key)
      },
      eventEnded: () => {},
    })
    this.#tones.receive(bytes, header.payloadOffset, header.payloadBytes, header.timestamp, nowMs)
  }

  /** Three ends, as if the source had sent them. */
  #endKey(): void {
    const payloadType = this.#sender.eventPayloadType
    if (!this.#isKeyDown) return
    this.#isKeyDown = false
    if (payloadType === null || !this.#sender.isSending) return
    for (let i = 0; i < endPackets; i++) this.#sendEvent(payloadType, false, true, 10, this.#clockMs)
  }

  #sendEvent(payloadType: number, isMarked: boolean, isEnd: boolean, volumeDb: number, nowMs: number): void {
    const slot = this.#shop.ring.take(eventPayloadBytes)
    writeEventPayload(slot.bytes, rtpHeaderBytes, this.#keyCode, isEnd, this.#keyTicks, volumeDb)
    const timestamp = (this.#keyTimestamp + this.#offset) | 0
    this.#send(slot.bytes, 0, eventPayloadBytes, payloadType, isMarked, timestamp, nowMs)
  }

  #send(
    bytes: Uint8Array,
    offset: number,
    payloadBytes: number,
    payloadType: number,
    isMarked: boolean,
    timestamp: number,
    nowMs: number,
  ): void {
    const tick = this.#shop.pacer.tickAt(nowMs)
    this.#stream.send(bytes, offset, rtpHeaderBytes + payloadBytes, payloadType, isMarked, timestamp, tick)
    this.#packetsSent = this.#stream.packetsSent
    this.#sender.relayed()
  }

  /** Finds a packet's place among those before. @param clockTicks - where the source's clock is, by this packet. */
  #place(header: RtpHeader, clockTicks: number, nowMs: number): Place {
    if (!this.#hasCredit(nowMs)) return 'unusable'
    const { sequence } = header
    const isOurs = this.#isKeyDown || this.#stream.packetsSent === this.#packetsSent
    if (!this.#isOn || header.ssrc !== this.#ssrc || !isOurs) return this.#begin(header, clockTicks, nowMs)
    const step = sequenceDistance(this.#sequence, sequence)
    if (step <= 0) return this.#placeLate(header, -step, clockTicks, nowMs)
    const drift = timestampDistance(this.#clockTicks, clockTicks) - (nowMs - this.#clockMs) * ticksPerMs
    const isSound = clockTicks === (header.timestamp | 0)
    const isBackwards = isSound && timestampDistance(this.#timestamp, clockTicks) <= 0
    if (drift > jumpTicks || drift < -jumpTicks || isBackwards) return this.#begin(header, clockTicks, nowMs)
    this.#seen = step < rememberedPackets ? (this.#seen << step) | 1 : 1
    this.#sequence = sequence
    this.#clockTicks = clockTicks
    this.#clockMs = nowMs
    if (isSound) this.#timestamp = clockTicks
    return 'next'
  }

  #placeLate(header: RtpHeader, behind: number, clockTicks: number, nowMs: number): Place {
    if (behind >= rememberedPackets) {
      const isRestart = header.sequence === this.#restartSequence
      this.#restartSequence = (header.sequence + 1) & 0xffff
      return isRestart ? this.#begin(header, clockTicks, nowMs) : 'unusable'
    }
    const bit = 1 << behind
    if ((this.#seen & bit) !== 0) return 'unusable'
    this.#seen |= bit
    // From before the time when we began to pass this source on: what was sent then has its place.
    const isInTime = timestampDistance(this.#firstTimestamp, header.timestamp) > 0
    return isInTime && timestampDistance(this.#clockTicks, clockTicks) <= 0 ? 'late' : 'unusable'
  }

  #begin(header: RtpHeader, clockTicks: number, nowMs: number): Place {
    if (this.#isOn && header.ssrc !== this.#ssrc) this.#endKey()
    this.#isOn = true
    this.#ssrc = header.ssrc
    this.#sequence = header.sequence
    this.#seen = 1
    this.#restartSequence = -1
    this.#clockTicks = clockTicks
    this.#clockMs = nowMs
    this.#rebase(header.timestamp | 0, nowMs)
    return 'first'
  }

  /** The packet with this timestamp lies now, and behind all that was sent. */
  #rebase(timestamp: number, nowMs: number): void {
    const free = this.#stream.freeTimestampAt(this.#shop.pacer.tickAt(nowMs), this.#sender.ptimeMs * ticksPerMs)
    this.#offset = (free - timestamp) | 0
    this.#firstTimestamp = timestamp
    this.#timestamp = timestamp
  }

  /** A flood is not passed on. */
  #hasCredit(nowMs: number): boolean {
    this.#credit = Math.min(maxBurst, this.#credit + (nowMs - this.#creditMs) * packetsPerMs)
    this.#creditMs = nowMs
    if (this.#credit < 1) return false
    this.#credit--
    return true
  }
}
