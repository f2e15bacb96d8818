import { parentPort, workerData } from 'node:worker_threads'
import type BetterSqlite3 from 'better-sqlite3'
import { assert } from '../../base/errors.ts'
import { openDatabase } from './binding.ts'
import type { CheckpointReply, WriteWorkerData } from './messages.ts'

/**
 * The thread that folds the write-ahead log into the database while the writer goes on: a passive checkpoint waits for
 * nobody and nobody waits for it. Done by the writer it would hold up every acknowledgement for the time of an fsync.
 */
assert(parentPort, 'The checkpoint worker runs as a thread only.')
const port = parentPort
const { file, synchronous } = workerData as WriteWorkerData

let db: BetterSqlite3.Database | null = null

port.on('message', (request: 'checkpoint' | 'close') => {
  if (request === 'close') {
    db?.close()
    return port.close()
  }
  try {
    if (db === null) {
      db = openDatabase(file, { fileMustExist: true, timeout: 0 })
      db.pragma(`synchronous = ${synchronous}`)
      db.pragma('wal_autocheckpoint = 0')
    }
    db.pragma('wal_checkpoint(PASSIVE)')
    port.postMessage({ problem: null } satisfies CheckpointReply)
  } catch (thrown) {
    port.postMessage({ problem: thrown instanceof Error ? thrown.message : String(thrown) } satisfies CheckpointReply)
  }
})
