import { g711RateHz } from './g711.ts'
import { type DtmfKey, dtmfColumns, dtmfKeys, dtmfRows } from './tones.ts'

/** A key heard as tones. */
export interface HeardKey {
  readonly digit: DtmfKey
  /** When the tones began, on the clock of `push`'s `startMs`; to about 7 ms. */
  readonly startedMs: number
  /** How long they had lasted when the key was recognised. */
  readonly durationMs: number
}

/**
 * 12.75 ms. Long enough to tell neighbouring tones apart (78 Hz), short enough that a tone 1.5 % off its frequency
 * (ITU-T Q.24 §2.1) still falls in its band: at 1,633 Hz it keeps 72 % of its power.
 */
const windowSamples = 102
const hopSamples = windowSamples / 2
const windowMs = (windowSamples * 1000) / g711RateHz
const hopMs = (hopSamples * 1000) / g711RateHz

/** Windows in a row that must agree: 32 ms. Any 40 ms of tone hold four whole windows. */
const windowsToHear = 4
/** Windows in a row without the key that end it: a pause of 30 ms does, a gap of 10 ms does not. */
const windowsToEnd = 4

/** Mean square below which nothing is looked for: both tones at about -38 dBm0. */
const minMeanSquare = 2 * (32_767 * 10 ** ((-38 - 3.14) / 20)) ** 2 * 0.5
/** The column's power over the row's: at most 6 dB, at least -10 dB. Q.24 asks for 4 and -8 at the line. */
const maxForwardTwist = 10 ** 0.6
const maxReverseTwist = 10 ** 1.0
/** A tone's power over that of any other of its group: 6 dB. */
const minGroupMargin = 10 ** 0.6
/** Of a window's energy the two tones hold so much where their exact frequency is not known yet. */
const minRoughShare = 0.6
/** And so much where it is, and the band's slope is taken out: 97 % through noise 15 dB down, less the tones' leaks. */
const minShare = 0.86
/** Q.24: 1.5 % off must be taken, 3.5 % must not. */
const maxFrequencyError = 0.02
/** From one window to the next a steady tone's power changes by its neighbour's leak only. */
const maxStep = 2
/** Speech has overtones, keys have not: the second harmonic stays 9 dB below its tone. */
const maxHarmonicShare = 10 ** -0.9
/** A row's harmonic nearer than this to the column's tone would be measured through it. */
const harmonicClearanceHz = 160

const none: readonly HeardKey[] = []

/** What one window holds. */
interface Reading {
  /** Its key, or null when the window holds none. */
  key: DtmfKey | null
  energy: number
  readonly row: Tone
  readonly column: Tone
}

interface Tone {
  hz: number
  power: number
  /** At the window's last sample, in radians. */
  phase: number
}

/**
 * Hears telephone keys in audio, as ITU-T Q.24 asks of a receiver: Goertzel filters on the eight frequencies over
 * half-overlapping windows. What is steady from window to window in level and, by its phase, in frequency, and leaves
 * nearly no energy beside its two tones, is a key; speech and music hardly ever are for 32 ms. Knows nothing of
 * packets: hand it 8,000 Hz samples in pieces of any size.
 */
export class DtmfDetector {
  readonly #window = new Float64Array(windowSamples)
  #filled = 0
  #now = emptyReading()
  #before = emptyReading()
  /** How many windows have agreed, the latest included, and when the first began. */
  #agreeing = 0
  #startedMs = 0
  /** The key that is down. */
  #held: DtmfKey | null = null
  #missing = 0

