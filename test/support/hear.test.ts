import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { wavHeader } from '../../src/media/wav-header.ts'
import { frequenciesIn, hears, hearsNone, levelDb, readWav, sine, timeline, toneLevelDb } from './hear.ts'

function mix(...parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts[0] as Int16Array, (_, i) => parts.reduce((sum, part) => sum + (part[i] as number), 0))
}

function join(...parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]))
}

describe('the ears of the tests', () => {
  it('measure levels: a full-scale sine is at -3 dB, silence at -100', () => {
    expect(levelDb(sine(1000, 500, { levelDb: -20 }))).toBeCloseTo(-20, 1)
    expect(levelDb(new Int16Array(100))).toBe(-100)
    expect(toneLevelDb(sine(440, 500, { levelDb: -30 }), 440)).toBeCloseTo(-30, 1)
    expect(toneLevelDb(sine(440, 500, { levelDb: -30 }), 700)).toBeLessThan(-80)
  })

  it('name the frequencies in a mixture, strongest first', () => {
    const pcm = mix(
      sine(440, 1000, { levelDb: -20 }),
      sine(1633, 1000, { levelDb: -14 }),
      sine(620, 1000, { levelDb: -26 }),
    )
    const heard = frequenciesIn(pcm)
    expect(heard).toHaveLength(3)
    for (const [index, hz, level] of [
      [0, 1633, -14],
      [1, 440, -20],
      [2, 620, -26],
    ] as const) {
      expect(Math.abs((heard[index]?.hz ?? 0) - hz)).toBeLessThan(4)
      expect(Math.abs((heard[index]?.levelDb ?? 0) - level)).toBeLessThan(1.5)
    }
  })

  it('tell who is heard and who is not', () => {
    const pcm = mix(sine(500, 1000), sine(900, 1000))
    expect(hears(pcm, [500, 900])).toBe(true)
    expect(hears(pcm, [500, 1300])).toBe(false)
    expect(hearsNone(pcm, [700, 1300])).toBe(true)
    expect(hearsNone(pcm, [900])).toBe(false)
  })

  it('hear nothing in silence and no tone in noise', () => {
    const noise = new SeededRandom(7)
    const hiss = Int16Array.from({ length: 8000 }, () => (noise.uint32() % 2000) - 1000)
    expect(hears(new Int16Array(8000), [440])).toBe(false)
    expect(hearsNone(hiss, [440, 1000], 8000, -35)).toBe(true)
  })

  it('tell what was heard when', () => {
    const pcm = join(sine(500, 400), new Int16Array(1600), sine(900, 600))
    const heard = timeline(pcm, [500, 900])
    expect(heard.map((part) => part.frequenciesHz)).toEqual([[500], [], [900]])
    expect(Math.abs((heard[2]?.startMs ?? 0) - 600)).toBeLessThanOrEqual(40)
  })

  it('read both channels of a WAV', () => {
    const file = Buffer.concat([
      wavHeader({ encoding: 'pcm16', channels: 2, rateHz: 8000 }, 8),
      Buffer.from(Int16Array.of(1, -2, 3, -4).buffer),
    ])
    expect(readWav(file)).toEqual({ rateHz: 8000, channels: [Int16Array.of(1, 3), Int16Array.of(-2, -4)] })
    expect(() => readWav(file.subarray(0, 50))).toThrow('promises')
  })
})
