import type { Compilable, CompiledQuery } from 'kysely'
import type { Driver, Statement, UnitResult } from './driver.ts'
import { Queries, toValue } from './queries.ts'
import type { WriteQueue } from './write-queue.ts'

/** What the repositories work with: SQL is written by `queries`, written through one queue, read beside it. */
export class Database {
  readonly queries: Queries
  readonly queue: WriteQueue
  readonly #driver: Driver

  constructor(driver: Driver, queue: WriteQueue) {
    this.#driver = driver
    this.queue = queue
    this.queries = new Queries(driver.dialect)
  }

  /** One unit: all of the statements or none. Resolves when committed. Rejects with StoreError. */
  write(...unit: readonly Statement[]): Promise<UnitResult> {
    return this.queue.write(unit)
  }

  /** Rejects with StoreError. */
  async read<Output>(query: Compilable<Output>): Promise<readonly Output[]> {
    const compiled: CompiledQuery<Output> = query.compile()
    const rows = await this.#driver.reader.read(compiled.sql, compiled.parameters.map(toValue))
    // The compiled query carries the type of its rows; both drivers return columns under their own names.
    return rows as readonly unknown[] as readonly Output[]
  }
}
