import { type FrameKind, frameSamples, JitterBuffer } from '../../rtp/jitter-buffer.ts'
import type { AudioCodec } from '../../sdp/types.ts'
import { linearOf } from './linear-tables.ts'
import { Paced, type Pacer, rest } from './pacer.ts'

/**
 * Hears what the peer says, 20 ms at a time, in order and without gaps: recorders, the detector of in-band digits. Bridges and
 * rooms take packets as they come.
 */
export interface ReceivedAudioSink {
  /**
   * @param samples - 160 at 8,000 Hz; overwritten after the call returns.
   * @param tick - the pacer's tick at which they are heard.
   */
  receivedAudio(samples: Int16Array, kind: FrameKind, tick: number): void
}

/** A frame: 20 ms, as the jitter buffer gives them. */
export const frameTicks = 20

/** After a stall of this long the packets of that time still wait in the socket: they are read first. */
const stallTicks = 2 * frameTicks

/** A machine that slept for longer than this has no call to come back to. */
const longestStallTicks = 60_000

/** One frame for all: nobody keeps it. */
const frame = new Int16Array(frameSamples)

/**
 * The peer's sound, decoded while anybody listens, and not before. Pulled from the jitter buffer by the pacer, every
 * frame exactly once, also those that a stall made late: what is recorded has the length of what was said.
 */
export class ReceivedAudio extends Paced {
  readonly #pacer: Pacer
  readonly #sinks: ReceivedAudioSink[] = []
  #buffer: JitterBuffer | null = null
  #frameTick = 0
  #isReadingFirst = false

  constructor(pacer: Pacer) {
    super()
    this.#pacer = pacer
  }

  /** Whether packets are wanted; ask before decoding anything. */
  get isWanted(): boolean {
    return this.#buffer !== null
  }

  /** The first sink makes the jitter buffer and starts the frames. */
  add(sink: ReceivedAudioSink): void {
    if (this.#sinks.includes(sink)) return
    this.#sinks.push(sink)
    if (this.#buffer) return
    this.#buffer = new JitterBuffer()
    this.#isReadingFirst = false
    this.#frameTick = this.#pacer.addSpread(this, frameTicks)
  }

  /** The last sink takes the jitter buffer with it. */
  remove(sink: ReceivedAudioSink): void {
    const at = this.#sinks.indexOf(sink)
    if (at !== -1) this.#sinks.splice(at, 1)
    if (this.#sinks.length > 0) return
    this.#buffer = null
    this.#pacer.remove(this)
  }

  /** Takes one packet of sound. */
  push(
    codec: AudioCodec,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sequence: number,
    timestamp: number,
    ssrc: number,
    nowMs: number,
  ): void {
    this.#buffer?.push(bytes, offset, length, linearOf[codec], sequence, timestamp, ssrc, nowMs)
  }

  /** Takes a packet that stands in place of sound: comfort noise, a telephone-event. */
  pushSilence(sequence: number, timestamp: number, ssrc: number, nowMs: number): void {
    this.#buffer?.pushSilence(sequence, timestamp, ssrc, nowMs)
  }

  due(_tick: number, nowTick: number): number {
    if (nowTick - this.#frameTick > stallTicks && !this.#isReadingFirst) {
      this.#isReadingFirst = true
      return nowTick + 1
    }
    this.#isReadingFirst = false
    if (nowTick - this.#frameTick > longestStallTicks) this.#frameTick = nowTick
    while (this.#frameTick <= nowTick && this.#buffer) {
      const kind = this.#buffer.pull(this.#pacer.timeOf(this.#frameTick), frame)
      // Backwards, since a sink may take itself away.
      for (let i = this.#sinks.length - 1; i >= 0; i--) this.#sinks[i]?.receivedAudio(frame, kind, this.#frameTick)
      this.#frameTick += frameTicks
    }
    return this.#buffer ? this.#frameTick : rest
  }
}
