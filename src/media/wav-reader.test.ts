import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { frequenciesIn, sine } from '../../test/support/hear.ts'
import { ParseError } from '../base/errors.ts'
import { encodeG711 } from './g711.ts'
import { toPcm16 } from './prompt-maker.ts'
import { monoOfWav, readWavFormat } from './wav-reader.ts'

interface Made {
  readonly tag?: number
  readonly channels?: number
  readonly rateHz?: number
  readonly bits?: number
  readonly blockAlign?: number
  readonly data: Uint8Array
  /** Chunks in front of fmt, and between fmt and data. */
  readonly first?: Uint8Array
  readonly between?: Uint8Array
  readonly dataLength?: number
  readonly extension?: Uint8Array
}

function chunk(id: string, body: Uint8Array, length = body.length, isPadded = true): Uint8Array {
  const head = Buffer.alloc(8)
  head.write(id, 'latin1')
  head.writeUInt32LE(length, 4)
  return Buffer.concat([head, body, isPadded && length % 2 === 1 ? Buffer.alloc(1) : Buffer.alloc(0)])
}

function wav(made: Made): Uint8Array {
  const { tag = 1, channels = 1, rateHz = 8000, bits = 16, data, extension = new Uint8Array() } = made
  const format = Buffer.alloc(16)
  const blockAlign = made.blockAlign ?? channels * Math.ceil(bits / 8)
  format.writeUInt16LE(tag, 0)
  format.writeUInt16LE(channels, 2)
  format.writeUInt32LE(rateHz, 4)
  format.writeUInt32LE(rateHz * blockAlign, 8)
  format.writeUInt16LE(blockAlign, 12)
  format.writeUInt16LE(bits, 14)
  const none = new Uint8Array()
  const body = Buffer.concat([
    Buffer.from('WAVE'),
    made.first ?? none,
    chunk('fmt ', Buffer.concat([format, extension])),
    made.between ?? none,
    chunk('data', data, made.dataLength ?? data.length, made.dataLength === undefined),
  ])
  return Buffer.concat([chunk('RIFF', body, body.length, false)])
}

const bytesOf = (samples: Int16Array): Uint8Array =>
  new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)

function samplesOf(file: Uint8Array, framesAtOnce?: number): Int16Array {
  const out: number[] = []
  for (const piece of monoOfWav(file, readWavFormat(file), framesAtOnce)) out.push(...toPcm16(piece))
  return Int16Array.from(out)
}

function problemWith(file: Uint8Array): { code: string; text: string } {
  try {
    readWavFormat(file)
  } catch (thrown) {
    if (thrown instanceof ParseError) return { code: thrown.code, text: thrown.message }
    throw thrown
  }
  return expect.fail('it was read')
}

const tone = sine(1000, 100)

