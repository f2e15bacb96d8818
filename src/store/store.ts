import { mkdir } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { CallRecords } from '../call/records.ts'
import { Bindings } from './bindings.ts'
import { CallQueries } from './call-queries.ts'
import { defaultJournalLimits, type JournalLimits, StoredCallRecords } from './call-records.ts'
import { Database } from './database.ts'
import { parseDatabaseUrl } from './database-url.ts'
import { Documents } from './documents.ts'
import type { Dialect, Driver } from './driver.ts'
import { ExtensionCalls } from './extension-calls.ts'
import { Heartbeat } from './heartbeat.ts'
import { Ledger } from './ledger.ts'
import { Meta } from './meta.ts'
import { migrations as allMigrations } from './migrations/index.ts'
import { migrate } from './migrations/migrate.ts'
import type { Migration } from './migrations/migration.ts'
import { Outbox } from './outbox.ts'
import { openPostgres } from './postgres/driver.ts'
import { Recordings } from './recordings.ts'
import { type Recovered, recoverInterrupted } from './recovery.ts'
import { Retention } from './retention.ts'
import { openSqlite } from './sqlite/driver.ts'
import { callsPerDay, type DayStatistics, type StatisticsRequest } from './statistics.ts'
import { storeError } from './store-errors.ts'
import { Voicemail } from './voicemail.ts'
import { type WriteLoad, WriteQueue, type WriteQueueLimits } from './write-queue.ts'

export interface StoreOptions {
  /** `sqlite:PATH` or `postgres://user:password@host:port/database`. */
  readonly database: string
  readonly clock: Clock
  readonly log: Logger
  /** The folder that recordings' `file` is relative to; made when missing. */
  readonly dataFolder: string
  /** SQLite only: FULL survives a loss of power too, at a price per transaction. NORMAL where absent. */
  readonly synchronous?: 'NORMAL' | 'FULL'
  readonly queue?: Partial<WriteQueueLimits>
  readonly journal?: Partial<JournalLimits>
  /** For tests of the migrations themselves. */
  readonly migrations?: readonly Migration[]
}

/** Everything that is kept. One per process and database. */
export interface Store {
  readonly dialect: Dialect
  /** For sentences and logs; never with a password. */
  readonly name: string
  /** What the call core writes. */
  readonly records: CallRecords
  /** Lists, details and exports of calls. */
  readonly calls: CallQueries
  /** Closed calls by extension. */
  readonly extensionCalls: ExtensionCalls
  readonly recordings: Recordings
  readonly bindings: Bindings
  readonly documents: Documents
  readonly meta: Meta
  /** Events that are owed to receivers outside. */
  readonly outbox: Outbox
  readonly voicemail: Voicemail
  /** What customers of published APIs are shown of their calls. */
  readonly ledger: Ledger
  readonly retention: Retention
  /** Rejects with ParseError `store.range`, StoreError. */
  callsPerDay(request: StatisticsRequest): Promise<readonly DayStatistics[]>
  /** Closes what the server before this one left open; call it once, before the first call. See `recovery.ts`. */
  recoverInterrupted(startedBefore: number): Promise<Recovered>
  /** For metrics. */
  readonly load: WriteLoad
  /** For readiness: a write and a read went through. Rejects with StoreError. */
  check(): Promise<void>
  /**
   * Takes no more writes, waits for those that wait to be committed, and lets go of the database.
   * @param deadlineMs - how long an unreachable database is waited for; what still waits then is rejected. 10 s where absent.
   */
  close(deadlineMs?: number): Promise<void>
}

/**
 * Opens the database, brings its schema up to date and takes the lock of its only writer.
 * Rejects with ConfigError `store.database-setting`, and StoreError: `store.in-use`, `store.schema-newer`,
 * `store.migration-failed`, `store.unreachable`, `store.refused`, `store.corrupted`, `store.not-writable` …
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const driver = await openDriver(options)
  const queue = new WriteQueue(driver.writer, options.log, options.queue)
  try {
    return await prepareStore(options, driver, queue)
  } catch (thrown) {
    queue.close()
    await closeDriver(driver, options.log)
    throw thrown
  }
}

async function openDriver({ database, clock, log, dataFolder, synchronous }: StoreOptions): Promise<Driver> {
  const url = parseDatabaseUrl(database)
  await mkdir(dataFolder, { recursive: true }).catch((cause: unknown) => {
    throw storeError('not-writable', `the data folder ${dataFolder}`, { code: null, cause })
  })
  return url.dialect === 'sqlite'
    ? openSqlite({ file: url.file, synchronous: synchronous ?? 'NORMAL', log })
    : openPostgres({ url: url.url, name: url.name, clock, log })
}

async function prepareStore(options: StoreOptions, driver: Driver, queue: WriteQueue): Promise<Store> {
  const { clock, log } = options
  const database = new Database(driver, queue)
  await migrate(database, options.migrations ?? allMigrations, { clock, log })
  const meta = new Meta(database)
  const heartbeat = new Heartbeat(meta, clock, log)
  const lastAliveAt = await heartbeat.last()
  heartbeat.start()

  let closing: Promise<void> | null = null
  const close = async (deadlineMs: number): Promise<void> => {
    heartbeat.stop()
    queue.close()
    const cancel = clock.after(deadlineMs, () => {
      log.error({ ...queue.load }, 'the database did not take the last writes in time')
      void driver.writer.close()
    })
    await queue.drained()
    cancel()
    await closeDriver(driver, log)
  }

  return {
    dialect: driver.dialect,
    name: driver.name,
    records: new StoredCallRecords(database, { ...defaultJournalLimits, ...options.journal }),
    calls: new CallQueries(database, clock),
    extensionCalls: new ExtensionCalls(database),
    recordings: new Recordings(database),
    bindings: new Bindings(database, clock),
    documents: new Documents(database, clock),
    meta,
    outbox: new Outbox(database, clock),
    voicemail: new Voicemail(database),
    ledger: new Ledger(database),
    retention: new Retention(database),
    callsPerDay: (request) => callsPerDay(database, request),
    recoverInterrupted: (startedBefore) => recoverInterrupted(database, startedBefore, lastAliveAt),
    get load() {
      return queue.load
    },
    check: async () => {
      await meta.set('store.checkedAt', String(clock.wallTime()))
      await meta.get('store.checkedAt')
    },
    close: (deadlineMs = 10_000) => (closing ??= close(deadlineMs)),
  }
}

async function closeDriver(driver: Driver, log: Logger): Promise<void> {
  for (const part of [driver.reader, driver.writer]) {
    await part.close().catch((thrown: unknown) => {
      log.warn({ err: toError(thrown), database: driver.name }, 'the database could not be closed cleanly')
    })
  }
}
