import { Client } from 'pg'
import type { Statement, UnitResult } from '../driver.ts'
import { takeWriterLock } from './lock.ts'
import { Pipeline } from './pipeline.ts'
import { typeParsers } from './rows.ts'

/** One connection for writing, with the writer's lock, for as long as it lasts. */
export class Session {
  /** The server's process that serves it. */
  readonly pid: number | null
  readonly #client: Client
  readonly #parsed = new Set<number>()
  #isLost = false

  private constructor(client: Client, pid: number | null) {
    this.#client = client
    this.pid = pid
    const lost = (): void => {
      this.#isLost = true
    }
    client.on('error', lost)
    client.on('end', lost)
  }

  /**
   * @param ownPid - the process of the session before, see `takeWriterLock`.
   * Throws StoreError `store.in-use`; else what pg throws.
   */
  static async connect(url: string, name: string, ownPid: number | null): Promise<Session> {
    const client = new Client({
      connectionString: url,
      application_name: 'switchhook',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      types: typeParsers,
    })
    // Every query hears of a lost connection too; without a listener an idle one would end the process.
    client.on('error', () => {})
    await client.connect()
    try {
      await takeWriterLock(client, name, ownPid)
      // One row that each commit overwrites: after a lost connection it tells whether the last one was kept.
      await client.query('create table if not exists writer_marker (id integer primary key, batch text not null)')
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      return new Session(client, rows[0]?.pid ?? null)
    } catch (thrown) {
      await client.end()
      throw thrown
    }
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** All of the statements in one transaction and one round trip. */
  run(statements: readonly Statement[]): Promise<readonly UnitResult[]> {
    return this.#client.query(new Pipeline(statements, this.#parsed)).done
  }

  /** As `run`, with nothing prepared; inside an explicit transaction block it is a part of that. */
  runPlain(statements: readonly Statement[]): Promise<readonly UnitResult[]> {
    return this.#client.query(new Pipeline(statements, null)).done
  }

  async command(sql: string): Promise<void> {
    await this.#client.query(sql)
  }

  /** After a pipeline that failed nobody knows which of its statements were prepared. */
  async forgetPrepared(): Promise<void> {
    this.#parsed.clear()
    await this.#client.query('deallocate all')
  }

  async lastBatch(): Promise<string | null> {
    const { rows } = await this.#client.query<{ batch: string }>('select batch from writer_marker where id = 1')
    return rows[0]?.batch ?? null
  }

  /** Ends it at once, whatever is under way. */
  async end(): Promise<void> {
    await this.#client.end()
  }
}
