import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { endedCall, endedLeg, sampleCall, sampleLeg } from '../../../test/support/call-samples.ts'
import { createTestDatabase, runSql, type TestDatabase } from '../../../test/support/databases.ts'
import { SystemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import { toCallRow, toLegRow } from '../call-rows.ts'
import { compileCallStatements } from '../call-statements.ts'
import { parseDatabaseUrl } from '../database-url.ts'
import type { Statement } from '../driver.ts'
import { Queries } from '../queries.ts'
import { openStore, type Store, type StoreOptions } from '../store.ts'

import { openPostgres } from './driver.ts'

/** Stands between the store and its server, and can cut the line. */
class Line {
  /** `silent`: the server hears us and we never hear it again. */
  state: 'up' | 'down' | 'silent' = 'up'
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #near = new Set<Socket>()
  #isAbandoning = false
  readonly #port: number
  #onAnswer: (() => void) | null = null

  private constructor(server: Server, port: number) {
    this.#server = server
    this.#port = port
  }

  static async open(url: string): Promise<Line> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const line = new Line(server, Number(new URL(url).port))
    server.on('connection', (near) => line.#join(near))
    return line
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Resolves when the server has answered something that was swallowed. */
  swallowed(): Promise<void> {
    this.state = 'silent'
    return new Promise((resolve) => {
      this.#onAnswer = resolve
    })
  }

  /** Cuts our side only: the server goes on waiting for a client that is gone. */
  abandon(): void {
    this.#isAbandoning = true
    for (const near of this.#near) near.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #join(near: Socket): void {
    if (this.state === 'down') return void near.destroy()
    const far = connect(this.#port, '127.0.0.1')
    this.#near.add(near)
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        this.#near.delete(near)
        if (!this.#isAbandoning) far.destroy()
        this.#sockets.delete(socket)
      })
    }
    near.on('data', (chunk) => far.write(chunk))
    far.on('data', (chunk) => {
      if (this.state === 'silent') return this.#onAnswer?.()
      near.write(chunk)
    })
  }
}

let database: TestDatabase
let line: Line
let store: Store | null
beforeEach(async () => {
  store = null
  database = await createTestDatabase('postgres')
  line = await Line.open(database.url)
})
afterEach(async () => {
  line.state = 'up'
  await store?.close()
  line.close()
  await database.remove()
})

async function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  const url = new URL(database.url)
  url.port = String(line.port)
  const { dataFolder } = database
  store = await openStore({ database: url.href, dataFolder, clock: new SystemClock(), log: silentLogger, ...options })
  return store
}

/** Ends the server's side of every connection of the store. */
async function endBackends(): Promise<void> {
  await runSql(
    database.url,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name like 'switchhook%'`,
  )
}

describe('a PostgreSQL database', () => {
  it('loses no write when the server ends its connections again and again', async () => {
    const opened = await open()
    const calls = Array.from({ length: 400 }, () => sampleCall())
    const closed: boolean[] = []
    let ends = 0
    for (let at = 0; at < calls.length; at += 100) {
      const part = calls.slice(at, at + 100)
      const writes = part.map(async (call) => {
        const leg = sampleLeg(call)
        await opened.records.open(call, leg)
        closed.push(await opened.records.close(endedCall(call), [endedLeg(leg)]))
      })
      await endBackends()
      ends++
      await Promise.all(writes)
    }
    expect(ends).toBe(4)
    expect(closed).toEqual(Array(400).fill(true))
    expect(await runSql(database.url, 'select count(*)::int as n from calls where ended_at is not null')).toEqual([
      { n: 400 },
    ])
    expect(await runSql(database.url, 'select count(*)::int as n from legs where packets_sent = 500')).toEqual([
      { n: 400 },
    ])
  })

  it('knows after a cut line that the last commit was kept, and does not write it twice', async () => {
    const opened = await open()
    const call = sampleCall()
    const leg = sampleLeg(call)
    await opened.records.open(call, leg)
    const swallowed = line.swallowed()
    const close = opened.records.close(endedCall(call), [endedLeg(leg)])
    await swallowed
    // The server has committed; we have not heard of it.
    line.state = 'up'
    line.cut()
    expect(await close).toBe(true)
    expect(await opened.records.close(endedCall(call, { cause: 'shutdown' }), [])).toBe(false)
    expect((await opened.calls.get(call.id))?.call).toEqual(endedCall(call))
  })

  it('queues writes up to its bound while the server is away, fails reads, and catches up', async () => {
    const opened = await open({ queue: { waitingUnits: 10 } })
    line.state = 'down'
    line.cut()
    const calls = Array.from({ length: 11 }, () => sampleCall())
    const [first, ...rest] = calls
    if (first === undefined) throw new Error('no call')
    const early = opened.records.open(first, sampleLeg(first))
    // It is under way, and the next ten wait behind it.
    while (opened.load.waiting > 0) await new Promise((resolve) => setImmediate(resolve))
    const writes = rest.map((call) => opened.records.open(call, sampleLeg(call)))
    const late = sampleCall()
    await expect(opened.records.open(late, sampleLeg(late))).rejects.toMatchObject({ code: 'store.overloaded' })
    await expect(opened.calls.count({})).rejects.toMatchObject({ code: 'store.unreachable', httpStatus: 500 })
    line.state = 'up'
    await Promise.all([early, ...writes])
    expect(await opened.calls.count({})).toBe(11)
  })

  it('gives up what still waits when it is closed and the server stays away', async () => {
    const opened = await open()
    line.state = 'down'
    line.cut()
    const call = sampleCall()
    const write = expect(opened.records.open(call, sampleLeg(call))).rejects.toMatchObject({ code: 'store.closed' })
    await opened.close(300)
    await write
  })

  it('refuses a second server on the same database, and lets it in when the first has gone', async () => {
    const first = await open()
    const second = openStore({
      database: database.url,
      dataFolder: database.dataFolder,
      clock: new SystemClock(),
      log: silentLogger,
    })
    const name = `the PostgreSQL database ${new URL(database.url).pathname.slice(1)} at 127.0.0.1`
    await expect(second).rejects.toMatchObject({
      code: 'store.in-use',
      message: expect.stringContaining(`is already using ${name}`) as string,
    })
    await first.close()
    await open()
  })

  it('takes its lock back from a connection that was cut off without a word', async () => {
    const opened = await open()
    const call = sampleCall()
    await opened.records.open(call, sampleLeg(call))
    const holder = `select pid from pg_locks where locktype = 'advisory' and database =
      (select oid from pg_database where datname = current_database())`
    const [before] = await runSql(database.url, holder)
    // The server goes on holding the lock for a client that is gone.
    line.abandon()
    const next = sampleCall()
    await opened.records.open(next, sampleLeg(next))
    const [after] = await runSql(database.url, holder)
    expect(after?.['pid']).not.toBe(before?.['pid'])
    expect(await opened.calls.count({})).toBe(2)
  })

  it('says at the start why it cannot be used, and never its password', async () => {
    const wrong = new URL(database.url)
    wrong.password = 'open-sesame'
    const refused = open({ database: wrong.href })
    await expect(refused).rejects.toMatchObject({ code: 'store.refused', facts: { databaseCode: '28P01' } })
    await refused.catch((error: unknown) => expect(JSON.stringify(error) + String(error)).not.toContain('open-sesame'))
    const missing = new URL(database.url)
    missing.pathname = '/not_there'
    await expect(open({ database: missing.href })).rejects.toMatchObject({ code: 'store.refused' })
    line.close()
    await expect(open()).rejects.toMatchObject({
      code: 'store.unreachable',
      message: expect.stringMatching(/^The PostgreSQL database .* at 127\.0\.0\.1:\d+ cannot be reached\.$/) as string,
    })
  })

  it('finds the call to close by its key, also while it has no statistics of its tables', async () => {
    await open()
    const call = { ...toCallRow(sampleCall()) }
    const leg = { ...toLegRow(sampleLeg(sampleCall())) }
    const { closeCall, closeLeg } = compileCallStatements(new Queries('postgres'))
    for (const { text } of [closeCall(call), closeLeg(leg)]) {
      const plan = JSON.stringify(await runSql(database.url, `explain (generic_plan) ${text.sql}`))
      expect(plan).toContain('calls_pkey')
      expect(plan).not.toContain('calls_open')
      expect(plan).not.toContain('Seq Scan')
    }
  })

  it('cannot be written through its reader, and is never left inside a transaction', async () => {
    const url = parseDatabaseUrl(database.url)
    if (url.dialect !== 'postgres') throw new Error('not PostgreSQL')
    const driver = await openPostgres({ ...url, clock: new SystemClock(), log: silentLogger })
    try {
      await driver.writer.commit([[statement('create table t (v text)')]])
      await expect(driver.reader.read("insert into t values ('x')", [])).rejects.toMatchObject({
        code: 'store.not-writable',
      })
      const failed = await driver.writer.commit([
        [statement("insert into t values ('y')")],
        [statement('insert into nowhere values (1)')],
      ])
      expect(failed).toMatchObject([{ changes: 1 }, { code: 'store.failed', facts: { databaseCode: '42P01' } }])
      expect(await driver.reader.read('select v from t', [])).toEqual([{ v: 'y' }])
      const idle =
        "select count(*)::int as n from pg_stat_activity where datname = current_database() and state like 'idle in%'"
      expect(await runSql(database.url, idle)).toEqual([{ n: 0 }])
    } finally {
      await driver.reader.close()
      await driver.writer.close()
    }
    await expect(driver.reader.read('select 1', [])).rejects.toMatchObject({ code: 'store.closed' })
  })
})

let nextId = 0

function statement(sql: string): Statement {
  return { text: { id: nextId++, sql, isReturning: false }, parameters: [], size: 0 }
}
