import { type Expression, type ExpressionBuilder, type Kysely, type SqlBool, sql } from 'kysely'
import type { Statement } from './driver.ts'
import type { Prepared, Queries, Slots } from './queries.ts'
import type { CallRow, ExtensionCallRow, JournalRow, LegRow, RecordingRow, Tables } from './schema.ts'

const callColumns = [
  'id',
  'tenant',
  'direction',
  'from_party',
  'from_name',
  'to_party',
  'extension',
  'app',
  'serial',
  'absent',
  'answered_by',
  'transferred_to',
  'started_at',
  'answered_at',
  'ended_at',
  'cause',
  'sip_status',
  'q850',
  'ended_by',
  'sentence',
  'search_text',
] as const satisfies readonly (keyof CallRow)[]

/** What closing sets: no indexed column, so that no index but that of open calls is touched. */
const closingColumns = [
  'app',
  'absent',
  'answered_by',
  'transferred_to',
  'answered_at',
  'ended_at',
  'cause',
  'sip_status',
  'q850',
  'ended_by',
  'sentence',
] as const satisfies readonly (keyof CallRow)[]

const legColumns = [
  'id',
  'call_id',
  'role',
  'direction',
  'label',
  'dialled',
  'extension',
  'sip_call_id',
  'peer',
  'user_agent',
  'codec',
  'started_at',
  'answered_at',
  'ended_at',
  'cause',
  'packets_sent',
  'packets_received',
  'packets_lost',
  'jitter_ms',
] as const satisfies readonly (keyof LegRow)[]

const legClosingColumns = [
  'codec',
  'user_agent',
  'answered_at',
  'ended_at',
  'cause',
  'packets_sent',
  'packets_received',
  'packets_lost',
  'jitter_ms',
] as const satisfies readonly (keyof LegRow)[]

const recordingColumns = [
  'id',
  'call_id',
  'tenant',
  'file',
  'channels',
  'state',
  'started_at',
  'duration_ms',
  'file_bytes',
  'problem',
] as const satisfies readonly (keyof RecordingRow)[]

const journalColumns = [
  'call_id',
  'batch',
  'event_count',
  'last_at',
  'events',
] as const satisfies readonly (keyof JournalRow)[]

const extensionCallColumns = [
  'call_id',
  'tenant',
  'extension',
  'started_at',
  'serial',
  'kind',
  'outcome',
  'other_party',
  'talk_ms',
] as const satisfies readonly (keyof ExtensionCallRow)[]

export interface CallStatements {
  /** Inserts do nothing where the row is there, so that a write may be repeated. */
  readonly insertCall: Prepared<CallRow>
  readonly insertLeg: Prepared<LegRow>
  readonly addSearchText: Prepared<{ id: string; text: string }>
  /** Closes the call if it is open. */
  readonly closeCall: Prepared<CallRow>
  /** Writes the leg's last values, or all of it, while its call is open. */
  readonly closeLeg: Prepared<LegRow>
  /** Says whose call it was, while it is open. */
  readonly insertExtensionCall: Prepared<ExtensionCallRow>
  /** The same, of a call that is closed. */
  readonly addExtensionCall: Prepared<ExtensionCallRow>
  readonly insertRecording: Prepared<RecordingRow>
  readonly closeRecording: Prepared<Pick<RecordingRow, 'id' | 'state' | 'duration_ms' | 'file_bytes' | 'problem'>>
  /** Appends the batch unless `max` events are there. */
  readonly appendJournal: Prepared<JournalRow & { readonly max: number }>
  readonly insertJournalMarker: Prepared<JournalRow>
}

