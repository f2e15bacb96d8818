import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Events that are owed to receivers outside, what became of each attempt, and what was announced and is not ready yet. */
export const outbox: Migration = {
  name: '0003-outbox',
  statements: ({ db: { schema }, text }) => [
    schema
      .createTable('outbox')
      .addColumn('id', text, (column) => column.primaryKey().notNull())
      .addColumn('seq', 'bigint', (column) => column.notNull())
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('order_key', text)
      .addColumn('lane', text, (column) => column.notNull())
      .addColumn('url', text, (column) => column.notNull())
      .addColumn('content_type', text, (column) => column.notNull())
      .addColumn('headers', text, (column) => column.notNull())
      .addColumn('body', text, (column) => column.notNull())
      .addColumn('state', text, (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('max_attempts', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('next_at', 'bigint', (column) => column.notNull())
      .addColumn('leased_until', 'bigint')
      .addColumn('finished_at', 'bigint')
      .addColumn('last_status', 'integer')
      .addColumn('last_problem', text),
    schema.createIndex('outbox_seq').on('outbox').column('seq'),
    // What a lane has to send next, and what in each state is oldest.
    schema.createIndex('outbox_due').on('outbox').columns(['state', 'lane', 'next_at', 'seq']),
    schema.createIndex('outbox_finished').on('outbox').columns(['state', 'finished_at']),
    schema
      .createIndex('outbox_order')
      .on('outbox')
      .columns(['tenant', 'order_key', 'seq'])
      .where(sql.ref('order_key'), 'is not', null),
    schema.createIndex('outbox_created').on('outbox').columns(['created_at', 'id']),
    schema.createIndex('outbox_tenant').on('outbox').columns(['tenant', 'created_at', 'id']),

    schema
      .createTable('outbox_attempts')
      .addColumn('event_id', text, (column) => column.notNull().references('outbox.id').onDelete('cascade'))
      .addColumn('number', 'integer', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('duration_ms', 'integer', (column) => column.notNull())
      .addColumn('status', 'integer')
      .addColumn('problem', text)
      .addColumn('answer', text)
      .addPrimaryKeyConstraint('outbox_attempts_key', ['event_id', 'number']),

    schema
      .createTable('outbox_announced')
      .addColumn('id', text, (column) => column.primaryKey().notNull())
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('subject', text, (column) => column.notNull())
      .addColumn('announced_at', 'bigint', (column) => column.notNull()),
  ],
}
