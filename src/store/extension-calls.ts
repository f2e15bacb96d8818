import { sql } from 'kysely'
import type { CallId } from '../base/ids.ts'
import type { ExtensionCall } from '../call/extension-calls.ts'
import { toExtensionCall } from './call-rows.ts'
import type { Database } from './database.ts'
import { type StatisticsRequest, spansOf } from './statistics.ts'
import type { OffsetSpan } from './time-zone.ts'

export interface ExtensionCallFilter {
  readonly tenant: string
  readonly extension?: string
  /** Started at this time or later, wall-clock ms. */
  readonly startedFrom?: number
  /** Started before this time, wall-clock ms. */
  readonly startedBefore?: number
}

/** The calls of one extension on one local day. */
export interface ExtensionDay {
  /** `2026-11-21`. */
  readonly day: string
  readonly tenant: string
  readonly extension: string
  readonly calls: number
  readonly outgoing: number
  readonly answered: number
  readonly talkMs: number
}

const dayMs = 86_400_000

/** Closed calls by the extensions whose they were. */
export class ExtensionCalls {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** The newest first. Rejects with StoreError. */
  async list(filter: ExtensionCallFilter, limit: number): Promise<readonly ExtensionCall[]> {
    const { tenant, extension, startedFrom, startedBefore } = filter
    let query = this.#database.queries.db.selectFrom('extension_calls').selectAll().where('tenant', '=', tenant)
    if (extension !== undefined) query = query.where('extension', '=', extension)
    if (startedFrom !== undefined) query = query.where('started_at', '>=', Math.ceil(startedFrom))
    if (startedBefore !== undefined) query = query.where('started_at', '<', Math.ceil(startedBefore))
    const rows = await this.#database.read(query.orderBy('started_at', 'desc').orderBy('call_id', 'desc').limit(limit))
    return rows.map(toExtensionCall)
  }

  /** The call of that tenant with that serial, begun in that second since 1970; also one that is still up. */
  async findBySerial(tenant: string, second: number, serial: number): Promise<CallId | null> {
    const [row] = await this.#database.read(
      this.#database.queries.db
        .selectFrom('calls')
        .select('id')
        .where('tenant', '=', tenant)
        .where('started_at', '>=', second * 1000)
        .where('started_at', '<', second * 1000 + 1000)
        .where('serial', '=', serial)
        .limit(1),
    )
    return row ? (row.id as CallId) : null
  }

  /** Per day and extension, oldest day first. Rejects with ParseError `store.range`, StoreError. */
  async perDay(request: StatisticsRequest & { readonly extension?: string }): Promise<readonly ExtensionDay[]> {
    // A day that has a change of clocks, or that is cut by a piece, is found in two spans; its rows are added up.
    const days = new Map<string, ExtensionDay>()
    const { timeZone, from, before, tenant } = request
    // The index begins with the tenant: over all of them, one after the other is a walk through the days that are wanted alone.
    const tenants = tenant === undefined ? await this.#tenants() : [tenant]
    const pieces = spansOf(timeZone, Math.floor(from), Math.ceil(before))
    for (const [whose, span] of tenants.flatMap((one) => pieces.map((piece) => [one, piece] as const))) {
      for (const row of await this.#spanRows({ ...request, tenant: whose }, span)) {
        const day = new Date(row.day * dayMs).toISOString().slice(0, 10)
        const key = JSON.stringify([day, row.tenant, row.extension])
        const sum = days.get(key)
        days.set(key, {
          day,
          tenant: row.tenant,
          extension: row.extension,
          calls: row.calls + (sum?.calls ?? 0),
          outgoing: row.outgoing + (sum?.outgoing ?? 0),
          answered: row.answered + (sum?.answered ?? 0),
          talkMs: row.talk_ms + (sum?.talkMs ?? 0),
        })
      }
    }
    return [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  }

  /** Each found by one step in the index. */
  async #tenants(): Promise<readonly string[]> {
    const tenants: string[] = []
    for (;;) {
      const [row] = await this.#database.read(
        this.#database.queries.db
          .selectFrom('extension_calls')
          .select('tenant')
          .where('tenant', '>', tenants.at(-1) ?? '')
          .orderBy('tenant')
          .limit(1),
      )
      if (!row) return tenants
      tenants.push(row.tenant)
    }
  }

  #spanRows({ tenant, extension }: StatisticsRequest & { readonly extension?: string }, span: OffsetSpan) {
    // The cast keeps the sum whole: SQLite binds every number as a fraction, and would divide as one.
    const day = sql<number>`(started_at + cast(${span.offsetMs} as bigint)) / ${sql.lit(dayMs)}`
    const countIf = (condition: string) => sql<number>`sum(case when ${sql.raw(condition)} then 1 else 0 end)`
    let query = this.#database.queries.db
      .selectFrom('extension_calls')
      .select((eb) => [
        day.as('day'),
        'tenant',
        'extension',
        eb.fn.countAll<number>().as('calls'),
        countIf("kind = 'outgoing'").as('outgoing'),
        countIf("outcome = 'answered'").as('answered'),
        sql<number>`sum(talk_ms)`.as('talk_ms'),
      ])
      .where('started_at', '>=', span.from)
      .where('started_at', '<', span.before)
      .groupBy([sql`1`, 'tenant', 'extension'])
    if (tenant !== undefined) query = query.where('tenant', '=', tenant)
    if (extension !== undefined) query = query.where('extension', '=', extension)
    return this.#database.read(query)
  }
}
