import type { Worker } from 'node:worker_threads'
import type { Cancel, Clock } from '../base/clock.ts'
import { LimitError, StoreError, type SwitchhookError, toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { startWorker } from '../base/worker.ts'
import type { Mp3Notice, Mp3Request } from './mp3-encode-messages.ts'
import { fromFailure } from './prompt-messages.ts'

/** Who waits for an mp3. After `done` or `failed` nothing is told any more. */
export interface Mp3User {
  /** The file is there and will have so many bytes. */
  begun(bytes: number): void
  /** So many of them may be read. */
  grown(bytes: number): void
  done(): void
  /** The file is not there. @param error - LimitError never; else as `Mp3Files.open` rejects. */
  failed(error: SwitchhookError): void
}

interface Entry {
  readonly number: number
  readonly source: string
  readonly target: string
  readonly user: Mp3User
  /** Set while it is in hand. */
  cancelDeadline: Cancel | null
  /** Nobody waits for it any longer. */
  isAbandoned: boolean
}

export interface Mp3ThreadOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Recordings in hand at once: they share the one thread. Default 4. */
  readonly maxRunning?: number
  /** Default 32. */
  readonly maxWaiting?: number
}

/** A second of sound takes some 40 ms. A thread that has been silent for so long hangs in a loop, or the disk does. */
const silentMs = 30_000

/** The main thread's end of the thread that makes mp3: a bounded queue before it, and a fresh thread when the old one ends or hangs. */
export class Mp3Thread {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #maxRunning: number
  readonly #maxWaiting: number
  #worker: Worker | null = null
  #nextNumber = 1
  readonly #waiting: Entry[] = []
  readonly #running = new Map<number, Entry>()
  #isClosed = false

  constructor({ clock, log, maxRunning = 4, maxWaiting = 32 }: Mp3ThreadOptions) {
    this.#clock = clock
    this.#log = log
    this.#maxRunning = maxRunning
    this.#maxWaiting = maxWaiting
  }

  get counts(): { readonly waiting: number; readonly running: number } {
    return { waiting: this.#waiting.length, running: this.#running.size }
  }

  /**
   * Encodes a WAV of the recorder into a new file.
   * @returns what gives it up; its user is told nothing more then.
   * Throws LimitError `media.mp3-busy`, StoreError `media.mp3-failed` when closed.
   */
  encode(source: string, target: string, user: Mp3User): Cancel {
    if (this.#isClosed) throw stopped('The thread that makes mp3 was closed.')
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new LimitError('media.mp3-busy', `${this.#maxWaiting} recordings wait to become mp3 already.`)
    }
    const entry: Entry = {
      number: this.#nextNumber++,
      source,
      target,
      user,
      cancelDeadline: null,
      isAbandoned: false,
    }
    this.#waiting.push(entry)
    this.#fill()
    return () => this.#abandon(entry)
  }

  /** Ends the thread; who waits is told `media.mp3-failed`. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    this.#worker = null
    const entries = [...this.#running.values(), ...this.#waiting]
    this.#running.clear()
    this.#waiting.length = 0
    for (const entry of entries) fail(entry, stopped('The thread that makes mp3 was closed.'))
    await worker?.terminate()
  }

  #fill(): void {
    while (this.#running.size < this.#maxRunning) {
      const entry = this.#waiting.shift()
      if (entry === undefined) return
      const { number, source, target } = entry
      this.#running.set(number, entry)
      this.#worker ??= this.#start()
      this.#worker.postMessage({ kind: 'encode', number, source, target } satisfies Mp3Request)
      this.#await(entry)
    }
  }

  #await(entry: Entry): void {
    entry.cancelDeadline?.()
    entry.cancelDeadline = this.#clock.after(silentMs, () => this.#hangs())
  }

  #abandon(entry: Entry): void {
    if (entry.isAbandoned) return
    entry.isAbandoned = true
    const index = this.#waiting.indexOf(entry)
    if (index >= 0) this.#waiting.splice(index, 1)
    // In hand, it keeps its place until the thread says that it let go.
    else this.#worker?.postMessage({ kind: 'cancel', number: entry.number } satisfies Mp3Request)
  }

  #start(): Worker {
    const worker = startWorker(import.meta.url, './mp3-worker', { name: 'mp3' })
    worker.unref()
    worker.on('message', (notice: Mp3Notice) => this.#told(notice))
    worker.on('error', (thrown) => this.#log.error({ err: toError(thrown) }, 'the thread that makes mp3 failed'))
    worker.on('exit', () => this.#lost(worker))
    return worker
  }

  #told(notice: Mp3Notice): void {
    const entry = this.#running.get(notice.number)
    if (entry === undefined) return
    if (notice.kind === 'begun' || notice.kind === 'grown') {
      this.#await(entry)
      if (!entry.isAbandoned) entry.user[notice.kind](notice.bytes)
      return
    }
    this.#running.delete(notice.number)
    entry.cancelDeadline?.()
    if (notice.kind === 'failed') fail(entry, fromFailure(notice.failure))
    else if (!entry.isAbandoned) entry.user.done()
    this.#fill()
  }

  #hangs(): void {
    const worker = this.#worker
    if (worker === null) return
    this.#lost(worker)
    worker.terminate().catch((thrown: unknown) => {
      this.#log.error({ err: toError(thrown) }, 'the thread that makes mp3 could not be ended')
    })
  }

  #lost(worker: Worker): void {
    if (worker !== this.#worker) return
    this.#worker = null
    const entries = [...this.#running.values()]
    this.#running.clear()
    for (const entry of entries) fail(entry, stopped('The thread that makes mp3 ended while it made this one.'))
    if (!this.#isClosed) this.#fill()
  }
}

function fail(entry: Entry, error: SwitchhookError): void {
  entry.cancelDeadline?.()
  if (!entry.isAbandoned) entry.user.failed(error)
}

function stopped(sentence: string): StoreError {
  return new StoreError('media.mp3-failed', sentence)
}
