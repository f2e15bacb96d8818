import type { StoreError } from '../base/errors.ts'

/** All that is ever bound or read: the common ground of both databases. Times are whole milliseconds, objects JSON. */
export type Value = string | number | null
export type Row = Readonly<Record<string, Value>>

/** One SQL text of the program, compiled once. `id` is unique in one store, so a driver may send it in place of the text. */
export interface PreparedText {
  readonly id: number
  readonly sql: string
  /** True when it has a RETURNING clause and its rows are wanted. */
  readonly isReturning: boolean
}

export interface Statement {
  readonly text: PreparedText
  readonly parameters: readonly Value[]
  /** Characters of text bound: what the queue's bound counts. */
  readonly size: number
}

/** Statements that are kept all together or not at all. Never empty. */
export type Unit = readonly Statement[]

/** What the last statement of a unit did. */
export interface UnitResult {
  /** Rows inserted, changed or deleted; null when the unit is kept but a lost connection swallowed the count. */
  readonly changes: number | null
  readonly rows: readonly Row[]
}

/** Writes transactions, one at a time: it is not called again before the last call settled. */
export interface Writer {
  /**
   * Runs the units in order in one transaction; a unit that fails undoes itself and no other.
   * @returns per unit its result or its error, once all that succeeded is committed.
   * Rejects with a StoreError only when nothing of the batch was kept.
   */
  commit(units: readonly Unit[]): Promise<readonly (UnitResult | StoreError)[]>
  /** Gives up what is under way and lets go of the lock. */
  close(): Promise<void>
}

/** Reads beside the writer and never in its way; sees every write that was acknowledged before. */
export interface Reader {
  /** Rejects with StoreError. */
  read(sql: string, parameters: readonly Value[]): Promise<readonly Row[]>
  close(): Promise<void>
}

export type Dialect = 'sqlite' | 'postgres'

export interface Driver {
  readonly dialect: Dialect
  /** For sentences and logs: the file, or host and database; never a password. */
  readonly name: string
  readonly writer: Writer
  readonly reader: Reader
}
