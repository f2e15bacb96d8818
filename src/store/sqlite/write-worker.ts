import { parentPort, workerData } from 'node:worker_threads'
import type BetterSqlite3 from 'better-sqlite3'
import { assert } from '../../base/errors.ts'
import { openDatabase } from './binding.ts'
import { toProblem } from './errors.ts'
import type { WriteReply, WriteRequest, WriteWorkerData } from './messages.ts'
import { Transactions } from './transactions.ts'

/** The one thread that writes. It ends with `close`, which also folds the write-ahead log into the database. */
assert(parentPort, 'The write worker runs as a thread only.')
const port = parentPort
const { file, synchronous } = workerData as WriteWorkerData

/** How long another program (a backup, a shell) may hold the database before a transaction is given up. */
const lockWaitMs = 5000
/**
 * Pages of 4 KiB in the write-ahead log at which the writer itself folds it in, 64 MiB. The checkpoint thread does so
 * earlier, but only a pause in writing lets the log begin anew, and days without any pause must not grow it for ever.
 * The file keeps the size it once had until the end: cutting it holds the writer up for tens of milliseconds.
 */
const checkpointPages = 16_000

function open(): BetterSqlite3.Database {
  const db = openDatabase(file, { timeout: lockWaitMs })
  // The first statement that reads the file: what is no database shows here.
  db.pragma('journal_mode = WAL')
  db.pragma(`synchronous = ${synchronous}`)
  db.pragma('foreign_keys = ON')
  db.pragma(`wal_autocheckpoint = ${checkpointPages}`)
  db.pragma('cache_size = -32768')
  db.pragma('temp_store = MEMORY')
  return db
}

try {
  const db = open()
  const transactions = new Transactions(db)
  port.on('message', (request: WriteRequest | 'close') => {
    if (request !== 'close') return port.postMessage(transactions.run(request))
    db.close()
    port.close()
  })
  port.postMessage({ kind: 'ready' } satisfies WriteReply)
} catch (thrown) {
  port.postMessage({ kind: 'failed', problem: toProblem(thrown) } satisfies WriteReply)
  port.close()
}
