import type { Random } from '../base/random.ts'
import { ntpFraction, ntpMiddle, ntpSeconds } from './ntp-time.ts'
import type { ReceiveStatistics, ReceptionReport } from './receive-statistics.ts'
import { firstAverageBytes, rtcpIntervalMs } from './rtcp-interval.ts'
import { readRtcp, type SenderInfo, writeBye, writeReport, writeSourceDescription } from './rtcp-packet.ts'

/** What we have sent, kept by whoever sends: three plain fields to write per packet. */
export interface SendStatistics {
  packetsSent: number
  /** Payload only, RFC 3550 §6.4.1. */
  payloadBytesSent: number
  /** Timestamp of the last packet, and when it was due (monotonic). */
  lastTimestamp: number
  lastSentMs: number
}

export function newSendStatistics(): SendStatistics {
  return { packetsSent: 0, payloadBytesSent: 0, lastTimestamp: 0, lastSentMs: 0 }
}

export interface RtcpReporterOptions {
  readonly ssrc: number
  readonly received: ReceiveStatistics
  readonly sent: SendStatistics
  readonly random: Random
  readonly nowMs: number
  /** Wall time at `nowMs`. NTP times are told from this pair, so that a clock set anew does not upset round trips. */
  readonly wallMs: number
}

/** IPv4 and UDP headers, counted in RTCP's share (§6.2). */
const headerBytes = 28

/** G.711 at 20 ms: 160 bytes and 40 of headers, 50 a second. */
const sessionBitsPerSecond = 80_000

const ticksPerMs = 8

/** Our last SRs, by which a peer's LSR must be known: an invented one would give any round trip. */
const rememberedReports = 4

/** Longer round trips are not believed. */
const maxRoundTripMs = 30_000

/**
 * One stream's RTCP: when to report and what, and what the peer's reports say. RFC 3550 §6.3, §6.4, for unicast (at
 * most two members). Sets no timers: the pacer looks at `dueAtMs` and calls `poll`.
 */
export class RtcpReporter {
  readonly #options: RtcpReporterOptions
  readonly #cname: Uint8Array
  readonly #block: ReceptionReport
  readonly #info: SenderInfo
  readonly #sentMiddles = new Float64Array(rememberedReports).fill(-1)
  #nextMiddle = 0
  #previousMs: number
  #dueAtMs: number
  #isFirst = true
  #averageBytes = firstAverageBytes
  #packetsSentBefore = 0
  #packetsSentEarlier = 0
  #isPeerKnown = false
  #isPeerSender = false
  #peerReportMiddle = 0
  #peerReportMs = 0
  #hasLeft = false
  #remotePacketsLost: number | null = null
  #roundTripMs: number | null = null
  #remoteJitterMs: number | null = null

