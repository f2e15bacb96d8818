import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countingPrompt } from '../../../test/support/media-harness.ts'
import { Playlist } from './playlist.ts'

function framesOf(list: Playlist, ptimeMs: number, most: number): number[] {
  const sound: number[] = []
  while (!list.isAtEnd && sound.length < most) {
    const words = new Uint32Array(ptimeMs * 2)
    list.fill('PCMU', words)
    sound.push(...new Uint8Array(words.buffer))
  }
  return sound
}

describe('a playlist', () => {
  it('is the prompts one behind the other, whatever the packet times, and then silence to the end of the frame', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 }),
        fc.constantFrom(10, 20, 30, 40, 50, 60),
        (lengths, ptimeMs) => {
          const prompts = lengths.map((frames, i) => countingPrompt(`p${i}`, frames, 1 + i * 10))
          const list = new Playlist(prompts, false)
          const expected = prompts.flatMap(({ encoded }) => [...new Uint8Array(encoded.PCMU)])
          const sound = framesOf(list, ptimeMs, 100_000)
          expect(sound.slice(0, expected.length)).toEqual(expected)
          expect(sound.slice(expected.length).every((byte) => byte === 0xff)).toBe(true)
          expect(sound.length - expected.length).toBeLessThan(ptimeMs * 8)
          expect(list.playedMs).toBe(expected.length / 8)
        },
      ),
      { seed: 20_260_101 },
    )
  })

  it('looped never ends, and skips as it plays', () => {
    const prompts = [countingPrompt('a', 1, 1), countingPrompt('b', 2, 5)]
    const list = new Playlist(prompts, true)
    list.skip(30)
    const words = new Uint32Array(80)
    const heard: number[] = []
    for (let i = 0; i < 4; i++) {
      list.fill('PCMU', words)
      heard.push(...new Uint8Array(words.buffer))
    }
    const inTurn = [1, 5, 6]
    expect(heard).toEqual(heard.map((_, i) => inTurn[Math.floor((i + 240) / 160) % 3]))
    expect(list.isAtEnd).toBe(false)
    expect(list.playedMs).toBe(30 + 4 * 40)
  })

  it('changes the codec between two frames, in the middle of a prompt', () => {
    const list = new Playlist([countingPrompt('a', 3)], false)
    const words = new Uint32Array(40)
    const firsts = (['PCMU', 'PCMA', 'PCMU'] as const).map((codec) => {
      list.fill(codec, words)
      return new Uint8Array(words.buffer)[0]
    })
    expect(firsts).toEqual([1, 253, 3])
    expect(list.isAtEnd).toBe(true)
    list.fill('PCMA', words)
    expect(new Uint8Array(words.buffer)[0]).toBe(0xd5)
  })

  it('skipped to its end is at its end, and no further', () => {
    const list = new Playlist([countingPrompt('a', 3)], false)
    for (let i = 0; i < 5; i++) list.skip(50)
    expect([list.isAtEnd, list.playedMs]).toEqual([true, 60])
  })
})
