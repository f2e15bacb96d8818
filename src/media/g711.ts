import type { AudioCodec } from '../sdp/types.ts'

/** ITU-T G.711 runs at 8,000 samples a second, one byte each; RTP mapping RFC 3551 §4.5.14. */
export const g711RateHz = 8000

/** Added before the segment is found (in 14 bits), so that all segments are powers of two. */
const muLawBias = 33

/** What silence is on the line: the code of the smallest positive level. */
export const silenceByte: Readonly<Record<AudioCodec, number>> = { PCMU: 0xff, PCMA: 0xd5 }

/** Code to 16-bit level, ITU-T G.711 tables 1 and 2 scaled to 16 bits: PCMA -32256…32256, PCMU -32124…32124. */
const levels: Readonly<Record<AudioCodec, Int16Array>> = {
  PCMU: Int16Array.from({ length: 256 }, (_, code) => muLawLevel(code)),
  PCMA: Int16Array.from({ length: 256 }, (_, code) => aLawLevel(code)),
}

/** 16-bit sample, as an unsigned index, to code. */
const codes: Readonly<Record<AudioCodec, Uint8Array>> = {
  PCMU: Uint8Array.from({ length: 65_536 }, (_, index) => muLawCode((index << 16) >> 16)),
  PCMA: Uint8Array.from({ length: 65_536 }, (_, index) => aLawCode((index << 16) >> 16)),
}

/** Code to the other law's code of the nearest level. */
const crossings: Readonly<Record<AudioCodec, Uint8Array>> = {
  PCMU: Uint8Array.from({ length: 256 }, (_, code) => aLawCode(muLawLevel(code))),
  PCMA: Uint8Array.from({ length: 256 }, (_, code) => muLawCode(aLawLevel(code))),
}

/**
 * Decodes G.711 to linear PCM without allocating.
 * @param bytes - one byte per sample.
 * @param into - at least `offset + bytes.length` long; the rest stays as it is.
 */
export function decodeG711(codec: AudioCodec, bytes: Uint8Array, into: Int16Array, offset = 0): void {
  const table = levels[codec]
  for (let i = 0; i < bytes.length; i++) into[offset + i] = table[bytes[i] as number] as number
}

/**
 * Encodes linear PCM as G.711 without allocating.
 * @param into - at least `offset + samples.length` long; the rest stays as it is.
 */
export function encodeG711(codec: AudioCodec, samples: Int16Array, into: Uint8Array, offset = 0): void {
  const table = codes[codec]
  for (let i = 0; i < samples.length; i++) into[offset + i] = table[(samples[i] as number) & 0xffff] as number
}

/**
 * Changes PCMU to PCMA or back, code by code, without going through samples. `into` may be `bytes` itself.
 * @param from - the law `bytes` are in; the result is in the other one.
 */
export function transcodeG711(from: AudioCodec, bytes: Uint8Array, into: Uint8Array, offset = 0): void {
  const table = crossings[from]
  for (let i = 0; i < bytes.length; i++) into[offset + i] = table[bytes[i] as number] as number
}

/**
 * The same in place, for a part of `bytes`: a packet's payload behind its header.
 * @param from - the law that the part is in; afterwards it is in the other one.
 */
export function transcodeG711InPlace(from: AudioCodec, bytes: Uint8Array, offset: number, length: number): void {
  const table = crossings[from]
  const end = offset + length
  for (let i = offset; i < end; i++) bytes[i] = table[bytes[i] as number] as number
}

/** The 16-bit level of one code. For meters and detectors that look at single samples. */
export function levelOf(codec: AudioCodec, code: number): number {
  return levels[codec][code & 0xff] as number
}

/*
 * Both laws: sign, 3 bits of segment, 4 bits of step. The wire carries mu-law inverted and A-law with every other bit
 * inverted, so that silence is full of ones. A negative sample is folded by ones' complement, as in ITU-T G.191: the
 * decision values then lie the same way on both sides of zero.
 */

function muLawCode(sample: number): number {
  const magnitude = Math.min((sample < 0 ? ~sample : sample) >> 2, 0x1fff - muLawBias) + muLawBias
  const segment = 26 - Math.clz32(magnitude)
  const step = (magnitude >> (segment + 1)) & 0x0f
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | step) & 0xff
}

function muLawLevel(code: number): number {
  const bits = ~code & 0xff
  const magnitude = ((((bits & 0x0f) << 1) + muLawBias) << ((bits >> 4) & 7)) - muLawBias
  return (bits & 0x80 ? -magnitude : magnitude) * 4
}

function aLawCode(sample: number): number {
  const magnitude = (sample < 0 ? ~sample : sample) >> 4
  const segment = Math.max(0, 28 - Math.clz32(magnitude))
  const step = (segment === 0 ? magnitude : magnitude >> (segment - 1)) & 0x0f
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | step) ^ 0x55
}

function aLawLevel(code: number): number {
  const bits = (code ^ 0x55) & 0xff
  const segment = (bits >> 4) & 7
  // The middle of the step: half a step is added.
  const inSegment = ((bits & 0x0f) << 1) + 1
  const magnitude = segment === 0 ? inSegment : (inSegment + 32) << (segment - 1)
  return (bits & 0x80 ? magnitude : -magnitude) * 8
}
