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
  if (tenant !== undefined) terms.push(eb('calls.tenant', '=', tenant))
  if (from !== undefined) terms.push(eb('calls.from_party', '=', from))
  if (to !== undefined) terms.push(eb('calls.to_party', '=', to))
  if (extension !== undefined) terms.push(eb('calls.extension', '=', extension))
  if (of !== undefined) terms.push(isCallOf(eb, of, tenant))
  if (direction !== undefined) terms.push(eb('calls.direction', '=', direction))
  if (answeredBy !== undefined) terms.push(eb('calls.answered_by', '=', answeredBy))
  if (app !== undefined) terms.push(eb('calls.app', '=', app))
  if (cause !== undefined) terms.push(eb('calls.cause', '=', cause))
  if (state !== undefined) terms.push(eb('calls.ended_at', state === 'open' ? 'is' : 'is not', null))
  if (startedFrom !== undefined) terms.push(eb('calls.started_at', '>=', Math.ceil(startedFrom)))
  if (startedBefore !== undefined) terms.push(eb('calls.started_at', '<', Math.ceil(startedBefore)))
  if (text !== undefined && text.trim() !== '') {
    terms.push(sql<SqlBool>`${eb.ref('calls.search_text')} like ${likePattern(text.trim())} escape '\\'`)
  }
  return eb.and(terms)
}

/** Not a correlated search: an extension with few calls is found by its own index, not by looking through all calls there are. */
function isCallOf(eb: ExpressionBuilder<Tables, 'calls'>, extension: string, tenant?: string): Expression<SqlBool> {
  const own = eb
    .selectFrom('extension_calls')
    .select('extension_calls.call_id')
    .where('extension_calls.extension', '=', extension)
  return eb('calls.id', 'in', tenant === undefined ? own : own.where('extension_calls.tenant', '=', tenant))
}

/** Behind the position, in the order of the pages. Both databases walk an index for it. @param columns - of that index. */
export function behind(
  order: 'newest-first' | 'oldest-first',
  position: Position,
  columns: readonly [startedAt: string, id: string] = ['started_at', 'id'],
): Expression<SqlBool> {
  const compare = sql.raw(order === 'newest-first' ? '<' : '>')
  const [startedAt, id] = columns.map((column) => sql.ref(column))
  return sql<SqlBool>`(${startedAt}, ${id}) ${compare} (${sql.val(position.startedAt)}, ${sql.val(position.id)})`
}
