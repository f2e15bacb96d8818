import type { CallId, RecordingId } from '../base/ids.ts'
import { extensionCalls } from '../call/extension-calls.ts'
import { hangupCauses } from '../leg/hangup-cause.ts'
import { toCallRecord, toExtensionCallRow, toLegRecord } from './call-rows.ts'
import { type CallStatements, compileCallStatements, isOpen } from './call-statements.ts'
import type { Database } from './database.ts'
import type { Prepared } from './queries.ts'
import type { LegRow } from './schema.ts'

/** A recording that was cut off. Its file may be repaired; then `closeRecording` gives it its length. */
export interface InterruptedRecording {
  readonly id: RecordingId
  readonly callId: CallId
  readonly tenant: string
  /** Relative to the data folder. */
  readonly file: string
  readonly channels: 1 | 2
  readonly startedAt: number
}

export interface Recovered {
  readonly calls: number
  readonly recordings: readonly InterruptedRecording[]
}

interface OpenCall {
  readonly id: string
  readonly started_at: number
  readonly answered_at: number | null
  readonly last_journal_at: number | null
  readonly last_leg_at: number | null
  readonly last_recording_at: number | null
}

/** Calls closed at once: bounds what is held in memory. */
const chunkCalls = 500

/**
 * Closes what a stopped server left open: calls and their legs as `interrupted`, recordings likewise. A call ended when
 * last something is known of it: its journal, its recording, or the server itself (`lastAliveAt`).
 * @param startedBefore - wall-clock ms; later calls belong to the server that runs now.
 * Rejects with StoreError.
 */
export async function recoverInterrupted(
  database: Database,
  startedBefore: number,
  lastAliveAt: number | null,
): Promise<Recovered> {
  const statements = compile(database)
  let calls = 0
  for (;;) {
    const open = await openCalls(database, startedBefore)
    if (open.length === 0) break
    await Promise.all(open.map((call) => closeCall(database, statements, call, startedBefore, lastAliveAt)))
    calls += open.length
  }
  await database.write(statements.interruptRecordings({ before: startedBefore, problem: recordingSentence }))
  return { calls, recordings: await unfinishedRecordings(database, startedBefore) }
}

const recordingSentence = 'Switchhook stopped while this was being recorded.'

function sentence(endedAt: number): string {
  const time = new Date(endedAt).toISOString().slice(0, 19).replace('T', ' ')
  return `Switchhook stopped while this call was going on; the last that is known of it is from ${time} UTC.`
}

async function closeCall(
  database: Database,
  statements: ReturnType<typeof compile>,
  call: OpenCall,
  startedBefore: number,
  lastAliveAt: number | null,
): Promise<void> {
  const known = [call.answered_at, call.last_journal_at, call.last_leg_at, call.last_recording_at, lastAliveAt]
  const last = Math.max(call.started_at, ...known.filter((time) => time !== null))
  // Never later than the start of the server that closes it, whatever clocks have done in between.
  const endedAt = Math.max(call.started_at, Math.min(last, startedBefore))
  const values = { id: call.id, ended_at: endedAt, cause: 'interrupted', sentence: sentence(endedAt) }
  const whose = await whoseCall(database, values)
  await database.write(
    statements.closeLegs(values),
    ...whose.map((entry) => statements.insertExtensionCall(toExtensionCallRow(entry))),
    statements.closeCall(values),
  )
}

