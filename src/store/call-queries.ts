import { expressionBuilder } from 'kysely'
import type { Clock } from '../base/clock.ts'
import type { CallId } from '../base/ids.ts'
import type { CallRecord, JournalEvent, LegRecord, RecordingRecord } from '../call/records.ts'
import { behind, type CallFilter, whereCall } from './call-filter.ts'
import { toCallRecord, toJournalEvents, toLegRecord, toRecordingRecord } from './call-rows.ts'
import { type Page, type PageRequest, type Position, pageLimit, readCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import type { Tables } from './schema.ts'

export interface CallOutline {
  readonly call: CallRecord
  /** In the order in which they joined. */
  readonly legs: readonly LegRecord[]
  readonly recordings: readonly RecordingRecord[]
}

export interface CallDetails extends CallOutline {
  readonly journal: readonly JournalEvent[]
}

type Order = 'newest-first' | 'oldest-first'
const directions = { 'newest-first': 'desc', 'oldest-first': 'asc' } as const

/** Rows read at once by an export: what it costs in memory, and how long it keeps the reader busy. */
const exportRows = 250

/** The read side of call records. Every method rejects with StoreError. */
export class CallQueries {
  readonly #database: Database
  readonly #clock: Clock

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  /** One page, newest first. Calls that begin meanwhile never shift it. Rejects with ParseError `store.cursor` too. */
  async list(filter: CallFilter, request: PageRequest = {}): Promise<Page<CallRecord>> {
    const limit = pageLimit(request)
    const after = request.cursor ? readCursor(request.cursor) : null
    return toPage(await this.#rows(filter, 'newest-first', after, limit + 1), limit)
  }

  async count(filter: CallFilter): Promise<number> {
    const [row] = await this.#database.read(
      this.#database.queries.db
        .selectFrom('calls')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where((eb) => whereCall(eb, filter)),
    )
    return row?.count ?? 0
  }

  /**
   * The call with all that belongs to it, or null.
   * @param tenant - where given, a call of another tenant is not found.
   */
  async get(id: CallId, tenant?: string): Promise<CallDetails | null> {
    const { db } = this.#database.queries
    const [outline, journal] = await Promise.all([
      this.outline(id, tenant),
      this.#database.read(db.selectFrom('journal').select('events').where('call_id', '=', id).orderBy('batch')),
    ])
    return outline && { ...outline, journal: journal.flatMap(toJournalEvents) }
  }

  /** As `get`, without the journal, which may be long. */
  async outline(id: CallId, tenant?: string): Promise<CallOutline | null> {
    const { db } = this.#database.queries
    const calls = db.selectFrom('calls').selectAll().where('id', '=', id)
    const [row] = await this.#database.read(tenant === undefined ? calls : calls.where('tenant', '=', tenant))
    if (!row) return null
    const [legs, recordings] = await Promise.all([
      this.#database.read(
        db.selectFrom('legs').selectAll().where('call_id', '=', id).orderBy('started_at').orderBy('id'),
      ),
      this.#database.read(
        db.selectFrom('recordings').selectAll().where('call_id', '=', id).orderBy('started_at').orderBy('id'),
      ),
    ])
    return { call: toCallRecord(row), legs: legs.map(toLegRecord), recordings: recordings.map(toRecordingRecord) }
  }

  /**
   * All calls that match, oldest first, in pages of bounded memory, however many there are and however slowly they
   * are taken. Calls that began after the export did are left out. Throws StoreError.
   */
  async *export(filter: CallFilter): AsyncGenerator<CallRecord, void, undefined> {
    const startedBefore = Math.min(filter.startedBefore ?? Number.POSITIVE_INFINITY, this.#clock.wallTime() + 1)
    let after: Position | null = null
    for (;;) {
      const rows: readonly CallRecord[] = await this.#rows(
        { ...filter, startedBefore },
        'oldest-first',
        after,
        exportRows,
      )
      yield* rows
      after = rows.at(-1) ?? null
      if (after === null || rows.length < exportRows) return
    }
  }

  async #rows(filter: CallFilter, order: Order, after: Position | null, limit: number): Promise<readonly CallRecord[]> {
    const { of: extension, tenant } = filter
    const rows =
      extension !== undefined && tenant !== undefined
        ? await this.#rowsOf({ ...filter, of: extension, tenant }, order, after, limit)
        : await this.#rowsOfAll(filter, order, after, limit)
    return rows.map(toCallRecord)
  }

  #rowsOfAll(filter: CallFilter, order: Order, after: Position | null, limit: number) {
    const query = this.#database.queries.db
      .selectFrom('calls')
      .selectAll()
      .where((eb) => whereCall(eb, filter))
      .orderBy('started_at', directions[order])
      .orderBy('id', directions[order])
      .limit(limit)
    return this.#database.read(after === null ? query : query.where(behind(order, after)))
  }

  /** Walks the index of the extension, which has its calls in the order of the pages: one with few calls, or with many, costs a page. */
  #rowsOf(
    { of: extension, ...filter }: CallFilter & { readonly of: string; readonly tenant: string },
    order: Order,
    after: Position | null,
    limit: number,
  ) {
    const { tenant, startedFrom, startedBefore } = filter
    let query = this.#database.queries.db
      .selectFrom('extension_calls')
      .innerJoin('calls', 'calls.id', 'extension_calls.call_id')
      .selectAll('calls')
      .where('extension_calls.tenant', '=', tenant)
      .where('extension_calls.extension', '=', extension)
      .where(whereCall(expressionBuilder<Tables, 'calls'>(), filter))
      .orderBy('extension_calls.started_at', directions[order])
      .orderBy('extension_calls.call_id', directions[order])
      .limit(limit)
    if (startedFrom !== undefined) query = query.where('extension_calls.started_at', '>=', Math.ceil(startedFrom))
    if (startedBefore !== undefined) query = query.where('extension_calls.started_at', '<', Math.ceil(startedBefore))
    if (after) query = query.where(behind(order, after, ['extension_calls.started_at', 'extension_calls.call_id']))
    return this.#database.read(query)
  }
}
