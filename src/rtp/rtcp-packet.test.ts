import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReceptionReport } from './receive-statistics.ts'
import {
  maxCompoundBytes,
  readRtcp,
  type SenderInfo,
  writeBye,
  writeReport,
  writeSourceDescription,
} from './rtcp-packet.ts'

const ours = 0xaaaa_0001
const theirs = 0xbbbb_0002
const info: SenderInfo = {
  ntpSeconds: 0xe000_0000,
  ntpFraction: 0x8000_0000,
  rtpTimestamp: 0xffff_0000,
  packetCount: 1234,
  octetCount: 197_440,
}
const block: ReceptionReport = {
  ssrc: ours,
  fractionLost: 64,
  cumulativeLost: -3,
  highestSequence: 0x0001_ffff,
  jitterTicks: 80,
  lastSenderReport: 0xdead_beef,
  delaySinceLastSenderReport: 65_536,
}

/** What a peer sends: SR with a block about us, SDES, BYE. */
function compound(): Uint8Array {
  const bytes = new Uint8Array(maxCompoundBytes)
  let end = writeReport(bytes, 0, theirs, info, block)
  end = writeSourceDescription(bytes, end, theirs, new TextEncoder().encode('abcdefghijklmnop'))
  end = writeBye(bytes, end, theirs)
  return bytes.slice(0, end)
}

/** A packet of any type whose header fits its content. */
function packet(type: number, count: number, content: readonly number[]): number[] {
  const words = content.length / 4
  return [0x80 | count, type, words >> 8, words & 255, ...content]
}

describe('readRtcp', () => {
  it('reads a compound packet: the sender, the block about us, who leaves', () => {
    expect(readRtcp(compound(), ours)).toEqual({ senderSsrc: theirs, senderInfo: info, report: block, byes: [theirs] })
    expect(readRtcp(compound(), 1)).toMatchObject({ report: null, byes: [theirs] })
  })

  it('writes what RFC 3550 draws, byte for byte', () => {
    const hex = Buffer.from(compound()).toString('hex')
    expect(hex).toBe(
      [
        '81c8000c bbbb0002 e0000000 80000000 ffff0000 000004d2 00030340',
        'aaaa0001 40fffffd 0001ffff 00000050 deadbeef 00010000',
        // SDES: CNAME of 16, then nulls to the end of the word.
        '81ca0006 bbbb0002 01106162 63646566 6768696a 6b6c6d6e 6f700000',
        '81cb0001 bbbb0002',
      ]
        .join('')
        .replaceAll(' ', ''),
    )
  })

  it('reads a receiver report without blocks, the smallest of all', () => {
    const bytes = new Uint8Array(8)
    expect(writeReport(bytes, 0, theirs, null, null)).toBe(8)
    expect(readRtcp(bytes, ours)).toEqual({ senderSsrc: theirs, senderInfo: null, report: null, byes: [] })
  })

  it('refuses every cut that does not fall between packets', () => {
    const whole = compound()
    const ends = new Set([52, 80, 88])
    for (let length = 0; length <= whole.length; length++) {
      const contents = readRtcp(whole.slice(0, length), ours)
      expect(contents !== null, `${length} bytes`).toBe(ends.has(length))
    }
  })

  it('refuses bytes behind the last packet, other versions, and compounds that do not begin with a report', () => {
    const whole = compound()
    expect(readRtcp(Uint8Array.from([...whole, 0]), ours)).toBeNull()
    const wrong = whole.slice()
    wrong[52] = 0x41
    expect(readRtcp(wrong, ours)).toBeNull()
    expect(readRtcp(whole.slice(52), ours)).toBeNull()
  })

  it('refuses counts that promise more than the packet holds', () => {
    for (const [at, count] of [
      [0, 2],
      [0, 31],
      [80, 2],
      [80, 31],
    ] as const) {
      const wrong = compound()
      wrong[at] = 0x80 | count
      expect(readRtcp(wrong, ours), `${count} at ${at}`).toBeNull()
    }
  })

  it('takes padding in the last packet and nowhere else', () => {
    const report = packet(201, 0, [0, 0, 0, 7])
    const padded = (count: number): number[] => {
      const bytes = packet(203, 1, [0, 0, 0, 7, 0, 0, 0, count])
      bytes[0] = 0xa1
      return bytes
    }
    expect(readRtcp(Uint8Array.from([...report, ...padded(4)]), ours)?.byes).toEqual([7])
    for (const count of [0, 1, 5, 8, 12, 255]) {
      expect(readRtcp(Uint8Array.from([...report, ...padded(count)]), ours), `${count}`).toBeNull()
    }
    expect(readRtcp(Uint8Array.from([...report, ...padded(4), ...report]), ours)).toBeNull()
  })

  it('passes over packets of unknown types and profile-specific extensions', () => {
    const extended = packet(201, 0, [0, 0, 0, 7, 1, 2, 3, 4])
    const unknown = packet(207, 5, [0, 0, 0, 7, 9, 9, 9, 9])
    expect(readRtcp(Uint8Array.from([...extended, ...unknown]), ours)?.senderSsrc).toBe(7)
  })

  it('keeps no more BYEs than one packet can hold', () => {
    const leaving = packet(
      203,
      31,
      Array.from({ length: 31 * 4 }, () => 1),
    )
    const bytes = Uint8Array.from([...packet(201, 0, [0, 0, 0, 7]), ...leaving, ...leaving])
    expect(readRtcp(bytes, ours)?.byes).toHaveLength(31)
  })

  it('reads back what was written, whatever the numbers', () => {
    const wide = fc.integer({ min: 0, max: 0xffff_ffff })
    fc.assert(
      fc.property(
        wide,
        wide,
        fc.nat(255),
        fc.integer({ min: -0x80_0000, max: 0x7f_ffff }),
        (ssrc, number, part, lost) => {
          const report = { ...block, ssrc, fractionLost: part, cumulativeLost: lost, highestSequence: number }
          const bytes = new Uint8Array(maxCompoundBytes)
          const end = writeReport(bytes, 0, number, { ...info, rtpTimestamp: number }, report)
          expect(readRtcp(bytes.subarray(0, end), ssrc)).toMatchObject({ senderSsrc: number, report })
        },
      ),
      { seed: 20_260_101 },
    )
  })
})
