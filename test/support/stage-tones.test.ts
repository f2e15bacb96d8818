import { expect, it } from 'vitest'
import { sine } from './hear.ts'
import { joined } from './stage.ts'
import { tonesIn } from './stage-tones.ts'

const tones = new Map([
  [440, 1500],
  [600, 800],
])
const silence = (ms: number): Int16Array => new Int16Array(ms * 8)
const heard = (...parts: readonly Int16Array[]): readonly number[] => tonesIn(joined(parts), tones)

it('tones are counted by their lengths', () => {
  expect(heard(sine(440, 1500), silence(500), sine(600, 800))).toEqual([440, 600])
  expect(heard(sine(440, 3000))).toEqual([440, 440])
  expect(heard(sine(440, 1500), silence(200), sine(440, 1500))).toEqual([440, 440])
})

it('a tone that was stopped is one, and so is its repetition', () => {
  expect(heard(sine(440, 400), sine(600, 800))).toEqual([440, 600])
  expect(heard(sine(440, 400), silence(2000), sine(440, 400))).toEqual([440, 440])
})

it('a hole makes no second tone, whether its sound is lost or comes later', () => {
  expect(heard(sine(440, 500), silence(600), sine(440, 400))).toEqual([440])
  expect(heard(sine(440, 500), silence(600), sine(440, 1000), sine(600, 800))).toEqual([440, 600])
  expect(heard(sine(440, 1400), silence(300), sine(440, 100), silence(900), sine(600, 800))).toEqual([440, 600])
})