/** The extensions whose call it was, as it will stand when it is closed. */
async function whoseCall(database: Database, closing: Closing) {
  const { db } = database.queries
  const [[row], legs] = await Promise.all([
    database.read(db.selectFrom('calls').selectAll().where('id', '=', closing.id)),
    database.read(
      db.selectFrom('legs').selectAll().where('call_id', '=', closing.id).orderBy('started_at').orderBy('id'),
    ),
  ])
  if (!row) return []
  const { ended_at, cause } = closing
  // A leg's answer is written when the leg ends: whoever was there at the end of an answered call is taken to have talked.
  const isAnswered = (leg: LegRow): boolean => row.answered_at !== null && leg.started_at <= row.answered_at
  const closedLegs = legs.map((leg) =>
    toLegRecord(
      leg.ended_at === null ? { ...leg, ended_at, cause, answered_at: isAnswered(leg) ? row.answered_at : null } : leg,
    ),
  )
  return extensionCalls(toCallRecord({ ...row, ended_at, cause }), closedLegs)
}

interface Closing {
  readonly id: string
  readonly ended_at: number
  readonly cause: string
  readonly sentence: string
}

function compile(database: Database): {
  readonly insertExtensionCall: CallStatements['insertExtensionCall']
  readonly closeCall: Prepared<Closing>
  readonly closeLegs: Prepared<Closing>
  readonly interruptRecordings: Prepared<{ before: number; problem: string }>
} {
  const { queries } = database
  return {
    insertExtensionCall: compileCallStatements(queries).insertExtensionCall,
    closeCall: queries.prepare((db, slots) =>
      db
        .updateTable('calls')
        .set({
          ...slots.row(['ended_at', 'cause', 'sentence']),
          q850: hangupCauses.interrupted.q850,
          ended_by: 'server',
        })
        .where('id', '=', slots.one('id'))
        .where(isOpen),
    ),
    closeLegs: queries.prepare((db, slots) =>
      db
        .updateTable('legs')
        .set(slots.row(['ended_at', 'cause']))
        .where('call_id', '=', slots.one('id'))
        .where('ended_at', 'is', null),
    ),
    interruptRecordings: queries.prepare((db, slots) =>
      db
        .updateTable('recordings')
        .set({ state: 'interrupted', problem: slots.one('problem') })
        .where('duration_ms', 'is', null)
        .where('state', '=', 'recording')
        .where('started_at', '<', slots.one('before')),
    ),
  }
}

function openCalls(database: Database, startedBefore: number): Promise<readonly OpenCall[]> {
  return database.read(
    database.queries.db
      .selectFrom('calls')
      .select((eb) => [
        'calls.id',
        'calls.started_at',
        'calls.answered_at',
        eb
          .selectFrom('journal')
          .select((inner) => inner.fn.max<number | null>('last_at').as('last'))
          .whereRef('journal.call_id', '=', 'calls.id')
          .as('last_journal_at'),
        eb
          .selectFrom('legs')
          .select((inner) =>
            inner.fn.max<number | null>(inner.fn.coalesce('ended_at', 'answered_at', 'started_at')).as('last'),
          )
          .whereRef('legs.call_id', '=', 'calls.id')
          .as('last_leg_at'),
        eb
          .selectFrom('recordings')
          .select((inner) => inner.fn.max<number | null>('started_at').as('last'))
          .whereRef('recordings.call_id', '=', 'calls.id')
          .as('last_recording_at'),
      ])
      .where('calls.ended_at', 'is', null)
      .where('calls.started_at', '<', startedBefore)
      .orderBy('calls.started_at')
      .orderBy('calls.id')
      .limit(chunkCalls),
  )
}

/** Those of earlier starts too whose file was never repaired. */
async function unfinishedRecordings(
  database: Database,
  startedBefore: number,
): Promise<readonly InterruptedRecording[]> {
  const rows = await database.read(
    database.queries.db
      .selectFrom('recordings')
      .selectAll()
      .where('duration_ms', 'is', null)
      .where('state', '=', 'interrupted')
      .where('started_at', '<', startedBefore)
      .orderBy('started_at')
      .orderBy('id'),
  )
  return rows.map((row) => ({
    id: row.id as RecordingId,
    callId: row.call_id as CallId,
    tenant: row.tenant,
    file: row.file,
    channels: row.channels === 2 ? 2 : 1,
    startedAt: row.started_at,
  }))
}
