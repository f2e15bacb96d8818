import type { StoreError } from '../../base/errors.ts'
import { storeError, type Trouble } from '../store-errors.ts'

/** An error of SQLite as it crosses from a worker thread. */
export interface SqliteProblem {
  /** `SQLITE_FULL` and the like, null for what did not come from SQLite. */
  readonly code: string | null
  readonly message: string
}

export function toProblem(thrown: unknown): SqliteProblem {
  if (!(thrown instanceof Error)) return { code: null, message: String(thrown) }
  const code: unknown = 'code' in thrown ? thrown.code : null
  return { code: typeof code === 'string' ? code : null, message: thrown.message }
}

/** Result codes of SQLite by their beginning, since extended codes only add to it. sqlite.org/rescode.html */
const troubles: readonly (readonly [begins: string, trouble: Trouble])[] = [
  ['SQLITE_FULL', 'disk-full'],
  ['ENOSPC', 'disk-full'],
  ['SQLITE_IOERR', 'disk-failed'],
  ['EIO', 'disk-failed'],
  ['SQLITE_BUSY', 'locked'],
  ['SQLITE_LOCKED', 'locked'],
  ['SQLITE_CORRUPT', 'corrupted'],
  ['SQLITE_NOTADB', 'corrupted'],
  ['SQLITE_READONLY', 'not-writable'],
  ['SQLITE_CANTOPEN', 'not-writable'],
  ['SQLITE_PERM', 'not-writable'],
  ['EACCES', 'not-writable'],
  ['EPERM', 'not-writable'],
  ['EROFS', 'not-writable'],
  ['ENOTDIR', 'not-writable'],
  ['EEXIST', 'not-writable'],
  ['EISDIR', 'not-writable'],
  ['SQLITE_CONSTRAINT', 'conflict'],
  ['ERR_DLOPEN_FAILED', 'driver'],
  ['MODULE_NOT_FOUND', 'driver'],
]

export function sqliteError(name: string, problem: SqliteProblem): StoreError {
  const trouble = troubles.find(([begins]) => problem.code?.startsWith(begins))?.[1] ?? 'failed'
  return storeError(trouble, name, { code: problem.code, cause: new Error(problem.message) })
}
