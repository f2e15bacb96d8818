import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Calls, their legs, recordings and journals. The indexes of `calls` are those of its list: by tenant, and there by
 * extension, caller or callee, each ending in the order of the pages. With a million calls each page is a range scan.
 */
export const calls: Migration = {
  name: '0001-calls',
  statements: ({ db: { schema }, text }) => [
    schema
      .createTable('calls')
      .addColumn('id', text, (column) => column.primaryKey().notNull())
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('direction', text, (column) => column.notNull())
      .addColumn('from_party', text, (column) => column.notNull())
      .addColumn('from_name', text)
      .addColumn('to_party', text, (column) => column.notNull())
      .addColumn('extension', text)
      .addColumn('app', text)
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('answered_at', 'bigint')
      .addColumn('ended_at', 'bigint')
      .addColumn('cause', text)
      .addColumn('sip_status', 'integer')
      .addColumn('q850', 'integer')
      .addColumn('ended_by', text)
      .addColumn('sentence', text)
      .addColumn('search_text', text, (column) => column.notNull()),
    schema.createIndex('calls_started').on('calls').columns(['started_at', 'id']),
    schema.createIndex('calls_tenant').on('calls').columns(['tenant', 'started_at', 'id']),
    schema.createIndex('calls_from').on('calls').columns(['tenant', 'from_party', 'started_at', 'id']),
    schema.createIndex('calls_to').on('calls').columns(['tenant', 'to_party', 'started_at', 'id']),
    schema
      .createIndex('calls_extension')
      .on('calls')
      .columns(['tenant', 'extension', 'started_at', 'id'])
      .where(sql.ref('extension'), 'is not', null),
    schema.createIndex('calls_open').on('calls').columns(['started_at', 'id']).where(sql.ref('ended_at'), 'is', null),

    schema
      .createTable('legs')
      .addColumn('id', text, (column) => column.primaryKey().notNull())
      .addColumn('call_id', text, (column) => column.notNull().references('calls.id').onDelete('cascade'))
      .addColumn('role', text, (column) => column.notNull())
      .addColumn('direction', text, (column) => column.notNull())
      .addColumn('sip_call_id', text, (column) => column.notNull())
      .addColumn('peer', text, (column) => column.notNull())
      .addColumn('user_agent', text)
      .addColumn('codec', text)
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('answered_at', 'bigint')
      .addColumn('ended_at', 'bigint')
      .addColumn('cause', text)
      .addColumn('packets_sent', 'bigint')
      .addColumn('packets_received', 'bigint')
      .addColumn('packets_lost', 'bigint')
      .addColumn('jitter_ms', 'double precision'),
    schema.createIndex('legs_call').on('legs').column('call_id'),

    schema
      .createTable('recordings')
      .addColumn('id', text, (column) => column.primaryKey().notNull())
      .addColumn('call_id', text, (column) => column.notNull().references('calls.id').onDelete('cascade'))
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('file', text, (column) => column.notNull())
      .addColumn('channels', 'integer', (column) => column.notNull())
      .addColumn('state', text, (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('duration_ms', 'bigint')
      .addColumn('file_bytes', 'bigint')
      .addColumn('problem', text),
    schema.createIndex('recordings_call').on('recordings').column('call_id'),
    schema.createIndex('recordings_started').on('recordings').columns(['started_at', 'id']),
    schema.createIndex('recordings_tenant').on('recordings').columns(['tenant', 'started_at', 'id']),
    schema
      .createIndex('recordings_unfinished')
      .on('recordings')
      .columns(['started_at', 'id'])
      .where(sql.ref('duration_ms'), 'is', null),

    schema
      .createTable('journal')
      .addColumn('call_id', text, (column) => column.notNull().references('calls.id').onDelete('cascade'))
      .addColumn('batch', 'integer', (column) => column.notNull())
      .addColumn('event_count', 'integer', (column) => column.notNull())
      .addColumn('last_at', 'bigint', (column) => column.notNull())
      .addColumn('events', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('journal_key', ['call_id', 'batch']),
  ],
}
