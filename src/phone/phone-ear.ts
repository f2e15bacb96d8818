import type { Recordings } from '../media/plane/endpoint-recording.ts'
import type { RecordingFileResult } from '../media/recording-messages.ts'
import { SilenceDetector } from '../media/silence-detector.ts'

const samplesPerMs = 8
/** 20 ms: the detector wants audio in small pieces. */
const frameSamples = 160

/** Sound, then so much quiet: a prompt has ended. Long enough for the pauses between sentences. */
const promptEndMs = 900
/** So much quiet from the start: nothing is going to be said. */
const quietMs = 2000

/** What a phone hears: the samples, kept up to a bound, and whether anybody is speaking. 8,000 Hz mono. */
export class PhoneEar implements Recordings {
  readonly waitingBytes = 0
  readonly #maxSamples: number
  readonly #slices: Int16Array[] = []
  readonly #waiting = new Set<() => void>()
  #samples = 0
  #silence = new SilenceDetector()
  #hasSound = false

  /** @param maxSeconds - what lies behind is heard but not kept. */
  constructor(maxSeconds: number) {
    this.#maxSamples = maxSeconds * 1000 * samplesPerMs
  }

  get heardMs(): number {
    return this.#samples / samplesPerMs
  }

  /** All that was heard. A copy. */
  heard(): Int16Array {
    const pcm = new Int16Array(this.#samples)
    let at = 0
    for (const slice of this.#slices) {
      pcm.set(slice, at)
      at += slice.length
    }
    return pcm
  }

  /** Resolves when a prompt that is heard from now on has ended, or nothing was heard for 2 s; or when `stop` is aborted. */
  promptEnd(stop: AbortSignal): Promise<void> {
    this.#silence = new SilenceDetector()
    this.#hasSound = false
    if (stop.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#waiting.delete(look)
        stop.removeEventListener('abort', settle)
        resolve()
      }
      const look = (): void => {
        if (this.#silence.quietMs >= (this.#hasSound ? promptEndMs : quietMs)) settle()
      }
      this.#waiting.add(look)
      stop.addEventListener('abort', settle, { once: true })
    })
  }

  open(): ReturnType<Recordings['open']> {
    return {
      write: (samples) => this.#hear(samples),
      close: async (): Promise<RecordingFileResult> => ({ durationMs: this.heardMs, fileBytes: 0, problem: null }),
    }
  }

  #hear(samples: Int16Array): void {
    if (this.#samples < this.#maxSamples) {
      this.#slices.push(samples)
      this.#samples += samples.length
    }
    for (let at = 0; at < samples.length; at += frameSamples) {
      this.#silence.push(samples.subarray(at, at + frameSamples))
      if (this.#silence.heardSound) this.#hasSound = true
    }
    // Those that settle take themselves out; a set allows that.
    for (const look of this.#waiting) look()
  }
}
