import { describe, expect, it } from 'vitest'
import { sine } from '../../test/support/hear.ts'
import { SeededRandom } from '../base/random.ts'
import { SilenceDetector } from './silence-detector.ts'

/** White noise of a level in dB below full scale. */
function noise(ms: number, dbfs: number, seed = 1): Int16Array {
  const random = new SeededRandom(seed)
  const bound = 32_768 * 10 ** (dbfs / 20) * Math.sqrt(3)
  return Int16Array.from({ length: ms * 8 }, () => (random.uint32() / 2 ** 31 - 1) * bound)
}

function feed(detector: SilenceDetector, pcm: Int16Array, frame = 160): void {
  for (let i = 0; i < pcm.length; i += frame) detector.push(pcm.subarray(i, i + frame))
}

describe('the silence detector', () => {
  it('hears nothing in digital silence and counts it from the start', () => {
    const detector = new SilenceDetector()
    feed(detector, new Int16Array(8000))
    expect(detector.heardSound).toBe(false)
    expect(detector.quietMs).toBe(1000)
  })

  it('hears a voice and counts the quiet behind it', () => {
    const detector = new SilenceDetector()
    feed(detector, noise(500, -65))
    feed(detector, sine(300, 1000, { levelDb: -25 }))
    expect(detector.heardSound).toBe(true)
    expect(detector.quietMs).toBe(0)
    feed(detector, noise(1500, -65))
    expect(detector.quietMs).toBe(1500)
  })

  it('does not take gaps between words for the end', () => {
    const detector = new SilenceDetector()
    let longest = 0
    for (let word = 0; word < 20; word++) {
      feed(detector, sine(250, 300, { levelDb: -22 }))
      feed(detector, noise(180, -60, word))
      longest = Math.max(longest, detector.quietMs)
    }
    expect(longest).toBeLessThanOrEqual(180)
  })

  it('does not take a click for sound, nor two', () => {
    const detector = new SilenceDetector()
    for (let click = 0; click < 2; click++) {
      feed(detector, noise(400, -65))
      feed(detector, sine(1000, 20, { levelDb: -10 }))
    }
    feed(detector, noise(400, -65))
    expect(detector.heardSound).toBe(false)
    expect(detector.quietMs).toBe(1240)
  })

  it('hears a quiet voice on a quiet line, and not the noise of a noisy one', () => {
    const quiet = new SilenceDetector()
    feed(quiet, noise(1000, -68))
    feed(quiet, sine(300, 400, { levelDb: -45 }))
    expect(quiet.heardSound).toBe(true)

    const noisy = new SilenceDetector()
    feed(noisy, noise(30_000, -46))
    expect(noisy.heardSound).toBe(false)
    feed(noisy, sine(300, 400, { levelDb: -28 }))
    expect(noisy.heardSound).toBe(true)
    feed(noisy, noise(2000, -46))
    expect(noisy.quietMs).toBe(2000)
  })

  it('goes on hearing a long steady sound', () => {
    const detector = new SilenceDetector()
    feed(detector, sine(425, 60_000, { levelDb: -20 }))
    expect(detector.quietMs).toBe(0)
  })

  it('learns a hum that starts in the middle of the call', () => {
    const detector = new SilenceDetector()
    feed(detector, noise(2000, -65))
    feed(detector, noise(60_000, -42))
    expect(detector.quietMs).toBeGreaterThan(30_000)
  })

  it('counts time without audio as quiet', () => {
    const detector = new SilenceDetector()
    feed(detector, sine(300, 500, { levelDb: -20 }))
    detector.pushQuiet(700)
    expect(detector.quietMs).toBe(700)
  })

  it('counts time in samples, whatever the packet time', () => {
    for (const frame of [80, 160, 240, 480]) {
      const detector = new SilenceDetector()
      feed(detector, sine(300, 960, { levelDb: -20 }), frame)
      feed(detector, new Int16Array(960 * 8), frame)
      expect(detector.quietMs).toBe(960)
    }
  })
})
