import { describe, expect, it } from 'vitest'
import { ReceiveStatistics, type ReceptionReport } from './receive-statistics.ts'

const ssrc = 0xcafe
const blank = (): ReceptionReport => ({
  ssrc: 0,
  fractionLost: 0,
  cumulativeLost: 0,
  highestSequence: 0,
  jitterTicks: 0,
  lastSenderReport: 7,
  delaySinceLastSenderReport: 8,
})

/** Packet n of a steady 20 ms stream, `lateMs` after its time. */
function hear(statistics: ReceiveStatistics, n: number, lateMs = 0, source = ssrc): void {
  statistics.update(n & 0xffff, (n * 160) >>> 0, source, n * 20 + lateMs, true)
}

describe('ReceiveStatistics', () => {
  it('counts nothing lost on a whole stream over the wrap of sequence numbers and timestamps', () => {
    const statistics = new ReceiveStatistics()
    const first = Math.floor(0x1_0000_0000 / 160) - 100
    for (let n = first; n < first + 70_000; n++) hear(statistics, n)
    expect(statistics.packetsReceived).toBe(70_000)
    expect(statistics.packetsLost).toBe(0)
    expect(statistics.jitterMs).toBe(0)
    const report = blank()
    statistics.report(report)
    expect(report.highestSequence).toBe((first & 0xffff) + 69_999)
    expect(report.highestSequence).toBeGreaterThan(0xffff)
  })

  it('counts the first packet, so that a call that begins with a key loses none', () => {
    const statistics = new ReceiveStatistics()
    statistics.update(9, 160, ssrc, 0, false)
    expect(statistics.packetsReceived).toBe(1)
    expect(statistics.packetsLost).toBe(0)
  })

  it('tells loss as the RFC computes it: the fraction since the last report, the sum since the start', () => {
    const statistics = new ReceiveStatistics()
    for (let n = 0; n < 100; n++) if (n % 4 !== 1) hear(statistics, n)
    const report = blank()
    expect(statistics.report(report)).toBe(true)
    expect(report).toMatchObject({ ssrc, fractionLost: 64, cumulativeLost: 25, lastSenderReport: 7 })
    for (let n = 100; n < 200; n++) hear(statistics, n)
    statistics.report(report)
    expect(report).toMatchObject({ fractionLost: 0, cumulativeLost: 25, highestSequence: 199 })
    expect(statistics.report(report)).toBe(false)
  })

  it('takes reordered packets for received and never lets duplicates hide a loss', () => {
    const statistics = new ReceiveStatistics()
    for (const n of [10, 12, 11, 13, 13, 13, 15, 16]) hear(statistics, n)
    expect(statistics.packetsReceived).toBe(8)
    expect(statistics.duplicates).toBe(2)
    expect(statistics.packetsLost).toBe(1)
    const report = blank()
    statistics.report(report)
    expect(report.cumulativeLost).toBe(-1)
    expect(report.fractionLost).toBe(0)
  })

  it('counts a packet that was overtaken by the very first', () => {
    const statistics = new ReceiveStatistics()
    for (const n of [1001, 1000, 1002, 1004]) hear(statistics, n)
    expect(statistics.packetsReceived).toBe(4)
    expect(statistics.packetsLost).toBe(1)
  })

  it('believes a jump of sequence numbers at the second packet that follows, without inventing loss', () => {
    const statistics = new ReceiveStatistics()
    for (let n = 0; n < 50; n++) hear(statistics, n)
    hear(statistics, 20_000)
    expect(statistics.packetsReceived).toBe(50)
    for (let n = 20_001; n < 20_050; n++) hear(statistics, n)
    expect(statistics.packetsReceived).toBe(99)
    expect(statistics.packetsLost).toBe(0)
  })

  it('is not moved by one stray sequence number', () => {
    const statistics = new ReceiveStatistics()
    for (let n = 0; n < 100; n++) {
      hear(statistics, n)
      if (n === 50) statistics.update(40_000, 8000, ssrc, 1000, true)
    }
    expect(statistics.packetsReceived).toBe(100)
    expect(statistics.packetsLost).toBe(0)
  })

  it('keeps the totals of the call when the SSRC changes and reports on the new one only', () => {
    const statistics = new ReceiveStatistics()
    for (let n = 0; n < 10; n++) if (n !== 5) hear(statistics, n)
    for (let n = 500; n < 510; n++) if (n !== 505) hear(statistics, n, 0, 0xbeef)
    expect(statistics.packetsReceived).toBe(18)
    expect(statistics.packetsLost).toBe(2)
    const report = blank()
    statistics.report(report)
    expect(report).toMatchObject({ ssrc: 0xbeef, cumulativeLost: 1 })
  })

  it('computes jitter as A.8 does', () => {
    const statistics = new ReceiveStatistics()
    // Every second packet 10 ms late: |D| is 80 ticks each time, and J tends to 80.
    for (let n = 0; n < 400; n++) hear(statistics, n, n % 2 === 0 ? 0 : 10)
    expect(statistics.jitterMs).toBeCloseTo(10, 3)
    expect(statistics.jitterTicks).toBe(79)
  })

  it('takes neither a new timestamp base nor the packets of a key press for jitter', () => {
    const statistics = new ReceiveStatistics()
    for (let n = 0; n < 50; n++) hear(statistics, n)
    for (let n = 50; n < 57; n++) statistics.update(n, 50 * 160, ssrc, n * 20, false)
    for (let n = 57; n < 100; n++) statistics.update(n, (n * 160 + 4_000_000_000) >>> 0, ssrc, n * 20, true)
    expect(statistics.jitterMs).toBe(0)
  })
})
