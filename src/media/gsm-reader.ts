/*
 * GSM full rate speech, ETSI EN 300 961 (GSM 06.10): 33 bytes for 20 ms of 8,000 Hz mono, as files of it hold them. The arithmetic
 * is that of §5.1, 16 bits with saturation, so that every decoder gives the same samples.
 *
 *   1101 | LARc[1..8]: 6 6 5 5 4 4 3 3 | four times: Nc 7, bc 2, Mc 2, xmaxc 6, xMc[0..12]: 3 each
 */

export const gsmRateHz = 8000
const frameBytes = 33
const frameSamples = 160
const subframeSamples = 40
/** The first four bits of every frame. */
const signature = 0xd
/** The longest lag of the long-term filter. */
const history = 120

const larBits = [6, 6, 5, 5, 4, 4, 3, 3] as const
/** Table 4.1: what undoes the quantization of each log area ratio. */
const larB = [0, 0, 2048, -2560, 94, -1792, -341, -1144] as const
const larMinimum = [-32, -32, -16, -16, -8, -8, -4, -4] as const
const larInverse = [13_107, 13_107, 13_107, 13_107, 19_223, 17_476, 31_454, 29_708] as const
/** Table 4.3b: gains of the long-term filter. Table 4.6: normalized direct mantissas. */
const gains = [3277, 11_469, 21_299, 32_767] as const
const mantissas = [18_431, 20_479, 22_527, 24_575, 26_623, 28_671, 30_719, 32_767] as const

/** Whether a file is nothing but frames of GSM full rate. */
export function looksLikeGsm(file: Uint8Array): boolean {
  if (file.length === 0 || file.length % frameBytes !== 0) return false
  for (let at = 0; at < file.length; at += frameBytes) if ((file[at] ?? 0) >> 4 !== signature) return false
  return true
}

export function gsmDurationMs(file: Uint8Array): number {
  return (file.length / frameBytes) * 20
}

/** The sound of a file for which `looksLikeGsm` holds, in pieces of a second at most. Samples of -1 to 1. */
export function* monoOfGsm(file: Uint8Array, framesAtOnce = 50): Generator<Float32Array> {
  const decoder = new GsmDecoder()
  const pcm = new Int16Array(frameSamples * framesAtOnce)
  let filled = 0
  for (let at = 0; at < file.length; at += frameBytes) {
    decoder.decode(file.subarray(at, at + frameBytes), pcm.subarray(filled, filled + frameSamples))
    filled += frameSamples
    if (filled < pcm.length && at + frameBytes < file.length) continue
    yield Float32Array.from(pcm.subarray(0, filled), (sample) => sample / 32_768)
    filled = 0
  }
}

/** Decodes frame by frame; what is heard depends on the frames before. */
export class GsmDecoder {
  /** The short-term residual: the last 120 samples, and the 40 that are being made. */
  readonly #residual = new Int16Array(history + subframeSamples)
  readonly #lattice = new Int16Array(9)
  #ratios = new Int16Array(8)
  #lag = 40
  #deemphasis = 0

