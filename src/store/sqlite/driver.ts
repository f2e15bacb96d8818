import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { StoreError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Driver } from '../driver.ts'
import { sqliteError, toProblem } from './errors.ts'
import { takeWriterLock } from './lock.ts'
import { SqliteReader } from './reader.ts'
import { SqliteWriter } from './writer.ts'

export interface SqliteOptions {
  /** The path from the setting; relative to the working directory. */
  readonly file: string
  /** NORMAL keeps every acknowledged write when the process dies; FULL also when the machine loses power. */
  readonly synchronous: 'NORMAL' | 'FULL'
  readonly log: Logger
}

/** Opens a SQLite file with one thread that writes and one that reads. Rejects with StoreError. */
export async function openSqlite(options: SqliteOptions): Promise<Driver> {
  const file = resolve(options.file)
  const name = `the database ${options.file}`
  try {
    await mkdir(dirname(file), { recursive: true })
    // Made here so that SQLite's own files beside it take over its mode: call records are private.
    await (await open(file, 'a', 0o600)).close()
    const lock = takeWriterLock(file, name)
    try {
      const writer = await SqliteWriter.open({ file, synchronous: options.synchronous }, name, lock, options.log)
      return { dialect: 'sqlite', name, writer, reader: new SqliteReader({ file }, name) }
    } catch (thrown) {
      lock.release()
      throw thrown
    }
  } catch (thrown) {
    throw thrown instanceof StoreError ? thrown : sqliteError(name, toProblem(thrown))
  }
}
