import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'

/** Which is loaded, by the major version of the Node that runs; docs/adr/0027. */
const packageName = Number(process.versions.node.split('.', 1)[0]) >= 22 ? 'better-sqlite3-13' : 'better-sqlite3'

/**
 * Opens a database with the driver for the Node that runs; what we use of the two is the same.
 * Throws what SQLite says, or `MODULE_NOT_FOUND` or `ERR_DLOPEN_FAILED` where packages were installed by another Node.
 */
export function openDatabase(file: string, options: BetterSqlite3.Options): BetterSqlite3.Database {
  const Driver = createRequire(import.meta.url)(packageName) as typeof BetterSqlite3
  return new Driver(file, options)
}
