import type { Value } from '../driver.ts'
import type { SqliteProblem } from './errors.ts'

/** What the main thread and the two SQLite threads say to each other. Small and flat: cloning is paid on both sides. */

export interface WriteWorkerData {
  readonly file: string
  readonly synchronous: 'NORMAL' | 'FULL'
}

/** `texts` are statements that this thread has not seen yet; `work` is read by `readWork`. */
export interface WriteRequest {
  readonly texts: readonly (readonly [id: number, sql: string])[]
  readonly work: readonly Value[]
}

export interface ReturnedRows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

/** Per unit the number of rows its last statement changed, the rows that it returned, or why it failed. */
export type UnitReply = number | ReturnedRows | SqliteProblem

/** To the first message, which carries no request: whether the database could be opened. */
export type WriteReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly units: readonly UnitReply[] }
  | { readonly kind: 'failed'; readonly problem: SqliteProblem }

export interface CheckpointReply {
  readonly problem: string | null
}

export interface ReadWorkerData {
  readonly file: string
}

export interface ReadRequest {
  readonly id: number
  readonly sql: string
  readonly parameters: readonly Value[]
}

export type ReadReply =
  | { readonly id: number; readonly result: ReturnedRows }
  | { readonly id: number; readonly problem: SqliteProblem }
