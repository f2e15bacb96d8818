import { stat } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'
import { NotFoundError, ParseError, StoreError, toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Prompt } from './prompt.ts'
import { PromptCache } from './prompt-cache.ts'
import { silentPrompt } from './prompt-maker.ts'
import type { PromptJob, PromptLimits } from './prompt-messages.ts'
import { PromptThread } from './prompt-thread.ts'
import { SharedWork } from './shared-work.ts'
import type { ProgressTone, ToneRegion } from './tones.ts'
import { highestRateHz, lowestRateHz } from './wav-reader.ts'

export interface PromptLibraryOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Whose progress tones callers know. Default `eu`. */
  readonly toneRegion?: ToneRegion
  /** Memory for prompts that may be played again. Default 128 MiB: over two hours of sound. */
  readonly cacheBytes?: number
  readonly limits?: Partial<PromptLimits>
}

const usualLimits: PromptLimits = { maxFileBytes: 10 * 1024 * 1024, maxDurationMs: 3_600_000 }
const usualCacheBytes = 128 * 1024 * 1024

/** Four files of an hour take some 250 MB while they are decoded; more at once would only wait for each other. */
const maxRunning = 4
const maxWaiting = 512
/** An hour of mp3 takes about half of this on a slow machine. */
const deadlineMs = 120_000
/**
 * For so long a file that was looked at counts as unchanged. A look costs the thread of the calls 0.2 ms, and a menu that many
 * callers hear at once is one file; nobody hears a recording, makes another and hears that within less.
 */
const markFreshMs = 250
const mostMarks = 4096

/**
 * Every sound that is not spoken: files, tones, music, quiet. Files are decoded, resampled and encoded once, on a thread
 * of their own, and kept while they do not change; who asks for the same file meanwhile waits for the same work.
 */
export class PromptLibrary {
  readonly #region: ToneRegion
  readonly #limits: PromptLimits
  readonly #thread: PromptThread
  readonly #cache: PromptCache
  readonly #work = new SharedWork<Prompt>()
  readonly #clock: Clock
  readonly #marks = new Map<string, { readonly mark: string; readonly untilMs: number }>()

  constructor(options: PromptLibraryOptions) {
    const { clock, log, toneRegion = 'eu', cacheBytes = usualCacheBytes, limits = {} } = options
    this.#region = toneRegion
    this.#clock = clock
    this.#limits = { ...usualLimits, ...limits }
    this.#thread = new PromptThread({ clock, log, maxRunning, maxWaiting, deadlineMs })
    this.#cache = new PromptCache(cacheBytes)
  }

  /**
   * A WAV, mp3 or GSM full rate file as a prompt; `file:…`, with a mark that changes with the file, a quarter of a second later at most.
   * Rejects with NotFoundError `media.file-not-found`, StoreError `media.file-unreadable`, LimitError `media.file-too-large`,
   * `media.audio-too-long` or `media.prompts-busy`, ParseError `media.wav-…`, `media.mp3-malformed`, `media.audio-empty`
   * or `media.file-kind-unknown`, TimeoutError `media.prompt-timed-out`, or the signal's reason.
   */
  async load(path: string, signal?: AbortSignal): Promise<Prompt> {
    signal?.throwIfAborted()
    const id = `file:${path}#${await this.#markOf(path)}`
    return await this.#make({ kind: 'file', id, path, limits: this.#limits }, signal)
  }

  /** A tone of call progress (one period, to be looped), the beep, or 24 s of music to be looped. */
  async tone(name: ProgressTone | 'music'): Promise<Prompt> {
    const region = this.#region
    const id = name === 'beep' || name === 'music' ? `tone:${name}` : `tone:${name}-${region}`
    return await this.#make({ kind: 'tone', id, name, region }, undefined)
  }

  /** Quiet, rounded up to 20 ms; at most a minute. */
  silence(ms: number): Prompt {
    const bounded = Math.min(60_000, Math.max(20, Math.ceil(ms / 20) * 20))
    const key = `silence:${bounded}`
    const kept = this.#cache.get(key)
    if (kept !== undefined) return kept
    const prompt = silentPrompt(bounded)
    this.#cache.set(key, prompt)
    return prompt
  }

  /**
   * Speech, or any other mono PCM, as a prompt. Not kept here: who speaks has its own cache.
   * @param pcm - copied.
   * @param rateHz - 4,000 to 192,000.
   * Rejects with ParseError `media.rate-unsupported`, LimitError `media.audio-too-long` or `media.prompts-busy`,
   * TimeoutError `media.prompt-timed-out`, or the signal's reason.
   */
  async fromPcm(id: string, pcm: Int16Array, rateHz: number, signal?: AbortSignal): Promise<Prompt> {
    signal?.throwIfAborted()
    if (!(rateHz >= lowestRateHz && rateHz <= highestRateHz)) {
      throw new ParseError('media.rate-unsupported', `The audio's rate is ${rateHz} Hz.`, { facts: { rateHz } })
    }
    const job: PromptJob = { kind: 'pcm', id, samples: pcm.slice(), rateHz, limits: this.#limits }
    return await this.#thread.run(job, signal ?? new AbortController().signal)
  }

  /** For metrics. */
  get counts(): {
    readonly cached: number
    readonly cachedBytes: number
    readonly waiting: number
    readonly running: number
  } {
    return { cached: this.#cache.count, cachedBytes: this.#cache.bytes, ...this.#thread.counts }
  }

  /** Ends the thread; what was asked for and is not made is rejected. Idempotent. */
  async close(): Promise<void> {
    await this.#thread.close()
  }

  async #markOf(path: string): Promise<string> {
    const known = this.#marks.get(path)
    if (known && this.#clock.now() < known.untilMs) return known.mark
    const mark = await markOf(path)
    if (this.#marks.size >= mostMarks) this.#marks.clear()
    this.#marks.set(path, { mark, untilMs: this.#clock.now() + markFreshMs })
    return mark
  }

  async #make(job: PromptJob, signal: AbortSignal | undefined): Promise<Prompt> {
    const kept = this.#cache.get(job.id)
    if (kept !== undefined) return kept
    return await this.#work.run(job.id, signal, async (noLongerWanted) => {
      const prompt = await this.#thread.run(job, noLongerWanted)
      this.#cache.set(job.id, prompt)
      return prompt
    })
  }
}

/** Short, and another one when the file is: its time, size and inode, in base 36. */
async function markOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return [Math.round(mtimeMs * 1000), size, ino].map((number) => number.toString(36)).join('-')
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
    const facts = { file: path, system: code }
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new NotFoundError('media.file-not-found', `There is no file ${path}.`, { facts, cause: thrown })
    }
    const sentence = `The file ${path} could not be read: ${toError(thrown).message}.`
    throw new StoreError('media.file-unreadable', sentence, { facts, cause: thrown })
  }
}
