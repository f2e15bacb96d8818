import type { Migration } from './migration.ts'

/** Calls of several parties: who took the call, where it was passed on to, and which device each leg was for. */
export const secondParty: Migration = {
  name: '0004-second-party',
  statements: ({ db: { schema }, text }) => [
    schema.alterTable('calls').addColumn('answered_by', text),
    schema.alterTable('calls').addColumn('transferred_to', text),
    schema.alterTable('legs').addColumn('label', text),
    schema.alterTable('legs').addColumn('dialled', text),
  ],
}
