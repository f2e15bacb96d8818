import type { Worker } from 'node:worker_threads'
import type { Logger } from '../../base/log.ts'
import { startWorker } from '../../base/worker.ts'
import type { CheckpointReply, WriteWorkerData } from './messages.ts'

/** Writes between two checkpoints: a few megabytes of log. */
const checkpointWrites = 1000

/**
 * Has the write-ahead log folded in by a thread of its own as it grows. Nothing depends on it: when it fails, the
 * writer does it at a longer log, and is held up for it.
 */
export class Checkpointer {
  readonly #data: WriteWorkerData
  readonly #log: Logger
  #worker: Worker | null = null
  #isBusy = false
  #isOff = false
  #written = 0

  constructor(data: WriteWorkerData, log: Logger) {
    this.#data = data
    this.#log = log
  }

  /** Told of each commit. */
  committed(writes: number): void {
    this.#written += writes
    if (this.#written < checkpointWrites || this.#isBusy || this.#isOff) return
    this.#written = 0
    this.#isBusy = true
    this.#worker ??= this.#start()
    this.#worker.postMessage('checkpoint')
  }

  async close(): Promise<void> {
    this.#isOff = true
    const worker = this.#worker
    if (!worker) return
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    worker.postMessage('close')
    await exited
  }

  #start(): Worker {
    const worker = startWorker(import.meta.url, './checkpoint-worker', {
      workerData: this.#data,
      name: 'store-checkpoint',
    })
    worker.on('message', ({ problem }: CheckpointReply) => {
      this.#isBusy = false
      if (problem !== null) this.#log.warn({ problem }, 'the write-ahead log could not be folded in')
    })
    worker.on('error', (error) => {
      this.#isOff = true
      this.#log.warn({ err: error }, 'the thread that folds in the write-ahead log failed; the writer does it now')
    })
    worker.on('exit', () => {
      this.#isOff = true
      this.#worker = null
    })
    return worker
  }
}
