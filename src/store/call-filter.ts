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
  /** An extension whose call it was: that called, or that took it or was to. Of closed calls. */
  readonly of?: string
  readonly direction?: 'inbound' | 'outbound'
  readonly answeredBy?: string
  readonly app?: string
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
  const { tenant, from, to, extension, of, direction, answeredBy, app } = filter
  const { cause, state, startedFrom, startedBefore, text } = filter
  const terms: Expression<SqlBool>[] = []
  if (tenant !== undefined) terms.push(eb('tenant', '=', tenant))
  if (from !== undefined) terms.push(eb('from_party', '=', from))
  if (to !== undefined) terms.push(eb('to_party', '=', to))
  if (extension !== undefined) terms.push(eb('extension', '=', extension))
  if (of !== undefined) terms.push(isCallOf(eb, of, tenant))
  if (direction !== undefined) terms.push(eb('direction', '=', direction))
  if (answeredBy !== undefined) terms.push(eb('answered_by', '=', answeredBy))
  if (app !== undefined) terms.push(eb('app', '=', app))
  if (cause !== undefined) terms.push(eb('cause', '=', cause))
  if (state !== undefined) terms.push(eb('ended_at', state === 'open' ? 'is' : 'is not', null))
  if (startedFrom !== undefined) terms.push(eb('started_at', '>=', Math.ceil(startedFrom)))
  if (startedBefore !== undefined) terms.push(eb('started_at', '<', Math.ceil(startedBefore)))
  if (text !== undefined && text.trim() !== '') {
    terms.push(sql<SqlBool>`${eb.ref('search_text')} like ${likePattern(text.trim())} escape '\\'`)
  }
  return eb.and(terms)
}

/** Not a correlated search: an extension with few calls is found by its own index, not by looking through all calls there are. */
function isCallOf(eb: ExpressionBuilder<Tables, 'calls'>, extension: string, tenant?: string): Expression<SqlBool> {
  const own = eb
    .selectFrom('extension_calls')
    .select('extension_calls.call_id')
    .where('extension_calls.extension', '=', extension)
  return eb('id', 'in', tenant === undefined ? own : own.where('extension_calls.tenant', '=', tenant))
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