  /** @param frame - 33 bytes. @param out - room for 160 samples. */
  decode(frame: Uint8Array, out: Int16Array): void {
    const bits = new BitReader(frame)
    bits.read(4)
    const ratios = Int16Array.from(larBits, (width, index) => logAreaRatio(bits.read(width), index))
    const whole = new Int16Array(frameSamples)
    for (let subframe = 0; subframe < 4; subframe++) {
      this.#longTerm(bits)
      whole.set(this.#residual.subarray(history), subframe * subframeSamples)
      this.#residual.copyWithin(0, subframeSamples)
    }
    this.#shortTerm(whole, ratios, out)
    this.#ratios = ratios
    for (let i = 0; i < frameSamples; i++) {
      this.#deemphasis = saturated((out[i] ?? 0) + rounded(this.#deemphasis, 28_180))
      out[i] = saturated(2 * this.#deemphasis) & ~7
    }
  }

  /** §5.3.1 and §5.3.2: the pulses of one subframe on the grid, and the pitch on top of them. */
  #longTerm(bits: BitReader): void {
    const lag = bits.read(7)
    const gain = gains[bits.read(2)] ?? 0
    const grid = bits.read(2)
    const pulses = new Int16Array(subframeSamples)
    const { exponent, mantissa } = blockMaximum(bits.read(6))
    const shift = 6 - exponent
    for (let i = 0; i < 13; i++) {
      const code = ((bits.read(3) << 1) - 7) << 12
      pulses[grid + 3 * i] = saturated(rounded(mantissas[mantissa] ?? 0, code) + (1 << (shift - 1))) >> shift
    }
    // A lag out of range is a damaged one: the last good one is kept.
    if (lag >= 40 && lag <= history) this.#lag = lag
    const residual = this.#residual
    for (let k = 0; k < subframeSamples; k++) {
      const before = rounded(gain, residual[history + k - this.#lag] ?? 0)
      residual[history + k] = saturated((pulses[k] ?? 0) + before)
    }
  }

  /** §5.3.3 and §5.3.4: the lattice filter, its coefficients blended into those of the last frame at the beginning. */
  #shortTerm(input: Int16Array, ratios: Int16Array, out: Int16Array): void {
    const before = this.#ratios
    const blends: readonly (readonly [from: number, to: number, blend: (old: number, now: number) => number])[] = [
      [0, 13, (old, now) => (old >> 2) + (now >> 2) + (old >> 1)],
      [13, 27, (old, now) => (old >> 1) + (now >> 1)],
      [27, 40, (old, now) => (old >> 2) + (now >> 2) + (now >> 1)],
      [40, 160, (_old, now) => now],
    ]
    const v = this.#lattice
    for (const [from, to, blend] of blends) {
      const reflections = ratios.map((ratio, i) => reflection(saturated(blend(before[i] ?? 0, ratio))))
      for (let k = from; k < to; k++) {
        let sample = input[k] ?? 0
        for (let i = 8; i >= 1; i--) {
          const factor = reflections[i - 1] ?? 0
          const last = v[i - 1] ?? 0
          sample = saturated(sample - rounded(factor, last))
          v[i] = saturated(last + rounded(factor, sample))
        }
        v[0] = sample
        out[k] = sample
      }
    }
  }
}

/** §5.2.8. */
function logAreaRatio(code: number, index: number): number {
  const scaled = saturated(((code + (larMinimum[index] ?? 0)) << 10) - ((larB[index] ?? 0) << 1))
  return saturated(2 * rounded(larInverse[index] ?? 0, scaled))
}

/** §5.2.9.2: a log area ratio as reflection coefficient. */
function reflection(ratio: number): number {
  const size = ratio === -32_768 ? 32_767 : Math.abs(ratio)
  const value = size < 11_059 ? size << 1 : size < 20_070 ? size + 11_059 : saturated((size >> 2) + 26_112)
  return ratio < 0 ? -value : value
}

/** §5.2.15: exponent and mantissa of the largest pulse. */
function blockMaximum(code: number): { readonly exponent: number; readonly mantissa: number } {
  let exponent = code > 15 ? (code >> 3) - 1 : 0
  let mantissa = code - (exponent << 3)
  if (mantissa === 0) return { exponent: -4, mantissa: 7 }
  while (mantissa <= 7) {
    mantissa = (mantissa << 1) | 1
    exponent--
  }
  return { exponent, mantissa: mantissa - 8 }
}

function saturated(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value
}

/** A product of two fractions of 16 bits, rounded. */
function rounded(a: number, b: number): number {
  return saturated((a * b + 16_384) >> 15)
}

class BitReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The highest bit first. */
  read(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++, this.#at++) {
      value = (value << 1) | (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1)
    }
    return value
  }
}
