import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { type FrameKind, frameSamples, JitterBuffer } from './jitter-buffer.ts'

/** Each byte decodes to a hundred times itself, so a frame tells which packets it was made of. */
const decoded = Int16Array.from({ length: 256 }, (_, byte) => byte * 100)

interface Arrival {
  readonly atMs: number
  readonly n: number
  /** Defaults: n, n × the samples of a packet, 1. */
  readonly sequence?: number
  readonly timestamp?: number
  readonly ssrc?: number
  readonly samples?: number
}

interface Pulled {
  readonly kind: FrameKind
  /** The byte that the first sample came from; 0 for none. */
  readonly byte: number
  readonly samples: Int16Array
}

/** Plays arrivals in time order against pulls every 20 ms from 0. Packet n is filled with the byte 1 + n mod 250. */
function play(buffer: JitterBuffer, arrivals: readonly Arrival[], frames: number): Pulled[] {
  const waiting = [...arrivals].sort((a, b) => a.atMs - b.atMs)
  const pulled: Pulled[] = []
  for (let frame = 0; frame < frames; frame++) {
    const nowMs = frame * 20
    while ((waiting[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) push(buffer, waiting.shift() ?? fail())
    const samples = new Int16Array(frameSamples)
    const kind = buffer.pull(nowMs, samples)
    pulled.push({ kind, byte: (samples[0] ?? 0) / 100, samples })
  }
  return pulled
}

function push(buffer: JitterBuffer, arrival: Arrival): void {
  const { n, samples = 160, sequence = n, timestamp = n * samples, ssrc = 1 } = arrival
  const bytes = new Uint8Array(12 + samples).fill(1 + (n % 250), 12)
  buffer.push(bytes, 12, samples, decoded, sequence & 0xffff, timestamp >>> 0, ssrc, arrival.atMs)
}

function fail(): never {
  throw new Error('no arrival waits')
}

const steady = (count: number, from = 0): Arrival[] =>
  Array.from({ length: count }, (_, i) => ({ atMs: (from + i) * 20 + 1, n: from + i }))

/** Bytes of the frames that held sound, in order. */
const heard = (pulled: readonly Pulled[]): number[] =>
  pulled.filter((one) => one.kind === 'audio').map((one) => one.byte)

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => 1 + (n % 250))

describe('JitterBuffer', () => {
  it('gives a steady stream back whole, within 60 ms', () => {
    const pulled = play(new JitterBuffer(), steady(100), 105)
    expect(heard(pulled)).toEqual(upTo(100))
    expect(pulled.findIndex((one) => one.kind === 'audio')).toBeLessThanOrEqual(3)
    const last = pulled.findLastIndex((one) => one.kind === 'audio')
    expect(pulled.slice(0, last).some((one) => one.kind === 'lost')).toBe(false)
  })

  it.each([10, 30, 40, 50, 60])('gives packets of %i ms back whole', (ptimeMs) => {
    const samples = ptimeMs * 8
    const arrivals = Array.from({ length: 60 }, (_, n) => ({ atMs: n * ptimeMs + 1, n, samples }))
    const pulled = play(new JitterBuffer(), arrivals, (60 * ptimeMs) / 20 + 10)
    const all = pulled.flatMap((one) => [...one.samples])
    const first = all.findIndex((sample) => sample !== 0)
    const expected = Array.from({ length: 60 * samples }, (_, i) => (1 + Math.floor(i / samples)) * 100)
    expect(all.slice(first, first + 60 * samples)).toEqual(expected)
  })

  it('puts reordered packets right and hears duplicates once', () => {
    const arrivals = steady(50).flatMap((one) => {
      if (one.n % 5 === 1) return [{ ...one, atMs: one.atMs + 21 }]
      return one.n % 7 === 0 ? [one, { ...one, atMs: one.atMs + 5 }] : [one]
    })
    const pulled = play(new JitterBuffer({ minDelayMs: 40 }), arrivals, 60)
    expect(heard(pulled)).toEqual(upTo(50))
  })

  it('marks what is lost, and only that', () => {
    const pulled = play(
      new JitterBuffer(),
      steady(50).filter(({ n }) => n !== 20 && n !== 21),
      55,
    )
    const kinds = pulled.map((one) => one.kind)
    const first = kinds.indexOf('audio')
    expect(kinds.slice(first, first + 50).filter((kind) => kind === 'lost')).toHaveLength(2)
    expect(kinds.slice(first + 20, first + 22)).toEqual(['lost', 'lost'])
    expect(heard(pulled)).toHaveLength(48)
  })

  it('takes a gap in time without a gap in numbers for silence, and comes back in step', () => {
    // 20 packets, half a second of nothing, 20 more.
    const later = steady(20, 45).map((one) => ({ ...one, sequence: one.n - 25 }))
    const pulled = play(new JitterBuffer(), [...steady(20), ...later], 70)
    const last = pulled.findIndex((one) => one.byte === 20)
    const again = pulled.findIndex((one) => one.byte === 46)
    expect(again - last).toBe(26)
    // Before anything tells that the sender has paused, a few frames look lost.
    expect(pulled.slice(last, again).filter((one) => one.kind === 'lost').length).toBeLessThanOrEqual(6)
    expect(heard(pulled)).toHaveLength(40)
  })

  it('takes the gap for silence at once when the peer says so', () => {
    const buffer = new JitterBuffer()
    const pulled: Pulled[] = play(buffer, steady(20), 21)
    buffer.pushSilence(20, 20 * 160, 1, 401)
    for (let frame = 21; frame < 60; frame++) {
      const samples = new Int16Array(frameSamples)
      pulled.push({ kind: buffer.pull(frame * 20, samples), byte: (samples[0] ?? 0) / 100, samples })
    }
    expect(heard(pulled)).toHaveLength(20)
    expect(pulled.some((one) => one.kind === 'lost')).toBe(false)
  })

  it('is not delayed by a long key press, whose packets all carry one timestamp', () => {
    const buffer = new JitterBuffer()
    play(buffer, steady(20), 20)
    const before = buffer.targetDelayMs
    for (let n = 20; n < 140; n++) buffer.pushSilence(n, 20 * 160, 1, n * 20 + 1)
    for (const one of steady(20, 140)) push(buffer, one)
    expect(buffer.targetDelayMs).toBe(before)
    expect(buffer.counts.resyncs).toBe(0)
  })

  it('grows its delay under jitter so that little is lost, and shrinks it when calm returns', () => {
    const random = new SeededRandom(8)
    const jittery = steady(500).map((one) => ({ ...one, atMs: one.atMs + (random.uint32() % 80) }))
    const calm = steady(2000, 500)
    const buffer = new JitterBuffer()
    play(buffer, jittery, 500)
    expect(buffer.targetDelayMs).toBeGreaterThan(60)
    expect(buffer.targetDelayMs).toBeLessThanOrEqual(85)
    expect(buffer.counts.late).toBeLessThan(15)
    for (const one of calm) {
      push(buffer, one)
      buffer.pull(one.n * 20, new Int16Array(frameSamples))
    }
    expect(buffer.targetDelayMs).toBe(20)
  })

  it('never delays by more than its bound', () => {
    const random = new SeededRandom(9)
    const buffer = new JitterBuffer({ maxDelayMs: 100 })
    play(
      buffer,
      steady(500).map((one) => ({ ...one, atMs: one.atMs + (random.uint32() % 400) })),
      520,
    )
    expect(buffer.targetDelayMs).toBe(100)
  })

  it('goes on with a new SSRC at once, and with a new timestamp base after a few packets', () => {
    const other = steady(30, 30).map((one) => ({ ...one, ssrc: 2, timestamp: (one.n * 160 + 3_000_000_000) >>> 0 }))
    const jumped = steady(30, 60).map((one) => ({ ...one, ssrc: 2, timestamp: (one.n * 160 + 1_000_000) >>> 0 }))
    const buffer = new JitterBuffer()
    const pulled = play(buffer, [...steady(30), ...other, ...jumped], 100)
    expect(buffer.counts.resyncs).toBe(2)
    const bytes = heard(pulled)
    expect(bytes.at(-1)).toBe(90)
    expect(bytes.length).toBeGreaterThanOrEqual(82)
  })

  it('is not thrown off by one packet with a wild timestamp', () => {
    const buffer = new JitterBuffer()
    const wild = { atMs: 411, n: 99, sequence: 20, timestamp: 2_000_000_000 }
    expect(heard(play(buffer, [...steady(50), wild], 60))).toEqual(upTo(50))
    expect(buffer.counts.resyncs).toBe(0)
  })

  it('survives the wrap of timestamps and sequence numbers', () => {
    const arrivals = steady(100).map((one) => ({
      ...one,
      sequence: 65_500 + one.n,
      timestamp: 0xffff_ffff - 40 * 160 + one.n * 160,
    }))
    expect(heard(play(new JitterBuffer(), arrivals, 110))).toEqual(upTo(100))
  })

  it('follows a peer whose clock runs a thousandth fast or slow', () => {
    for (const pace of [0.999, 1.001]) {
      const buffer = new JitterBuffer()
      const arrivals = Array.from({ length: 9000 }, (_, n) => ({ atMs: n * 20 * pace + 1, n }))
      const pulled = play(buffer, arrivals, 9000)
      expect(buffer.counts.resyncs).toBe(0)
      const lost = pulled.filter((one) => one.kind === 'lost').length
      expect(lost, `pace ${pace}`).toBeLessThan(20)
      expect(pulled.filter((one) => one.kind === 'audio').length).toBeGreaterThan(8900)
    }
  })

  it('gives silence before the first packet and long after the last', () => {
    const buffer = new JitterBuffer()
    expect(buffer.pull(0, new Int16Array(frameSamples))).toBe('silence')
    play(buffer, steady(10), 20)
    expect(buffer.pull(400, new Int16Array(frameSamples))).toBe('silence')
  })

  it('mixes nothing old in when nobody pulled for long', () => {
    const buffer = new JitterBuffer()
    for (const one of steady(300)) push(buffer, one)
    const samples = new Int16Array(frameSamples)
    const bytes: number[] = []
    for (let frame = 300; frame < 305; frame++) {
      push(buffer, { atMs: frame * 20 + 1, n: frame })
      if (buffer.pull(frame * 20 + 2, samples) === 'audio') bytes.push((samples[0] ?? 0) / 100)
    }
    const sorted = [...bytes].sort((a, b) => a - b)
    expect(bytes).toEqual(sorted)
    expect(bytes.every((byte) => byte > 45)).toBe(true)
  })

  it('gives every sample of a long stream back in its place, wherever the ring ends', () => {
    const buffer = new JitterBuffer()
    const bytes = new Uint8Array(12 + 200)
    const all: number[] = []
    const into = new Int16Array(frameSamples)
    // Packets of 25 ms do not fit the ring's end.
    for (let ms = 0; ms < 5000; ms += 5) {
      if (ms % 25 === 0) {
        for (let i = 0; i < 200; i++) bytes[12 + i] = 1 + ((ms * 8 + i) % 250)
        buffer.push(bytes, 12, 200, decoded, ms / 25, ms * 8, 1, ms)
      }
      if (ms % 20 === 0 && buffer.pull(ms, into) === 'audio') all.push(...into)
    }
    const sound = all.slice(all.findIndex((sample) => sample !== 0))
    expect(sound.length).toBeGreaterThan(38_000)
    const first = (sound[0] ?? 0) / 100 - 1
    expect(sound.every((sample, i) => sample === (1 + ((first + i) % 250)) * 100)).toBe(true)
  })

  it('gives silence for quiet packets, and what is said behind them at its time, pulled meanwhile or not', () => {
    for (const isPulled of [true, false]) {
      const buffer = new JitterBuffer()
      const into = new Int16Array(frameSamples)
      const kinds: FrameKind[] = []
      const began: number[] = []
      for (let n = 0; n < 400; n++) {
        const isQuiet = n >= 20 && n < 350
        if (isQuiet) buffer.pushQuiet(160, n, n * 160, 1, n * 20 + 1)
        else push(buffer, { atMs: n * 20 + 1, n })
        if (isQuiet && !isPulled && n > 30) continue
        const kind = buffer.pull(n * 20 + 2, into)
        if (n > 30 && n < 340) kinds.push(kind)
        if (n >= 345 && kind === 'audio') began.push(n)
      }
      expect(new Set(kinds)).toEqual(new Set(isPulled ? ['silence'] : []))
      expect(began[0]).toBeLessThanOrEqual(353)
      expect(began.length).toBeGreaterThanOrEqual(46)
      expect(buffer.counts.resyncs).toBe(0)
    }
  })

  it('passes over empty payloads and cuts those that are longer than any packet time', () => {
    const buffer = new JitterBuffer()
    buffer.push(new Uint8Array(12), 12, 0, decoded, 1, 0, 1, 0)
    expect(buffer.pull(0, new Int16Array(frameSamples))).toBe('silence')
    buffer.push(new Uint8Array(20_000), 12, 19_988, decoded, 1, 0, 1, 0)
    expect(heard(play(buffer, [], 100)).length).toBeLessThanOrEqual(7)
  })
})
