import type { CallId, LegId, RecordingId } from '../base/ids.ts'
import { extensionCalls } from '../call/extension-calls.ts'
import type { CallRecord, CallRecords, JournalEvent, LegRecord, RecordingRecord } from '../call/records.ts'
import { round, toCallRow, toExtensionCallRow, toJournalRow, toLegRow, toRecordingRow } from './call-rows.ts'
import { type CallStatements, compileCallStatements, setStatements } from './call-statements.ts'
import type { Database } from './database.ts'
import type { Statement } from './driver.ts'
import { foldText } from './fold-text.ts'
import { LiveLegs } from './live-legs.ts'
import type { CallRow, LegRow } from './schema.ts'

export interface JournalLimits {
  /** Events kept of one call. What comes later is dropped, and one marker says so. */
  readonly eventsPerCall: number
  /** Characters of JSON in one batch. */
  readonly batchSize: number
}

export const defaultJournalLimits: JournalLimits = { eventsPerCall: 10_000, batchSize: 1024 * 1024 }

/** Where the marker of a full journal stands: behind every batch. The largest 32-bit integer. */
const markerBatch = 0x7fffffff

/** What a call writes while it lives. Each method is one unit: one message, all or nothing. */
export class StoredCallRecords implements CallRecords {
  readonly #database: Database
  readonly #limits: JournalLimits
  readonly #statements: CallStatements
  readonly #setCall: (change: Partial<CallRow>, id: string) => readonly Statement[]
  readonly #setLeg: (change: Partial<LegRow>, id: string) => readonly Statement[]
  readonly #legs = new LiveLegs()

  constructor(database: Database, limits: JournalLimits) {
    this.#database = database
    this.#limits = limits
    this.#statements = compileCallStatements(database.queries)
    this.#setCall = setStatements(database.queries, 'calls')
    this.#setLeg = setStatements(database.queries, 'legs')
  }

  async open(call: CallRecord, leg: LegRecord): Promise<void> {
    this.#legs.open(leg)
    await this.#database.write(this.#statements.insertCall(toCallRow(call)), this.#statements.insertLeg(toLegRow(leg)))
  }

  async update(
    id: CallId,
    change: Partial<Pick<CallRecord, 'answeredAt' | 'app' | 'extension' | 'to'>>,
  ): Promise<void> {
    const { answeredAt, app, extension, to } = change
    const row: Partial<CallRow> = {
      ...(answeredAt !== undefined && { answered_at: round(answeredAt) }),
      ...(app !== undefined && { app }),
      ...(extension !== undefined && { extension }),
      ...(to !== undefined && { to_party: to }),
    }
    const statements = [...this.#setCall(row, id)]
    const found = [to, extension].filter(Boolean).join(' ')
    if (found !== '') statements.push(this.#statements.addSearchText({ id, text: ` ${foldText(found)}` }))
    if (statements.length > 0) await this.#database.write(...statements)
  }

  async addLeg(leg: LegRecord): Promise<void> {
    this.#legs.add(leg)
    await this.#database.write(this.#statements.insertLeg(toLegRow(leg)))
  }

  async updateLeg(id: LegId, change: Partial<Omit<LegRecord, 'id'>>): Promise<void> {
    this.#legs.update(id, change)
    const statements = this.#setLeg(legChange(change), id)
    if (statements.length > 0) await this.#database.write(...statements)
  }

  async close(call: CallRecord, legs: readonly LegRecord[]): Promise<boolean> {
    const row = toCallRow(call)
    const legRows = legs.map(toLegRow)
    const whose = extensionCalls(call, this.#legs.close(call.id, legs)).map(toExtensionCallRow)
    // Legs and extensions first: they change only while the call is open, and the last statement closes it.
    const closing = [
      ...legRows.map(this.#statements.closeLeg),
      ...whose.map(this.#statements.insertExtensionCall),
      this.#statements.closeCall(row),
    ]
    const { changes } = await this.#database.write(...closing)
    // A count lost with its connection: this server is the only writer, so the close that was kept is this one.
    if (changes === null || changes > 0) return true
    // Closed before, or never opened because the database failed just then: then all of it is written now.
    const inserted = await this.#database.write(this.#statements.insertCall(row))
    if (inserted.changes === 0) return false
    const rest = [...legRows.map(this.#statements.insertLeg), ...whose.map(this.#statements.addExtensionCall)]
    if (rest.length > 0) await this.#database.write(...rest)
    return true
  }

  async openRecording(recording: RecordingRecord): Promise<void> {
    await this.#database.write(this.#statements.insertRecording(toRecordingRow(recording)))
  }

  async closeRecording(
    id: RecordingId,
    change: Pick<RecordingRecord, 'state' | 'durationMs' | 'fileBytes' | 'problem'>,
  ): Promise<void> {
    const { state, durationMs, fileBytes, problem } = change
    await this.#database.write(
      this.#statements.closeRecording({
        id,
        state,
        duration_ms: round(durationMs),
        file_bytes: round(fileBytes),
        problem,
      }),
    )
  }

  async appendJournal(callId: CallId, batch: number, events: readonly JournalEvent[]): Promise<void> {
    if (events.length === 0) return
    const kept = events.slice(0, this.#limits.eventsPerCall)
    let row = toJournalRow(callId, batch, kept)
    if (row.events.length > this.#limits.batchSize) {
      row = toJournalRow(callId, batch, [dropped(row.last_at, 'journalBatchTooLarge', kept.length)])
    }
    const max = this.#limits.eventsPerCall
    const { changes } = await this.#database.write(this.#statements.appendJournal({ ...row, max }))
    if (changes !== 0 && kept.length === events.length) return
    const marker = toJournalRow(callId, markerBatch, [dropped(row.last_at, 'journalTruncated', max)])
    await this.#database.write(this.#statements.insertJournalMarker(marker))
  }
}

function dropped(at: number, what: string, events: number): JournalEvent {
  return { at, kind: 'problem', legId: null, what, facts: { events } }
}

const legColumns = {
  callId: 'call_id',
  role: 'role',
  direction: 'direction',
  label: 'label',
  dialled: 'dialled',
  extension: 'extension',
  sipCallId: 'sip_call_id',
  peer: 'peer',
  userAgent: 'user_agent',
  codec: 'codec',
  startedAt: 'started_at',
  answeredAt: 'answered_at',
  endedAt: 'ended_at',
  cause: 'cause',
  packetsSent: 'packets_sent',
  packetsReceived: 'packets_received',
  packetsLost: 'packets_lost',
  jitterMs: 'jitter_ms',
} as const satisfies Record<keyof Omit<LegRecord, 'id'>, keyof LegRow>

function legChange(change: Partial<Omit<LegRecord, 'id'>>): Partial<LegRow> {
  const row: Record<string, string | number | null> = {}
  for (const name of Object.keys(legColumns) as (keyof typeof legColumns)[]) {
    const value = change[name]
    if (value === undefined) continue
    row[legColumns[name]] = typeof value === 'number' && name !== 'jitterMs' ? Math.round(value) : value
  }
  return row
}
