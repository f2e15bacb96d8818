import { calls } from './0001-calls.ts'
import { settings } from './0002-settings.ts'
import type { Migration } from './migration.ts'

/** In the order in which they are applied. Only ever append. */
export const migrations: readonly Migration[] = [calls, settings]
