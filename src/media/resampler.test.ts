import { describe, expect, it } from 'vitest'
import { hearsNone, levelDb, sine, toneLevelDb } from '../../test/support/hear.ts'
import { toPcm16 } from './prompt-maker.ts'
import { Resampler } from './resampler.ts'

function resample(pcm: Int16Array, rateHz: number, pieceSamples = 4096): Int16Array {
  const resampler = new Resampler(rateHz)
  const out: number[] = []
  for (let i = 0; i < pcm.length; i += pieceSamples) {
    const piece = Float32Array.from(pcm.subarray(i, i + pieceSamples), (sample) => sample / 32_768)
    out.push(...toPcm16(resampler.push(piece)))
  }
  out.push(...toPcm16(resampler.end()))
  return Int16Array.from(out)
}

describe('the resampler', () => {
  it.each([4000, 6000, 7999, 11_025, 16_000, 22_050, 24_000, 44_100, 44_101, 48_000, 96_000, 192_000])(
    'brings %i Hz to 8,000 with the same length, pitch and loudness',
    (rateHz) => {
      const out = resample(sine(1000, 700, { rateHz, levelDb: -20 }), rateHz)
      expect(out.length).toBe(5600)
      const middle = out.subarray(400, 5200)
      expect(levelDb(middle)).toBeCloseTo(-20, 1)
      expect(toneLevelDb(middle, 1000)).toBeCloseTo(-20, 0)
    },
  )

  it('hands 8,000 Hz on untouched', () => {
    const pcm = sine(777, 300)
    expect(resample(pcm, 8000)).toEqual(pcm)
  })

  it('gives the same however the audio is cut: no click at the joints', () => {
    const pcm = sine(1000, 500, { rateHz: 22_050 })
    const whole = resample(pcm, 22_050, pcm.length)
    for (const piece of [100, 1000, 4096]) {
      const cut = resample(pcm, 22_050, piece)
      expect(cut.length).toBe(whole.length)
      let worst = 0
      for (let i = 0; i < cut.length; i++) worst = Math.max(worst, Math.abs((cut[i] as number) - (whole[i] as number)))
      expect(worst).toBeLessThanOrEqual(2)
    }
  })

  it('keeps the end, and what is shorter than its filter', () => {
    const out = resample(sine(1000, 200, { rateHz: 48_000, levelDb: -20 }), 48_000)
    expect(levelDb(out.subarray(out.length - 80))).toBeGreaterThan(-22)
    expect(resample(sine(1000, 3, { rateHz: 44_100 }), 44_100).length).toBe(24)
  })

  it('lets nothing above half the rate fold back', () => {
    const out = resample(sine(5000, 500, { rateHz: 22_050 }), 22_050)
    expect(hearsNone(out.subarray(400, 3600), [3000], 8000, -60)).toBe(true)
  })

  it.each([0, 3999, 200_000, 22_050.5, Number.NaN])('refuses a rate of %f', (rateHz) => {
    expect(() => new Resampler(rateHz)).toThrow('are read')
  })
})
