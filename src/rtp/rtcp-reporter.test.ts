import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { ReceiveStatistics } from './receive-statistics.ts'
import { rtcpIntervalMs } from './rtcp-interval.ts'
import { maxCompoundBytes, readRtcp, writeBye, writeReport } from './rtcp-packet.ts'
import { newSendStatistics, RtcpReporter, type SendStatistics } from './rtcp-reporter.ts'

interface Side {
  readonly ssrc: number
  readonly received: ReceiveStatistics
  readonly sent: SendStatistics
  readonly reporter: RtcpReporter
}

function side(ssrc: number, seed: number, wallMs = Date.UTC(2026, 0, 1)): Side {
  const received = new ReceiveStatistics()
  const sent = newSendStatistics()
  const reporter = new RtcpReporter({ ssrc, received, sent, random: new SeededRandom(seed), nowMs: 0, wallMs })
  return { ssrc, received, sent, reporter }
}

/** One packet of 160 bytes, n-th of the stream. */
function sendOne(from: Side, n: number, nowMs: number, to?: Side): void {
  from.sent.packetsSent++
  from.sent.payloadBytesSent += 160
  from.sent.lastTimestamp = n * 160
  from.sent.lastSentMs = nowMs
  to?.received.update(n & 0xffff, n * 160, from.ssrc, nowMs + 40, true)
}

/** Asks a reporter every 20 ms; what it gave, with the time. */
function run(
  one: Side,
  fromMs: number,
  untilMs: number,
  each: (nowMs: number) => void = () => {},
): [number, Uint8Array][] {
  const given: [number, Uint8Array][] = []
  const buffer = new Uint8Array(maxCompoundBytes)
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 20) {
    each(nowMs)
    const length = one.reporter.poll(nowMs, buffer)
    if (length > 0) given.push([nowMs, buffer.slice(0, length)])
  }
  return given
}

describe('rtcpIntervalMs', () => {
  const call = {
    members: 2,
    senders: 2,
    isSender: true,
    averageBytes: 128,
    isFirst: false,
    sessionBitsPerSecond: 80_000,
  }

  it('is 5 s on the mean, spread over half to one and a half, both over 1.21828', () => {
    expect(rtcpIntervalMs(call, 0)).toBeCloseTo(2500 / 1.21828, 0)
    expect(rtcpIntervalMs(call, 1)).toBeCloseTo(7500 / 1.21828, 0)
    expect(rtcpIntervalMs({ ...call, isFirst: true }, 0.5)).toBeCloseTo(2500 / 1.21828, 0)
  })

  it('grows with members and packet sizes beyond the smallest, senders sharing a quarter', () => {
    const crowd = { ...call, members: 100, senders: 10, averageBytes: 200 }
    expect(rtcpIntervalMs(crowd, 0.5)).toBeCloseTo((10 * 200 * 1000) / 125 / 1.21828, 0)
    expect(rtcpIntervalMs({ ...crowd, isSender: false }, 0.5)).toBeCloseTo((90 * 200 * 1000) / 375 / 1.21828, 0)
  })
})

