import { resolve } from 'node:path'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import type { Cancel, Clock } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { startWorker } from '../base/worker.ts'
import type { DeskOptions } from './recording-desk.ts'
import type { WriterRequest } from './writer-thread.ts'

export interface RecordingWriterOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Where recordings may be written; made when the first one is. */
  readonly folder: string
  /** Whether each file is forced to the disk itself when it is closed. Default false: it survives our end, not the machine's. */
  readonly isSynced?: boolean
  /** The thread died and runs again: every media worker needs a new port. */
  readonly restarted?: () => void
}

/** A thread that dies at once each time is not started faster than this. */
const restartAfterMs = 1000

/** The main thread's end of the one thread that writes all recordings. Audio never passes here. */
export class RecordingWriter {
  readonly #options: RecordingWriterOptions
  #worker: Worker | null
  #cancelRestart: Cancel | null = null
  #isClosed = false

  constructor(options: RecordingWriterOptions) {
    this.#options = options
    this.#worker = this.#start()
  }

  /** A port for one media worker, to be transferred to it and given to its `RecordingClient`. */
  newPort(): MessagePort {
    const { port1, port2 } = new MessageChannel()
    if (this.#worker === null) port2.close()
    else this.#worker.postMessage({ kind: 'port', port: port2 } satisfies WriterRequest, [port2])
    return port1
  }

  /** Resolves when every file is whole and the thread has ended. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelRestart?.()
    const worker = this.#worker
    if (worker === null) return
    const ended = new Promise<void>((settle) => worker.once('exit', () => settle()))
    worker.ref()
    worker.postMessage({ kind: 'close' } satisfies WriterRequest)
    await ended
  }

  #start(): Worker {
    const { folder, isSynced = false, log } = this.#options
    const workerData: DeskOptions = { folder: resolve(folder), isSynced }
    const worker = startWorker(import.meta.url, './writer-thread', { workerData, name: 'recordings' })
    // It must not keep a process alive that has nothing else to do.
    worker.unref()
    worker.on('error', (thrown) => log.error({ err: toError(thrown) }, 'the thread that writes recordings failed'))
    worker.on('exit', () => this.#exited(worker))
    return worker
  }

  #exited(worker: Worker): void {
    if (worker !== this.#worker) return
    this.#worker = null
    if (this.#isClosed) return
    this.#options.log.error({ restartAfterMs }, 'the thread that writes recordings ended; open recordings have failed')
    this.#cancelRestart = this.#options.clock.after(restartAfterMs, () => {
      this.#cancelRestart = null
      this.#worker = this.#start()
      this.#options.restarted?.()
    })
  }
}
