import type { Database } from './database.ts'
import type { Prepared } from './queries.ts'

export interface PurgeRequest {
  /** Only what started before this time, wall-clock ms. */
  readonly before: number
  /** All tenants where absent. */
  readonly tenant?: string
  /** Only counts. */
  readonly isDryRun?: boolean
  /**
   * Removes the files (relative to the data folder) of one chunk, before its rows go: stopped half way, rows stay
   * behind without files, never files that nobody knows. A rejection ends the purge.
   */
  readonly removeFiles: (files: readonly string[]) => Promise<void>
}

export interface Purged {
  readonly calls: number
  readonly recordings: number
  /** Of the recordings, as far as their size is known. */
  readonly fileBytes: number
}

/** Rows per chunk: each is one transaction of a few milliseconds, between which calls go on being written. */
const chunkRows = 100

interface DoomedRecording {
  readonly id: string
  readonly file: string
  readonly file_bytes: number | null
}

/** Forgets what is older than it needs to be. Open calls and running recordings are never touched. */
export class Retention {
  readonly #database: Database
  readonly #deleteCalls: Prepared<Record<string, string>>
  readonly #markRecordings: Prepared<Record<string, string>>

  constructor(database: Database) {
    this.#database = database
    this.#deleteCalls = database.queries.prepare((db, slots) =>
      db.deleteFrom('calls').where(
        'id',
        'in',
        chunkSlots.map((slot) => slots.one(slot)),
      ),
    )
    this.#markRecordings = database.queries.prepare((db, slots) =>
      db
        .updateTable('recordings')
        .set({ state: 'deleted' })
        .where(
          'id',
          'in',
          chunkSlots.map((slot) => slots.one(slot)),
        ),
    )
  }

  /** Deletes ended calls with their legs, journals and recordings. Rejects with StoreError. */
  async purgeCalls(request: PurgeRequest): Promise<Purged> {
    if (request.isDryRun === true) return this.#countCalls(request)
    let purged: Purged = { calls: 0, recordings: 0, fileBytes: 0 }
    for (;;) {
      const calls = await this.#oldCalls(request)
      if (calls.length === 0) return purged
      const recordings = await this.#recordingsOf(calls)
      await request.removeFiles(recordings.map((recording) => recording.file))
      await this.#database.write(this.#deleteCalls(chunkValues(calls)))
      purged = add(purged, calls.length, recordings)
    }
  }

  /** Deletes recordings and keeps their rows, marked `deleted`. Rejects with StoreError. */
  async purgeRecordings(request: PurgeRequest): Promise<Purged> {
    if (request.isDryRun === true) return this.#countRecordings(request)
    let purged: Purged = { calls: 0, recordings: 0, fileBytes: 0 }
    for (;;) {
      const recordings = await this.#oldRecordings(request)
      if (recordings.length === 0) return purged
      await request.removeFiles(recordings.map((recording) => recording.file))
      await this.#database.write(this.#markRecordings(chunkValues(recordings.map((recording) => recording.id))))
      purged = add(purged, 0, recordings)
    }
  }

  #callsBefore({ before, tenant }: PurgeRequest) {
    const query = this.#database.queries.db
      .selectFrom('calls')
      .where('started_at', '<', Math.floor(before))
      .where('ended_at', 'is not', null)
    return tenant === undefined ? query : query.where('tenant', '=', tenant)
  }

  #recordingsBefore({ before, tenant }: PurgeRequest) {
    const query = this.#database.queries.db
      .selectFrom('recordings')
      .where('started_at', '<', Math.floor(before))
      .where('state', 'not in', ['recording', 'deleted'])
    return tenant === undefined ? query : query.where('tenant', '=', tenant)
  }

  async #oldCalls(request: PurgeRequest): Promise<readonly string[]> {
    const query = this.#callsBefore(request).select('id').orderBy('started_at').orderBy('id').limit(chunkRows)
    return (await this.#database.read(query)).map((row) => row.id)
  }

  #oldRecordings(request: PurgeRequest): Promise<readonly DoomedRecording[]> {
    const query = this.#recordingsBefore(request).select(['id', 'file', 'file_bytes'])
    return this.#database.read(query.orderBy('started_at').orderBy('id').limit(chunkRows))
  }

  #recordingsOf(calls: readonly string[]): Promise<readonly DoomedRecording[]> {
    return this.#database.read(
      this.#database.queries.db
        .selectFrom('recordings')
        .select(['id', 'file', 'file_bytes'])
        .where('call_id', 'in', calls)
        .where('state', '!=', 'deleted'),
    )
  }

  async #countCalls(request: PurgeRequest): Promise<Purged> {
    const doomed = this.#callsBefore(request)
    const [calls] = await this.#database.read(doomed.select((eb) => eb.fn.countAll<number>().as('count')))
    const [recordings] = await this.#database.read(
      this.#database.queries.db
        .selectFrom('recordings')
        .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.sum<number | null>('file_bytes').as('bytes')])
        .where('state', '!=', 'deleted')
        .where('call_id', 'in', doomed.select('id')),
    )
    return { calls: calls?.count ?? 0, recordings: recordings?.count ?? 0, fileBytes: recordings?.bytes ?? 0 }
  }

  async #countRecordings(request: PurgeRequest): Promise<Purged> {
    const [row] = await this.#database.read(
      this.#recordingsBefore(request).select((eb) => [
        eb.fn.countAll<number>().as('count'),
        eb.fn.sum<number | null>('file_bytes').as('bytes'),
      ]),
    )
    return { calls: 0, recordings: row?.count ?? 0, fileBytes: row?.bytes ?? 0 }
  }
}

/** One statement for every chunk: a short one repeats its last id. */
const chunkSlots = Array.from({ length: chunkRows }, (_, index) => `id${index}`)

function chunkValues(ids: readonly string[]): Record<string, string> {
  const last = ids.at(-1) ?? ''
  return Object.fromEntries(chunkSlots.map((slot, index) => [slot, ids[index] ?? last]))
}

function add(purged: Purged, calls: number, recordings: readonly DoomedRecording[]): Purged {
  let fileBytes = purged.fileBytes
  for (const recording of recordings) fileBytes += recording.file_bytes ?? 0
  return { calls: purged.calls + calls, recordings: purged.recordings + recordings.length, fileBytes }
}
