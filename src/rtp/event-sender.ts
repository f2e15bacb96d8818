/** What the present frame is to carry. */
export type EventFrame =
  /** One telephone-event packet, described by the sender's fields. */
  | 'event'
  /** Nothing of ours, but a key is still being paused after: audio may go, the next key may not begin. */
  | 'pause'
  /** Nothing to do: audio goes as ever. */
  | 'idle'

export interface EventSenderOptions {
  readonly toneMs?: number
  readonly pauseMs?: number
  readonly clockRateHz?: number
}

/** The end of a key is told so often. RFC 4733 §2.5.1.4. */
const endPackets = 3

/** Keys that may wait. A caller that asks for more has lost its way. */
const maxQueued = 256

/** Shortest tone and pause that receivers must recognise, ITU-T Q.24: 40 ms each. */
const minToneMs = 40

/** Longest tone: one segment only (65535 ticks are 8.19 s). */
const maxToneMs = 8000

/**
 * Sends keys as telephone-events in step with the audio frames of the same stream (same SSRC, same sequence numbers).
 * RFC 4733 §2.5.1. Once per frame the pacer asks `next`; on 'event' it sends one packet with `timestamp`, `isMarked`
 * and the payload of `code`, `isEnd`, `durationTicks` in place of the audio packet.
 *
 * A key of 100 ms at 20 ms frames, first at audio timestamp T: all packets carry T; durations 160 (marked), 320, 480,
 * 640, then 800 with the end bit three times; the next key begins 160 ms after T.
 */
export class EventSender {
  readonly #toneTicks: number
  readonly #pauseTicks: number
  readonly #queue: number[] = []
  #frame = -1
  #endFrame = 0
  #nextKeyFrame = 0
  #lastTicks = 0

  /** Of the packet to send; meaningful after `next` gave 'event'. */
  code = 0
  timestamp = 0
  durationTicks = 0
  isMarked = false
  isEnd = false

  constructor(options: EventSenderOptions = {}) {
    const ticksPerMs = (options.clockRateHz ?? 8000) / 1000
    this.#toneTicks = Math.min(maxToneMs, Math.max(minToneMs, options.toneMs ?? 100)) * ticksPerMs
    this.#pauseTicks = Math.max(minToneMs, options.pauseMs ?? 60) * ticksPerMs
  }

  /** Whether keys wait, sound or are being paused after. */
  get isBusy(): boolean {
    return this.#frame >= 0 || this.#queue.length > 0
  }

  /**
   * Queues one key.
   * @param code - 0 to 15.
   * @returns false when too many wait already.
   */
  enqueue(code: number): boolean {
    if (this.#queue.length >= maxQueued) return false
    this.#queue.push(code)
    return true
  }

  /** Forgets the keys that wait; the one that sounds is ended with the next frame, with its three end packets. */
  stop(): void {
    this.#queue.length = 0
    if (this.#frame >= 0 && this.#frame < this.#endFrame) this.#endAt(this.#frame)
  }

  /**
   * Decides about one frame.
   * @param audioTimestamp - the timestamp an audio packet of this frame would carry.
   * @param frameTicks - length of the frame: 160 at ptime 20. May change between calls.
   */
  next(audioTimestamp: number, frameTicks: number): EventFrame {
    if (this.#frame >= 0 && this.#frame >= this.#nextKeyFrame) this.#frame = -1
    if (this.#frame < 0) {
      const code = this.#queue.shift()
      if (code === undefined) return 'idle'
      this.#begin(code, audioTimestamp, frameTicks)
    }
    const frame = this.#frame++
    if (frame >= this.#endFrame + endPackets) return 'pause'
    this.isMarked = frame === 0
    this.isEnd = frame >= this.#endFrame
    if (frame <= this.#endFrame) this.#lastTicks = Math.min(this.#toneTicks, this.#lastTicks + frameTicks)
    this.durationTicks = this.#lastTicks
    return 'event'
  }

  #begin(code: number, audioTimestamp: number, frameTicks: number): void {
    this.code = code
    this.timestamp = audioTimestamp >>> 0
    this.#frame = 0
    this.#lastTicks = 0
    this.#nextKeyFrame = Math.ceil((this.#toneTicks + this.#pauseTicks) / frameTicks)
    this.#endAt(Math.ceil(this.#toneTicks / frameTicks) - 1)
  }

  #endAt(frame: number): void {
    const pauseFrames = this.#nextKeyFrame - this.#endFrame
    const isCutShort = this.#frame > 0 && frame < this.#endFrame
    this.#endFrame = frame
    if (isCutShort) this.#nextKeyFrame = frame + pauseFrames
    this.#nextKeyFrame = Math.max(this.#nextKeyFrame, frame + endPackets)
  }
}
