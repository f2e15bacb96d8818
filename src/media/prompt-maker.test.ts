import { describe, expect, it } from 'vitest'
import { levelOf, silenceByte } from './g711.ts'
import { makePrompt, promptBytes, silentPrompt, toPcm16 } from './prompt-maker.ts'

describe('making a prompt', () => {
  it('encodes both ways and fills the last packet with silence', () => {
    const prompt = makePrompt('x', [new Int16Array(100).fill(1000), new Int16Array(70).fill(-1000)])
    expect(prompt).toMatchObject({ id: 'x', durationMs: 40 })
    for (const codec of ['PCMU', 'PCMA'] as const) {
      const bytes = new Uint8Array(prompt.encoded[codec])
      expect(bytes.length).toBe(320)
      expect(Math.abs(levelOf(codec, bytes[99] as number) - 1000)).toBeLessThan(32)
      expect(Math.abs(levelOf(codec, bytes[100] as number) + 1000)).toBeLessThan(32)
      expect([...bytes.subarray(170)].every((byte) => byte === silenceByte[codec])).toBe(true)
    }
    expect(promptBytes(prompt)).toBe(640)
  })

  it('makes an empty prompt of no sound', () => {
    expect(makePrompt('none', [])).toMatchObject({ durationMs: 0 })
  })

  it('makes silence in whole packets', () => {
    for (const [ms, durationMs] of [
      [0, 20],
      [1, 20],
      [20, 20],
      [21, 40],
    ] as const) {
      expect(silentPrompt(ms)).toMatchObject({ id: `silence:${durationMs}`, durationMs })
    }
    expect(new Uint8Array(silentPrompt(20).encoded.PCMA)).toEqual(new Uint8Array(160).fill(0xd5))
  })

  it('holds loud samples at the edge', () => {
    expect(toPcm16(Float32Array.of(1, -1, 1.5, -2, 0, 0.5, Number.NaN))).toEqual(
      Int16Array.of(32_767, -32_768, 32_767, -32_768, 0, 16_384, 0),
    )
  })
})
