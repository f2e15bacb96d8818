import { ParseError } from '../base/errors.ts'
import { g711RateHz } from './g711.ts'
import { highestRateHz, lowestRateHz } from './wav-reader.ts'

/*
 * A low-pass filter evaluated only where an output sample stands (a polyphase filter). Output n stands at the input's
 * time n × rate / 8000; the places between two input samples repeat, and the filter's taps for each are made once:
 *
 *   input    |     |     |     |     |     |        rate = 22,050 Hz, step = 441 / 160
 *   output   *               *               *
 *            phase 0         phase 121       phase 82
 */

/** Of the lower of the two rates: what is below 0.425 passes, what is above 0.525 is gone. At 8,000 Hz: 3,400 and 4,200. */
const cutoff = 0.475
const transition = 0.1
/** How far down what would fold back is, in dB; more than G.711 can tell. */
const stopbandDb = 70
/** More places than this between two samples are not told apart: the error is 65 dB down. Only odd rates need it. */
const maxPhases = 1024
/** Filters kept for further sounds of the same rate. */
const maxFilters = 8

interface Filter {
  /** Output sample n stands at input sample n × step / over. */
  readonly over: number
  readonly step: number
  /** Input samples used on each side. */
  readonly half: number
  /** `half × 2` taps for each phase, one phase behind the other. */
  readonly taps: Float32Array
  readonly phases: number
}

const filters = new Map<number, Filter>()

/**
 * Brings mono audio to the 8,000 Hz of the line, piece by piece, as if it were one. Loudness stays as it is; the result
 * is as long as the input, to the sample, and begins where it begins.
 */
export class Resampler {
  readonly #rateHz: number
  /** Null at 8,000 Hz, where there is nothing to do. */
  readonly #filter: Filter | null
  /** Input that is still needed; quiet before the beginning. */
  #kept: Float32Array
  /** The input index of the first sample kept. */
  #keptFrom: number
  #samplesIn = 0
  /** Of the next output sample. */
  #samplesOut = 0

  /**
   * @param rateHz - of what will be pushed: whole, 4,000 to 192,000.
   * @throws ParseError `media.rate-unsupported`.
   */
  constructor(rateHz: number) {
    if (!Number.isInteger(rateHz) || rateHz < lowestRateHz || rateHz > highestRateHz) {
      const sentence = `Its rate is ${rateHz} Hz; ${lowestRateHz} to ${highestRateHz} are read.`
      throw new ParseError('media.rate-unsupported', sentence, { facts: { rateHz } })
    }
    this.#rateHz = rateHz
    this.#filter = rateHz === g711RateHz ? null : filterFor(rateHz)
    const before = this.#filter?.half ?? 0
    this.#kept = new Float32Array(before)
    this.#keptFrom = -before
  }

  /**
   * Takes samples of -1…1 and gives what can be told so far: a fresh array, or at 8,000 Hz the samples themselves.
   * @param samples - copied.
   */
  push(samples: Float32Array): Float32Array {
    this.#samplesIn += samples.length
    return this.#filter === null ? samples : this.#filtered(this.#filter, samples, Number.POSITIVE_INFINITY)
  }

  /** What is still owed at the end of the sound. */
  end(): Float32Array {
    if (this.#filter === null) return new Float32Array(0)
    const expected = Math.round((this.#samplesIn * g711RateHz) / this.#rateHz)
    // The last output may stand up to a step behind the last input.
    const quiet = new Float32Array(this.#filter.half + Math.ceil(this.#filter.step / this.#filter.over) + 1)
    return this.#filtered(this.#filter, quiet, expected)
  }

  #filtered(filter: Filter, samples: Float32Array, upTo: number): Float32Array {
    const { over, step, half, taps, phases } = filter
    const input = new Float32Array(this.#kept.length + samples.length)
    input.set(this.#kept)
    input.set(samples, this.#kept.length)
    const inputEnd = this.#keptFrom + input.length
    // The outputs whose last tap lies inside the input.
    const reachable = Math.ceil(((inputEnd - half) * over) / step)
    const count = Math.max(0, Math.min(reachable, upTo) - this.#samplesOut)
    const out = new Float32Array(count)
    for (let i = 0; i < count; i++) {
      const place = (this.#samplesOut + i) * step
      const index = Math.floor(place / over)
      const phase = Math.floor(((place - index * over) * phases) / over)
      out[i] = dot(input, index - half + 1 - this.#keptFrom, taps, phase * half * 2, half * 2)
    }
    this.#samplesOut += count
    const nextFrom = Math.floor((this.#samplesOut * step) / over) - half + 1
    const keepFrom = Math.min(inputEnd, Math.max(this.#keptFrom, nextFrom))
    this.#kept = input.slice(keepFrom - this.#keptFrom)
    this.#keptFrom = keepFrom
    return out
  }
}

/** Four sums side by side: one would wait for itself at every step. `count` is a multiple of four. */
function dot(a: Float32Array, aFrom: number, b: Float32Array, bFrom: number, count: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  for (let i = 0; i < count; i += 4) {
    s0 += (a[aFrom + i] as number) * (b[bFrom + i] as number)
    s1 += (a[aFrom + i + 1] as number) * (b[bFrom + i + 1] as number)
    s2 += (a[aFrom + i + 2] as number) * (b[bFrom + i + 2] as number)
    s3 += (a[aFrom + i + 3] as number) * (b[bFrom + i + 3] as number)
  }
  return s0 + s1 + s2 + s3
}

function filterFor(rateHz: number): Filter {
  const kept = filters.get(rateHz)
  if (kept !== undefined) return kept
  const oldest = filters.size >= maxFilters ? filters.keys().next().value : undefined
  if (oldest !== undefined) filters.delete(oldest)
  const filter = makeFilter(rateHz)
  filters.set(rateHz, filter)
  return filter
}

/** A sinc through a Kaiser window; length and shape by Kaiser's formulas for the stop band and the transition asked for. */
function makeFilter(rateHz: number): Filter {
  const common = gcd(rateHz, g711RateHz)
  const over = g711RateHz / common
  const lower = Math.min(rateHz, g711RateHz)
  const length = (stopbandDb - 7.95) / (14.36 * ((transition * lower) / rateHz))
  // Even, so that both sides together are a multiple of four.
  const half = Math.ceil(length / 4) * 2
  const beta = 0.1102 * (stopbandDb - 8.7)
  const phases = Math.min(over, maxPhases)
  const taps = new Float32Array(phases * half * 2)
  const cycles = (2 * cutoff * lower) / rateHz
  for (let phase = 0; phase < phases; phase++) {
    const row = taps.subarray(phase * half * 2, (phase + 1) * half * 2)
    let sum = 0
    for (let i = 0; i < row.length; i++) {
      const away = i - half + 1 - phase / phases
      const x = Math.PI * cycles * away
      const inside = Math.max(0, 1 - (away / half) ** 2)
      const tap = (x === 0 ? 1 : Math.sin(x) / x) * bessel(beta * Math.sqrt(inside))
      row[i] = tap
      sum += tap
    }
    // Every phase passes a steady level unchanged: loudness does not ripple from sample to sample.
    for (let i = 0; i < row.length; i++) row[i] = (row[i] as number) / sum
  }
  return { over, step: rateHz / common, half, taps, phases }
}

/** The modified Bessel function of order 0, by its series; the window divides its own scale out. */
function bessel(x: number): number {
  let sum = 1
  let term = 1
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
