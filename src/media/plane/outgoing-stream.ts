import type { DatagramPort } from '../../rtp/datagram-port.ts'
import { rtpHeaderBytes, writeRtpHeader } from '../../rtp/packet.ts'
import { newSendStatistics } from '../../rtp/rtcp-reporter.ts'
import { timestampDistance } from '../../rtp/sequence.ts'
import type { Pacer } from './pacer.ts'

/** Ticks of the RTP clock per millisecond: 8,000 Hz for all that we speak. RFC 3551 §6. */
export const ticksPerMs = 8

/** Where packets go; the latch, which may move it. */
export interface StreamTarget {
  readonly remoteAddress: string
  /** 0: nowhere. */
  readonly remotePort: number
}

/**
 * Our one RTP stream of an endpoint: SSRC, sequence numbers and timestamps. RFC 3550 §5.1.
 * The timestamp is the clock's: it goes on over silence, so the peer sees how long a pause was (RFC 3551 §4.1).
 */
export class OutgoingStream {
  /** For RTCP; as old as the last `fillStatistics`. */
  readonly statistics = newSendStatistics()
  readonly #port: DatagramPort
  readonly #pacer: Pacer
  #sequence: number
  // 32 bits, signed, so that V8 keeps them in place.
  readonly #ssrc: number
  #timestampOffset: number
  #lastTimestamp = 0
  #lastTick = 0
  #packets = 0
  #payloadBytes = 0
  #target: StreamTarget | null = null

  /**
   * @param start.sequence - 16 random bits, RFC 3550 §5.1.
   * @param start.timestamp - 32 random bits.
   */
  constructor(port: DatagramPort, pacer: Pacer, start: { ssrc: number; sequence: number; timestamp: number }) {
    this.#port = port
    this.#pacer = pacer
    this.#ssrc = start.ssrc | 0
    this.#sequence = start.sequence & 0xffff
    this.#timestampOffset = start.timestamp | 0
  }

  /** Null sends nothing. */
  set target(target: StreamTarget | null) {
    this.#target = target
  }

  /** Unsigned. */
  get ssrc(): number {
    return this.#ssrc >>> 0
  }

  get packetsSent(): number {
    return this.#packets
  }

  /** The timestamp of the sample that is due at a tick, which is a millisecond: 32 bits, signed. */
  timestampAt(tick: number): number {
    return (this.#timestampOffset + tick * ticksPerMs) | 0
  }

  /**
   * Makes sure that the timestamp at a tick lies behind all that was sent. What is passed on runs on its source's clock,
   * which may have got ahead of ours.
   * @param lastTicks - how long the last packet may have been.
   */
  settleClock(tick: number, lastTicks: number): void {
    const ahead = timestampDistance(this.timestampAt(tick), this.freeTimestampAt(tick, lastTicks))
    this.#timestampOffset = (this.#timestampOffset + ahead) | 0
  }

  /**
   * The timestamp for sound that begins at a tick with another clock than ours: the tick's own, or what follows the last
   * packet where that reaches further.
   * @param lastTicks - how long the last packet may have been.
   */
  freeTimestampAt(tick: number, lastTicks: number): number {
    const here = this.timestampAt(tick)
    if (this.#packets === 0) return here
    const free = (this.#lastTimestamp + lastTicks) | 0
    return timestampDistance(free, here) >= 0 ? here : free
  }

  /**
   * Writes the header in front of the payload and sends the packet.
   * @param packet - 12 bytes of room, then the payload, from `offset` on.
   * @param packetBytes - header and payload; the packet may be shorter than its buffer.
   * @param timestamp - 32 bits, signed or not.
   * @param tick - when it was due.
   */
  send(
    packet: Uint8Array,
    offset: number,
    packetBytes: number,
    payloadType: number,
    isMarked: boolean,
    timestamp: number,
    tick: number,
  ): void {
    const target = this.#target
    if (target === null || target.remotePort === 0) return
    writeRtpHeader(packet, offset, payloadType, isMarked, this.#sequence, timestamp, this.#ssrc)
    this.#sequence = (this.#sequence + 1) & 0xffff
    // What was overtaken lies behind.
    if (this.#packets === 0 || timestampDistance(this.#lastTimestamp, timestamp) > 0)
      this.#lastTimestamp = timestamp | 0
    this.#lastTick = tick
    this.#packets++
    this.#payloadBytes += packetBytes - rtpHeaderBytes
    this.#port.send(packet, offset, packetBytes, target.remotePort, target.remoteAddress)
  }

  /** Brings `statistics` up to date: once per report, not once per packet. */
  fillStatistics(): void {
    const { statistics } = this
    statistics.packetsSent = this.#packets
    statistics.payloadBytesSent = this.#payloadBytes
    // An event's packets all carry the timestamp of its beginning; the report wants the clock's.
    statistics.lastTimestamp = this.timestampAt(this.#lastTick) >>> 0
    statistics.lastSentMs = this.#pacer.timeOf(this.#lastTick)
  }
}
