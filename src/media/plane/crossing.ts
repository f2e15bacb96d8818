import type { RtpHeader } from '../../rtp/packet.ts'
import type { AudioCodec } from '../../sdp/types.ts'
import type { Outlet } from './outlet.ts'
import { Paced, type Pacer, rest } from './pacer.ts'

//  A buffer is a row of 32-bit words: the number of words in use, itself included, and frames. A frame:
//   0  the endpoint or the member that it is for
//   1  the joint that it comes by
//   2  what it is, whom it is for and its marker; the payload's length in bytes in the upper 16 bits
//   3  sequence number   4  timestamp   5  SSRC
//   6  the payload, filled up to whole words

/** In front of the payload; more than an RTP header, which may be written there. */
export const crossingHeaderWords = 6

/** What crosses. */
export const crossingKind = { pcmu: 0, pcma: 1, event: 2, quiet: 3, cut: 4 } as const
export const kindMask = 0x7
/** For a member of a room here, not for an endpoint. */
export const toSeatBit = 0x8
export const markerBit = 0x10

/** 170 usual packets: what crosses in a millisecond between two workers of 3,400 calls. */
const bufferBytes = 32_768
const bufferWords = bufferBytes / 4

/** What fits a packet on any link. */
const maxPayloadBytes = 1400

/** A worker that has not taken so many buffers is stalled; what it would get is old when it wakes. A quarter of a second. */
const maxUntaken = 256

/** Buffers kept for use again. */
const maxSpare = 8

/** The way to another worker: a MessagePort, or in tests another engine of the same thread. */
export interface CrossingPort {
  /** Hands a buffer over: it must not be touched again. */
  post(buffer: ArrayBuffer): void
  /** How many the other side has not taken yet. */
  readonly untaken: number
}

/**
 * What goes to one other worker. All frames of a millisecond leave in one buffer, handed over and not copied, never a
 * message per packet: at the end of this turn of the loop, or at the next tick when the last one left in this.
 */
export class Crossing extends Paced {
  readonly #port: CrossingPort
  readonly #pacer: Pacer
  readonly #spare: ArrayBuffer[] = []
  #words: Uint32Array<ArrayBuffer> | null = null
  #bytes = new Uint8Array(0)
  #used = 0
  #flushedTick = -1
  #dropped = 0

  constructor(port: CrossingPort, pacer: Pacer) {
    super()
    this.#port = port
    this.#pacer = pacer
  }

  /** Frames left out since the start because the other worker did not keep up. */
  get dropped(): number {
    return this.#dropped
  }

  /**
   * Puts one frame into the buffer.
   * @param kind - and the bits for whom; the marker is taken from the header.
   * @param bytes - the payload is where the header says; null for none.
   */
  put(target: number, joint: number, kind: number, header: RtpHeader, bytes: Uint8Array | null): void {
    const length = bytes === null ? 0 : header.payloadBytes
    if (length > maxPayloadBytes) return
    const needed = crossingHeaderWords + ((length + 3) >> 2)
    if (this.#words !== null && this.#used + needed > bufferWords) this.flush()
    const words = this.#words ?? this.#open()
    if (words === null) {
      this.#dropped++
      return
    }
    const at = this.#used
    words[at] = target
    words[at + 1] = joint
    words[at + 2] = (length << 16) | kind | (header.isMarked ? markerBit : 0)
    words[at + 3] = header.sequence
    words[at + 4] = header.timestamp
    words[at + 5] = header.ssrc
    this.#used = at + needed
    if (bytes === null) return
    const to = (at + crossingHeaderWords) * 4
    const from = header.payloadOffset
    for (let i = 0; i < length; i++) this.#bytes[to + i] = bytes[from + i] as number
  }

  /** Keeps a buffer that came from the other side, for the way back. */
  reuse(buffer: ArrayBuffer): void {
    if (this.#spare.length < maxSpare && buffer.byteLength === bufferBytes) this.#spare.push(buffer)
  }

  flush(): void {
    const words = this.#words
    if (words === null) return
    words[0] = this.#used
    this.#words = null
    this.#flushedTick = this.#pacer.nowTick
    this.#pacer.remove(this)
    this.#port.post(words.buffer)
  }

  close(): void {
    this.#words = null
    this.#pacer.remove(this)
  }

  due(): number {
    this.flush()
    return rest
  }

  #open(): Uint32Array | null {
    if (this.#port.untaken > maxUntaken) return null
    const buffer = this.#spare.pop() ?? new ArrayBuffer(bufferBytes)
    this.#words = new Uint32Array(buffer)
    this.#bytes = new Uint8Array(buffer)
    this.#used = 1
    const { nowTick } = this.#pacer
    if (nowTick > this.#flushedTick) setImmediate(() => this.flush())
    else this.#pacer.add(this, nowTick + 1)
    return this.#words
  }
}

/** The outlet of an endpoint whose other side, or whose room, is in another worker. */
export class CrossingOutlet implements Outlet {
  readonly #crossing: () => Crossing | undefined
  readonly #target: number
  readonly #joint: number
  readonly #bits: number

  /**
   * @param crossing - the way to that worker, asked anew each time: the worker may be another one by now.
   * @param bits - `toSeatBit` for a room.
   */
  constructor(crossing: () => Crossing | undefined, target: number, joint: number, bits: number) {
    this.#crossing = crossing
    this.#target = target
    this.#joint = joint
    this.#bits = bits
  }

  sound(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array): void {
    this.#put(codec === 'PCMU' ? crossingKind.pcmu : crossingKind.pcma, header, bytes)
  }

  event(header: RtpHeader, bytes: Uint8Array): void {
    this.#put(crossingKind.event, header, bytes)
  }

  quiet(header: RtpHeader): void {
    this.#put(crossingKind.quiet, header, null)
  }

  cut(): void {
    this.#put(crossingKind.cut, noHeader, null)
  }

  #put(kind: number, header: RtpHeader, bytes: Uint8Array | null): void {
    this.#crossing()?.put(this.#target, this.#joint, kind | this.#bits, header, bytes)
  }
}

const noHeader: RtpHeader = {
  payloadType: 0,
  isMarked: false,
  sequence: 0,
  timestamp: 0,
  ssrc: 0,
  payloadOffset: 0,
  payloadBytes: 0,
}
