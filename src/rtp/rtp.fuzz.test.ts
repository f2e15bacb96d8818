import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { writeEventPayload } from './event-payload.ts'
import { EventReceiver } from './event-receiver.ts'
import { type FrameKind, frameSamples, JitterBuffer } from './jitter-buffer.ts'
import { Latch } from './latching.ts'
import { newRtpHeader, readRtpHeader, rtpHeaderBytes, writeRtpHeader } from './packet.ts'
import { ReceiveStatistics } from './receive-statistics.ts'
import { maxCompoundBytes, readRtcp, writeBye, writeReport, writeSourceDescription } from './rtcp-packet.ts'
import { newSendStatistics, RtcpReporter } from './rtcp-reporter.ts'

const decoded = Int16Array.from({ length: 256 }, (_, byte) => (byte - 128) * 256)

/** Bytes with a few of them changed, and cut or lengthened now and then. */
function damage(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const pick = (count: number): number => random.uint32() % count
  const length = pick(4) === 0 ? pick(bytes.length + 8) : bytes.length
  const out = new Uint8Array(length)
  out.set(bytes.subarray(0, length))
  if (length === 0) return out
  for (let i = pick(5); i > 0; i--) out[pick(length)] = pick(256)
  return out
}

describe('RTP under fuzz', () => {
  it('reads or refuses any datagram, never looking beyond its end, and every brick survives what is read', () => {
    const random = new SeededRandom(77)
    const header = newRtpHeader()
    const statistics = new ReceiveStatistics()
    const buffer = new JitterBuffer()
    const latch = new Latch({ address: '192.0.2.1', port: 4000, isExpected: true }, 0)
    let started = 0
    let ended = 0
    const receiver = new EventReceiver({ eventStarted: () => started++, eventEnded: () => ended++ })
    const samples = new Int16Array(frameSamples)
    const kinds = new Set<FrameKind>()
    const packet = new Uint8Array(rtpHeaderBytes + 160)
    let read = 0
    const faults: string[] = []
    for (let n = 0; n < 10_000; n++) {
      const nowMs = n * 20
      const isEvent = n % 50 < 7
      const jump = n % 2000 === 0 ? random.uint32() : 0
      writeRtpHeader(packet, 0, isEvent ? 101 : 0, false, (n + jump) & 0xffff, (n * 160 + jump) >>> 0, 9)
      if (isEvent) writeEventPayload(packet, rtpHeaderBytes, n % 16, n % 50 > 4, 160 * (n % 50))
      const bytes = n % 3 === 0 ? damage(packet, random) : packet
      if (readRtpHeader(bytes, header)) {
        read++
        const { sequence, timestamp, ssrc, payloadOffset, payloadBytes } = header
        // One expectation per fault, not per packet: they cost more than what they look at.
        const isInside = payloadOffset >= rtpHeaderBytes && payloadBytes >= 0
        if (!isInside || payloadOffset + payloadBytes > bytes.length) faults.push(`packet ${n} reads outside`)
        latch.receive(`192.0.2.${n % 3}`, 4000 + (n % 2), ssrc, sequence, true, nowMs)
        statistics.update(sequence, timestamp, ssrc, nowMs, !isEvent)
        if (isEvent) {
          receiver.receive(bytes, payloadOffset, payloadBytes, timestamp, nowMs)
          buffer.pushSilence(sequence, timestamp, ssrc, nowMs)
        } else buffer.push(bytes, payloadOffset, payloadBytes, decoded, sequence, timestamp, ssrc, nowMs)
      }
      kinds.add(buffer.pull(nowMs, samples))
      if (buffer.targetDelayMs > 200) faults.push(`packet ${n} delays by ${buffer.targetDelayMs}`)
      if (statistics.packetsLost < 0) faults.push(`packet ${n} makes a loss below zero`)
    }
    expect(faults).toEqual([])
    receiver.reset()
    expect(read).toBeGreaterThan(8000)
    expect(started).toBeGreaterThan(100)
    expect(started).toBe(ended)
    expect([...kinds].sort()).toEqual(['audio', 'lost', 'silence'])
    expect(Number.isFinite(statistics.jitterMs)).toBe(true)
  })

  it('reads or refuses any compound RTCP packet, and the reporter learns nothing absurd from it', () => {
    const random = new SeededRandom(78)
    const ours = 5
    const received = new ReceiveStatistics()
    const sent = newSendStatistics()
    const reporter = new RtcpReporter({ ssrc: ours, received, sent, random: new SeededRandom(1), nowMs: 0, wallMs: 0 })
    const into = new Uint8Array(maxCompoundBytes)
    let whole = 0
    const faults: string[] = []
    for (let n = 0; n < 10_000; n++) {
      const bytes = new Uint8Array(maxCompoundBytes)
      const wide = random.uint32()
      const info = { ntpSeconds: wide, ntpFraction: wide, rtpTimestamp: wide, packetCount: n, octetCount: wide }
      const report = {
        ssrc: ours,
        fractionLost: n & 255,
        cumulativeLost: (wide & 0xff_ffff) - 0x80_0000,
        highestSequence: wide,
        jitterTicks: wide,
        lastSenderReport: wide,
        delaySinceLastSenderReport: wide,
      }
      let end = writeReport(bytes, 0, 9, n % 2 === 0 ? info : null, n % 3 === 0 ? null : report)
      end = writeSourceDescription(bytes, end, 9, new Uint8Array(n % 80).fill(0x61))
      if (n % 5 === 0) end = writeBye(bytes, end, 9)
      const damaged = damage(bytes.subarray(0, end), random)
      const contents = readRtcp(damaged, ours)
      if (contents) whole++
      if ((contents?.byes.length ?? 0) > 31) faults.push(`packet ${n} holds too many BYEs`)
      reporter.receive(damaged, n * 20)
      received.update(n & 0xffff, n * 160, 9, n * 20, true)
      sent.packetsSent++
      const length = reporter.poll(n * 20, into)
      if (length > 0 && !readRtcp(into.subarray(0, length), 9)) faults.push(`report ${n} is not RTCP`)
      if ((reporter.roundTripMs ?? 0) > 30_000) faults.push(`packet ${n} makes a round trip of ${reporter.roundTripMs}`)
      if ((reporter.remotePacketsLost ?? 0) < 0) faults.push(`packet ${n} makes a loss below zero`)
    }
    expect(faults).toEqual([])
    expect(whole).toBeGreaterThan(2000)
  })
})
