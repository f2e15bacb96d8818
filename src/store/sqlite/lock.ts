import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { StoreError } from '../../base/errors.ts'
import { openDatabase } from './binding.ts'

/** Held by the only process that may write. */
export interface WriterLock {
  release(): void
}

/**
 * Takes the lock that keeps a second Switchhook from writing to the same file. It is the exclusive lock of an empty
 * SQLite file beside the database: the operating system lets go of it when the process ends, however it ends, so no
 * stale lock can stay behind. A text file beside it names the process, for the sentence only.
 * Throws StoreError `store.in-use`, or what SQLite throws when the lock file cannot be made.
 */
export function takeWriterLock(file: string, name: string): WriterLock {
  const lockFile = `${file}.lock`
  const ownerFile = `${file}.owner`
  const lock = openDatabase(lockFile, { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (thrown) {
    lock.close()
    if (!String(thrown instanceof Error && 'code' in thrown ? thrown.code : '').startsWith('SQLITE_BUSY')) throw thrown
    const owner = readOwner(ownerFile)
    const who = owner === null ? 'Another process' : `Process ${owner}`
    throw new StoreError('store.in-use', `${who} is already using ${name}; two servers cannot share it.`, {
      facts: { database: name, process: owner },
    })
  }
  chmodSync(lockFile, 0o600)
  writeFileSync(ownerFile, `${process.pid}\n`, { mode: 0o600 })
  return {
    release: () => {
      rmSync(ownerFile, { force: true })
      lock.close()
    },
  }
}

function readOwner(ownerFile: string): number | null {
  try {
    const pid = Number(readFileSync(ownerFile, 'utf8'))
    return Number.isInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null
  }
}
