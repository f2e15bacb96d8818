import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Whose calls they were: one row per call and extension, so that the newest thousand of an extension, or all of a tenant's day,
 * are one scan of an index. Rows of older versions are told as far as their columns say: who called, and who took the call.
 */
export const extensionCalls: Migration = {
  name: '0005-extension-calls',
  statements: ({ db: { schema }, db, text }) => [
    schema.alterTable('calls').addColumn('serial', 'integer'),
    schema.alterTable('calls').addColumn('absent', text),
    schema.alterTable('legs').addColumn('extension', text),
    schema
      .createTable('extension_calls')
      .addColumn('call_id', text, (column) => column.notNull().references('calls.id').onDelete('cascade'))
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('extension', text, (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('serial', 'integer')
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('outcome', text, (column) => column.notNull())
      .addColumn('other_party', text, (column) => column.notNull())
      .addColumn('talk_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('extension_calls_key', ['call_id', 'extension']),
    // With all columns: the calls of one extension lie far apart in the table, and side by side in here.
    schema
      .createIndex('extension_calls_extension')
      .on('extension_calls')
      .columns(['tenant', 'extension', 'started_at', 'call_id', 'serial', 'kind', 'outcome', 'other_party', 'talk_ms']),
    schema
      .createIndex('extension_calls_tenant')
      .on('extension_calls')
      .columns(['tenant', 'started_at', 'call_id', 'extension']),
    // A telephone's leg was labelled with its extension and, in brackets, its address.
    db
      .updateTable('legs')
      .set({ extension: sql`dialled` as never })
      .where(sql<boolean>`label like dialled || ' (%:%)'`),
    db
      .insertInto('extension_calls')
      .columns(['call_id', 'tenant', 'extension', 'started_at', 'kind', 'outcome', 'other_party', 'talk_ms'])
      .expression(
        db
          .selectFrom('calls')
          .select([
            'id',
            'tenant',
            sql<string>`extension`.as('extension'),
            'started_at',
            sql<string>`'outgoing'`.as('kind'),
            outcome.as('outcome'),
            'to_party',
            talkMs.as('talk_ms'),
          ])
          .where('extension', 'is not', null)
          .where('ended_at', 'is not', null),
      ),
    db
      .insertInto('extension_calls')
      .columns(['call_id', 'tenant', 'extension', 'started_at', 'kind', 'outcome', 'other_party', 'talk_ms'])
      .expression(
        db
          .selectFrom('calls')
          .select([
            'id',
            'tenant',
            sql<string>`answered_by`.as('extension'),
            'started_at',
            sql<string>`'handled'`.as('kind'),
            outcome.as('outcome'),
            'from_party',
            talkMs.as('talk_ms'),
          ])
          .where('extension', 'is', null)
          .where('ended_at', 'is not', null)
          .where(
            sql<boolean>`exists (select 1 from legs where legs.call_id = calls.id and legs.extension = calls.answered_by)`,
          ),
      ),
  ],
}

const outcome = sql<string>`case when answered_at is not null then 'answered' when cause in ('busy', 'rejected', 'do-not-disturb') then 'busy' when cause in ('no-answer', 'cancelled', 'normal') then 'no-answer' else 'failed' end`
const talkMs = sql<number>`case when ended_at > answered_at then ended_at - answered_at else 0 end`