describe('RtcpReporter', () => {
  it('reports every five seconds or so, at random, the first time sooner', () => {
    const gaps: number[] = []
    let first = 0
    for (let seed = 0; seed < 40; seed++) {
      const times = run(side(1, seed), 0, 60_000).map(([ms]) => ms)
      first += (times[0] ?? 0) / 40
      for (let i = 1; i < times.length; i++) gaps.push((times[i] ?? 0) - (times[i - 1] ?? 0))
    }
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    // Reconsideration brings the shortened mean back to about the 5 s wanted.
    expect(mean).toBeGreaterThan(4500)
    expect(mean).toBeLessThan(5500)
    expect(first).toBeGreaterThan(2000)
    expect(first).toBeLessThan(3000)
    expect(Math.min(...gaps)).toBeGreaterThan(2000)
    expect(new Set(gaps).size).toBeGreaterThan(20)
  })

  it('sends a receiver report until it has sent media, then a sender report that fits the clock of its stream', () => {
    const one = side(7, 1)
    expect(readRtcp(run(one, 0, 8000)[0]?.[1] ?? new Uint8Array(), 0)?.senderInfo).toBeNull()
    let n = 400
    const [at, bytes] = run(one, 8000, 20_000, (ms) => sendOne(one, n++, ms)).at(-1) as [number, Uint8Array]
    const contents = readRtcp(bytes, 0)
    expect(contents?.senderSsrc).toBe(7)
    expect(contents?.senderInfo).toMatchObject({
      packetCount: one.sent.packetsSent - (19_980 - at) / 20,
      octetCount: 160 * (one.sent.packetsSent - (19_980 - at) / 20),
      rtpTimestamp: at * 8,
      ntpSeconds: (Math.floor((Date.UTC(2026, 0, 1) + at) / 1000) + 2_208_988_800) >>> 0,
    })
  })

  it('goes back to receiver reports when it has been silent for two intervals', () => {
    const one = side(7, 1)
    sendOne(one, 0, 0)
    const kinds = run(one, 0, 40_000).map(([, bytes]) => readRtcp(bytes, 0)?.senderInfo !== null)
    expect(kinds.slice(0, 2)).toContain(true)
    expect(kinds.slice(3)).not.toContain(true)
  })

  it('tells the peer its true loss, and learns its own and the round trip from the peer', () => {
    const a = side(0xa, 1)
    const b = side(0xb, 2, Date.UTC(2031, 5, 5))
    const buffer = new Uint8Array(maxCompoundBytes)
    const flights: { atMs: number; to: Side; bytes: Uint8Array }[] = []
    for (let n = 0; n < 1500; n++) {
      const nowMs = n * 20
      sendOne(a, n, nowMs, n % 10 === 3 ? undefined : b)
      sendOne(b, n, nowMs, a)
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const length = from.reporter.poll(nowMs, buffer)
        if (length > 0) flights.push({ atMs: nowMs + 40, to, bytes: buffer.slice(0, length) })
      }
      while (flights[0] && flights[0].atMs <= nowMs) {
        const { to, bytes, atMs } = flights.shift() as (typeof flights)[0]
        expect(to.reporter.receive(bytes, atMs)).toBe('report')
      }
    }
    expect(b.received.packetsLost).toBe(150)
    expect(a.reporter.remotePacketsLost).toBeGreaterThan(100)
    expect(a.reporter.remotePacketsLost).toBeLessThanOrEqual(150)
    expect(b.reporter.remotePacketsLost).toBe(0)
    // 40 ms there, 40 ms back; DLSR takes out the rest.
    expect(a.reporter.roundTripMs).toBeCloseTo(80, 0)
    expect(b.reporter.roundTripMs).toBeCloseTo(80, 0)
  })

  it('believes no round trip from a report it never sent', () => {
    const one = side(7, 1)
    const bytes = new Uint8Array(maxCompoundBytes)
    const report = {
      ssrc: 7,
      fractionLost: 0,
      cumulativeLost: 5,
      highestSequence: 1,
      jitterTicks: 160,
      lastSenderReport: 0x1234_5678,
      delaySinceLastSenderReport: 0,
    }
    const end = writeReport(bytes, 0, 9, null, report)
    expect(one.reporter.receive(bytes.slice(0, end), 100)).toBe('report')
    expect(one.reporter.roundTripMs).toBeNull()
    expect(one.reporter.remotePacketsLost).toBe(5)
    expect(one.reporter.remoteJitterMs).toBe(20)
  })

  it('knows a BYE of the stream it hears from others, and damaged bytes from both', () => {
    const one = side(7, 1)
    one.received.update(1, 160, 0xfeed, 0, true)
    const bye = (ssrc: number): Uint8Array => {
      const bytes = new Uint8Array(maxCompoundBytes)
      return bytes.slice(0, writeBye(bytes, writeReport(bytes, 0, ssrc, null, null), ssrc))
    }
    expect(one.reporter.receive(bye(0xfeed), 0)).toBe('bye')
    expect(one.reporter.receive(bye(0xbeef), 0)).toBe('report')
    expect(one.reporter.receive(bye(0xfeed).slice(1), 0)).toBe('malformed')
  })

  it('leaves once, with a last report and BYE, and says nothing when it never said anything', () => {
    const buffer = new Uint8Array(maxCompoundBytes)
    const one = side(7, 1)
    sendOne(one, 0, 0)
    const length = one.reporter.leave(1000, buffer)
    expect(readRtcp(buffer.subarray(0, length), 0)).toMatchObject({ byes: [7], senderInfo: { packetCount: 1 } })
    expect(one.reporter.leave(1001, buffer)).toBe(0)
    expect(run(one, 1000, 30_000)).toEqual([])
    expect(side(8, 1).reporter.leave(0, buffer)).toBe(0)
  })
})
