import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ParseError } from '../base/errors.ts'
import { audioStart, mp3Frames } from './mp3-frames.ts'
import { readMp3Format } from './mp3-reader.ts'
import { monoOfWav, readWavFormat } from './wav-reader.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../../test/fixtures/media/${name}`, import.meta.url))

/** Bounded and repeatable: the same files are tried in every run. */
const runs = { seed: 20_260_101, numRuns: 3000 }

/** Whole files with some bytes overwritten, a piece taken out or doubled, or the end cut off. */
function damaged(whole: Buffer, headBytes: number): fc.Arbitrary<Buffer> {
  const place = fc.oneof(
    { weight: 3, arbitrary: fc.nat(headBytes) },
    { weight: 1, arbitrary: fc.nat(whole.length - 1) },
  )
  const value = fc.oneof(fc.constantFrom(0, 0xff, 0x7f, 0x80, 1), fc.nat(255))
  const writes = fc.array(fc.tuple(place, value), { maxLength: 12 })
  return fc
    .tuple(writes, fc.nat(whole.length), fc.nat(whole.length), fc.boolean())
    .map(([changes, from, to, isCut]) => {
      const bytes = Buffer.from(whole)
      for (const [at, byte] of changes) bytes[at] = byte
      if (!isCut) return bytes
      return from < to ? Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]) : bytes.subarray(0, from)
    })
}

function readAll(file: Uint8Array): void {
  try {
    const format = readWavFormat(file)
    let frames = 0
    for (const piece of monoOfWav(file, format)) {
      frames += piece.length
      for (const sample of piece) if (!(Math.abs(sample) <= 4)) expect.fail(`a sample of ${sample}`)
    }
    expect(frames).toBe(format.frames)
    expect(frames * format.bytesPerFrame).toBeLessThanOrEqual(file.length)
  } catch (thrown) {
    if (!(thrown instanceof ParseError)) throw thrown
  }
}

describe('damaged sound files', () => {
  it.each(['stereo-44100-s24.wav', 'mono-8000-mulaw.wav', 'mono-16000-f32.wav', 'stereo-8000-alaw.wav'])(
    'damage to %s is read or refused with a ParseError, never anything else',
    (name) => {
      const whole = fixture(name).subarray(0, 2048)
      fc.assert(fc.property(damaged(whole, 80), readAll), runs)
    },
  )

  it('any bytes behind RIFF and WAVE are read or refused', () => {
    const behind = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(behind, (bytes) => readAll(Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVEfmt '), bytes]))),
      runs,
    )
  })

  it.each(['mono-22050.mp3', 'stereo-44100-id3.mp3'])(
    'frames found in a damaged %s lie inside it, in order',
    (name) => {
      fc.assert(
        fc.property(damaged(fixture(name).subarray(0, 4096), 400), (file) => {
          let end = Math.min(audioStart(file), file.length)
          for (const frame of mp3Frames(file)) {
            expect(frame.offset).toBeGreaterThanOrEqual(end)
            end = frame.offset + frame.bytes
            expect(end).toBeLessThanOrEqual(file.length)
          }
          try {
            readMp3Format(file)
          } catch (thrown) {
            if (!(thrown instanceof ParseError)) throw thrown
          }
        }),
        { ...runs, numRuns: 1000 },
      )
    },
  )
})
