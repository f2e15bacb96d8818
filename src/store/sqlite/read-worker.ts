import { parentPort, workerData } from 'node:worker_threads'
import type BetterSqlite3 from 'better-sqlite3'
import { assert } from '../../base/errors.ts'
import type { Value } from '../driver.ts'
import { openDatabase } from './binding.ts'
import { toProblem } from './errors.ts'
import type { ReadReply, ReadRequest, ReadWorkerData } from './messages.ts'

/** The thread that reads: it opens the database read-only, so lists, statistics and exports never wait for writes. */
assert(parentPort, 'The read worker runs as a thread only.')
const port = parentPort
const { file } = workerData as ReadWorkerData

/** Filters combine freely, so texts are many; the oldest is forgotten. */
const maxStatements = 200

let db: BetterSqlite3.Database | null = null
const statements = new Map<string, BetterSqlite3.Statement>()

function statementOf(sql: string): BetterSqlite3.Statement {
  const known = statements.get(sql)
  if (known) return known
  // Opened at the first question, since the writer makes the file.
  db ??= openDatabase(file, { readonly: true, fileMustExist: true, timeout: 5000 })
  const oldest = statements.keys().next().value
  if (statements.size >= maxStatements && oldest !== undefined) statements.delete(oldest)
  const prepared = db.prepare(sql).raw(true)
  statements.set(sql, prepared)
  return prepared
}

function answer({ id, sql, parameters }: ReadRequest): ReadReply {
  try {
    const statement = statementOf(sql)
    const rows = statement.all(parameters) as Value[][]
    return { id, result: { columns: statement.columns().map((column) => column.name), rows } }
  } catch (thrown) {
    return { id, problem: toProblem(thrown) }
  }
}

port.on('message', (request: ReadRequest | 'close') => {
  if (request !== 'close') return port.postMessage(answer(request))
  db?.close()
  port.close()
})
