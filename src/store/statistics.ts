import { sql } from 'kysely'
import { ParseError } from '../base/errors.ts'
import type { HangupCause } from '../call/records.ts'
import type { Database } from './database.ts'
import { type OffsetSpan, offsetSpans } from './time-zone.ts'

export interface StatisticsRequest {
  /** All tenants where absent. */
  readonly tenant?: string
  /** Calls that started at this time or later, wall-clock ms. */
  readonly from: number
  /** Calls that started before this time; at most `maxDays` after `from`. */
  readonly before: number
  /** Whose days: an IANA name. */
  readonly timeZone: string
}

/** The calls of one local day that ended for one cause. */
export interface DayStatistics {
  /** `2026-11-21`. */
  readonly day: string
  /** Null for calls that are still going on. */
  readonly cause: HangupCause | null
  readonly calls: number
  readonly answered: number
  /** From answer to end, of those that ended. */
  readonly talkMs: number
}

const maxDays = 400
const dayMs = 86_400_000
const pieceMs = 7 * dayMs

/**
 * Counts per day and cause, oldest day first.
 * Rejects with ParseError `store.range` for more than 400 days, a reversed range, or no time zone of that name, StoreError.
 */
export async function callsPerDay(database: Database, request: StatisticsRequest): Promise<readonly DayStatistics[]> {
  const from = Math.floor(request.from)
  const before = Math.ceil(request.before)
  // A day that has a change of clocks, or that is cut by a piece, is found in two spans; its rows are added up.
  const days = new Map<string, DayStatistics>()
  for (const span of spansOf(request.timeZone, from, before)) {
    for (const row of await spanRows(database, request.tenant, span)) {
      const day = new Date(row.day * dayMs).toISOString().slice(0, 10)
      const key = `${day} ${row.cause ?? ''}`
      const sum = days.get(key)
      days.set(key, {
        day,
        cause: row.cause as HangupCause | null,
        calls: row.calls + (sum?.calls ?? 0),
        answered: row.answered + (sum?.answered ?? 0),
        talkMs: row.talk_ms + (sum?.talkMs ?? 0),
      })
    }
  }
  return [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}

/** Pieces that are read one by one: others who read wait for one of them at most, however long the whole is. */
export function spansOf(timeZone: string, from: number, before: number): readonly OffsetSpan[] {
  if (!(before - from <= maxDays * dayMs)) {
    throw new ParseError('store.range', `Statistics cover ${maxDays} days at most.`)
  }
  if (before <= from) throw new ParseError('store.range', 'Statistics end behind the time at which they begin.')
  try {
    return offsetSpans(timeZone, from, before).flatMap((span) => piecesOf(span))
  } catch (cause) {
    const facts = { timeZone: timeZone.slice(0, 64) }
    const sentence = 'Statistics need a known time zone, such as Asia/Singapore, and times that exist.'
    throw new ParseError('store.range', sentence, { cause, facts })
  }
}

function piecesOf(span: OffsetSpan): readonly OffsetSpan[] {
  const pieces: OffsetSpan[] = []
  for (let { from } = span; from < span.before; from += pieceMs) {
    pieces.push({ ...span, from, before: Math.min(from + pieceMs, span.before) })
  }
  return pieces
}

function spanRows(database: Database, tenant: string | undefined, span: OffsetSpan) {
  // The cast keeps the sum whole: SQLite binds every number as a fraction, and would divide as one.
  const day = sql<number>`(started_at + cast(${span.offsetMs} as bigint)) / ${sql.lit(dayMs)}`
  const talk = sql<number>`coalesce(sum(case when ended_at > answered_at then ended_at - answered_at else 0 end), 0)`
  const query = database.queries.db
    .selectFrom('calls')
    .select((eb) => [
      day.as('day'),
      'cause',
      eb.fn.countAll<number>().as('calls'),
      eb.fn.count<number>('answered_at').as('answered'),
      talk.as('talk_ms'),
    ])
    .where('started_at', '>=', span.from)
    .where('started_at', '<', span.before)
    .groupBy([sql`1`, 'cause'])
  return database.read(tenant === undefined ? query : query.where('tenant', '=', tenant))
}
