import type { CallId, RecordingId } from '../base/ids.ts'
import type { RecordingRecord, RecordingState } from '../call/records.ts'
import { behind } from './call-filter.ts'
import { toRecordingRecord } from './call-rows.ts'
import { type Page, type PageRequest, pageLimit, readCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import type { Prepared } from './queries.ts'

export interface RecordingFilter {
  readonly tenant?: string
  readonly callId?: CallId
  readonly state?: RecordingState
  /** Started at this time or later, wall-clock ms. */
  readonly startedFrom?: number
  /** Started before this time, wall-clock ms. */
  readonly startedBefore?: number
}

/** The recordings' rows; their files are the business of who records and of who serves them. */
export class Recordings {
  readonly #database: Database
  readonly #markDeleted: Prepared<{ id: string }>

  constructor(database: Database) {
    this.#database = database
    this.#markDeleted = database.queries.prepare((db, slots) =>
      db
        .updateTable('recordings')
        .set({ state: 'deleted' })
        .where('id', '=', slots.one('id'))
        .where('state', '!=', 'deleted')
        .where('state', '!=', 'recording'),
    )
  }

  /** One page, newest first. Rejects with ParseError `store.cursor`, StoreError. */
  async list(filter: RecordingFilter, request: PageRequest = {}): Promise<Page<RecordingRecord>> {
    const limit = pageLimit(request)
    const after = request.cursor ? readCursor(request.cursor) : null
    const { tenant, callId, state, startedFrom, startedBefore } = filter
    let query = this.#database.queries.db.selectFrom('recordings').selectAll()
    if (tenant !== undefined) query = query.where('tenant', '=', tenant)
    if (callId !== undefined) query = query.where('call_id', '=', callId)
    if (state !== undefined) query = query.where('state', '=', state)
    if (startedFrom !== undefined) query = query.where('started_at', '>=', Math.ceil(startedFrom))
    if (startedBefore !== undefined) query = query.where('started_at', '<', Math.ceil(startedBefore))
    if (after !== null) query = query.where(behind('newest-first', after))
    const rows = await this.#database.read(
      query
        .orderBy('started_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1),
    )
    return toPage(rows.map(toRecordingRecord), limit)
  }

  /** @param tenant - where given, a recording of another tenant is not found. */
  async get(id: RecordingId, tenant?: string): Promise<RecordingRecord | null> {
    const query = this.#database.queries.db.selectFrom('recordings').selectAll().where('id', '=', id)
    const [row] = await this.#database.read(tenant === undefined ? query : query.where('tenant', '=', tenant))
    return row ? toRecordingRecord(row) : null
  }

  /** For when the file is gone: the row stays and says so. False when it was so before, is still recording, or is unknown. */
  async markDeleted(id: RecordingId): Promise<boolean> {
    const { changes } = await this.#database.write(this.#markDeleted({ id }))
    return changes !== 0
  }
}
