import type { Migration } from './migration.ts'

/** Where the messages of a mailbox are sent to, by what age they go, and when a message was heard. */
export const voicemailMail: Migration = {
  name: '0010-voicemail-mail',
  statements: ({ db: { schema }, text }) => [
    schema.alterTable('mailboxes').addColumn('email', text),
    schema.alterTable('mailboxes').addColumn('new_days', 'integer'),
    schema.alterTable('mailboxes').addColumn('saved_days', 'integer'),
    schema.alterTable('voicemail_messages').addColumn('read_at', 'bigint'),
    // A voice is looked for by its name before its file goes.
    schema.createIndex('voicemail_messages_file').on('voicemail_messages').columns(['tenant', 'voice']),
  ],
}
