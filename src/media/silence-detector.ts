import { g711RateHz } from './g711.ts'

/** Levels are mean squares, compared as ratios: no logarithm per frame. dBFS against the square of full scale. */
function meanSquareOf(dbfs: number): number {
  return 32_768 ** 2 * 10 ** (dbfs / 10)
}

/** Never taken for sound, however quiet the line is; nor for noise, however long it lasts. */
const alwaysQuiet = meanSquareOf(-50)
const alwaysSound = meanSquareOf(-28)
/** The line's own noise is looked for between these. */
const lowestFloor = meanSquareOf(-70)
const highestFloor = meanSquareOf(-38)
/** Sound starts 10 dB above the noise and goes on until it is within 6 dB of it. */
const startRatio = 10 ** 1.0
const stopRatio = 10 ** 0.6
/** The floor follows quieter frames at once and climbs by 2 dB a second, so that words do not lift it. */
const climbPerMs = 10 ** (0.2 / 1000)
/** A click is not speech: sound counts once it has lasted so long. */
const minSoundMs = 60
/** Gaps inside and between words that do not end a sound. */
const bridgedGapMs = 200

/**
 * Tells sound from quiet by its level against the line's own noise, with hysteresis. Time is counted in samples, so
 * packets that come late or in bursts do not matter.
 */
export class SilenceDetector {
  /** From above: the first quiet frame tells how noisy the line is, instead of counting as sound. */
  #floor = highestFloor
  #isLoud = false
  #loudMs = 0
  #gapMs = 0
  #quietMs = 0
  #heardSound = false

  /** Takes the next samples: 8,000 Hz, 10 to 60 ms at a time. */
  push(samples: Int16Array): void {
    const count = samples.length
    if (count === 0) return
    let energy = 0
    for (let i = 0; i < count; i++) energy += (samples[i] as number) ** 2
    this.#step(energy / count, (count * 1000) / g711RateHz)
  }

  /** Time passes without audio, as when the peer sends none: it counts as quiet. */
  pushQuiet(ms: number): void {
    this.#step(0, ms)
  }

  /** Whether anything but the line's noise was heard so far. */
  get heardSound(): boolean {
    return this.#heardSound
  }

  /** Milliseconds since the last sound ended; since the start when there was none; 0 while there is sound. */
  get quietMs(): number {
    return this.#quietMs
  }

  #step(meanSquare: number, ms: number): void {
    const climbed = this.#floor * climbPerMs ** ms
    this.#floor = Math.max(lowestFloor, Math.min(highestFloor, climbed, Math.max(meanSquare, lowestFloor)))
    const ratio = this.#isLoud ? stopRatio : startRatio
    this.#isLoud = meanSquare >= alwaysSound || (meanSquare > alwaysQuiet && meanSquare > this.#floor * ratio)
    if (this.#isLoud) {
      this.#loudMs += ms
      this.#gapMs = 0
    } else if (this.#loudMs > 0) {
      this.#gapMs += ms
      if (this.#gapMs > bridgedGapMs) this.#endSound()
    }
    if (this.#loudMs >= minSoundMs) {
      this.#heardSound = true
      this.#quietMs = this.#gapMs
    } else {
      this.#quietMs += ms
    }
  }

  /** The gap so far has been counted as quiet, but for the frame at hand. */
  #endSound(): void {
    this.#loudMs = 0
    this.#gapMs = 0
  }
}
