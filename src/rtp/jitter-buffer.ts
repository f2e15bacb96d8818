import { timestampDistance } from './sequence.ts'

/** What a pulled frame holds. */
export type FrameKind =
  /** Sound of the peer; a few samples of it may be missing and are zero. */
  | 'audio'
  /** Sound was sent, or should have been, and is not here: zeros. */
  | 'lost'
  /** The peer sends no sound now (discontinuous transmission, comfort noise, keys, nothing yet): zeros. */
  | 'silence'

export interface JitterBufferOptions {
  /** Bounds of the delay that the buffer adds. Milliseconds; defaults 20 and 200. */
  readonly minDelayMs?: number
  readonly maxDelayMs?: number
}

/** A frame: 20 ms at 8,000 Hz. */
export const frameSamples = 160

const samplesPerMs = 8

/** Ring of samples, a power of two: 1,024 ms, five times the largest delay. */
const ringSamples = 8192
const ringMask = ringSamples - 1

/** Longest payload taken: 120 ms. Agreed are 60 at most, and peers err. */
const maxPayloadSamples = 960

/** A packet whose timestamp lies this far from where time says is of a new time base, not late or early. */
const jumpTicks = 500 * samplesPerMs

/** Two packets on a new time base agree about it to so much; the packets of a burst after a stall do not. */
const jumpAgreementTicks = 8 * samplesPerMs

/** So many packets in a row off the time base are believed even when they do not agree: the network is that bad. */
const maxPacketsOffBase = 5

/** So much of the worst lateness is forgotten per packet: half of it in about 7 s of 50 packets a second. */
const latenessDecay = 0.998

/** The earliest arrivals of so long a time are the base that lateness is measured from; follows drifting clocks. */
const baseWindowMs = 5000

/** Nothing heard for so long: the peer is silent, not unlucky. */
const quietAfterMs = 100

/** A frame below this peak may be left out or doubled without being heard (-42 dB). */
const quietPeak = 256

/** A delay wrong by more than this is mended in mid-word. Milliseconds. */
const hurryMs = 60

// What is known of one sample.
const missing = 0
const present = 1
// So large that no frame with one of these in it has the sum of a frame of sound.
const silent = 255

/**
 * Turns packets that come when they like into one frame of linear PCM each 20 ms. For G.711 streams of any packet time
 * (RFC 3551 §4.5.14), addressed by timestamp, so reordering, duplicates, packet times and discontinuous transmission need
 * no rules of their own. RFC 3550 §6.4.1 (transit), RFC 3389 (comfort noise).
 *
 * Memory is two fixed rings, 24 KiB; nothing is made per packet. The delay follows the worst lateness of the last
 * seconds and moves where it is quiet. Make one only where sound is decoded.
 */
export class JitterBuffer {
  readonly #minDelayTicks: number
  readonly #maxDelayTicks: number
  readonly #samples = new Int16Array(ringSamples)
  readonly #marks = new Uint8Array(ringSamples)

  #hasStream = false
  #ssrc = 0
  /** Timestamp of the next sample to be pulled. */
  #playout = 0
  /** Timestamp behind the newest sample held. */
  #newest = 0
  #lastSequence = 0
  #heardMs = 0
  #isDeclaredSilent = false
  /** Arrival minus timestamp of the first packet; transits are told from here, in ticks. */
  #origin = 0
  #earliest = 0
  #earliestBefore = 0
  #windowStartMs = 0
  #lateness = 0
  /** The other time base that the last packet claimed, and how many in a row have claimed one. */
  #jumpTransit = 0
  #packetsOffBase = 0

  #late = 0
  #lost = 0
  #resyncs = 0

  constructor(options: JitterBufferOptions = {}) {
    this.#minDelayTicks = (options.minDelayMs ?? 20) * samplesPerMs
    this.#maxDelayTicks = Math.min(options.maxDelayMs ?? 200, 400) * samplesPerMs
  }

