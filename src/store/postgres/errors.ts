import type { StoreError } from '../../base/errors.ts'
import { storeError, type Trouble } from '../store-errors.ts'

/** SQLSTATE codes by their beginning; the class is the first two characters. PostgreSQL manual, appendix A. */
const troubles: readonly (readonly [begins: string, trouble: Trouble])[] = [
  ['53100', 'disk-full'],
  ['58030', 'disk-failed'],
  ['XX001', 'corrupted'],
  ['XX002', 'corrupted'],
  ['25006', 'not-writable'],
  ['42501', 'not-writable'],
  ['55P03', 'locked'],
  ['23', 'conflict'],
  ['28', 'refused'],
  ['3D000', 'refused'],
  ['08', 'unreachable'],
  ['53300', 'unreachable'],
  ['57P', 'unreachable'],
]

function sqlStateOf(thrown: unknown): string | null {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : null
  return typeof code === 'string' ? code : null
}

/** What the operating system says (ECONNRESET, EPIPE); no class of SQLSTATE begins with E. */
function isSystemCode(code: string | null): boolean {
  return code !== null && /^E[A-Z]+$/.test(code)
}

/** True when an error says by itself that the connection is gone: whether a commit under way was kept is not known. */
export function isConnectionLost(thrown: unknown): boolean {
  const code = sqlStateOf(thrown)
  return isSystemCode(code) || code?.startsWith('08') === true || code?.startsWith('57P') === true
}

/**
 * @param otherwise - what an error without any code means: while connecting and reading that pg itself gave up waiting
 * or lost the connection, else a mistake of ours.
 */
export function postgresError(name: string, thrown: unknown, otherwise: Trouble = 'failed'): StoreError {
  const code = sqlStateOf(thrown)
  const known = isSystemCode(code) ? 'unreachable' : troubles.find(([begins]) => code?.startsWith(begins))?.[1]
  return storeError(known ?? (code === null ? otherwise : 'failed'), name, { code, cause: thrown })
}
