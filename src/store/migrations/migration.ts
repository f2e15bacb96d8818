import { type Compilable, type Kysely, type RawBuilder, sql } from 'kysely'
import type { Dialect } from '../driver.ts'
import type { Tables } from '../schema.ts'

/** One step of the schema, forward only. Once released it is never edited: a later step corrects it. */
export interface Migration {
  /** `0001-what-it-brings`: unique, and recorded in the database. */
  readonly name: string
  /** What to run, in order. Nothing is read on the way: data is moved by SQL alone. */
  readonly statements: (tools: MigrationTools) => readonly Compilable[]
}

export interface MigrationTools {
  readonly db: Kysely<Tables>
  /** Text compared byte by byte, as SQLite does by itself: paging and order then agree in both databases. */
  readonly text: RawBuilder<unknown>
}

export function migrationTools(db: Kysely<Tables>, dialect: Dialect): MigrationTools {
  return { db, text: dialect === 'sqlite' ? sql`text` : sql`text collate "C"` }
}
