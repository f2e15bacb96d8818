import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import type { AudioCodec } from '../sdp/types.ts'
import { DtmfDetector, type HeardKey } from './dtmf-detector.ts'
import { decodeG711, encodeG711 } from './g711.ts'
import { amplitudeOf, type DtmfKey, dtmfColumns, dtmfKeys, dtmfRows, dtmfTone } from './tones.ts'

interface KeyShape {
  readonly ms?: number
  readonly rowDbm0?: number
  /** Column level over row level. */
  readonly twistDb?: number
  /** Frequency error of row and column, 0.015 for 1.5 %. */
  readonly rowError?: number
  readonly columnError?: number
}

function key(digit: DtmfKey, shape: KeyShape = {}): Int16Array {
  const { ms = 60, rowDbm0 = -9, twistDb = 0, rowError = 0, columnError = 0 } = shape
  const index = dtmfKeys.indexOf(digit)
  const rowStep = (2 * Math.PI * (dtmfRows[index >> 2] as number) * (1 + rowError)) / 8000
  const columnStep = (2 * Math.PI * (dtmfColumns[index & 3] as number) * (1 + columnError)) / 8000
  const row = amplitudeOf(rowDbm0)
  const column = amplitudeOf(rowDbm0 + twistDb)
  return Int16Array.from(
    { length: ms * 8 },
    (_, i) => row * Math.sin(rowStep * i + 1) + column * Math.sin(columnStep * i + 2),
  )
}

const quiet = (ms: number): Int16Array => new Int16Array(ms * 8)

function join(parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]))
}

/** White noise so many dB below the mean power of a key at -9 dBm0 per tone. */
function withNoise(pcm: Int16Array, snrDb: number, seed: number): Int16Array {
  const random = new SeededRandom(seed)
  // Two sines of this amplitude have the power of its square; evenly spread noise has a third of its bound's square.
  const bound = amplitudeOf(-9) * 10 ** (-snrDb / 20) * Math.sqrt(3)
  return Int16Array.from(pcm, (sample) => sample + (random.uint32() / 2 ** 31 - 1) * bound)
}

function hear(pcm: Int16Array, frameSamples = 160): readonly HeardKey[] {
  const detector = new DtmfDetector()
  const heard: HeardKey[] = []
  for (let i = 0; i < pcm.length; i += frameSamples)
    heard.push(...detector.push(pcm.subarray(i, i + frameSamples), i / 8))
  return heard
}

const digitsIn = (pcm: Int16Array): string =>
  hear(pcm)
    .map(({ digit }) => digit)
    .join('')

/** All 16 keys, each lasting `ms` with `pauseMs` behind it, begun at an odd place so that no frame edge helps. */
function allKeys(shape: KeyShape, pauseMs = 40, leadSamples = 37): Int16Array {
  return join([new Int16Array(leadSamples), ...dtmfKeys.flatMap((digit) => [key(digit, shape), quiet(pauseMs)])])
}

const every = dtmfKeys.join('')

