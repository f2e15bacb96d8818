import type { ErrorCode } from '../base/error-catalogue.ts'
import { StoreError } from '../base/errors.ts'

/** What can go wrong with a database, in the words of neither. */
export type Trouble =
  | 'disk-full'
  | 'disk-failed'
  | 'locked'
  | 'corrupted'
  | 'not-writable'
  | 'conflict'
  | 'unreachable'
  | 'refused'
  | 'driver'
  | 'failed'

const sentences: Readonly<Record<Trouble, { readonly code: ErrorCode; readonly sentence: (name: string) => string }>> =
  {
    'disk-full': { code: 'store.disk-full', sentence: (name) => `The disk that holds ${name} is full.` },
    'disk-failed': {
      code: 'store.disk-failed',
      sentence: (name) => `The disk that holds ${name} could not be read or written.`,
    },
    locked: { code: 'store.locked', sentence: (name) => `Another program keeps ${name} locked.` },
    corrupted: { code: 'store.corrupted', sentence: (name) => `${name} is damaged or is no database.` },
    'not-writable': { code: 'store.not-writable', sentence: (name) => `Switchhook may not write to ${name}.` },
    conflict: {
      code: 'store.conflict',
      sentence: (name) => `A write broke a rule of ${name}: its key is taken, or what it belongs to is not there.`,
    },
    unreachable: { code: 'store.unreachable', sentence: (name) => `${name} cannot be reached.` },
    refused: {
      code: 'store.refused',
      sentence: (name) => `${name} refused us: wrong user, wrong password, or no such database.`,
    },
    driver: {
      code: 'store.driver',
      sentence: (name) =>
        `The driver of ${name} cannot be loaded: it was installed for another version of Node. Run: npm ci`,
    },
    failed: { code: 'store.failed', sentence: (name) => `${name} could not do what was asked.` },
  }

/**
 * One StoreError for what a database said.
 * @param name - how the driver calls its database; never with a password.
 * @param detail - the database's own code and words, kept as facts and cause.
 */
export function storeError(
  trouble: Trouble,
  name: string,
  detail: { code: string | null; cause: unknown },
): StoreError {
  const { code, sentence } = sentences[trouble]
  const text = sentence(name)
  return new StoreError(code, text.charAt(0).toUpperCase() + text.slice(1), {
    cause: detail.cause,
    facts: { database: name, databaseCode: detail.code },
  })
}
