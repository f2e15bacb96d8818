import { frameSamples, JitterBuffer } from '../../rtp/jitter-buffer.ts'
import type { RtpHeader } from '../../rtp/packet.ts'
import type { AudioCodec } from '../../sdp/types.ts'
import { linearOf } from './linear-tables.ts'
import type { Mix } from './mix.ts'
import type { Outlet } from './outlet.ts'

/** Where what a member hears goes. */
export interface RoomListener {
  /** @param tick - the pacer's, at which the frame is due. */
  hear(mix: Mix, tick: number): void
}

/** A packet without a sample above this (-48 dB) holds the line's noise, and nobody misses it. */
const quietPeak = 128

/** Soft sound is mixed for so long behind loud: words have soft ends. */
const hangoverMs = 300

/** What came within this may still lie in the jitter buffer, which holds 200 ms at most. */
const heldMs = hangoverMs + 300

/** Who has said nothing for so long needs no jitter buffer. */
const idleMs = 10_000

/** Which bytes of a codec are loud: 1. */
const loudOf: Readonly<Record<AudioCodec, Uint8Array>> = {
  PCMU: loudTable('PCMU'),
  PCMA: loudTable('PCMA'),
}

/**
 * One member of a room, in the home worker: what it says comes in packet by packet, is held in a jitter buffer of its own,
 * and is taken out by the room frame by frame. Who says nothing, whether it
 * sends silence or no packets, is not decoded, and costs a comparison.
 */
export class Seat implements Outlet {
  readonly number: number
  readonly listener: RoomListener
  /** The present frame; of worth while `isSpeaking`. */
  readonly frame = new Int16Array(frameSamples)
  isSpeaking = false
  isHearing = true
  #heardBy: ReadonlySet<number> | null = null
  #buffer: JitterBuffer | null = null
  #loudMs = Number.NEGATIVE_INFINITY

  constructor(number: number, listener: RoomListener) {
    this.number = number
    this.listener = listener
  }

  /** The members who hear it; null: all others. */
  get heardBy(): ReadonlySet<number> | null {
    return this.#heardBy
  }

  set heardBy(who: ReadonlySet<number> | null) {
    this.#heardBy = who
    // What is said for nobody is not even decoded.
    if (who?.size === 0) this.#forget()
  }

  sound(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array, nowMs: number): void {
    if (this.#heardBy?.size === 0) return
    const { payloadOffset, payloadBytes, sequence, timestamp, ssrc } = header
    if (isLoud(codec, bytes, payloadOffset, payloadBytes)) this.#loudMs = nowMs
    if (nowMs - this.#loudMs > hangoverMs) {
      this.#buffer?.pushQuiet(payloadBytes, sequence, timestamp, ssrc, nowMs)
      return
    }
    this.#buffer ??= new JitterBuffer()
    this.#buffer.push(bytes, payloadOffset, payloadBytes, linearOf[codec], sequence, timestamp, ssrc, nowMs)
  }

  /** A key is its own user's matter: the others hear nothing of it. */
  event(header: RtpHeader, _bytes: Uint8Array, nowMs: number): void {
    this.quiet(header, nowMs)
  }

  quiet(header: RtpHeader, nowMs: number): void {
    this.#buffer?.pushSilence(header.sequence, header.timestamp, header.ssrc, nowMs)
  }

  cut(): void {
    this.#forget()
  }

  /** Takes the next 20 ms of what it says. To be called once for every 20 ms. */
  take(nowMs: number): void {
    if (this.#buffer === null) return
    const quietMs = nowMs - this.#loudMs
    if (quietMs > idleMs) return this.#forget()
    // Not pulled meanwhile, the buffer finds its place again by itself.
    this.isSpeaking = quietMs <= heldMs && this.#buffer.pull(nowMs, this.frame) === 'audio'
  }

  #forget(): void {
    this.#buffer = null
    this.isSpeaking = false
  }
}

function isLoud(codec: AudioCodec, bytes: Uint8Array, offset: number, length: number): boolean {
  const table = loudOf[codec]
  const end = offset + length
  for (let i = offset; i < end; i++) if (table[bytes[i] as number] === 1) return true
  return false
}

function loudTable(codec: AudioCodec): Uint8Array {
  return Uint8Array.from(linearOf[codec], (level) => (Math.abs(level) > quietPeak ? 1 : 0))
}
