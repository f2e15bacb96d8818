import type { Clock } from '../../base/clock.ts'
import { StoreError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Database } from '../database.ts'
import { type Migration, migrationTools } from './migration.ts'

/**
 * Brings the schema up to date: each missing step in a transaction of its own, recorded in it. The driver holds the
 * lock of the only writer by then, so no two programs migrate at once.
 * Throws StoreError: `store.schema-newer`, `store.migration-failed`, and what the database says.
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[],
  options: { readonly clock: Clock; readonly log: Logger },
): Promise<readonly string[]> {
  const { queries } = database
  const { schema } = queries.db
  const tools = migrationTools(queries.db, queries.dialect)
  const table = schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('position', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('name', tools.text, (column) => column.notNull())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
  await database.write(queries.once(table))

  const applied = await database.read(queries.db.selectFrom('schema_migrations').select('name').orderBy('position'))
  for (const [position, { name }] of applied.entries()) {
    if (migrations[position]?.name !== name) throw newerSchema(name)
  }
  const done: string[] = []
  for (const [position, migration] of migrations.entries()) {
    if (position < applied.length) continue
    const record = queries.db
      .insertInto('schema_migrations')
      .values({ position, name: migration.name, applied_at: options.clock.wallTime() })
    const unit = [...migration.statements(tools), record].map((statement) => queries.once(statement))
    await database.write(...unit).catch((cause: unknown) => {
      const sentence = `The database could not be brought to step ${migration.name} of its schema; nothing was changed by it.`
      throw new StoreError('store.migration-failed', sentence, { cause, facts: { step: migration.name } })
    })
    done.push(migration.name)
    options.log.info({ step: migration.name }, 'database schema brought forward')
  }
  return done
}

function newerSchema(name: string): StoreError {
  const sentence = `The database was used by a newer Switchhook: this one does not know step ${name} of its schema.`
  return new StoreError('store.schema-newer', sentence, { facts: { step: name } })
}
