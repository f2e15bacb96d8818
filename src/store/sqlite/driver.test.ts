import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sampleCall, sampleEvents, sampleLeg } from '../../../test/support/call-samples.ts'
import { createTestDatabase, type TestDatabase } from '../../../test/support/databases.ts'
import { settle, TestClock } from '../../../test/support/test-clock.ts'
import type { CallId } from '../../base/ids.ts'
import { silentLogger } from '../../base/log.ts'
import type { Statement, Value } from '../driver.ts'
import { openStore, type Store, type StoreOptions } from '../store.ts'
import { openDatabase } from './binding.ts'
import { openSqlite } from './driver.ts'

let database: TestDatabase
let file: string
beforeEach(async () => {
  database = await createTestDatabase('sqlite')
  file = database.url.slice('sqlite:'.length)
})
afterEach(() => database?.remove())

function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  const { url, dataFolder } = database
  return openStore({ database: url, dataFolder, clock: new TestClock(), log: silentLogger, ...options })
}

function startChild(mode: 'write' | 'hold'): ChildProcess {
  const script = fileURLToPath(new URL('../../../test/support/crash-writer.ts', import.meta.url))
  const parameters = ['--import', import.meta.resolve('tsx'), script, database.url, database.dataFolder, mode]
  return spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Resolves with all that the child printed once it printed `lines` lines. */
async function printed(child: ChildProcess, lines: number): Promise<() => readonly string[]> {
  let text = ''
  const complete = (): readonly string[] =>
    text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1)
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (complete().length >= lines) resolve()
    })
    child.once('exit', () => reject(new Error('The child ended early.')))
  })
  return complete
}

function statement(id: number, sql: string, ...parameters: Value[]): Statement {
  return { text: { id, sql, isReturning: false }, parameters, size: 0 }
}

