import { describe, expect, it } from 'vitest'
import { frequenciesIn, levelDb, peakOf, timeline } from '../../test/support/hear.ts'
import { DtmfDetector } from './dtmf-detector.ts'
import {
  type DtmfKey,
  dtmfColumns,
  dtmfKeys,
  dtmfRows,
  dtmfTone,
  type ProgressTone,
  progressTone,
  type ToneRegion,
} from './tones.ts'

const cases: readonly [ToneRegion, ProgressTone, readonly number[], readonly number[]][] = [
  ['eu', 'ringback', [425], [1000, 4000]],
  ['eu', 'busy', [425], [500, 500]],
  ['eu', 'congestion', [425], [200, 200]],
  ['us', 'ringback', [440, 480], [2000, 4000]],
  ['us', 'busy', [480, 620], [500, 500]],
  ['us', 'congestion', [480, 620], [250, 250]],
  ['eu', 'beep', [1000], [300, 20]],
]

describe('tones', () => {
  it.each(cases)('%s %s has its frequencies and its cadence', (region, name, frequenciesHz, [onMs = 0, offMs = 0]) => {
    const tone = progressTone(name, region)
    expect(tone.length).toBe((onMs + offMs) * 8)
    const sounding = tone.subarray(0, onMs * 8)
    const heard = frequenciesIn(sounding, 8000, { withinDb: 20 }).map(({ hz }) => hz)
    expect(heard).toHaveLength(frequenciesHz.length)
    for (const hz of frequenciesHz) expect(heard.some((other) => Math.abs(other - hz) < 5)).toBe(true)
    expect(levelDb(tone.subarray(onMs * 8))).toBe(-100)
  })

  it('last whole packets', () => {
    for (const [region, name] of cases) expect(progressTone(name, region).length % 160).toBe(0)
  })

  it('begin and end softly', () => {
    const beep = progressTone('beep')
    expect(Math.abs(beep[1] as number)).toBeLessThan(400)
    expect(timeline(beep, [1000])[0]?.frequenciesHz).toEqual([1000])
  })

  it.each(dtmfKeys)('key %s is its row and its column, and is heard as itself', (key: DtmfKey) => {
    const tone = dtmfTone(key, 100)
    const index = dtmfKeys.indexOf(key)
    const expected = [dtmfRows[Math.floor(index / 4)] as number, dtmfColumns[index % 4] as number]
    const heard = frequenciesIn(tone, 8000, { withinDb: 15 }).map(({ hz }) => hz)
    for (const hz of expected) expect(heard.some((other) => Math.abs(other - hz) < 12)).toBe(true)
    expect(peakOf(tone)).toBeLessThan(32_767)
    expect(new DtmfDetector().push(tone, 0).map(({ digit }) => digit)).toEqual([key])
  })
})
