import { Pool } from 'pg'
import { StoreError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Reader, Row, Value } from '../driver.ts'
import { postgresError } from './errors.ts'
import { toText, typeParsers } from './rows.ts'

/** Reads that may wait for a connection. */
const maxWaiting = 1000

/** Reads over a few connections of their own, which cannot write. */
export class PostgresReader implements Reader {
  readonly #name: string
  readonly #pool: Pool
  #isClosed = false

  constructor(options: { readonly url: string; readonly name: string; readonly log: Logger }) {
    this.#name = options.name
    this.#pool = new Pool({
      connectionString: options.url,
      application_name: 'switchhook reads',
      max: 4,
      connectionTimeoutMillis: 5000,
      statement_timeout: 30_000,
      keepAlive: true,
      types: typeParsers,
      options: '-c default_transaction_read_only=on',
    })
    // A connection that dies while idle is replaced by the next read; without a listener it would end the process.
    this.#pool.on('error', (error) => options.log.warn({ err: error }, 'an idle connection to the database was lost'))
  }

  async read(sql: string, parameters: readonly Value[]): Promise<readonly Row[]> {
    if (this.#isClosed) throw new StoreError('store.closed', 'The store is closed: nothing more is read.')
    if (this.#pool.waitingCount >= maxWaiting) {
      throw new StoreError('store.overloaded', `The database does not keep up: ${maxWaiting} reads wait for it.`)
    }
    try {
      return (await this.#pool.query<Row>(sql, parameters.map(toText))).rows
    } catch (thrown) {
      throw postgresError(this.#name, thrown, 'unreachable')
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pool.end()
  }
}
