import { sequenceDistance } from './sequence.ts'

/** RFC 3550 A.1: a jump ahead by more than this is a restart, not loss. */
const maxDropout = 3000

/** RFC 3550 A.1: a packet this far behind is late; further behind is a restart. */
const maxMisorder = 100

/** A transit that changes by more is a new timestamp base, not jitter. Milliseconds. */
const maxTransitStepMs = 1000

/** One report block of SR and RR, RFC 3550 §6.4.1. */
export interface ReceptionReport {
  /** The source reported on. */
  ssrc: number
  /** Of 256, since the last report. */
  fractionLost: number
  /** Since the beginning, -8388608 to 8388607: duplicates count as received here. */
  cumulativeLost: number
  /** Cycles in the upper 16 bits. */
  highestSequence: number
  jitterTicks: number
  /** Middle 32 bits of the last SR's NTP time; 0 before the first. */
  lastSenderReport: number
  /** Since that SR, in 1/65536 s. */
  delaySinceLastSenderReport: number
}

/**
 * Counts one incoming stream. RFC 3550 A.1 (sequence numbers), A.3 (loss), A.8 (jitter).
 *
 * Two departures. There is no probation: the latch decides before who is heard, and a call whose first packet is a
 * key press must not lose it. And a change of SSRC or a restart of the numbers begins a new stretch for the reports
 * while the totals of the call go on.
 */
export class ReceiveStatistics {
  readonly #ticksPerMs: number
  #hasSource = false
  #ssrc = 0
  // The stretch of the present source.
  #base = 0
  #highest = 0
  #cycles = 0
  #received = 0
  #duplicates = 0
  /** Bit n set: the number n below the highest has come. Finds duplicates among the last 32. */
  #seen = 0
  /** A.1 bad_seq: where a second packet must follow for a restart to be believed; -1 when none is expected. */
  #restartAt = -1
  // The last report.
  #expectedBefore = 0
  #receivedBefore = 0
  // Jitter.
  #hasTransit = false
  #transit = 0
  #jitter = 0
  // Totals of earlier stretches.
  #receivedEarlier = 0
  #lostEarlier = 0
  #duplicatesEarlier = 0

  /** @param clockRateHz - ticks a second of the RTP clock; 8000 for all that we speak. */
  constructor(clockRateHz = 8000) {
    this.#ticksPerMs = clockRateHz / 1000
  }

  /**
   * Counts one packet.
   * @param arrivalMs - monotonic.
   * @param isTimed - false for telephone-event, whose packets share one timestamp and would look like jitter.
   */
  update(sequence: number, timestamp: number, ssrc: number, arrivalMs: number, isTimed: boolean): void {
    if (!this.#hasSource || ssrc !== this.#ssrc) this.#begin(sequence, ssrc)
    else if (!this.#count(sequence)) return
    if (isTimed) this.#measure(timestamp, arrivalMs)
  }

  /** Packets of the call, duplicates included. */
  get packetsReceived(): number {
    return this.#receivedEarlier + this.#received
  }

  /** Packets that never came, of the whole call; duplicates do not make good for lost ones. Never below zero. */
  get packetsLost(): number {
    return this.#lostEarlier + this.#lost
  }

  get duplicates(): number {
    return this.#duplicatesEarlier + this.#duplicates
  }

  get jitterTicks(): number {
    return Math.floor(this.#jitter)
  }

  get jitterMs(): number {
    return this.#jitter / this.#ticksPerMs
  }

  /** The present source; null before the first packet. */
  get ssrc(): number | null {
    return this.#hasSource ? this.#ssrc : null
  }

  /**
   * Fills a report block and begins the next interval (RFC 3550 A.3). The two fields about the last SR are left alone.
   * @returns false when nothing was received since the last report: then no block is sent (§6.4).
   */
  report(into: ReceptionReport): boolean {
    const isNews = this.#hasSource && this.#received !== this.#receivedBefore
    if (!isNews) return false
    const expected = this.#expected
    const expectedNow = expected - this.#expectedBefore
    const lostNow = expectedNow - (this.#received - this.#receivedBefore)
    this.#expectedBefore = expected
    this.#receivedBefore = this.#received
    into.ssrc = this.#ssrc
    into.fractionLost = expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow))
    into.cumulativeLost = Math.max(-0x80_0000, Math.min(0x7f_ffff, expected - this.#received))
    into.highestSequence = ((this.#cycles & 0xffff) * 0x1_0000 + this.#highest) >>> 0
    into.jitterTicks = this.jitterTicks
    return true
  }

  get #expected(): number {
    return this.#hasSource ? this.#cycles * 0x1_0000 + this.#highest - this.#base + 1 : 0
  }

  get #lost(): number {
    return Math.max(0, this.#expected - (this.#received - this.#duplicates))
  }

  #begin(sequence: number, ssrc: number): void {
    this.#lostEarlier += this.#lost
    this.#receivedEarlier += this.#received
    this.#duplicatesEarlier += this.#duplicates
    this.#hasSource = true
    this.#ssrc = ssrc
    this.#base = sequence
    this.#highest = sequence
    this.#cycles = 0
    this.#received = 1
    this.#duplicates = 0
    this.#seen = 1
    this.#restartAt = -1
    this.#expectedBefore = 0
    this.#receivedBefore = 0
    this.#hasTransit = false
  }

  /** @returns false when the packet belongs to no known stretch. */
  #count(sequence: number): boolean {
    const ahead = sequenceDistance(this.#highest, sequence)
    if (ahead > 0 && ahead < maxDropout) {
      if (sequence < this.#highest) this.#cycles++
      this.#highest = sequence
      this.#seen = ahead < 32 ? (this.#seen << ahead) | 1 : 1
    } else if (ahead <= 0 && ahead > -maxMisorder) {
      if (ahead > -32) {
        const bit = 1 << -ahead
        if ((this.#seen & bit) !== 0) this.#duplicates++
        this.#seen |= bit
      }
      this.#includeBeforeBase(-ahead)
    } else if (sequence === this.#restartAt) {
      this.#begin(sequence, this.#ssrc)
      return true
    } else {
      this.#restartAt = (sequence + 1) & 0xffff
      return false
    }
    this.#restartAt = -1
    this.#received++
    return true
  }

  /** The first packet heard may not be the first sent: one reordered before it moves the base down, or would hide a loss. */
  #includeBeforeBase(behindHighest: number): void {
    const expected = this.#expected
    if (behindHighest >= expected) this.#base -= behindHighest - expected + 1
  }

  #measure(timestamp: number, arrivalMs: number): void {
    const transit = arrivalMs * this.#ticksPerMs - timestamp
    if (this.#hasTransit) {
      // Timestamps wrap at 2^32; the difference of two transits is taken on that circle.
      let step = transit - this.#transit
      if (step > 0x8000_0000) step -= 0x1_0000_0000
      else if (step < -0x8000_0000) step += 0x1_0000_0000
      const size = Math.abs(step)
      if (size < maxTransitStepMs * this.#ticksPerMs) this.#jitter += (size - this.#jitter) / 16
    }
    this.#hasTransit = true
    this.#transit = transit
  }
}
