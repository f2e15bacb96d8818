import { describe, expect, it } from 'vitest'
import type { AudioCodec } from '../sdp/types.ts'
import { decodeG711, encodeG711, levelOf, silenceByte, transcodeG711 } from './g711.ts'

const laws: readonly AudioCodec[] = ['PCMU', 'PCMA']
const allCodes = Uint8Array.from({ length: 256 }, (_, code) => code)

function encodeOne(codec: AudioCodec, sample: number): number {
  const out = new Uint8Array(1)
  encodeG711(codec, Int16Array.of(sample), out)
  return out[0] as number
}

describe('G.711', () => {
  it('has the levels of the published tables', () => {
    // ITU-T G.711 tables 1a, 1b (A-law, 13 bits) and 2a, 2b (mu-law, 14 bits), scaled to 16 bits.
    for (const [codec, code, level] of [
      ['PCMU', 0xff, 0],
      ['PCMU', 0x7f, 0],
      ['PCMU', 0xfe, 8],
      ['PCMU', 0x7e, -8],
      ['PCMU', 0xf0, 120],
      ['PCMU', 0xef, 132],
      ['PCMU', 0x80, 32124],
      ['PCMU', 0x00, -32124],
      ['PCMA', 0xd5, 8],
      ['PCMA', 0x55, -8],
      ['PCMA', 0xd4, 24],
      ['PCMA', 0xaa, 32256],
      ['PCMA', 0x2a, -32256],
      ['PCMA', 0xc5, 264],
    ] as const) {
      expect({ codec, code, level: levelOf(codec, code) }).toEqual({ codec, code, level })
    }
  })

  it.each(laws)('%s gives every code back but the negative zero', (codec) => {
    const samples = new Int16Array(256)
    const back = new Uint8Array(256)
    decodeG711(codec, allCodes, samples)
    encodeG711(codec, samples, back)
    const expected = Uint8Array.from(allCodes)
    if (codec === 'PCMU') expected[0x7f] = 0xff
    expect(back).toEqual(expected)
  })

  it.each(laws)('%s grows with the sample and is never further off than half a step', (codec) => {
    let last = -32769
    for (let sample = -32768; sample <= 32767; sample++) {
      const level = levelOf(codec, encodeOne(codec, sample))
      if (level < last) expect.fail(`${codec}: ${sample} fell to ${level}`)
      last = level
      if (Math.abs(sample) > 32000) continue
      const bound = Math.max(codec === 'PCMU' ? 4 : 8, (Math.abs(sample) + 132) / 30)
      if (Math.abs(level - sample) > bound) expect.fail(`${codec}: ${sample} became ${level}`)
    }
  })

  it('keeps speech-like levels at 36 dB signal to noise or better', () => {
    for (const codec of laws) {
      const samples = Int16Array.from(
        { length: 8000 },
        (_, i) => 8000 * Math.sin(i * 0.7853) + 2000 * Math.sin(i * 0.21),
      )
      const bytes = new Uint8Array(8000)
      const back = new Int16Array(8000)
      encodeG711(codec, samples, bytes)
      decodeG711(codec, bytes, back)
      let signal = 0
      let noise = 0
      for (let i = 0; i < 8000; i++) {
        signal += (samples[i] as number) ** 2
        noise += ((samples[i] as number) - (back[i] as number)) ** 2
      }
      expect(10 * Math.log10(signal / noise)).toBeGreaterThan(36)
    }
  })

  it('decodes silence bytes as next to nothing', () => {
    for (const codec of laws) {
      expect(Math.abs(levelOf(codec, silenceByte[codec]))).toBeLessThanOrEqual(8)
      expect(encodeOne(codec, 0)).toBe(silenceByte[codec])
    }
  })

  it('transcodes as decoding and encoding would, also in place', () => {
    for (const codec of laws) {
      const other = codec === 'PCMU' ? 'PCMA' : 'PCMU'
      const bytes = Uint8Array.from(allCodes)
      transcodeG711(codec, bytes, bytes)
      expect(bytes).toEqual(Uint8Array.from(allCodes, (code) => encodeOne(other, levelOf(codec, code))))
    }
  })

  it('writes at the offset asked for and nowhere else', () => {
    const into = new Uint8Array(4).fill(1)
    encodeG711('PCMU', Int16Array.of(0, 0), into, 1)
    expect([...into]).toEqual([1, 0xff, 0xff, 1])
    const samples = new Int16Array(3).fill(7)
    decodeG711('PCMU', Uint8Array.of(0x80), samples, 2)
    expect([...samples]).toEqual([7, 7, 32124])
  })
})