describe('the WAV reader', () => {
  it('reads 16-bit PCM to the bit', () => {
    const samples = Int16Array.of(0, 1, -1, 32_767, -32_768, 1234)
    expect(samplesOf(wav({ data: bytesOf(samples) }))).toEqual(samples)
  })

  it('reads 8, 24 and 32 bits and both floats at the same loudness', () => {
    const values = [0, 0.5, -0.5, 0.25]
    const expected = Int16Array.from(values, (value) => value * 32_768)
    const bytes = (size: number, write: (view: DataView, at: number, value: number) => void): Uint8Array => {
      const view = new DataView(new ArrayBuffer(values.length * size))
      for (const [i, value] of values.entries()) write(view, i * size, value)
      return new Uint8Array(view.buffer)
    }
    const pcm8 = bytes(1, (view, at, value) => view.setUint8(at, 128 + value * 128))
    const pcm24 = bytes(3, (view, at, value) => {
      view.setUint16(at, (value * 8_388_608) & 0xffff, true)
      view.setInt8(at + 2, (value * 8_388_608) >> 16)
    })
    const pcm32 = bytes(4, (view, at, value) => view.setInt32(at, value * 2 ** 31, true))
    const float32 = bytes(4, (view, at, value) => view.setFloat32(at, value, true))
    const float64 = bytes(8, (view, at, value) => view.setFloat64(at, value, true))
    expect(samplesOf(wav({ bits: 8, data: pcm8 }))).toEqual(expected)
    expect(samplesOf(wav({ bits: 24, data: pcm24 }))).toEqual(expected)
    expect(samplesOf(wav({ bits: 20, blockAlign: 3, data: pcm24 }))).toEqual(expected)
    expect(samplesOf(wav({ bits: 32, data: pcm32 }))).toEqual(expected)
    expect(samplesOf(wav({ tag: 3, bits: 32, data: float32 }))).toEqual(expected)
    expect(samplesOf(wav({ tag: 3, bits: 64, data: float64 }))).toEqual(expected)
  })

  it('reads mu-law and A-law', () => {
    for (const [tag, codec] of [
      [7, 'PCMU'],
      [6, 'PCMA'],
    ] as const) {
      const data = new Uint8Array(tone.length)
      encodeG711(codec, tone, data)
      const back = samplesOf(wav({ tag, bits: 8, data }))
      expect(frequenciesIn(back)[0]?.hz).toBeCloseTo(1000, -1)
      const again = new Uint8Array(tone.length)
      encodeG711(codec, back, again)
      expect(again).toEqual(data)
    }
  })

  it('averages the channels', () => {
    expect(samplesOf(wav({ channels: 2, data: bytesOf(Int16Array.of(100, 300, -200, 200)) }))).toEqual(
      Int16Array.of(200, 0),
    )
    expect(samplesOf(wav({ channels: 3, data: bytesOf(Int16Array.of(30, 60, 90)) }))).toEqual(Int16Array.of(60))
  })

  it('reads WAVE_FORMAT_EXTENSIBLE, ours and one of another program', () => {
    const extension = Buffer.alloc(24)
    extension.writeUInt16LE(22, 0)
    extension.writeUInt16LE(1, 8)
    expect(samplesOf(wav({ tag: 0xfffe, extension, data: bytesOf(tone) }))).toEqual(tone)
    const format = readWavFormat(
      readFileSync(new URL('../../test/fixtures/media/stereo-44100-s24.wav', import.meta.url)),
    )
    expect(format).toMatchObject({ encoding: 'pcm24', channels: 2, rateHz: 44_100, frames: 8820, isLengthWrong: false })
  })

  it('passes over other chunks, of odd length too, padded or not', () => {
    const odd = chunk('LIST', Buffer.from('abc'))
    const unpadded = chunk('note', Buffer.from('abcde'), 5, false)
    expect(samplesOf(wav({ first: odd, between: unpadded, data: bytesOf(tone) }))).toEqual(tone)
  })

  it('stops where the audio stops, though chunks follow', () => {
    const file = Buffer.concat([wav({ data: bytesOf(tone) }), chunk('LIST', Buffer.from('INFO'))])
    expect(samplesOf(file)).toEqual(tone)
  })

  it('reads what is there when the length promises more', () => {
    const file = wav({ data: bytesOf(tone) })
    const cut = file.subarray(0, file.length - 101)
    const format = readWavFormat(cut)
    expect(format).toMatchObject({ frames: tone.length - 51, isLengthWrong: true })
    expect(samplesOf(cut)).toEqual(tone.subarray(0, tone.length - 51))
  })

  it('takes a length of 0 or of -1 for "until the end", as streams mean it', () => {
    for (const dataLength of [0, 0xffff_ffff]) {
      expect(samplesOf(wav({ data: bytesOf(tone), dataLength }))).toEqual(tone)
    }
  })

  it('does not care in what pieces it is asked', () => {
    for (const frames of [1, 7, 799, 800, 801, 5000])
      expect(samplesOf(wav({ data: bytesOf(tone) }), frames)).toEqual(tone)
  })

  it('reads past a wrong block length', () => {
    expect(samplesOf(wav({ data: bytesOf(tone), blockAlign: 999 }))).toEqual(tone)
  })

  it('silences what is not a number in floats', () => {
    const data = Buffer.alloc(12)
    data.writeFloatLE(Number.NaN, 0)
    data.writeFloatLE(1e30, 4)
    data.writeFloatLE(0.5, 8)
    expect(samplesOf(wav({ tag: 3, bits: 32, data }))).toEqual(Int16Array.of(0, 0, 16_384))
  })

  it.each<[string, Uint8Array, string, string]>([
    ['no bytes', new Uint8Array(), 'media.wav-malformed', 'RIFF and WAVE'],
    ['another kind of RIFF', Buffer.from('RIFF\0\0\0\0AVI LIST'), 'media.wav-malformed', 'RIFF and WAVE'],
    ['only the beginning', wav({ data: bytesOf(tone) }).subarray(0, 12), 'media.wav-malformed', 'no fmt chunk'],
    ['no audio chunk', wav({ data: bytesOf(tone) }).subarray(0, 36), 'media.wav-malformed', 'no data chunk'],
    ['a format cut short', wav({ data: bytesOf(tone) }).subarray(0, 30), 'media.wav-malformed', '16 are the least'],
    ['a cut extensible format', wav({ tag: 0xfffe, data: bytesOf(tone) }), 'media.wav-malformed', 'cut'],
    [
      'audio before the format',
      wav({ first: chunk('data', bytesOf(tone)), data: bytesOf(tone) }),
      'media.wav-malformed',
      'before its format',
    ],
    ['no samples', wav({ data: new Uint8Array() }), 'media.audio-empty', 'no audio'],
    ['half a sample', wav({ data: Uint8Array.of(1) }), 'media.audio-empty', 'inside the first sample'],
    ['no channels', wav({ channels: 0, blockAlign: 2, data: bytesOf(tone) }), 'media.wav-unsupported', '0 channels'],
    ['nine channels', wav({ channels: 9, data: bytesOf(tone) }), 'media.wav-unsupported', '9 channels'],
    ['a rate of 0', wav({ rateHz: 0, data: bytesOf(tone) }), 'media.wav-unsupported', '0 Hz'],
    ['a rate of 384 kHz', wav({ rateHz: 384_000, data: bytesOf(tone) }), 'media.wav-unsupported', '384000 Hz'],
    ['ADPCM', wav({ tag: 2, bits: 4, data: bytesOf(tone) }), 'media.wav-unsupported', 'Microsoft ADPCM'],
    ['mp3 in WAV', wav({ tag: 85, bits: 0, blockAlign: 1, data: bytesOf(tone) }), 'media.wav-unsupported', 'mp3'],
    ['PCM of 64 bits', wav({ bits: 64, data: bytesOf(tone) }), 'media.wav-unsupported', 'PCM of 64 bits'],
    ['a tag nobody knows', wav({ tag: 4711, data: bytesOf(tone) }), 'media.wav-unsupported', 'format 4711'],
  ])('says what is wrong with %s', (_, file, code, words) => {
    const problem = problemWith(file)
    expect(problem.code).toBe(code)
    expect(problem.text).toContain(words)
  })

  it('does not follow lengths in circles or beyond the file', () => {
    const file = Buffer.from(wav({ first: chunk('LIST', new Uint8Array(4)), data: bytesOf(tone) }))
    file.writeUInt32LE(0xffff_fff8, 16)
    expect(problemWith(file).code).toBe('media.wav-malformed')
  })
})
