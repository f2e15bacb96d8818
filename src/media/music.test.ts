import { describe, expect, it } from 'vitest'
import { levelDb, peakOf } from '../../test/support/hear.ts'
import { DtmfDetector } from './dtmf-detector.ts'
import { musicOnHold } from './music.ts'

describe('music on hold', () => {
  const music = musicOnHold()

  it('is the same every time, 24 s in whole packets', () => {
    expect(musicOnHold()).toEqual(music)
    expect(music.length).toBe(24 * 8000)
    expect(music.length % 160).toBe(0)
  })

  it('is quiet and never near clipping', () => {
    // 0 dBm0 is a sine 3.14 dB below the largest, which itself is -3 here.
    expect(levelDb(music)).toBeCloseTo(-30.15, 1)
    expect(peakOf(music)).toBeLessThan(8000)
  })

  it('has no dead air and no seam', () => {
    for (let start = 0; start < music.length; start += 8000) {
      expect(levelDb(music.subarray(start, start + 8000))).toBeGreaterThan(-40)
    }
    let steepest = 0
    for (let i = 1; i < music.length; i++) {
      steepest = Math.max(steepest, Math.abs((music[i] as number) - (music[i - 1] as number)))
    }
    expect(Math.abs((music[0] as number) - (music.at(-1) as number))).toBeLessThanOrEqual(steepest)
  })

  it('is not taken for telephone keys, should it be heard back', () => {
    const detector = new DtmfDetector()
    const twice = Int16Array.from([...music, ...music])
    expect(detector.push(twice, 0)).toEqual([])
  })
})
