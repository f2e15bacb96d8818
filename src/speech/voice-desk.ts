import type { Cancel, Clock } from '../base/clock.ts'
import { LimitError, NotFoundError, type SwitchhookError, TimeoutError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { StartVoice, VoiceChild } from './voice-child.ts'
import type { VoiceInfo, VoiceResponse } from './voice-frames.ts'

export interface VoiceDeskOptions {
  readonly start: StartVoice
  readonly clock: Clock
  readonly log: Logger
  /** For loading the voice's data, on a slow and busy machine. */
  readonly startDeadlineMs?: number
  /** For one text; the voice needs less than a second for the longest. */
  readonly jobDeadlineMs?: number
  /** From asking to being answered, the queue included. */
  readonly waitDeadlineMs?: number
  /** Texts that may wait. */
  readonly maxQueue?: number
}

export interface SpokenAudio {
  readonly pcm: Int16Array
  readonly sampleRateHz: number
}

export type VoiceAvailability =
  | { readonly isAvailable: true; readonly info: VoiceInfo }
  | { readonly isAvailable: false; readonly sentence: string }

/**
 * `starting` until the voice says that it is ready; `idle` and `busy` with one text at a time; `waiting` out a pause
 * after it ended by itself; `given-up` when it never once became ready; `closed`.
 */
type State = 'starting' | 'idle' | 'busy' | 'waiting' | 'given-up' | 'closed'

interface Job {
  readonly text: string
  readonly voice: string
  readonly settle: (result: SpokenAudio | SwitchhookError) => void
  /** How often it was given to the voice. */
  attempts: number
  isSettled: boolean
}

const defaults = { startDeadlineMs: 30_000, jobDeadlineMs: 20_000, waitDeadlineMs: 60_000, maxQueue: 200 }

/** Pause before a new start: doubled with each end that follows no answer. */
const firstPauseMs = 100
const longestPauseMs = 30_000
/** So many starts without once being ready mean that it cannot work here. */
const startsBeforeGivingUp = 3
/** A text during which the voice ended is tried once more: it may not have been its fault. */
const attemptsPerJob = 2
const closeGraceMs = 2000

/**
 * Keeps the voice running and gives it one text at a time. Every text is answered: by audio, or by an error within its
 * deadline, whatever the voice does.
 */
export class VoiceDesk {
  readonly #options: Required<VoiceDeskOptions>
  #state: State = 'starting'
  #child: VoiceChild | null = null
  #job: Job | null = null
  #queue: Job[] = []
  #nextId = 1
  /** Ends since the last answer. */
  #failures = 0
  #info: VoiceInfo | null = null
  #lastEnd = 'The voice has not started yet.'
  #cancelTimer: Cancel = () => {}
  #onDecided: (() => void)[] = []
  #onClosed: () => void = () => {}

  constructor(options: VoiceDeskOptions) {
    this.#options = { ...defaults, ...options }
    this.#start()
  }

  get availability(): VoiceAvailability {
    if (this.#info && this.#state !== 'closed') return { isAvailable: true, info: this.#info }
    return { isAvailable: false, sentence: this.#lastEnd }
  }

  /** Resolves when the voice is ready for the first time, or has been given up. */
  decided(): Promise<VoiceAvailability> {
    if (this.#info || this.#state === 'given-up' || this.#state === 'closed') return Promise.resolve(this.availability)
    return new Promise((resolve) => {
      this.#onDecided.push(() => resolve(this.availability))
    })
  }

  /**
   * Speaks one text.
   * Rejects with LimitError `speech.busy`, `speech.unavailable`, `speech.failed`, NotFoundError `speech.voice-unknown`,
   * TimeoutError `speech.timed-out`, or the signal's reason; the voice finishes what it has begun.
   */
  speak(text: string, voice: string, signal?: AbortSignal): Promise<SpokenAudio> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#state === 'given-up' || this.#state === 'closed') return Promise.reject(this.#unavailable())
    if (this.#queue.length >= this.#options.maxQueue) {
      const sentence = `${this.#queue.length} texts wait for the voice already.`
      return Promise.reject(new LimitError('speech.busy', sentence))
    }
    return new Promise((resolve, reject) => {
      const cancelWait = this.#options.clock.after(this.#options.waitDeadlineMs, () => {
        settle(new TimeoutError('speech.timed-out', 'The voice had no time for a text.'))
      })
      const settle = (result: SpokenAudio | Error): void => {
        if (job.isSettled) return
        job.isSettled = true
        cancelWait()
        signal?.removeEventListener('abort', onAbort)
        this.#queue = this.#queue.filter((waiting) => waiting !== job)
        if (result instanceof Error) reject(result)
        else resolve(result)
      }
      const onAbort = (): void => settle(signal?.reason)
      const job: Job = { text, voice, settle, attempts: 0, isSettled: false }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(job)
      this.#next()
    })
  }

  /** Ends the voice, and every text that waits with `speech.unavailable`. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#lastEnd = 'The voice has been closed.'
    this.#enter('closed')
    this.#settleAll()
    const child = this.#child
    if (!child) return
    await new Promise<void>((resolve) => {
      this.#onClosed = resolve
      child.end()
      this.#cancelTimer = this.#options.clock.after(closeGraceMs, () => child.kill())
    })
    this.#cancelTimer()
  }

  #start(): void {
    this.#enter('starting')
    // Words of an earlier run must not be taken for this one's.
    const isThis = (): boolean => this.#child === child
    const child = this.#options.start({
      ready: (info) => isThis() && this.#becameReady(info),
      answered: (response) => isThis() && this.#answered(response),
      ended: (sentence) => isThis() && this.#ended(sentence),
    })
    this.#child = child
    this.#cancelTimer = this.#options.clock.after(this.#options.startDeadlineMs, () => child.kill())
  }

  #becameReady(info: VoiceInfo): void {
    if (this.#state !== 'starting') return
    this.#info = info
    this.#enter('idle')
    this.#decide()
    this.#next()
  }

  /** Gives the voice the next text, if it has nothing to do. */
  #next(): void {
    if (this.#state !== 'idle' || !this.#child) return
    const job = this.#queue.shift()
    if (!job) return
    this.#job = job
    job.attempts++
    this.#enter('busy')
    this.#cancelTimer = this.#options.clock.after(this.#options.jobDeadlineMs, () => this.#hung(job))
    this.#child.send({ id: this.#nextId, text: job.text, voice: job.voice })
  }

  #answered(response: Exclude<VoiceResponse, { kind: 'ready' }>): void {
    if (this.#state !== 'busy' || response.id !== this.#nextId) return
    const job = this.#job
    this.#job = null
    this.#nextId++
    this.#failures = 0
    this.#enter('idle')
    if (response.kind === 'spoken') job?.settle({ pcm: response.pcm, sampleRateHz: response.sampleRateHz })
    else job?.settle(refusal(response.code, response.sentence))
    this.#next()
  }

  /** It said nothing for too long: the text is failed, not tried again, and the voice started anew. */
  #hung(job: Job): void {
    const { jobDeadlineMs, log } = this.#options
    log.warn({ deadlineMs: jobDeadlineMs }, 'the voice hangs and is started anew')
    job.settle(new TimeoutError('speech.timed-out', `The voice did not finish a text within ${jobDeadlineMs} ms.`))
    this.#job = null
    // An answer that comes all the same is nobody's.
    this.#nextId++
    this.#child?.kill()
  }

  #ended(sentence: string): void {
    const { clock, log } = this.#options
    this.#child = null
    if (this.#state === 'closed') return this.#onClosed()
    this.#failures++
    this.#nextId++
    this.#lastEnd = sentence
    this.#takeBackJob(sentence)
    if (!this.#info && this.#failures >= startsBeforeGivingUp) {
      log.error({ sentence }, 'there is no voice')
      this.#enter('given-up')
      this.#settleAll()
      return this.#decide()
    }
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failures - 1))
    log.warn({ sentence, pauseMs }, 'the voice ended and is started anew')
    this.#enter('waiting')
    this.#cancelTimer = clock.after(pauseMs, () => this.#start())
  }

  #takeBackJob(sentence: string): void {
    const job = this.#job
    this.#job = null
    if (!job || job.isSettled) return
    if (job.attempts < attemptsPerJob) this.#queue.unshift(job)
    else job.settle(new LimitError('speech.failed', `The voice ended over a text, twice. ${sentence}`))
  }

  /** Every state has at most one timer; leaving it takes the timer along. */
  #enter(state: State): void {
    this.#cancelTimer()
    this.#cancelTimer = () => {}
    this.#state = state
  }

  #settleAll(): void {
    const jobs = this.#job ? [this.#job, ...this.#queue] : this.#queue
    this.#job = null
    this.#queue = []
    for (const job of jobs) job.settle(this.#unavailable())
    this.#decide()
  }

  #decide(): void {
    const waiting = this.#onDecided
    this.#onDecided = []
    for (const resolve of waiting) resolve()
  }

  #unavailable(): LimitError {
    return new LimitError('speech.unavailable', `There is no voice. ${this.#lastEnd}`)
  }
}

function refusal(code: string, sentence: string): SwitchhookError {
  if (code === 'unknown-voice') return new NotFoundError('speech.voice-unknown', sentence)
  return new LimitError('speech.failed', sentence)
}
