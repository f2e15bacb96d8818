import { ParseError } from '../base/errors.ts'
import { levelOf } from './g711.ts'

type WavEncoding = 'pcm8' | 'pcm16' | 'pcm24' | 'pcm32' | 'float32' | 'float64' | 'mulaw' | 'alaw'

/** What a WAV file holds and where. */
export interface WavFormat {
  readonly encoding: WavEncoding
  readonly channels: number
  readonly rateHz: number
  readonly bytesPerFrame: number
  readonly dataOffset: number
  /** Whole frames only, and only what is really in the file. */
  readonly frames: number
  /** The header promised more than there is, or the other way round: a recording cut off, a download broken off. */
  readonly isLengthWrong: boolean
}

export const lowestRateHz = 4000
export const highestRateHz = 192_000
const maxChannels = 8
/** Chunks before the audio that are looked at; real files have a handful. */
const maxChunks = 64

/** Format tags of the RIFF registry that are read, by tag and bytes per sample. */
const encodings: Readonly<Record<string, WavEncoding>> = {
  '1/1': 'pcm8',
  '1/2': 'pcm16',
  '1/3': 'pcm24',
  '1/4': 'pcm32',
  '3/4': 'float32',
  '3/8': 'float64',
  '6/1': 'alaw',
  '7/1': 'mulaw',
}

/** Names for the sentence about tags that are not. */
const otherTags: Readonly<Record<number, string>> = {
  2: 'Microsoft ADPCM',
  17: 'IMA ADPCM',
  49: 'GSM 06.10',
  64: 'G.721',
  80: 'MPEG',
  85: 'mp3',
  255: 'AAC',
}

const extensibleTag = 0xfffe

/**
 * Reads the header of a RIFF WAVE file (also RF64, and WAVE_FORMAT_EXTENSIBLE). Kind to what programs really write:
 * other chunks anywhere, missing padding bytes, lengths of 0 or -1 from streams, lengths beyond the file.
 * @param file - the whole file.
 * @throws ParseError `media.wav-malformed`, `media.wav-unsupported`, `media.audio-empty`.
 */
export function readWavFormat(file: Uint8Array): WavFormat {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const kind = idAt(file, 0)
  if ((kind !== 'RIFF' && kind !== 'RF64') || idAt(file, 8) !== 'WAVE') {
    throw new ParseError('media.wav-malformed', 'It does not begin with RIFF and WAVE.')
  }
  let format: Format | null = null
  let offset = 12
  for (let count = 0; count < maxChunks && offset + 8 <= file.length; count++) {
    const id = idAt(file, offset)
    const length = view.getUint32(offset + 4, true)
    const body = offset + 8
    if (id === 'fmt ') format ??= readFormat(view, body, Math.min(length, file.length - body))
    if (id === 'data') {
      if (format === null) throw new ParseError('media.wav-malformed', 'Its audio begins before its format was told.')
      return place(file, format, body, length)
    }
    offset = nextChunk(file, body, length)
  }
  const missing = format === null ? 'a format (no fmt chunk)' : 'audio (no data chunk)'
  throw new ParseError('media.wav-malformed', `It has no ${missing}.`, { facts: { fileBytes: file.length } })
}

/**
 * The audio as mono samples of -1…1, in pieces, so that an hour of it never lies in memory as floats. Several
 * channels are averaged, which neither clips nor makes it louder.
 * @param framesAtOnce - the length of all pieces but the last. Each piece is valid until the next is asked for.
 */
export function* monoOfWav(file: Uint8Array, format: WavFormat, framesAtOnce = 8192): Generator<Float32Array> {
  const { channels, bytesPerFrame } = format
  const view = new DataView(file.buffer, file.byteOffset + format.dataOffset, format.frames * bytesPerFrame)
  const sampleAt = readers[format.encoding]
  const bytesPerSample = bytesPerFrame / channels
  const piece = new Float32Array(framesAtOnce)
  for (let first = 0; first < format.frames; first += framesAtOnce) {
    const count = Math.min(framesAtOnce, format.frames - first)
    for (let i = 0; i < count; i++) {
      let sum = 0
      const at = (first + i) * bytesPerFrame
      for (let channel = 0; channel < channels; channel++) sum += sampleAt(view, at + channel * bytesPerSample)
      piece[i] = sum / channels
    }
    yield count === framesAtOnce ? piece : piece.subarray(0, count)
  }
}

