import { StoreError, toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Unit, UnitResult, Writer } from './driver.ts'

export interface WriteQueueLimits {
  /** Units that may wait; the next is refused with `store.overloaded`. */
  readonly waitingUnits: number
  /** Characters of text that may wait. */
  readonly waitingSize: number
  /** Units in one transaction: keeps the wait of the first in it short. */
  readonly batchUnits: number
}

const defaultQueueLimits: WriteQueueLimits = {
  // About two seconds of the design load (1,500 calls/s of six writes each).
  waitingUnits: 20_000,
  waitingSize: 64 * 1024 * 1024,
  batchUnits: 1000,
}

export interface WriteLoad {
  readonly waiting: number
  readonly waitingSize: number
  /** Since the start. */
  readonly commits: number
  readonly writes: number
  readonly failedWrites: number
}

interface Waiting {
  readonly unit: Unit
  readonly size: number
  readonly resolve: (result: UnitResult) => void
  readonly reject: (error: StoreError) => void
}

/**
 * Group commit without a timer: what queued while the last transaction ran forms the next one. It begins at the end of
 * the event loop's turn, so that a burst of packets read together is written together.
 */
export class WriteQueue {
  readonly #writer: Writer
  readonly #log: Logger
  readonly #limits: WriteQueueLimits
  #waiting: Waiting[] = []
  #waitingSize = 0
  #state: 'idle' | 'scheduled' | 'committing' = 'idle'
  #isClosed = false
  #isOverloaded = false
  #isFailing = false
  #onIdle: (() => void)[] = []
  #commits = 0
  #writes = 0
  #failedWrites = 0

  constructor(writer: Writer, log: Logger, limits: Partial<WriteQueueLimits> = {}) {
    this.#writer = writer
    this.#log = log
    this.#limits = { ...defaultQueueLimits, ...limits }
  }

  get load(): WriteLoad {
    return {
      waiting: this.#waiting.length,
      waitingSize: this.#waitingSize,
      commits: this.#commits,
      writes: this.#writes,
      failedWrites: this.#failedWrites,
    }
  }

  /**
   * Resolves after the commit that holds the unit. Rejects with StoreError: `store.overloaded` and `store.closed` at
   * once, any other when the unit or its whole transaction failed.
   */
  write(unit: Unit): Promise<UnitResult> {
    if (this.#isClosed) return this.#refuse('store.closed', 'The store is closed: nothing more is written.')
    let size = 0
    for (const statement of unit) size += statement.size
    if (this.#waiting.length >= this.#limits.waitingUnits || this.#waitingSize + size > this.#limits.waitingSize) {
      if (!this.#isOverloaded) this.#log.error({ ...this.load }, 'the database does not keep up: writes are refused')
      this.#isOverloaded = true
      const sentence = `The database does not keep up: ${this.#waiting.length} writes are waiting for it.`
      return this.#refuse('store.overloaded', sentence)
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ unit, size, resolve, reject })
      this.#waitingSize += size
      if (this.#state === 'idle') this.#schedule()
    })
  }

  /** Resolves when nothing waits and nothing runs. */
  drained(): Promise<void> {
    if (this.#state === 'idle') return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  /** Takes no more writes; those that wait are still written. */
  close(): void {
    this.#isClosed = true
  }

  #refuse(code: 'store.closed' | 'store.overloaded', sentence: string): Promise<never> {
    this.#failedWrites++
    return Promise.reject(new StoreError(code, sentence))
  }

  /** By the end of the turn those who heard of the last commit have written what follows from it. */
  #schedule(): void {
    this.#state = 'scheduled'
    setImmediate(() => void this.#commitNext())
  }

  async #commitNext(): Promise<void> {
    this.#state = 'committing'
    await this.#commit(this.#take())
    if (this.#waiting.length > 0) return this.#schedule()
    this.#state = 'idle'
    for (const done of this.#onIdle.splice(0)) done()
  }

  #take(): readonly Waiting[] {
    const batch = this.#waiting.splice(0, this.#limits.batchUnits)
    for (const entry of batch) this.#waitingSize -= entry.size
    if (this.#isOverloaded && this.#waiting.length < this.#limits.waitingUnits / 2) {
      this.#isOverloaded = false
      this.#log.info({ ...this.load }, 'the database keeps up again')
    }
    return batch
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#writer.commit(batch.map((entry) => entry.unit))
      this.#commits++
      if (this.#isFailing) this.#log.info({ ...this.load }, 'transactions of the database succeed again')
      this.#isFailing = false
      for (const [index, entry] of batch.entries()) this.#settle(entry, results[index])
    } catch (thrown) {
      const error = thrown instanceof StoreError ? thrown : unexpected(thrown)
      // Once, not thousands of times a second while a disk is full.
      if (!this.#isFailing) this.#log.error({ err: error, writes: batch.length }, 'transactions of the database fail')
      this.#isFailing = true
      for (const entry of batch) this.#settle(entry, error)
    }
  }

  #settle(entry: Waiting, result: UnitResult | StoreError | undefined): void {
    if (result !== undefined && !(result instanceof StoreError)) {
      this.#writes++
      return entry.resolve(result)
    }
    this.#failedWrites++
    entry.reject(result ?? unexpected('a write without a result'))
  }
}

function unexpected(thrown: unknown): StoreError {
  const cause = toError(thrown)
  return new StoreError('store.failed', `The database failed: ${cause.message}`, { cause })
}
