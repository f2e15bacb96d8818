import type { Migration } from './migration.ts'

/** Mailboxes with what their owners chose, messages, messages that are owed to a service, promos and who took them. */
export const voicemail: Migration = {
  name: '0006-voicemail',
  statements: ({ db: { schema }, text }) => [
    schema
      .createTable('mailboxes')
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('owner', text, (column) => column.notNull())
      .addColumn('is_own', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('language', text)
      .addColumn('max_messages', 'integer')
      .addColumn('record_status', text)
      .addColumn('max_idle', 'integer')
      .addColumn('max_record', 'integer')
      .addColumn('pin_hash', text)
      .addColumn('pin_failures', 'integer', (column) => column.notNull())
      .addColumn('locked_until', 'bigint')
      .addColumn('greeting_voice', text)
      .addColumn('greeting_active', 'integer', (column) => column.notNull())
      .addColumn('promo_x', 'integer', (column) => column.notNull())
      .addColumn('promo_y', 'integer', (column) => column.notNull())
      .addColumn('missed', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('mailboxes_key', ['tenant', 'owner']),

    schema
      .createTable('voicemail_messages')
      .addColumn('id', text, (column) => column.primaryKey().notNull())
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('owner', text, (column) => column.notNull())
      .addColumn('voice', text, (column) => column.notNull())
      .addColumn('caller', text, (column) => column.notNull())
      .addColumn('received_at', 'bigint', (column) => column.notNull())
      .addColumn('duration_seconds', 'integer', (column) => column.notNull())
      .addColumn('is_read', 'integer', (column) => column.notNull())
      .addColumn('deleted_at', 'bigint')
      .addColumn('forwarded_by', text),
    // The same file reported twice is one message.
    schema
      .createIndex('voicemail_messages_voice')
      .unique()
      .on('voicemail_messages')
      .columns(['tenant', 'owner', 'voice']),
    schema.createIndex('voicemail_messages_list').on('voicemail_messages').columns(['tenant', 'owner', 'received_at']),
    schema.createIndex('voicemail_messages_deleted').on('voicemail_messages').column('deleted_at'),

    schema
      .createTable('voicemail_deposits')
      .addColumn('call_id', text, (column) => column.primaryKey().notNull())
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('service', text, (column) => column.notNull())
      .addColumn('caller', text, (column) => column.notNull())
      .addColumn('owner', text, (column) => column.notNull())
      .addColumn('access', text, (column) => column.notNull())
      .addColumn('voice', text, (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('duration_seconds', 'integer'),

    schema
      .createTable('voicemail_promos')
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('promo', text, (column) => column.notNull())
      .addColumn('is_on', 'integer', (column) => column.notNull())
      .addColumn('voice', text, (column) => column.notNull())
      .addColumn('message', text, (column) => column.notNull())
      .addColumn('active_from', 'bigint')
      .addColumn('active_until', 'bigint')
      .addPrimaryKeyConstraint('voicemail_promos_key', ['tenant', 'promo']),

    schema
      .createTable('voicemail_takers')
      .addColumn('tenant', text, (column) => column.notNull())
      .addColumn('promo', text, (column) => column.notNull())
      .addColumn('number', text, (column) => column.notNull())
      .addColumn('is_taker', 'integer', (column) => column.notNull())
      .addColumn('decided_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('voicemail_takers_key', ['tenant', 'promo', 'number']),
  ],
}
