import type { Worker } from 'node:worker_threads'
import type { Cancel, Clock } from '../base/clock.ts'
import { Defect, LimitError, TimeoutError, toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { startWorker } from '../base/worker.ts'
import type { Prompt } from './prompt.ts'
import { fromFailure, type PromptJob, type PromptReply, type PromptRequest } from './prompt-messages.ts'

export interface PromptThreadOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Jobs the thread has in hand at once; the memory of decoding grows with it. */
  readonly maxRunning: number
  readonly maxWaiting: number
  /** How long one job may be in hand. */
  readonly deadlineMs: number
}

interface Entry {
  readonly number: number
  readonly job: PromptJob
  readonly resolve: (prompt: Prompt) => void
  readonly reject: (error: unknown) => void
  /** Set while it is in hand. */
  cancelDeadline: Cancel | null
  /** Threads that ended with it in hand. */
  losses: number
  /** Nobody waits for it any longer. */
  isAbandoned: boolean
}

/** A job whose thread ended twice is taken for the cause. */
const maxLosses = 2

/**
 * The main thread's end of the thread that makes prompts: a bounded queue before it, a deadline per job, and a fresh
 * thread when the old one ends or hangs, to which the other jobs are given once more.
 */
export class PromptThread {
  readonly #options: PromptThreadOptions
  #worker: Worker | null = null
  #nextNumber = 1
  readonly #waiting: Entry[] = []
  readonly #running = new Map<number, Entry>()
  #isClosed = false

  constructor(options: PromptThreadOptions) {
    this.#options = options
  }

  get counts(): { readonly waiting: number; readonly running: number } {
    return { waiting: this.#waiting.length, running: this.#running.size }
  }

  /**
   * Rejects with LimitError `media.prompts-busy`, TimeoutError `media.prompt-timed-out`, Defect `media.prompts-stopped`,
   * the job's own error, or the signal's reason.
   */
  run(job: PromptJob, signal: AbortSignal): Promise<Prompt> {
    const { maxWaiting } = this.#options
    if (this.#isClosed) return Promise.reject(stopped('The thread that prepares sounds was closed.'))
    if (this.#waiting.length >= maxWaiting) {
      return Promise.reject(new LimitError('media.prompts-busy', `${maxWaiting} sounds wait to be prepared already.`))
    }
    return new Promise<Prompt>((resolve, reject) => {
      const onAbort = (): void => {
        this.#abandon(entry)
        reject(signal.reason)
      }
      const settle = <Value>(fn: (value: Value) => void) => {
        return (value: Value): void => {
          signal.removeEventListener('abort', onAbort)
          fn(value)
        }
      }
      const entry: Entry = {
        number: this.#nextNumber++,
        job,
        resolve: settle(resolve),
        reject: settle(reject),
        cancelDeadline: null,
        losses: 0,
        isAbandoned: false,
      }
      signal.addEventListener('abort', onAbort, { once: true })
      // Speech is what a caller waits for in silence; it goes before files, which are mostly loaded ahead.
      if (job.kind === 'pcm') this.#waiting.unshift(entry)
      else this.#waiting.push(entry)
      this.#fill()
    })
  }

  /** Ends the thread; what is in hand or waits is rejected with `media.prompts-stopped`. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    this.#worker = null
    for (const entry of [...this.#running.values(), ...this.#waiting]) {
      entry.cancelDeadline?.()
      entry.reject(stopped('The thread that prepares sounds was closed.'))
    }
    this.#running.clear()
    this.#waiting.length = 0
    await worker?.terminate()
  }

  #fill(): void {
    while (this.#running.size < this.#options.maxRunning) {
      const entry = this.#waiting.shift()
      if (entry === undefined) return
      this.#running.set(entry.number, entry)
      entry.cancelDeadline = this.#options.clock.after(this.#options.deadlineMs, () => this.#tooLate(entry))
      this.#worker ??= this.#start()
      // Samples are copied, not transferred: they are needed again should the thread end.
      this.#worker.postMessage({ kind: 'make', number: entry.number, job: entry.job } satisfies PromptRequest)
    }
  }

  #abandon(entry: Entry): void {
    entry.isAbandoned = true
    const index = this.#waiting.indexOf(entry)
    if (index >= 0) this.#waiting.splice(index, 1)
    // In hand, it keeps its place until the thread says that it let go.
    else this.#worker?.postMessage({ kind: 'cancel', number: entry.number } satisfies PromptRequest)
  }

  #start(): Worker {
    // The mp3 decoder prints what it finds wrong; that is told by our errors.
    const worker = startWorker(import.meta.url, './prompt-worker', { name: 'prompts', stderr: true, stdout: true })
    worker.unref()
    worker.stderr.on('data', (text: Buffer) => {
      this.#options.log.debug({ text: text.toString('utf8', 0, 500) }, 'the thread that prepares sounds printed')
    })
    worker.stdout.resume()
    worker.on('message', (reply: PromptReply) => this.#replied(reply))
    worker.on('error', (thrown) =>
      this.#options.log.error({ err: toError(thrown) }, 'the thread that prepares sounds failed'),
    )
    worker.on('exit', () => this.#lost(worker))
    return worker
  }

  #replied(reply: PromptReply): void {
    const entry = this.#running.get(reply.number)
    if (entry === undefined) return
    this.#running.delete(reply.number)
    entry.cancelDeadline?.()
    if (reply.kind === 'made') entry.resolve(reply.prompt)
    else entry.reject(fromFailure(reply.failure))
    this.#fill()
  }

  #tooLate(entry: Entry): void {
    this.#running.delete(entry.number)
    const { deadlineMs } = this.#options
    entry.reject(
      new TimeoutError('media.prompt-timed-out', `A sound was not prepared within ${deadlineMs / 1000} s.`, {
        facts: { prompt: entry.job.id, deadlineMs },
      }),
    )
    const worker = this.#worker
    if (worker === null) return
    // It may hang in a loop; nothing less ends that.
    this.#lost(worker)
    worker.terminate().catch((thrown) => {
      this.#options.log.error({ err: toError(thrown) }, 'the thread that prepares sounds could not be ended')
    })
  }

  #lost(worker: Worker): void {
    if (worker !== this.#worker) return
    this.#worker = null
    const entries = [...this.#running.values()]
    this.#running.clear()
    for (const entry of entries.toReversed()) {
      entry.cancelDeadline?.()
      if (entry.isAbandoned) continue
      entry.losses++
      if (entry.losses < maxLosses) this.#waiting.unshift(entry)
      else entry.reject(stopped('The thread that prepares sounds ended while it prepared this one.'))
    }
    if (!this.#isClosed) this.#fill()
  }
}

function stopped(sentence: string): Defect {
  return new Defect('media.prompts-stopped', sentence)
}
