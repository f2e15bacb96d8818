import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Bindings of telephones, the admin API's entities as documents, and single values. */
export const settings: Migration = {
  name: '0002-settings',
  statements: ({ db: { schema }, text }) => [
    schema
      .createTable('bindings')
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('extension', text, (column) => column.notNull())
      .addColumn('contact_text', text, (column) => column.notNull())
      .addColumn('sip_call_id', text, (column) => column.notNull())
      .addColumn('cseq', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('q', 'double precision', (column) => column.notNull())
      .addColumn('user_agent', text)
      .addColumn('via_protocol', text, (column) => column.notNull())
      .addColumn('via_local', text, (column) => column.notNull())
      .addColumn('via_remote', text, (column) => column.notNull())
      .addColumn('instance', text)
      .addPrimaryKeyConstraint('bindings_key', ['tenant', 'extension', 'contact_text']),

    schema
      .createTable('documents')
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('key', text, (column) => column.notNull())
      .addColumn('body', text, (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('documents_key', ['tenant', 'kind', 'key']),
    // A number belongs to one tenant only: it must be clear whom a call from outside is for.
    schema.createIndex('documents_number').unique().on('documents').column('key').where(sql.ref('kind'), '=', 'number'),

    schema
      .createTable('meta')
      .addColumn('key', text, (column) => column.primaryKey().notNull())
      .addColumn('value', text, (column) => column.notNull()),
  ],
}
