import { type Clock, delay } from '../../base/clock.ts'
import { StoreError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Statement, Unit, UnitResult, Writer } from '../driver.ts'
import { isConnectionLost, postgresError } from './errors.ts'
import { Session } from './session.ts'

export interface PostgresWriterOptions {
  readonly url: string
  readonly name: string
  readonly clock: Clock
  readonly log: Logger
}

/** Waits between attempts to connect again. */
const firstBackoffMs = 100
const longestBackoffMs = 5000
/** A commit without an answer for so long means a line that swallows packets. */
const commitDeadlineMs = 30_000

/** Not one of the program's texts, so outside their numbering. */
const markerText = {
  id: -1,
  sql: 'insert into writer_marker (id, batch) values (1, $1) on conflict (id) do update set batch = excluded.batch',
  isReturning: false,
}

/**
 * Writes through one connection that holds the writer's lock. When the connection is lost the transaction under way
 * waits for the next one; a marker written with it tells whether it was kept after all, so nothing is written twice.
 */
export class PostgresWriter implements Writer {
  readonly #options: PostgresWriterOptions
  readonly #closing = new AbortController()
  /** Starts every batch name of this process; the names before it in the database belong to another. */
  readonly #series: string
  #session: Session
  #batches = 0

  private constructor(options: PostgresWriterOptions, session: Session) {
    this.#options = options
    this.#session = session
    this.#series = `${session.pid ?? 0}-${options.clock.wallTime()}`
  }

  /** Rejects with StoreError when the database cannot be reached or is in use. */
  static async open(options: PostgresWriterOptions): Promise<PostgresWriter> {
    try {
      return new PostgresWriter(options, await Session.connect(options.url, options.name, null))
    } catch (thrown) {
      throw thrown instanceof StoreError ? thrown : postgresError(options.name, thrown, 'unreachable')
    }
  }

  async commit(units: readonly Unit[]): Promise<readonly (UnitResult | StoreError)[]> {
    const batch = `${this.#series}-${this.#batches++}`
    for (let isRepeated = false; ; isRepeated = true) {
      const session = await this.#connected()
      try {
        if (isRepeated && (await session.lastBatch()) === batch) return units.map(() => ({ changes: null, rows: [] }))
        return await this.#withDeadline(session, this.#commitOn(session, units, batch))
      } catch (thrown) {
        if (!session.isLost && !isConnectionLost(thrown)) throw postgresError(this.#options.name, thrown)
        this.#options.log.warn({ err: toError(thrown) }, 'the connection to the database was lost')
        await session.end().catch(() => {})
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new StoreError('store.closed', 'The store was closed while its database could not be reached.'))
    await this.#session.end().catch(() => {})
  }

  /** All at once; only when something in it fails, unit by unit. */
  async #commitOn(
    session: Session,
    units: readonly Unit[],
    batch: string,
  ): Promise<readonly (UnitResult | StoreError)[]> {
    const marker: Statement = { text: markerText, parameters: [batch], size: 0 }
    try {
      const results = await session.run([...units.flat(), marker])
      let last = -1
      return units.map((unit) => results[(last += unit.length)] ?? this.#missing())
    } catch (thrown) {
      if (session.isLost || isConnectionLost(thrown)) throw thrown
      await session.forgetPrepared()
      return this.#commitApart(session, units, marker)
    }
  }

  async #commitApart(
    session: Session,
    units: readonly Unit[],
    marker: Statement,
  ): Promise<readonly (UnitResult | StoreError)[]> {
    const results: (UnitResult | StoreError)[] = []
    await session.command('begin')
    try {
      for (const unit of units) {
        await session.command('savepoint unit')
        try {
          results.push((await session.runPlain(unit)).at(-1) ?? this.#missing())
        } catch (thrown) {
          if (session.isLost || isConnectionLost(thrown)) throw thrown
          results.push(postgresError(this.#options.name, thrown))
          await session.command('rollback to savepoint unit')
        }
        await session.command('release savepoint unit')
      }
      await session.runPlain([marker])
      await session.command('commit')
    } catch (thrown) {
      if (!session.isLost) await session.command('rollback').catch(() => {})
      throw thrown
    }
    return results
  }

  #missing(): StoreError {
    return new StoreError('store.failed', `${this.#options.name} gave no result for a write.`)
  }

  async #withDeadline<Result>(session: Session, result: Promise<Result>): Promise<Result> {
    const cancel = this.#options.clock.after(commitDeadlineMs, () => {
      this.#options.log.warn(
        { deadlineMs: commitDeadlineMs },
        'the database does not answer; its connection is given up',
      )
      // What was under way hears that the connection is gone.
      session.end().catch(() => {})
    })
    try {
      return await result
    } finally {
      cancel()
    }
  }

  /** Resolves with a live session, however long it takes. Rejects only when closed. */
  async #connected(): Promise<Session> {
    const { clock, log, name, url } = this.#options
    for (let backoffMs = firstBackoffMs; ; backoffMs = Math.min(backoffMs * 2, longestBackoffMs)) {
      this.#closing.signal.throwIfAborted()
      if (!this.#session.isLost) return this.#session
      try {
        const session = await Session.connect(url, name, this.#session.pid)
        this.#session = session
        if (this.#closing.signal.aborted) await session.end()
        else log.info({ database: name }, 'connected to the database again')
      } catch (thrown) {
        log.error({ err: toError(thrown), database: name, backoffMs }, 'the database cannot be reached; writes wait')
        await delay(clock, backoffMs, this.#closing.signal)
      }
    }
  }
}
