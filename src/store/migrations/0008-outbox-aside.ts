import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Events that wait apart from the others of their receiver, since what they are sent to hung; docs/adr/0019. */
export const outboxAside: Migration = {
  name: '0008-outbox-aside',
  statements: ({ db: { schema } }) => [
    schema.alterTable('outbox').addColumn('aside', 'integer', (column) => column.notNull().defaultTo(sql.lit(0))),
    schema.dropIndex('outbox_due'),
    schema.createIndex('outbox_due').on('outbox').columns(['state', 'lane', 'aside', 'next_at', 'seq']),
    // What the ledger may forget: docs of `Ledger.purge`.
    schema.createIndex('ledger_started').on('ledger').column('started_at'),
  ],
}
