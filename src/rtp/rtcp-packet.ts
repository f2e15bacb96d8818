import { readUint32, writeUint32 } from './packet.ts'
import type { ReceptionReport } from './receive-statistics.ts'

/** RFC 3550 §12.1. */
const senderReportType = 200
const receiverReportType = 201
const sourceDescriptionType = 202
const byeType = 203

const reportBlockBytes = 24
const cnameItem = 1

/** The longest compound packet written here: SR with one block, SDES with a CNAME of 63 bytes, BYE. */
export const maxCompoundBytes = 160

/** Longest CNAME written; RFC 7022 names of 96 bits need 16. */
const maxCnameBytes = 63

/** What a sender report says about the sender's own stream, RFC 3550 §6.4.1. */
export interface SenderInfo {
  ntpSeconds: number
  ntpFraction: number
  rtpTimestamp: number
  /** Modulo 2^32, like `octetCount` (payload only). */
  packetCount: number
  octetCount: number
}

/** What a compound packet held that matters to us. */
export interface RtcpContents {
  /** Who sent it: the SSRC of its first report. */
  readonly senderSsrc: number
  /** The sender's own stream; null in receiver reports. */
  readonly senderInfo: SenderInfo | null
  /** What it says about the source asked for; the last one where there are several. */
  readonly report: ReceptionReport | null
  /** SSRCs that leave, 31 per BYE at most. */
  readonly byes: readonly number[]
}

/**
 * Reads a compound RTCP packet. RFC 3550 §6.1 and the checks of A.2: version 2 throughout, SR or RR first, lengths that
 * add up to the datagram's, padding in the last packet only. Source descriptions and unknown types are passed over.
 * @param reportedSsrc - our SSRC: only blocks about it are read.
 * @returns null for bytes that are no such packet. Never throws.
 */
export function readRtcp(bytes: Uint8Array, reportedSsrc: number): RtcpContents | null {
  const total = bytes.length
  if (total < 8 || !isReport(bytes[1] as number)) return null
  let senderInfo: SenderInfo | null = null
  let report: ReceptionReport | null = null
  const byes: number[] = []
  for (let at = 0; at < total; ) {
    if (at + 4 > total) return null
    const first = bytes[at] as number
    const end = at + 4 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) * 4
    if (first >> 6 !== 2 || end > total) return null
    let contentEnd = end
    if ((first & 0x20) !== 0) {
      // The first packet is never padded, A.2; only the last may be.
      const padding = bytes[end - 1] as number
      if (at === 0 && end !== total) return null
      if (end !== total || padding === 0 || padding % 4 !== 0 || padding > end - at - 4) return null
      contentEnd -= padding
    }
    const count = first & 0x1f
    const type = bytes[at + 1] as number
    if (isReport(type)) {
      const blocksAt = at + (type === senderReportType ? 28 : 8)
      if (blocksAt + count * reportBlockBytes > contentEnd) return null
      if (type === senderReportType) senderInfo = readSenderInfo(bytes, at + 8)
      for (let i = 0; i < count; i++) {
        const blockAt = blocksAt + i * reportBlockBytes
        if (readUint32(bytes, blockAt) === reportedSsrc) report = readReportBlock(bytes, blockAt)
      }
    } else if (type === byeType) {
      if (at + 4 + count * 4 > contentEnd) return null
      for (let i = 0; i < count && byes.length < 31; i++) byes.push(readUint32(bytes, at + 4 + i * 4))
    }
    at = end
  }
  return { senderSsrc: readUint32(bytes, 4), senderInfo, report, byes }
}

/** Writes an SR (or, without `sender`, an RR) with at most one block. @returns the offset behind it. */
export function writeReport(
  bytes: Uint8Array,
  offset: number,
  ssrc: number,
  sender: SenderInfo | null,
  report: ReceptionReport | null,
): number {
  let at = offset + 8
  if (sender) {
    writeUint32(bytes, at, sender.ntpSeconds)
    writeUint32(bytes, at + 4, sender.ntpFraction)
    writeUint32(bytes, at + 8, sender.rtpTimestamp)
    writeUint32(bytes, at + 12, sender.packetCount)
    writeUint32(bytes, at + 16, sender.octetCount)
    at += 20
  }
  if (report) {
    writeUint32(bytes, at, report.ssrc)
    writeUint32(bytes, at + 4, (report.fractionLost << 24) | (report.cumulativeLost & 0xff_ffff))
    writeUint32(bytes, at + 8, report.highestSequence)
    writeUint32(bytes, at + 12, report.jitterTicks)
    writeUint32(bytes, at + 16, report.lastSenderReport)
    writeUint32(bytes, at + 20, report.delaySinceLastSenderReport)
    at += reportBlockBytes
  }
  writeHead(bytes, offset, report ? 1 : 0, sender ? senderReportType : receiverReportType, at)
  writeUint32(bytes, offset + 4, ssrc)
  return at
}

/** Writes an SDES with one chunk and one item, the CNAME (§6.5.1). @returns the offset behind it. */
export function writeSourceDescription(bytes: Uint8Array, offset: number, ssrc: number, cname: Uint8Array): number {
  const length = Math.min(cname.length, maxCnameBytes)
  writeUint32(bytes, offset + 4, ssrc)
  let at = offset + 8
  bytes[at++] = cnameItem
  bytes[at++] = length
  for (let i = 0; i < length; i++) bytes[at++] = cname[i] as number
  // One null ends the items, more fill the word.
  do bytes[at++] = 0
  while ((at - offset) % 4 !== 0)
  writeHead(bytes, offset, 1, sourceDescriptionType, at)
  return at
}

/** Writes a BYE of one source without a reason. @returns the offset behind it. */
export function writeBye(bytes: Uint8Array, offset: number, ssrc: number): number {
  writeUint32(bytes, offset + 4, ssrc)
  writeHead(bytes, offset, 1, byeType, offset + 8)
  return offset + 8
}

function writeHead(bytes: Uint8Array, offset: number, count: number, type: number, end: number): void {
  const words = (end - offset) / 4 - 1
  bytes[offset] = 0x80 | count
  bytes[offset + 1] = type
  bytes[offset + 2] = words >>> 8
  bytes[offset + 3] = words & 0xff
}

function isReport(type: number): boolean {
  return type === senderReportType || type === receiverReportType
}

function readSenderInfo(bytes: Uint8Array, at: number): SenderInfo {
  return {
    ntpSeconds: readUint32(bytes, at),
    ntpFraction: readUint32(bytes, at + 4),
    rtpTimestamp: readUint32(bytes, at + 8),
    packetCount: readUint32(bytes, at + 12),
    octetCount: readUint32(bytes, at + 16),
  }
}

function readReportBlock(bytes: Uint8Array, at: number): ReceptionReport {
  const loss = readUint32(bytes, at + 4)
  return {
    ssrc: readUint32(bytes, at),
    fractionLost: loss >>> 24,
    cumulativeLost: (loss << 8) >> 8,
    highestSequence: readUint32(bytes, at + 8),
    jitterTicks: readUint32(bytes, at + 12),
    lastSenderReport: readUint32(bytes, at + 16),
    delaySinceLastSenderReport: readUint32(bytes, at + 20),
  }
}