export function compileCallStatements(queries: Queries): CallStatements {
  const insertCall = queries.prepare<CallRow>((db, slots) =>
    db
      .insertInto('calls')
      .values(slots.row(callColumns))
      .onConflict((conflict) => conflict.column('id').doNothing()),
  )
  const insertLeg = queries.prepare<LegRow>((db, slots) =>
    db
      .insertInto('legs')
      .values(slots.row(legColumns))
      .onConflict((conflict) => conflict.column('id').doNothing()),
  )
  return {
    insertCall,
    insertLeg,
    addSearchText: queries.prepare((db, slots) =>
      db
        .updateTable('calls')
        .set((eb) => ({ search_text: eb(eb.ref('search_text'), '||', slots.one('text')) }))
        .where('id', '=', slots.one('id')),
    ),
    closeCall: queries.prepare((db, slots) =>
      db.updateTable('calls').set(slots.row(closingColumns)).where('id', '=', slots.one('id')).where(isOpen),
    ),
    closeLeg: queries.prepare((db, slots) => closeLeg(db, slots)),
    insertExtensionCall: queries.prepare((db, slots) =>
      db
        .insertInto('extension_calls')
        .columns([...extensionCallColumns])
        .expression(
          db
            .selectNoFrom((eb) => extensionCallColumns.map((name) => eb.val(slots.one(name)).as(name)))
            .where((eb) => isCallOpen(eb, slots)),
        )
        .onConflict((conflict) => conflict.columns(['call_id', 'extension']).doNothing()),
    ),
    addExtensionCall: queries.prepare((db, slots) =>
      db
        .insertInto('extension_calls')
        .values(slots.row(extensionCallColumns))
        .onConflict((conflict) => conflict.columns(['call_id', 'extension']).doNothing()),
    ),
    insertRecording: queries.prepare((db, slots) =>
      db
        .insertInto('recordings')
        .values(slots.row(recordingColumns))
        .onConflict((conflict) => conflict.column('id').doNothing()),
    ),
    closeRecording: queries.prepare((db, slots) =>
      db
        .updateTable('recordings')
        .set(slots.row(['state', 'duration_ms', 'file_bytes', 'problem']))
        .where('id', '=', slots.one('id'))
        .where('state', 'in', ['recording', 'interrupted']),
    ),
    appendJournal: queries.prepare((db, slots) =>
      db
        .insertInto('journal')
        .columns([...journalColumns])
        .expression(
          db
            .selectNoFrom((eb) => journalColumns.map((name) => eb.val(slots.one(name)).as(name)))
            .where((eb) => eb(kept(eb, slots), '<', slots.one('max'))),
        )
        .onConflict((conflict) => conflict.columns(['call_id', 'batch']).doNothing()),
    ),
    insertJournalMarker: queries.prepare((db, slots) =>
      db
        .insertInto('journal')
        .values(slots.row(journalColumns))
        .onConflict((conflict) => conflict.columns(['call_id', 'batch']).doNothing()),
    ),
  }
}

function kept(
  eb: ExpressionBuilder<Tables, never>,
  slots: Slots<JournalRow & { readonly max: number }>,
): Expression<number> {
  return eb
    .selectFrom('journal')
    .select((inner) => inner.fn.coalesce(inner.fn.sum<number>('event_count'), inner.lit(0)).as('kept'))
    .where('call_id', '=', slots.one('call_id'))
    .$asScalar()
}

/**
 * That a call found by its id is open. Not written `is null`: on a table that it has no statistics of, PostgreSQL would
 * then search the index of open calls, which is full of calls that have just been closed.
 */
export const isOpen = sql<SqlBool>`coalesce(ended_at, 0) = 0`

function isCallOpen(
  eb: ExpressionBuilder<Tables, never>,
  slots: Slots<{ readonly call_id: string }>,
): Expression<SqlBool> {
  return eb.exists(eb.selectFrom('calls').select('calls.id').where('calls.id', '=', slots.one('call_id')).where(isOpen))
}

function closeLeg(db: Kysely<Tables>, slots: Slots<LegRow>) {
  return db
    .insertInto('legs')
    .columns([...legColumns])
    .expression(
      db
        .selectNoFrom((eb) => legColumns.map((name) => eb.val(slots.one(name)).as(name)))
        .where((eb) => isCallOpen(eb, slots)),
    )
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) =>
          Object.fromEntries(legClosingColumns.map((name) => [name, eb.ref(`excluded.${name}`)] as const)),
        ),
    )
}

/** Distinct sets of columns whose statement is kept compiled; real calls use a handful. */
const maxShapes = 64

/**
 * Statements that set any of a row's columns by its id. Each set of columns is compiled once; past `maxShapes` sets
 * each column gets a statement of its own, so that odd callers cannot fill the memory.
 */
export function setStatements<Name extends 'calls' | 'legs'>(
  queries: Queries,
  table: Name,
): (change: Partial<Tables[Name]>, id: string) => readonly Statement[] {
  const shapes = new Map<string, Prepared<Record<string, unknown>>>()
  const shapeOf = (columns: readonly string[]): Prepared<Record<string, unknown>> => {
    const name = columns.join(',')
    const known = shapes.get(name)
    if (known) return known
    // The columns are those of `change`, so they are the table's; Kysely cannot know from their names.
    const prepared = queries.prepare<Record<string, unknown>>((db, slots) =>
      db
        .updateTable<'calls' | 'legs'>(table)
        .set(slots.row(columns) as never)
        .where('id', '=', slots.one('id') as never),
    )
    shapes.set(name, prepared)
    return prepared
  }
  return (change, id) => {
    const columns = Object.keys(change).sort()
    if (columns.length === 0) return []
    const values = { ...change, id }
    if (shapes.size < maxShapes || shapes.has(columns.join(','))) return [shapeOf(columns)(values)]
    return columns.map((column) => shapeOf([column])(values))
  }
}
