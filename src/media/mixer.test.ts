import { describe, expect, it } from 'vitest'
import { Mixer } from './mixer.ts'

const frame = (...samples: number[]): Int16Array => Int16Array.from(samples)

describe('the mixer', () => {
  it('adds up, and gives each all but itself', () => {
    const mixer = new Mixer(3)
    const [a, b, c] = [frame(1, 2, 3), frame(10, 20, 30), frame(-100, -200, -300)]
    for (const one of [a, b, c]) mixer.add(one)
    const heard = frame(0, 0, 0)
    mixer.read(heard)
    expect([...heard]).toEqual([-89, -178, -267])
    mixer.subtract(b)
    mixer.read(heard)
    expect([...heard]).toEqual([-99, -198, -297])
    mixer.add(b)
    mixer.readWithout(c, heard)
    expect([...heard]).toEqual([11, 22, 33])
    mixer.clear()
    mixer.read(heard)
    expect([...heard]).toEqual([0, 0, 0])
  })

  it('saturates and does not wrap, and what saturates all does not spoil what one of them hears', () => {
    const mixer = new Mixer(2)
    const loud = frame(30_000, -30_000)
    for (let i = 0; i < 1000; i++) mixer.add(loud)
    const heard = frame(0, 0)
    mixer.read(heard)
    expect([...heard]).toEqual([32_767, -32_768])
    for (let i = 0; i < 999; i++) mixer.subtract(loud)
    mixer.read(heard)
    expect([...heard]).toEqual([30_000, -30_000])
  })
})