describe('a SQLite database', () => {
  it('is made with its folders, for its owner only, in write-ahead mode', async () => {
    file = join(database.dataFolder, 'deep', 'er', 'calls.db')
    const store = await open({ database: `sqlite:${file}` })
    const call = sampleCall()
    await store.records.open(call, sampleLeg(call))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600)
    expect(store.name).toBe(`the database ${file}`)
    await store.close()
    expect(existsSync(`${file}-wal`)).toBe(false)
    const reader = openDatabase(file, { readonly: true })
    expect(reader.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(reader.prepare('select count(*) from calls').pluck().get()).toBe(1)
    reader.close()
  })

  it('keeps every acknowledged write when the process is killed', async () => {
    const child = startChild('write')
    const lines = await printed(child, 500)
    child.kill('SIGKILL')
    await once(child, 'close')
    const acknowledged = lines().slice(1) as CallId[]
    expect(acknowledged.length).toBeGreaterThanOrEqual(499)

    const store = await open()
    for (const id of acknowledged) {
      const found = await store.calls.get(id)
      expect(found?.legs).toHaveLength(1)
      expect(found?.journal).toHaveLength(5)
    }
    const { calls } = await store.recoverInterrupted(Number.MAX_SAFE_INTEGER)
    expect(calls).toBeGreaterThanOrEqual(acknowledged.length)
    expect(await store.calls.count({ state: 'open' })).toBe(0)
    await store.close()
    const whole = openDatabase(file, { readonly: true })
    expect(whole.pragma('integrity_check', { simple: true })).toBe('ok')
    whole.close()
  })

  it('refuses a second server on the same file by name, and lets it in when the first has gone, however it went', async () => {
    const child = startChild('hold')
    await printed(child, 1)
    await expect(open()).rejects.toMatchObject({
      code: 'store.in-use',
      message: `Process ${child.pid} is already using the database ${file}; two servers cannot share it.`,
    })
    child.kill('SIGKILL')
    await once(child, 'close')
    const store = await open()
    await expect(open()).rejects.toMatchObject({
      code: 'store.in-use',
      message: `Process ${process.pid} is already using the database ${file}; two servers cannot share it.`,
    })
    await store.close()
    await (await open()).close()
  })

  it('says so when the file is no database or is damaged', async () => {
    writeFileSync(file, 'This was a letter to my aunt. '.repeat(400))
    await expect(open()).rejects.toMatchObject({
      code: 'store.corrupted',
      message: `The database ${file} is damaged or is no database.`,
      facts: { databaseCode: 'SQLITE_NOTADB' },
    })
    // The failed start lets go of its lock.
    writeFileSync(file, '')
    const store = await open()
    const call = sampleCall()
    await store.records.open(call, sampleLeg(call))
    await store.close()
    const bytes = readFileSync(file)
    bytes.fill(0xab, 4096)
    writeFileSync(file, bytes)
    await expect(open()).rejects.toMatchObject({ code: 'store.corrupted' })
  })

  it('says so when the file cannot be made', async () => {
    await expect(open({ database: `sqlite:${database.dataFolder}` })).rejects.toMatchObject({
      code: 'store.not-writable',
    })
    writeFileSync(file, 'x')
    await expect(open({ database: `sqlite:${file}/below/it.db` })).rejects.toMatchObject({ code: 'store.not-writable' })
    await expect(open({ dataFolder: `${file}/below` })).rejects.toMatchObject({ code: 'store.not-writable' })
  })

  it('waits while another program holds the file for a moment', async () => {
    const store = await open()
    const other = openDatabase(file, {})
    other.exec('BEGIN IMMEDIATE')
    const call = sampleCall()
    const write = store.records.open(call, sampleLeg(call))
    await settle(20)
    other.exec('COMMIT')
    other.close()
    await write
    expect(await store.calls.get(call.id)).not.toBeNull()
    await store.close()
  })

  it('answers reads while a transaction is open elsewhere', async () => {
    const store = await open()
    const other = openDatabase(file, {})
    other.exec('BEGIN IMMEDIATE')
    expect(await store.calls.count({})).toBe(0)
    other.exec('COMMIT')
    other.close()
    await store.close()
  })

  it('fails the writes for which the disk has no room, with a sentence, and goes on when there is room again', async () => {
    const driver = await openSqlite({ file, synchronous: 'NORMAL', log: silentLogger })
    const insert = (value: string): readonly Statement[] => [statement(3, 'insert into t values (?)', value)]
    await driver.writer.commit([
      [statement(0, 'create table t (v text)')],
      [statement(1, 'pragma max_page_count = 20')],
    ])
    const results = await driver.writer.commit([insert('small'), insert('x'.repeat(200_000)), insert('small')])
    expect(results[0]).toMatchObject({ changes: 1 })
    expect(results[1]).toMatchObject({
      code: 'store.disk-full',
      message: `The disk that holds the database ${file} is full.`,
      facts: { databaseCode: 'SQLITE_FULL' },
    })
    expect(results[2]).toMatchObject({ changes: 1 })
    await driver.writer.commit([[statement(2, 'pragma max_page_count = 100000')]])
    expect(await driver.writer.commit([insert('x'.repeat(200_000))])).toMatchObject([{ changes: 1 }])
    expect(await driver.reader.read('select count(*) as n from t', [])).toEqual([{ n: 3 }])
    await driver.reader.close()
    await driver.writer.close()
  })

  it('cannot be written through its reader', async () => {
    const driver = await openSqlite({ file, synchronous: 'FULL', log: silentLogger })
    await driver.writer.commit([[statement(0, 'create table t (v text)')]])
    await expect(driver.reader.read("insert into t values ('x') returning v", [])).rejects.toMatchObject({
      code: 'store.not-writable',
    })
    await expect(driver.reader.read('select nothing from nowhere', [])).rejects.toMatchObject({ code: 'store.failed' })
    await driver.reader.close()
    await expect(driver.reader.read('select 1', [])).rejects.toMatchObject({ code: 'store.closed' })
    await driver.writer.close()
  })

  it('folds its log in while it is written to', async () => {
    const store = await open()
    const before = statSync(file).size
    for (let round = 0; round < 5; round++) {
      const calls = Array.from({ length: 500 }, () => sampleCall())
      await Promise.all(calls.map((call) => store.records.open(call, sampleLeg(call))))
      await Promise.all(calls.map((call) => store.records.appendJournal(call.id, 0, sampleEvents(10, call.startedAt))))
    }
    await store.close()
    expect(statSync(file).size).toBeGreaterThan(before)
    expect(existsSync(`${file}-wal`)).toBe(false)
  })

  it('writes what waits before it closes, and refuses what comes later', async () => {
    const store = await open()
    const calls = Array.from({ length: 200 }, () => sampleCall())
    const writes = calls.map((call) => store.records.open(call, sampleLeg(call)))
    await Promise.all([store.close(), store.close()])
    await Promise.all(writes)
    const late = sampleCall()
    await expect(store.records.open(late, sampleLeg(late))).rejects.toMatchObject({ code: 'store.closed' })
    await expect(store.calls.get(late.id)).rejects.toMatchObject({ code: 'store.closed' })
    const again = await open()
    expect(await again.calls.count({})).toBe(200)
    await again.close()
  })
})