  /** Packets that came after their time, frames that were wanted and not there, new beginnings. Since the start. */
  get counts(): { readonly late: number; readonly lost: number; readonly resyncs: number } {
    return { late: this.#late, lost: this.#lost, resyncs: this.#resyncs }
  }

  /** The delay aimed at now. Milliseconds. */
  get targetDelayMs(): number {
    return this.#targetTicks / samplesPerMs
  }

  /** Forgets all but the counts. */
  reset(): void {
    this.#hasStream = false
    this.#marks.fill(missing)
    this.#lateness = 0
    this.#packetsOffBase = 0
  }

  /**
   * Takes one packet of sound.
   * @param bytes - the datagram; the payload is `bytes[offset … offset + length)`, read before the call returns.
   * @param decoded - 256 entries: the linear value of each byte of this payload type's codec.
   * @param nowMs - monotonic, when it came.
   */
  push(
    bytes: Uint8Array,
    offset: number,
    length: number,
    decoded: Int16Array,
    sequence: number,
    timestamp: number,
    ssrc: number,
    nowMs: number,
  ): void {
    const samples = Math.min(length, maxPayloadSamples, bytes.length - offset)
    if (samples <= 0 || !this.#place(sequence, timestamp, ssrc, nowMs)) return
    this.#isDeclaredSilent = false
    this.#bridgeGap(sequence, timestamp)
    this.#lastSequence = sequence
    const skip = Math.max(0, -timestampDistance(this.#playout, timestamp))
    if (skip >= samples) this.#late++
    else this.#write(timestamp + skip, bytes, offset + skip, samples - skip, decoded)
    this.#reach((timestamp + samples) | 0)
  }

  /**
   * Takes a packet of sound that is not worth hearing: it tells when the stream is where, and its frames are silence.
   * @param length - of its payload, a byte per sample.
   */
  pushQuiet(length: number, sequence: number, timestamp: number, ssrc: number, nowMs: number): void {
    const samples = Math.min(length, maxPayloadSamples)
    if (samples <= 0 || !this.#place(sequence, timestamp, ssrc, nowMs)) return
    this.#isDeclaredSilent = false
    this.#bridgeGap(sequence, timestamp)
    this.#lastSequence = sequence
    const skip = Math.max(0, -timestampDistance(this.#playout, timestamp))
    this.#markSilent(timestamp + skip, samples - skip)
    this.#reach((timestamp + samples) | 0)
  }

  /**
   * Takes a packet that says "no sound now": comfort noise, or a telephone-event in place of sound. Its timestamp tells
   * nothing about delay, since all packets of one event carry the same.
   */
  pushSilence(sequence: number, timestamp: number, ssrc: number, nowMs: number): void {
    if (!this.#hasStream || ssrc !== this.#ssrc) return
    if (Math.abs(timestampDistance(this.#playout, timestamp)) < jumpTicks) this.#bridgeGap(sequence, timestamp)
    this.#heardMs = nowMs
    this.#lastSequence = sequence
    this.#isDeclaredSilent = true
  }

  /**
   * Gives the next 20 ms. To be called once for every 20 ms, by the pacer.
   * @param nowMs - when the frame is due (start + n × 20), not when a late pacer got round to it.
   * @param into - 160 samples, all written.
   */
  pull(nowMs: number, into: Int16Array): FrameKind {
    if (!this.#hasStream) {
      into.fill(0)
      return 'silence'
    }
    const excess = timestampDistance(this.#playout, this.#wantedPlayout(nowMs))
    if (excess <= -frameSamples && this.#mayHold(excess)) {
      into.fill(0)
      return 'silence'
    }
    if (excess >= frameSamples) this.#catchUp(excess)
    return this.#take(nowMs, into)
  }

  get #targetTicks(): number {
    return Math.min(this.#maxDelayTicks, Math.max(this.#minDelayTicks, this.#lateness))
  }

  /**
   * Which sample should be heard now: the one that an earliest packet would have brought `target` ago. One frame of
   * margin on top, since the playout is let run ahead of this by just under a frame.
   */
  #wantedPlayout(nowMs: number): number {
    const earliest = Math.min(this.#earliest, this.#earliestBefore)
    return (Math.round(nowMs * samplesPerMs) - this.#origin - earliest - this.#targetTicks - frameSamples) | 0
  }

  /** Finds the packet's place in time. @returns false when it is not to be used. */
  #place(sequence: number, timestamp: number, ssrc: number, nowMs: number): boolean {
    const arrival = Math.round(nowMs * samplesPerMs)
    if (!this.#hasStream || ssrc !== this.#ssrc) {
      this.#begin(sequence, timestamp, ssrc, nowMs)
      return true
    }
    const transit = timestampDistance(this.#origin, arrival - timestamp)
    const lateness = transit - Math.min(this.#earliest, this.#earliestBefore)
    if (lateness > jumpTicks || lateness < -jumpTicks) {
      const isAgreed = this.#packetsOffBase > 0 && Math.abs(transit - this.#jumpTransit) < jumpAgreementTicks
      this.#jumpTransit = transit
      if (!isAgreed && ++this.#packetsOffBase < maxPacketsOffBase) return false
      this.#begin(sequence, timestamp, ssrc, nowMs)
      return true
    }
    this.#packetsOffBase = 0
    this.#heardMs = nowMs
    this.#lateness = Math.max(lateness, this.#lateness * latenessDecay)
    if (nowMs - this.#windowStartMs >= baseWindowMs) {
      this.#windowStartMs = nowMs
      this.#earliestBefore = this.#earliest
      this.#earliest = transit
    } else if (transit < this.#earliest) this.#earliest = transit
    if (timestampDistance(this.#playout, timestamp) > ringSamples - maxPayloadSamples) {
      // Nobody has pulled for long: what the ring holds is of no use, and would be mistaken for this packet's neighbours.
      this.#marks.fill(missing)
      this.#playout = this.#wantedPlayout(nowMs)
    }
    return true
  }

  #begin(sequence: number, timestamp: number, ssrc: number, nowMs: number): void {
    if (this.#hasStream) this.#resyncs++
    this.reset()
    this.#hasStream = true
    this.#ssrc = ssrc
    this.#origin = (Math.round(nowMs * samplesPerMs) - timestamp) | 0
    this.#earliest = 0
    this.#earliestBefore = 0
    this.#windowStartMs = nowMs
    this.#heardMs = nowMs
    this.#lastSequence = (sequence - 1) & 0xffff
    this.#newest = timestamp | 0
    this.#playout = this.#wantedPlayout(nowMs)
    this.#markSilent(this.#playout, timestampDistance(this.#playout, timestamp))
  }

  /** The next number with a later timestamp: between the two nothing was sent. */
  #bridgeGap(sequence: number, timestamp: number): void {
    if (sequence !== ((this.#lastSequence + 1) & 0xffff)) return
    const behind = timestampDistance(this.#playout, this.#newest)
    const from = behind < 0 ? this.#playout : this.#newest
    const gap = timestampDistance(from, timestamp)
    if (gap < ringSamples) this.#markSilent(from, gap)
  }

  /** In the ring, which may end within the packet. Whole stretches: this runs for every sample of every call that is decoded. */
  #write(timestamp: number, bytes: Uint8Array, offset: number, count: number, decoded: Int16Array): void {
    const ring = this.#samples
    const at = timestamp & ringMask
    const first = Math.min(count, ringSamples - at)
    for (let i = 0; i < first; i++) ring[at + i] = decoded[bytes[offset + i] as number] as number
    for (let i = first; i < count; i++) ring[i - first] = decoded[bytes[offset + i] as number] as number
    this.#mark(timestamp, count, present)
  }

  #reach(end: number): void {
    if (timestampDistance(this.#newest, end) > 0) this.#newest = end
  }

  #markSilent(from: number, count: number): void {
    if (count > 0) this.#mark(from, Math.min(count, ringSamples), silent)
  }

  /** @param count - at most the ring. */
  #mark(from: number, count: number, mark: number): void {
    const at = from & ringMask
    this.#marks.fill(mark, at, at + count)
    if (at + count > ringSamples) this.#marks.fill(mark, 0, at + count - ringSamples)
  }

  /** May the playout wait a frame, to let the delay grow? In quiet always; else only when much is at stake. */
  #mayHold(excess: number): boolean {
    return excess < -hurryMs * samplesPerMs || this.#isQuietAhead()
  }

  /** Leaves out frames so that the delay shrinks: a quiet one, or all that is too much when it is far too much. */
  #catchUp(excess: number): void {
    const isUrgent = excess > hurryMs * samplesPerMs
    if (!isUrgent && !this.#isQuietAhead()) return
    const skip = isUrgent ? excess - (excess % frameSamples) : frameSamples
    for (let i = 0; i < Math.min(skip, ringSamples); i++) this.#marks[(this.#playout + i) & ringMask] = missing
    this.#playout = (this.#playout + skip) | 0
  }

  #isQuietAhead(): boolean {
    for (let i = 0; i < frameSamples; i++) {
      const at = (this.#playout + i) & ringMask
      if (this.#marks[at] === present && Math.abs(this.#samples[at] as number) > quietPeak) return false
    }
    return true
  }

  #take(nowMs: number, into: Int16Array): FrameKind {
    const ring = this.#samples
    const marks = this.#marks
    const start = this.#playout & ringMask
    let sum = 0
    // The usual frame is there as a whole: then nothing is asked of each sample.
    if (start + frameSamples <= ringSamples) {
      for (let i = 0; i < frameSamples; i++) sum += marks[start + i] as number
    }
    let heard = frameSamples
    let declared = 0
    if (sum === frameSamples) {
      for (let i = 0; i < frameSamples; i++) into[i] = ring[start + i] as number
    } else {
      heard = 0
      for (let i = 0; i < frameSamples; i++) {
        const at = (start + i) & ringMask
        const mark = marks[at]
        into[i] = mark === present ? (ring[at] as number) : 0
        if (mark === present) heard++
        else if (mark === silent) declared++
      }
    }
    this.#mark(start, frameSamples, missing)
    this.#playout = (this.#playout + frameSamples) | 0
    if (heard > 0) return 'audio'
    const isSilent = declared > 0 || this.#isDeclaredSilent || nowMs - this.#heardMs > quietAfterMs
    // Sound that lies further on proves that this frame was sent, unless the numbers said otherwise.
    const isBehindSound = declared === 0 && timestampDistance(this.#playout, this.#newest) > 0
    if (isSilent && !isBehindSound) return 'silence'
    this.#lost++
    return 'lost'
  }
}