describe('the DTMF detector', () => {
  it('hears every key once, with the time at which it went down', () => {
    const heard = hear(join([quiet(100), ...dtmfKeys.flatMap((digit) => [dtmfTone(digit, 100), quiet(60)])]))
    expect(heard.map(({ digit }) => digit).join('')).toBe(every)
    for (const [index, { startedMs, durationMs }] of heard.entries()) {
      expect(Math.abs(startedMs - (100 + index * 160))).toBeLessThan(10)
      expect(durationMs).toBeGreaterThanOrEqual(25)
      expect(durationMs).toBeLessThanOrEqual(40)
    }
  })

  it('hears 40 ms with 40 ms between, wherever they begin', () => {
    for (let lead = 0; lead < 102; lead++) {
      const heard = digitsIn(allKeys({ ms: 40 }, 40, lead))
      if (heard !== every) expect.fail(`beginning at sample ${lead}: ${heard}`)
    }
  })

  it('tells the same key twice when the pause is 30 ms, and once over a gap of 10 ms', () => {
    for (let lead = 0; lead < 102; lead += 3) {
      expect(digitsIn(join([new Int16Array(lead), key('5'), quiet(30), key('5'), quiet(60)]))).toBe('55')
      expect(digitsIn(join([new Int16Array(lead), key('5'), quiet(10), key('5'), quiet(60)]))).toBe('5')
    }
  })

  it('hears no key in 20 ms of its tones', () => {
    for (let lead = 0; lead < 102; lead++) expect(digitsIn(allKeys({ ms: 20 }, 60, lead))).toBe('')
  })

  it('does not mind how the audio is cut', () => {
    const pcm = allKeys({ ms: 50 })
    for (const frame of [80, 160, 240, 480, 7, 1000]) {
      expect(
        hear(pcm, frame)
          .map(({ digit }) => digit)
          .join(''),
      ).toBe(every)
    }
  })

  it.each([
    [0.015, 0.015],
    [-0.015, -0.015],
    [0.015, -0.015],
    [-0.015, 0.015],
  ])('takes frequencies off by %f and %f', (rowError, columnError) => {
    expect(digitsIn(allKeys({ ms: 50, rowError, columnError }))).toBe(every)
  })

  it.each([0.04, -0.04])('refuses frequencies off by %f', (error) => {
    const heard = digitsIn(allKeys({ ms: 60, rowError: error, columnError: error }))
    // 4 % of a low row still lies within the window's width; the columns settle it.
    expect(heard.length).toBeLessThanOrEqual(4)
  })

  it('takes a twist of 4 dB and of -8 dB', () => {
    expect(digitsIn(allKeys({ twistDb: 4 }))).toBe(every)
    expect(digitsIn(allKeys({ twistDb: -8 }))).toBe(every)
  })

  it('refuses a twist of 9 dB and of -13 dB', () => {
    expect(digitsIn(allKeys({ twistDb: 9, rowDbm0: -15 }))).toBe('')
    expect(digitsIn(allKeys({ twistDb: -13 }))).toBe('')
  })

  it('takes levels from -3 to -29 dBm0 per tone and refuses -45', () => {
    for (const rowDbm0 of [-3, -9, -20, -25, -29]) expect(digitsIn(allKeys({ rowDbm0 }))).toBe(every)
    expect(digitsIn(allKeys({ rowDbm0: -45 }))).toBe('')
  })

  it('hears keys through noise 15 dB below them, also off frequency and twisted', () => {
    for (let seed = 1; seed <= 10; seed++) {
      expect(digitsIn(withNoise(allKeys({ ms: 50 }), 15, seed))).toBe(every)
      expect(digitsIn(withNoise(allKeys({ ms: 60, rowError: 0.012, columnError: -0.012 }), 15, seed))).toBe(every)
      expect(digitsIn(withNoise(allKeys({ ms: 60, twistDb: 3 }), 15, seed))).toBe(every)
    }
  })

  it.each<AudioCodec>(['PCMU', 'PCMA'])('hears keys that went through %s', (codec) => {
    const pcm = withNoise(allKeys({ ms: 45, rowDbm0: -20, rowError: 0.01, columnError: -0.01 }), 30, 3)
    const bytes = new Uint8Array(pcm.length)
    encodeG711(codec, pcm, bytes)
    const back = new Int16Array(pcm.length)
    decodeG711(codec, bytes, back)
    expect(digitsIn(back)).toBe(every)
  })

  it('hears keys over the dial tone of a prompt that echoes 12 dB below', () => {
    const pcm = allKeys({ ms: 80 })
    const echo = amplitudeOf(-18)
    expect(digitsIn(Int16Array.from(pcm, (sample, i) => sample + echo * Math.sin(i * 0.3338)))).toBe(every)
  })

  it('hears no key in noise', () => {
    for (const level of [-30, -10]) {
      const random = new SeededRandom(level + 100)
      const bound = amplitudeOf(level) * 1.7
      expect(digitsIn(Int16Array.from({ length: 8000 * 30 }, () => (random.uint32() / 2 ** 31 - 1) * bound))).toBe('')
    }
  })

  it('hears no key in a single tone, in two of one group, or in three', () => {
    const tones = (...hz: readonly number[]): Int16Array =>
      Int16Array.from({ length: 8000 }, (_, i) =>
        hz.reduce((sum, f) => sum + 5000 * Math.sin((i * 2 * Math.PI * f) / 8000), 0),
      )
    for (const hz of [
      [425],
      [697],
      [1209],
      [440, 480],
      [480, 620],
      [697, 852],
      [1209, 1477],
      [697, 1209, 1477],
      [770, 941, 1336],
    ]) {
      expect(digitsIn(tones(...hz))).toBe('')
    }
  })

  it('is not talked off by twelve minutes of speech-like sound', () => {
    for (let seed = 1; seed <= 12; seed++) expect(digitsIn(speechLike(60, seed))).toBe('')
  }, 60_000)

  it('is not talked off by six minutes of music-like chords', () => {
    for (let seed = 1; seed <= 6; seed++) expect(digitsIn(musicLike(60, seed))).toBe('')
  }, 60_000)
})

