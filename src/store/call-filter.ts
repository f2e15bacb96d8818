import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { HangupCause } from '../call/records.ts'
import type { Position } from './cursor.ts'
import { likePattern } from './fold-text.ts'
import type { Tables } from './schema.ts'

/** Which calls; what is absent does not matter. Whoever acts for a tenant always sets `tenant`. */
export interface CallFilter {
  readonly tenant?: string
  /** Exactly as it stands in the record. */
  readonly from?: string
  readonly to?: string
  readonly extension?: string
  readonly cause?: HangupCause
  readonly state?: 'open' | 'ended'
  /** Started at this time or later, wall-clock ms. */
  readonly startedFrom?: number
  /** Started before this time, wall-clock ms. */
  readonly startedBefore?: number
  /** Found anywhere in from, name, to or extension; case and accents do not matter. */
  readonly text?: string
}

export function whereCall(eb: ExpressionBuilder<Tables, 'calls'>, filter: CallFilter): Expression<SqlBool> {
  const { tenant, from, to, extension, cause, state, startedFrom, startedBefore, text } = filter
  const terms: Expression<SqlBool>[] = []
  if (tenant !== undefined) terms.push(eb('tenant', '=', tenant))
  if (from !== undefined) terms.push(eb('from_party', '=', from))
  if (to !== undefined) terms.push(eb('to_party', '=', to))
  if (extension !== undefined) terms.push(eb('extension', '=', extension))
  if (cause !== undefined) terms.push(eb('cause', '=', cause))
  if (state !== undefined) terms.push(eb('ended_at', state === 'open' ? 'is' : 'is not', null))
  if (startedFrom !== undefined) terms.push(eb('started_at', '>=', Math.ceil(startedFrom)))
  if (startedBefore !== undefined) terms.push(eb('started_at', '<', Math.ceil(startedBefore)))
  if (text !== undefined && text.trim() !== '') {
    terms.push(sql<SqlBool>`${eb.ref('search_text')} like ${likePattern(text.trim())} escape '\\'`)
  }
  return eb.and(terms)
}

/** Behind the position, in the order of the pages. Both databases walk an index for it. */
export function behind<Table extends 'calls' | 'recordings'>(
  eb: ExpressionBuilder<Tables, Table>,
  order: 'newest-first' | 'oldest-first',
  position: Position,
): Expression<SqlBool> {
  const compare = sql.raw(order === 'newest-first' ? '<' : '>')
  return sql<SqlBool>`(${sql.ref('started_at')}, ${sql.ref('id')}) ${compare} (${eb.val(position.startedAt)}, ${eb.val(position.id)})`
}
