import type { Worker } from 'node:worker_threads'
import { StoreError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { startWorker } from '../../base/worker.ts'
import type { Unit, UnitResult, Value, Writer } from '../driver.ts'
import { Checkpointer } from './checkpointer.ts'
import { sqliteError } from './errors.ts'
import type { WriterLock } from './lock.ts'
import type { UnitReply, WriteReply, WriteRequest, WriteWorkerData } from './messages.ts'
import { toRows } from './rows.ts'

interface Waiting {
  readonly resolve: (reply: WriteReply) => void
  readonly reject: (error: StoreError) => void
}

const noRows: readonly never[] = []

/** Sends transactions to the write thread. */
export class SqliteWriter implements Writer {
  readonly #name: string
  readonly #lock: WriterLock
  readonly #worker: Worker
  readonly #checkpointer: Checkpointer
  /** Statements the thread knows, by id: later they are sent as a number. */
  readonly #sent = new Set<number>()
  #waiting: Waiting | null = null
  #exited: Promise<void>
  #broken: StoreError | null = null

  private constructor(data: WriteWorkerData, name: string, lock: WriterLock, log: Logger) {
    this.#checkpointer = new Checkpointer(data, log)
    this.#name = name
    this.#lock = lock
    this.#worker = startWorker(import.meta.url, './write-worker', { workerData: data, name: 'store-writer' })
    this.#worker.on('message', (reply: WriteReply) => {
      const waiting = this.#waiting
      this.#waiting = null
      waiting?.resolve(reply)
    })
    this.#worker.on('error', (error) => this.#break(error))
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#break(new Error('The thread ended.'))
        resolve()
      })
    })
  }

  /** Opens the file for writing; it is made when missing. Rejects with StoreError. */
  static async open(data: WriteWorkerData, name: string, lock: WriterLock, log: Logger): Promise<SqliteWriter> {
    const writer = new SqliteWriter(data, name, lock, log)
    const reply = await writer.#reply()
    if (reply.kind === 'ready') return writer
    await writer.#exited
    throw reply.kind === 'failed' ? sqliteError(name, reply.problem) : writer.#failure(new Error('An early answer.'))
  }

  async commit(units: readonly Unit[]): Promise<readonly (UnitResult | StoreError)[]> {
    if (this.#broken) throw this.#broken
    const request = this.#request(units)
    const replied = this.#reply()
    this.#worker.postMessage(request)
    const reply = await replied
    if (reply.kind === 'failed') throw sqliteError(this.#name, reply.problem)
    if (reply.kind === 'ready') throw this.#failure(new Error('An answer out of turn.'))
    this.#checkpointer.committed(units.length)
    return reply.units.map((unit) => this.#result(unit))
  }

  async close(): Promise<void> {
    await this.#checkpointer.close()
    this.#worker.postMessage('close')
    await this.#exited
    this.#lock.release()
  }

  /** One flat array: per unit the count of statements and its length, per statement id, count and parameters. */
  #request(units: readonly Unit[]): WriteRequest {
    const texts: [number, string][] = []
    const work: Value[] = []
    for (const unit of units) {
      work.push(unit.length, 0)
      const lengthAt = work.length - 1
      for (const { text, parameters } of unit) {
        if (!this.#sent.has(text.id)) {
          this.#sent.add(text.id)
          texts.push([text.id, text.sql])
        }
        work.push(text.id, parameters.length)
        for (const parameter of parameters) work.push(parameter)
      }
      work[lengthAt] = work.length - lengthAt - 1
    }
    return { texts, work }
  }

  #result(reply: UnitReply): UnitResult | StoreError {
    if (typeof reply === 'number') return { changes: reply, rows: noRows }
    if ('columns' in reply) return { changes: reply.rows.length, rows: toRows(reply) }
    return sqliteError(this.#name, reply)
  }

  #reply(): Promise<WriteReply> {
    return new Promise((resolve, reject) => {
      if (this.#broken) return reject(this.#broken)
      this.#waiting = { resolve, reject }
    })
  }

  /** A thread that died takes its transaction with it; nothing of it was kept. */
  #break(cause: Error): void {
    this.#broken ??= this.#failure(cause)
    this.#waiting?.reject(this.#broken)
    this.#waiting = null
  }

  #failure(cause: Error): StoreError {
    return new StoreError('store.failed', `The thread that writes ${this.#name} failed: ${cause.message}`, { cause })
  }
}
