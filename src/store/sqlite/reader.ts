import type { Worker } from 'node:worker_threads'
import { StoreError } from '../../base/errors.ts'
import { startWorker } from '../../base/worker.ts'
import type { Reader, Row, Value } from '../driver.ts'
import { sqliteError } from './errors.ts'
import type { ReadReply, ReadRequest, ReadWorkerData } from './messages.ts'
import { toRows } from './rows.ts'

interface Waiting {
  readonly resolve: (rows: readonly Row[]) => void
  readonly reject: (error: StoreError) => void
}

/** Questions that may wait for the thread, which answers one after the other. */
const maxWaiting = 1000

/** Asks the read thread. A thread that died is started again by the next question. */
export class SqliteReader implements Reader {
  readonly #data: ReadWorkerData
  readonly #name: string
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #nextId = 0
  #isClosed = false

  constructor(data: ReadWorkerData, name: string) {
    this.#data = data
    this.#name = name
  }

  read(sql: string, parameters: readonly Value[]): Promise<readonly Row[]> {
    if (this.#isClosed)
      return Promise.reject(new StoreError('store.closed', 'The store is closed: nothing more is read.'))
    if (this.#waiting.size >= maxWaiting) {
      return Promise.reject(
        new StoreError('store.overloaded', `The database does not keep up: ${maxWaiting} reads wait for it.`),
      )
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker ??= this.#start()
      this.#worker.postMessage({ id, sql, parameters } satisfies ReadRequest)
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    if (!worker) return
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    worker.postMessage('close')
    await exited
  }

  #start(): Worker {
    const worker = startWorker(import.meta.url, './read-worker', { workerData: this.#data, name: 'store-reader' })
    worker.on('message', (reply: ReadReply) => {
      const waiting = this.#waiting.get(reply.id)
      this.#waiting.delete(reply.id)
      if ('result' in reply) waiting?.resolve(toRows(reply.result))
      else waiting?.reject(sqliteError(this.#name, reply.problem))
    })
    worker.on('error', (error) => this.#ended(worker, error))
    worker.on('exit', () => this.#ended(worker, new Error('The thread ended.')))
    return worker
  }

  #ended(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return
    this.#worker = null
    const sentence = `The thread that reads ${this.#name} failed: ${cause.message}`
    for (const { reject } of this.#waiting.values()) reject(new StoreError('store.failed', sentence, { cause }))
    this.#waiting.clear()
  }
}
