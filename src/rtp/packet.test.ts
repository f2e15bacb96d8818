import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newRtpHeader, readRtpHeader, writeRtpHeader } from './packet.ts'
import { sequenceDistance, timestampDistance } from './sequence.ts'

/** One CSRC, an extension of one word, four bytes of payload, four of padding. */
const everything = Uint8Array.from([
  0xb1, 0x88, 0x12, 0x34, 0xff, 0xfe, 0xfd, 0xfc, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 1,
  2, 3, 4, 0, 0, 0, 4,
])

describe('readRtpHeader', () => {
  it('reads every field, past CSRCs and extension, without padding', () => {
    const header = newRtpHeader()
    expect(readRtpHeader(everything, header)).toBe(true)
    expect(header).toEqual({
      payloadType: 8,
      isMarked: true,
      sequence: 0x1234,
      timestamp: 0xfffefdfc,
      ssrc: 0xdeadbeef,
      payloadOffset: 24,
      payloadBytes: 4,
    })
  })

  it('refuses a packet that is cut anywhere in its header', () => {
    for (let length = 0; length < 24; length++) {
      expect(readRtpHeader(everything.slice(0, length), newRtpHeader()), `${length} bytes`).toBe(false)
    }
  })

  it('refuses padding of zero or of more than there is, and takes padding that leaves nothing', () => {
    const padded = (count: number): Uint8Array => Uint8Array.from([...everything.slice(0, 31), count])
    expect(readRtpHeader(padded(0), newRtpHeader())).toBe(false)
    expect(readRtpHeader(padded(9), newRtpHeader())).toBe(false)
    const header = newRtpHeader()
    expect(readRtpHeader(padded(8), header)).toBe(true)
    expect(header.payloadBytes).toBe(0)
  })

  it('refuses other versions, and RTCP on the RTP port', () => {
    const plain = new Uint8Array(172)
    writeRtpHeader(plain, 0, 0, false, 1, 2, 3)
    expect(readRtpHeader(plain, newRtpHeader())).toBe(true)
    for (const version of [0, 1, 3]) {
      plain[0] = version << 6
      expect(readRtpHeader(plain, newRtpHeader())).toBe(false)
    }
    plain[0] = 0x80
    for (let type = 200; type <= 204; type++) {
      plain[1] = type
      expect(readRtpHeader(plain, newRtpHeader())).toBe(false)
    }
  })

  it('refuses an extension longer than the packet', () => {
    const packet = everything.slice()
    packet[18] = 0xff
    expect(readRtpHeader(packet, newRtpHeader())).toBe(false)
  })

  it('reads back whatever writeRtpHeader wrote, at any offset', () => {
    fc.assert(
      fc.property(
        fc.nat(127).filter((type) => type < 72 || type > 76),
        fc.boolean(),
        fc.nat(0xffff),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.nat(40),
        (payloadType, isMarked, sequence, timestamp, ssrc, offset) => {
          const bytes = new Uint8Array(offset + 12 + 5)
          writeRtpHeader(bytes, offset, payloadType, isMarked, sequence, timestamp, ssrc)
          const header = newRtpHeader()
          expect(readRtpHeader(bytes.subarray(offset), header)).toBe(true)
          expect(header).toEqual({
            payloadType,
            isMarked,
            sequence,
            timestamp,
            ssrc,
            payloadOffset: 12,
            payloadBytes: 5,
          })
        },
      ),
      { seed: 20_260_101 },
    )
  })
})

describe('distances', () => {
  it('go the short way round', () => {
    expect(sequenceDistance(0xffff, 2)).toBe(3)
    expect(sequenceDistance(2, 0xffff)).toBe(-3)
    expect(timestampDistance(0xffff_ff00, 0x100)).toBe(0x200)
    expect(timestampDistance(0x100, 0xffff_ff00)).toBe(-0x200)
  })
})