/**
 * Voiced and unvoiced stretches of 40 to 250 ms: pulses of a gliding pitch (80 to 330 Hz) falling by 6 dB an octave, as
 * the voice does past the lips, or noise, through three resonances that wander as the formants of vowels do.
 */
function speechLike(seconds: number, seed: number): Int16Array {
  const random = new SeededRandom(seed)
  const between = (low: number, high: number): number => low + ((high - low) * random.uint32()) / 2 ** 32
  const out = new Int16Array(seconds * 8000)
  for (let start = 0; start < out.length; ) {
    const length = Math.min(out.length - start, Math.round(between(320, 2000)))
    const isVoiced = between(0, 1) < 0.75
    const [pitchFrom, pitchTo] = [between(80, 330), between(80, 330)]
    const formants = [between(250, 950), between(800, 2300), between(2200, 3200)].map((hz) => ({
      hz,
      glide: between(0.85, 1.15),
      width: between(40, 140),
      one: 0,
      two: 0,
    }))
    let phase = 0
    let tilted = 0
    const voice = new Float64Array(length)
    for (let i = 0; i < length; i++) {
      const at = i / length
      phase += (pitchFrom + (pitchTo - pitchFrom) * at) / 8000
      const pulse = phase >= 1 ? 1 : 0
      if (pulse) phase -= 1
      tilted = 0.9 * tilted + pulse
      let sample = isVoiced ? tilted : between(-0.2, 0.2)
      for (const formant of formants) {
        const radius = Math.exp((-Math.PI * formant.width) / 8000)
        const angle = (2 * Math.PI * formant.hz * (1 + (formant.glide - 1) * at)) / 8000
        const next = sample + 2 * radius * Math.cos(angle) * formant.one - radius ** 2 * formant.two
        formant.two = formant.one
        formant.one = next
        sample = next * (1 - radius)
      }
      voice[i] = sample
    }
    const peak = voice.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-9)
    const level = between(3000, 20_000) / peak
    for (let i = 0; i < length; i++) out[start + i] = (voice[i] as number) * level * Math.sin((Math.PI * i) / length)
    start += length
  }
  return out
}

/** Chords of two to four notes of the tempered scale, each with a few overtones, changing every 120 to 600 ms. */
function musicLike(seconds: number, seed: number): Int16Array {
  const random = new SeededRandom(seed)
  const between = (low: number, high: number): number => low + ((high - low) * random.uint32()) / 2 ** 32
  const out = new Int16Array(seconds * 8000)
  for (let start = 0; start < out.length; ) {
    const length = Math.min(out.length - start, Math.round(between(960, 4800)))
    const notes = Array.from({ length: 2 + Math.floor(between(0, 3)) }, () => ({
      hz: 110 * 2 ** (Math.floor(between(0, 44)) / 12),
      level: between(1000, 4000),
      overtones: [1, between(0.1, 0.7), between(0.05, 0.5), between(0, 0.3)],
    }))
    for (let i = 0; i < length; i++) {
      let sample = 0
      for (const { hz, level, overtones } of notes) {
        for (let n = 0; n < overtones.length; n++) {
          if (hz * (n + 1) < 3600)
            sample += level * (overtones[n] as number) * Math.sin((2 * Math.PI * hz * (n + 1) * i) / 8000)
        }
      }
      out[start + i] = Math.max(-32_768, Math.min(32_767, sample))
    }
    start += length
  }
  return out
}
