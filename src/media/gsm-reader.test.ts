import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GsmDecoder, gsmDurationMs, looksLikeGsm, monoOfGsm } from './gsm-reader.ts'

const file = new Uint8Array(readFileSync(join(import.meta.dirname, '../../test/fixtures/media/mono-8000.gsm')))
/** Of the same file decoded by sox: `sox mono-8000.gsm -t raw -e signed -b 16 -L - | sha256sum`. */
const decodedBySox = 'a2701427bc1a35ce056721461607cc0831622b8f955c04becaebbfeaf4f2cc6e'

describe('GSM full rate', () => {
  it('is decoded to the very samples that another decoder gives', () => {
    const decoder = new GsmDecoder()
    const pcm = new Int16Array((file.length / 33) * 160)
    for (let i = 0; i * 33 < file.length; i++) {
      decoder.decode(file.subarray(i * 33, i * 33 + 33), pcm.subarray(i * 160, i * 160 + 160))
    }
    expect(createHash('sha256').update(new Uint8Array(pcm.buffer)).digest('hex')).toBe(decodedBySox)
  })

  it('comes in pieces that make the whole', () => {
    const pieces = [...monoOfGsm(file, 7)]
    expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe((file.length / 33) * 160)
    expect(pieces.slice(0, -1).every((piece) => piece.length === 7 * 160)).toBe(true)
    expect([...monoOfGsm(file, 7)].flatMap((piece) => [...piece])).toEqual(
      [...monoOfGsm(file)].flatMap((piece) => [...piece]),
    )
    expect(gsmDurationMs(file)).toBe(1000)
  })

  it('is known by the signature of every frame', () => {
    expect(looksLikeGsm(file)).toBe(true)
    expect(looksLikeGsm(file.subarray(1))).toBe(false)
    expect(looksLikeGsm(file.subarray(0, -1))).toBe(false)
    expect(looksLikeGsm(new Uint8Array())).toBe(false)
    const damaged = file.slice()
    damaged[33] = 0
    expect(looksLikeGsm(damaged)).toBe(false)
  })

  it('takes any bits, and never leaves the range of samples', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 330, maxLength: 330 }), (bits) => {
        for (const piece of monoOfGsm(bits)) expect(piece.every((sample) => Math.abs(sample) <= 1)).toBe(true)
      }),
      { seed: 20_260_101 },
    )
  })
})