  /**
   * Takes the next samples and tells which keys have been recognised in them, each once, while it is still down.
   * @param startMs - the time of the first sample.
   */
  push(samples: Int16Array, startMs: number): readonly HeardKey[] {
    let heard = none
    for (let offset = 0; offset < samples.length; ) {
      const count = Math.min(windowSamples - this.#filled, samples.length - offset)
      for (let i = 0; i < count; i++) this.#window[this.#filled + i] = samples[offset + i] as number
      this.#filled += count
      offset += count
      if (this.#filled < windowSamples) break
      const endMs = startMs + (offset * 1000) / g711RateHz
      const key = this.#step(endMs - windowMs)
      if (key !== null) heard = [...heard, key]
      this.#window.copyWithin(0, hopSamples)
      this.#filled = windowSamples - hopSamples
    }
    return heard
  }

  /** Forgets what was heard so far, as when the audio starts anew. */
  reset(): void {
    this.#filled = 0
    this.#now.key = null
    this.#agreeing = 0
    this.#held = null
    this.#missing = 0
  }

  #step(windowStartMs: number): HeardKey | null {
    const now = this.#before
    this.#before = this.#now
    this.#now = now
    readWindow(this.#window, now)
    if (this.#held !== null) {
      this.#missing = now.key === this.#held ? 0 : this.#missing + 1
      if (this.#missing >= windowsToEnd) this.#held = null
    }
    if (now.key === null || !goesOn(this.#before, now)) {
      this.#agreeing = now.key === null ? 0 : 1
      this.#startedMs = windowStartMs
      return null
    }
    this.#agreeing++
    if (this.#agreeing !== windowsToHear || now.key === this.#held) return null
    this.#held = now.key
    this.#missing = 0
    const durationMs = Math.round(windowMs + (windowsToHear - 1) * hopMs)
    return { digit: now.key, startedMs: this.#startedMs, durationMs }
  }
}

function emptyReading(): Reading {
  return { key: null, energy: 0, row: { hz: 0, power: 0, phase: 0 }, column: { hz: 0, power: 0, phase: 0 } }
}

/** Whether the same steady pair of tones fills both windows. */
function goesOn(before: Reading, now: Reading): boolean {
  if (before.key !== now.key) return false
  const row = truePower(before.row, now.row)
  const column = truePower(before.column, now.column)
  // A sine's Goertzel power is (energy × N / 2), so this compares with the window's energy.
  return row > 0 && column > 0 && (row + column) * 2 >= minShare * windowSamples * now.energy
}

/** The power a tone has at its own frequency, known from how its phase went on; 0 when it is not steady or off. */
function truePower(before: Tone, now: Tone): number {
  const ratio = now.power / before.power
  if (ratio > maxStep || ratio < 1 / maxStep) return 0
  const turns = (now.phase - before.phase) / (2 * Math.PI) - (now.hz * hopSamples) / g711RateHz
  const errorHz = ((turns - Math.round(turns)) * g711RateHz) / hopSamples
  if (Math.abs(errorHz) > now.hz * maxFrequencyError) return 0
  const x = (Math.PI * errorHz * windowSamples) / g711RateHz
  return x === 0 ? now.power : now.power / (Math.sin(x) / x) ** 2
}

const rowPowers = new Float64Array(4)
const columnPowers = new Float64Array(4)

/** Fills `into` with the pair of tones that stands out in the window, or sets its key to null. */
function readWindow(window: Float64Array, into: Reading): void {
  into.key = null
  let energy = 0
  for (let i = 0; i < windowSamples; i++) energy += (window[i] as number) ** 2
  if (energy < minMeanSquare * windowSamples) return

  fourPowers(window, rowCoefficients, rowPowers)
  const row = strongest(rowPowers)
  if (row < 0) return
  fourPowers(window, columnCoefficients, columnPowers)
  const column = strongest(columnPowers)
  if (column < 0) return

  const rowPower = rowPowers[row] as number
  const columnPower = columnPowers[column] as number
  if (columnPower > rowPower * maxForwardTwist || rowPower > columnPower * maxReverseTwist) return
  if ((rowPower + columnPower) * 2 < minRoughShare * windowSamples * energy) return

  const rowHz = dtmfRows[row] as number
  const columnHz = dtmfColumns[column] as number
  readTone(window, rowHz, into.row)
  readTone(window, columnHz, into.column)
  readTone(window, columnHz * 2, harmonic)
  if (harmonic.power > columnPower * maxHarmonicShare) return
  readTone(window, rowHz * 2, harmonic)
  const isClear = Math.abs(harmonic.hz - columnHz) > harmonicClearanceHz
  if (isClear && harmonic.power > rowPower * maxHarmonicShare) return
  into.energy = energy
  into.key = dtmfKeys[row * 4 + column] as DtmfKey
}

const harmonic: Tone = { hz: 0, power: 0, phase: 0 }

/** The index of the strongest of four, or -1 when it does not stand out. */
function strongest(powers: Float64Array): number {
  let best = 0
  for (let i = 1; i < 4; i++) if ((powers[i] as number) > (powers[best] as number)) best = i
  const bound = (powers[best] as number) / minGroupMargin
  for (let i = 0; i < 4; i++) if (i !== best && (powers[i] as number) > bound) return -1
  return best
}

/** Goertzel's algorithm for one frequency, with the phase. */
function readTone(window: Float64Array, hz: number, into: Tone): void {
  const angle = (2 * Math.PI * hz) / g711RateHz
  const coefficient = 2 * Math.cos(angle)
  let one = 0
  let two = 0
  for (let i = 0; i < windowSamples; i++) {
    const next = (window[i] as number) + coefficient * one - two
    two = one
    one = next
  }
  into.hz = hz
  into.power = one * one + two * two - coefficient * one * two
  into.phase = Math.atan2(two * Math.sin(angle), one - two * Math.cos(angle))
}

type Four = readonly [number, number, number, number]
const rowCoefficients = dtmfRows.map(coefficientOf) as unknown as Four
const columnCoefficients = dtmfColumns.map(coefficientOf) as unknown as Four

function coefficientOf(hz: number): number {
  return 2 * Math.cos((2 * Math.PI * hz) / g711RateHz)
}

/** Four powers in one pass: one filter alone would spend its time waiting for its own last step. */
function fourPowers(window: Float64Array, coefficients: Four, into: Float64Array): void {
  const [ca, cb, cc, cd] = coefficients
  let a1 = 0
  let a2 = 0
  let b1 = 0
  let b2 = 0
  let c1 = 0
  let c2 = 0
  let d1 = 0
  let d2 = 0
  for (let i = 0; i < windowSamples; i++) {
    const sample = window[i] as number
    const a = sample + ca * a1 - a2
    const b = sample + cb * b1 - b2
    const c = sample + cc * c1 - c2
    const d = sample + cd * d1 - d2
    a2 = a1
    b2 = b1
    c2 = c1
    d2 = d1
    a1 = a
    b1 = b
    c1 = c
    d1 = d
  }
  into[0] = a1 * a1 + a2 * a2 - ca * a1 * a2
  into[1] = b1 * b1 + b2 * b2 - cb * b1 * b2
  into[2] = c1 * c1 + c2 * c2 - cc * c1 * c2
  into[3] = d1 * d1 + d2 * d2 - cd * d1 * d2
}