const readers: Readonly<Record<WavEncoding, (view: DataView, at: number) => number>> = {
  pcm8: (view, at) => (view.getUint8(at) - 128) / 128,
  pcm16: (view, at) => view.getInt16(at, true) / 32_768,
  pcm24: (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 65_536) / 8_388_608,
  pcm32: (view, at) => view.getInt32(at, true) / 2_147_483_648,
  float32: (view, at) => sane(view.getFloat32(at, true)),
  float64: (view, at) => sane(view.getFloat64(at, true)),
  mulaw: (view, at) => levelOf('PCMU', view.getUint8(at)) / 32_768,
  alaw: (view, at) => levelOf('PCMA', view.getUint8(at)) / 32_768,
}

/** Damaged float files hold NaN and absurd values; one of them would silence or deafen everything behind it. */
function sane(value: number): number {
  return value > -4 && value < 4 ? value : 0
}

type Format = Pick<WavFormat, 'encoding' | 'channels' | 'rateHz' | 'bytesPerFrame'>

function readFormat(view: DataView, at: number, length: number): Format {
  if (length < 16) {
    throw new ParseError(
      'media.wav-malformed',
      `Its format chunk has ${Math.max(0, length)} bytes where 16 are the least.`,
    )
  }
  let tag = view.getUint16(at, true)
  const channels = view.getUint16(at + 2, true)
  const rateHz = view.getUint32(at + 4, true)
  const blockAlign = view.getUint16(at + 12, true)
  const bits = view.getUint16(at + 14, true)
  if (tag === extensibleTag) {
    if (length < 40) throw new ParseError('media.wav-malformed', 'Its extensible format chunk is cut.')
    // The sub-format is a GUID whose first two bytes are the plain tag.
    tag = view.getUint16(at + 24, true)
  }
  const facts = { tag, channels, rateHz, bits }
  if (channels < 1 || channels > maxChannels) {
    throw new ParseError('media.wav-unsupported', `It has ${channels} channels; 1 to ${maxChannels} are read.`, {
      facts,
    })
  }
  if (rateHz < lowestRateHz || rateHz > highestRateHz) {
    const sentence = `Its rate is ${rateHz} Hz; ${lowestRateHz} to ${highestRateHz} are read.`
    throw new ParseError('media.wav-unsupported', sentence, { facts })
  }
  // 20 bits lie in 3 bytes and 12 in 2, at the upper end: the block length tells, and where it is nonsense the bits do.
  const fromBits = Math.ceil(bits / 8)
  const fromBlock = blockAlign / channels
  const bytesPerSample = Number.isInteger(fromBlock) && fromBlock >= fromBits && fromBlock <= 8 ? fromBlock : fromBits
  const encoding = encodings[`${tag}/${bytesPerSample}`]
  if (encoding === undefined) {
    const name =
      otherTags[tag] ?? (tag === 1 ? `PCM of ${bits} bits` : tag === 3 ? `float of ${bits} bits` : `format ${tag}`)
    const sentence = `Its encoding is ${name}; PCM of 8 to 32 bits, float, mu-law and A-law are read.`
    throw new ParseError('media.wav-unsupported', sentence, { facts })
  }
  return { encoding, channels, rateHz, bytesPerFrame: bytesPerSample * channels }
}

function place(file: Uint8Array, format: Format, dataOffset: number, promised: number): WavFormat {
  const there = file.length - dataOffset
  // A stream writes 0 or the largest number where it cannot know; so does a recorder that was killed.
  const isUnknown = promised >= 0xffff_fff0 || (promised === 0 && !isChunkAt(file, dataOffset))
  const length = isUnknown ? there : Math.min(promised, there)
  const frames = Math.floor(length / format.bytesPerFrame)
  if (frames === 0) {
    const sentence = there > 0 && promised > 0 ? 'Its audio is cut inside the first sample.' : 'It holds no audio.'
    throw new ParseError('media.audio-empty', sentence, { facts: { promisedBytes: promised, fileBytes: file.length } })
  }
  return { ...format, dataOffset, frames, isLengthWrong: isUnknown || promised > there }
}

/** Chunks begin at even places; some programs forget the padding byte of an odd chunk. */
function nextChunk(file: Uint8Array, body: number, length: number): number {
  const end = body + length
  const padded = end + (length & 1)
  return padded !== end && !looksLikeId(file, padded) && looksLikeId(file, end) ? end : padded
}

function isChunkAt(file: Uint8Array, offset: number): boolean {
  if (!looksLikeId(file, offset) || offset + 8 > file.length) return false
  const length = new DataView(file.buffer, file.byteOffset + offset + 4, 4).getUint32(0, true)
  return offset + 8 + length <= file.length
}

function looksLikeId(file: Uint8Array, offset: number): boolean {
  return /^[A-Za-z][A-Za-z0-9 _]{3}$/.test(idAt(file, offset))
}

function idAt(file: Uint8Array, offset: number): string {
  return String.fromCharCode(...file.subarray(offset, offset + 4))
}
