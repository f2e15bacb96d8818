import type { Migration } from './migration.ts'

/**
 * The calls of all extensions in the order of time, with all columns: those of a day are then read side by side. Without them PostgreSQL
 * leapt through the index of each extension and sorted what it found.
 */
export const extensionCallsByTime: Migration = {
  name: '0009-extension-calls-by-time',
  statements: ({ db: { schema } }) => [
    schema.dropIndex('extension_calls_tenant'),
    schema
      .createIndex('extension_calls_tenant')
      .on('extension_calls')
      .columns(['tenant', 'started_at', 'call_id', 'extension', 'serial', 'kind', 'outcome', 'other_party', 'talk_ms']),
  ],
}
