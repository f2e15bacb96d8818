import type { Migration } from './migration.ts'

/** What customers of a published API are shown of their own calls, by the references that they were given. */
export const ledger: Migration = {
  name: '0007-ledger',
  statements: ({ db: { schema }, text }) => [
    schema
      .createTable('ledger')
      .addColumn('ref', text, (column) => column.primaryKey().notNull())
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('account', text, (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('ended_at', 'bigint')
      .addColumn('request_key', text)
      .addColumn('data', text, (column) => column.notNull()),
    schema.createIndex('ledger_account').on('ledger').columns(['tenant', 'account', 'started_at', 'ref']),
    schema.createIndex('ledger_request').on('ledger').columns(['tenant', 'account', 'request_key']),
    schema.createIndex('ledger_open').on('ledger').column('ended_at'),
  ],
}