  constructor(options: RtcpReporterOptions) {
    this.#options = options
    // RFC 7022 §4.2: 96 random bits, new for every session, so that no name or address is told.
    this.#cname = new TextEncoder().encode(Buffer.from(options.random.bytes(12)).toString('base64'))
    this.#block = {
      ssrc: 0,
      fractionLost: 0,
      cumulativeLost: 0,
      highestSequence: 0,
      jitterTicks: 0,
      lastSenderReport: 0,
      delaySinceLastSenderReport: 0,
    }
    this.#info = { ntpSeconds: 0, ntpFraction: 0, rtpTimestamp: 0, packetCount: 0, octetCount: 0 }
    this.#previousMs = options.nowMs
    this.#dueAtMs = options.nowMs + this.#interval()
  }

  /** When `poll` is next worth calling. Monotonic ms. */
  get dueAtMs(): number {
    return this.#dueAtMs
  }

  /** The peer's count of our packets that never came; null before its first report. */
  get remotePacketsLost(): number | null {
    return this.#remotePacketsLost
  }

  /** From the peer's last report that let it be known; null before. */
  get roundTripMs(): number | null {
    return this.#roundTripMs
  }

  get remoteJitterMs(): number | null {
    return this.#remoteJitterMs
  }

  /**
   * Writes the report that is due: SR when we have sent since the report before the last, else RR; then SDES. §6.4.
   * @param into - at least `maxCompoundBytes`.
   * @returns bytes to send from the beginning of `into`; 0 when it is not time.
   */
  poll(nowMs: number, into: Uint8Array): number {
    if (this.#hasLeft || nowMs < this.#dueAtMs) return 0
    // §6.3.3, reconsideration: the interval is drawn anew from what is known now, and the report waits if it is longer.
    const reconsidered = this.#previousMs + this.#interval()
    if (reconsidered > nowMs) {
      this.#dueAtMs = reconsidered
      return 0
    }
    const length = this.#writeCompound(nowMs, into, false)
    this.#previousMs = nowMs
    this.#isFirst = false
    this.#dueAtMs = nowMs + this.#interval()
    return length
  }

  /**
   * Writes the last report, with BYE (§6.6, §6.3.7: with so few members it goes at once). Nothing is due afterwards.
   * @returns bytes to send; 0 when nothing was ever sent by us (then no BYE may be, §6.3.7) or on a second call.
   */
  leave(nowMs: number, into: Uint8Array): number {
    if (this.#hasLeft) return 0
    this.#hasLeft = true
    this.#dueAtMs = Number.POSITIVE_INFINITY
    const isSilent = this.#options.sent.packetsSent === 0 && this.#isFirst
    return isSilent ? 0 : this.#writeCompound(nowMs, into, true)
  }

  /**
   * Takes a datagram from the peer's RTCP port.
   * @returns what it was: damaged bytes are `malformed`, a BYE of the stream we hear is `bye`.
   */
  receive(bytes: Uint8Array, nowMs: number): 'report' | 'bye' | 'malformed' {
    const contents = readRtcp(bytes, this.#options.ssrc)
    if (!contents) return 'malformed'
    this.#average(bytes.length)
    this.#isPeerKnown = true
    this.#isPeerSender = contents.senderInfo !== null
    // DLSR tells of the source that the block is about: SRs of others say nothing there.
    if (contents.senderInfo && contents.senderSsrc === this.#options.received.ssrc) {
      this.#peerReportMiddle = ntpMiddle(contents.senderInfo.ntpSeconds, contents.senderInfo.ntpFraction)
      this.#peerReportMs = nowMs
    }
    if (contents.report) this.#learn(contents.report, nowMs)
    const heard = this.#options.received.ssrc
    return heard !== null && contents.byes.includes(heard) ? 'bye' : 'report'
  }

  #learn(report: ReceptionReport, nowMs: number): void {
    this.#remotePacketsLost = Math.max(0, report.cumulativeLost)
    this.#remoteJitterMs = report.jitterTicks / ticksPerMs
    const middle = report.lastSenderReport
    if (middle === 0 || !this.#sentMiddles.includes(middle)) return
    // §6.4.1: A - LSR - DLSR, in 1/65536 s on a 32-bit circle.
    const now = this.#middleAt(nowMs)
    const units = (now - middle - report.delaySinceLastSenderReport) | 0
    const roundTripMs = (units * 1000) / 65_536
    if (roundTripMs > -50 && roundTripMs < maxRoundTripMs) this.#roundTripMs = Math.max(0, roundTripMs)
  }

  #writeCompound(nowMs: number, into: Uint8Array, isLast: boolean): number {
    const { ssrc, received, sent } = this.#options
    // §6.4: SR only by those who sent since the report before the last.
    const isSender = sent.packetsSent !== this.#packetsSentEarlier
    this.#packetsSentEarlier = this.#packetsSentBefore
    this.#packetsSentBefore = sent.packetsSent
    const info = isSender ? this.#fillInfo(nowMs) : null
    let end = writeReport(into, 0, ssrc, info, received.report(this.#block) ? this.#fillLastReport(nowMs) : null)
    end = writeSourceDescription(into, end, ssrc, this.#cname)
    if (isLast) end = writeBye(into, end, ssrc)
    this.#average(end)
    return end
  }

  #fillInfo(nowMs: number): SenderInfo {
    const { sent } = this.#options
    const wallMs = this.#wallAt(nowMs)
    const info = this.#info
    info.ntpSeconds = ntpSeconds(wallMs)
    info.ntpFraction = ntpFraction(wallMs)
    // §6.4.1: the same instant as the NTP time, which is seldom that of a packet.
    info.rtpTimestamp = (sent.lastTimestamp + Math.round((nowMs - sent.lastSentMs) * ticksPerMs)) >>> 0
    info.packetCount = sent.packetsSent >>> 0
    info.octetCount = sent.payloadBytesSent >>> 0
    this.#sentMiddles[this.#nextMiddle] = ntpMiddle(info.ntpSeconds, info.ntpFraction)
    this.#nextMiddle = (this.#nextMiddle + 1) % rememberedReports
    return info
  }

  #fillLastReport(nowMs: number): ReceptionReport {
    const delayMs = nowMs - this.#peerReportMs
    this.#block.lastSenderReport = this.#peerReportMiddle
    this.#block.delaySinceLastSenderReport =
      this.#peerReportMiddle === 0 ? 0 : Math.min(0xffff_ffff, Math.round((delayMs * 65_536) / 1000))
    return this.#block
  }

  #wallAt(nowMs: number): number {
    return this.#options.wallMs + (nowMs - this.#options.nowMs)
  }

  #middleAt(nowMs: number): number {
    const wallMs = this.#wallAt(nowMs)
    return ntpMiddle(ntpSeconds(wallMs), ntpFraction(wallMs))
  }

  /** §6.3.3: a sixteenth of the new, the rest of the old. */
  #average(packetBytes: number): void {
    this.#averageBytes = (packetBytes + headerBytes) / 16 + (this.#averageBytes * 15) / 16
  }

  #interval(): number {
    const isSender = this.#options.sent.packetsSent !== this.#packetsSentEarlier
    return rtcpIntervalMs(
      {
        members: this.#isPeerKnown ? 2 : 1,
        senders: (isSender ? 1 : 0) + (this.#isPeerSender ? 1 : 0),
        isSender,
        averageBytes: this.#averageBytes,
        isFirst: this.#isFirst,
        sessionBitsPerSecond,
      },
      this.#options.random.uint32() / 0x1_0000_0000,
    )
  }
}
