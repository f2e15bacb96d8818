import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { delay, SystemClock } from '../../src/base/clock.ts'

export type DatabaseKind = 'sqlite' | 'postgres'

/** For `describe.each`: every suite of the store runs on both. */
export const databaseKinds: readonly DatabaseKind[] = ['sqlite', 'postgres']

export interface TestDatabase {
  /** For the setting `database`. */
  readonly url: string
  /** A folder of its own, empty. */
  readonly dataFolder: string
  /** Removes both. */
  remove(): Promise<void>
}

/** A new, empty database: a SQLite file, or a database in the PostgreSQL server that all tests of the run share. */
export async function createTestDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'switchhook-test-'))
  const removeFolder = (): void => rmSync(dataFolder, { recursive: true, force: true })
  if (kind === 'sqlite') {
    return { url: `sqlite:${join(dataFolder, 'test.db')}`, dataFolder, remove: async () => removeFolder() }
  }
  const server = await postgresUrl()
  const name = `test_${randomBytes(8).toString('hex')}`
  await runSql(`${server}postgres`, `create database ${name}`)
  return {
    url: `${server}${name}`,
    dataFolder,
    remove: async () => {
      removeFolder()
      await runSql(`${server}postgres`, `drop database if exists ${name} with (force)`)
    },
  }
}

/** Runs one statement on a connection of its own. */
export async function runSql(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

let url: Promise<string> | null = null

/**
 * The address of the shared server, with a slash at its end. The first test that asks starts it; a keeper process of its own
 * stops it and removes its files when the test run is over, however that ends. Rejects with the reason it cannot run.
 */
export function postgresUrl(): Promise<string> {
  url ??= findOrStart()
  return url
}

/** Starting includes making the cluster: a second on a quiet machine. */
const startDeadlineMs = 50_000

async function findOrStart(): Promise<string> {
  // Test files run in processes of their own; what they share is the runner, their parent.
  const owner = process.env['VITEST'] === undefined ? process.pid : process.ppid
  const folder = join(sharedFolder(), `switchhook-postgres-${owner}`)
  if (claim(folder)) startKeeper(folder, owner)
  const clock = new SystemClock()
  for (const startedAt = clock.now(); clock.now() - startedAt < startDeadlineMs; await delay(clock, 25)) {
    const ready = join(folder, 'ready.json')
    if (existsSync(ready)) return (JSON.parse(readFileSync(ready, 'utf8')) as { url: string }).url
    const failed = join(folder, 'failed.txt')
    if (existsSync(failed)) throw new Error(`PostgreSQL for the tests cannot run: ${readFileSync(failed, 'utf8')}`)
  }
  throw new Error(`PostgreSQL for the tests did not start within ${startDeadlineMs} ms; see ${folder}/keeper.log`)
}

/** A folder for temporary files that the user which runs PostgreSQL can pass through, root's own being closed to it. */
function sharedFolder(): string {
  const isOpen = (path: string): boolean =>
    (statSync(path).mode & 1) === 1 && (dirname(path) === path || isOpen(dirname(path)))
  return [tmpdir(), '/tmp', '/var/tmp'].find((path) => existsSync(path) && isOpen(path)) ?? tmpdir()
}

/** True for the one caller that made the folder. */
function claim(folder: string): boolean {
  try {
    mkdirSync(folder)
    chmodSync(folder, 0o755)
    return true
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST') return false
    throw thrown
  }
}

function startKeeper(folder: string, owner: number): void {
  const script = fileURLToPath(new URL('./postgres-server.ts', import.meta.url))
  const log = openSync(join(folder, 'keeper.log'), 'a')
  const parameters = ['--import', import.meta.resolve('tsx'), script, folder, String(owner)]
  spawn(process.execPath, parameters, { detached: true, stdio: ['ignore', log, log] }).unref()
}
