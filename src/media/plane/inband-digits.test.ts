import { describe, expect, it } from 'vitest'
import { sine } from '../../../test/support/hear.ts'
import { frameSamples } from '../../rtp/jitter-buffer.ts'
import { InbandDigits } from './inband-digits.ts'
import { frameTicks } from './received-audio.ts'

const [low, high] = [sine(852, 200, { levelDb: -12 }), sine(1336, 200, { levelDb: -12 })]
const eight = low.map((sample, i) => sample + (high[i] ?? 0))
const quiet = new Int16Array(1600)

/** The keys heard in the sound when these of its frames are lost. */
function heard(parts: readonly Int16Array[], lost: readonly number[]): string {
  const pcm = Int16Array.from(parts.flatMap((part) => [...part]))
  let keys = ''
  const digits = new InbandDigits((digit) => {
    keys += digit
  })
  for (let frame = 0; frame < pcm.length / frameSamples; frame++) {
    const isLost = lost.includes(frame)
    const samples = pcm.slice(frame * frameSamples, (frame + 1) * frameSamples)
    digits.receivedAudio(isLost ? samples.fill(0) : samples, isLost ? 'lost' : 'audio', (frame + 1) * frameTicks)
  }
  return keys
}

describe('keys heard as tones', () => {
  it.each([1, 2, 3])('are one key when %i packets in the middle of it are lost, wherever', (count) => {
    for (let first = 10; first < 20; first++) {
      const lost = Array.from({ length: count }, (_, i) => first + i)
      expect(heard([quiet, eight, quiet], lost), `from frame ${first}`).toBe('8')
    }
  })

  it('are two keys when both are heard apart, and when what was lost is longer than a stumble', () => {
    expect(heard([quiet, eight, quiet.subarray(0, 400), eight, quiet], [])).toBe('88')
    expect(heard([quiet, eight, quiet, eight, quiet], [20, 21, 22, 23, 24, 25, 26, 27, 28, 29])).toBe('88')
  })
})
