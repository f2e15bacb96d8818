import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { SystemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/log.ts'
import { openDatabase } from '../src/store/sqlite/binding.ts'
import { openStore } from '../src/store/store.ts'
import { createTestDatabase } from '../test/support/databases.ts'

/** When the records begin, and over how long they are spread. */
export const firstAt = Date.UTC(2025, 0, 1)
export const spanMs = 365 * 86_400_000
export const extensions = 200

export interface FilledDatabase {
  /** For the setting `database`. */
  readonly url: string
  remove(): Promise<void>
}

/** A database of our schema with so many closed calls of tenant `bench`, spread evenly over a year and over the extensions. */
export async function fillDatabase(kind: 'sqlite' | 'postgres', records: number): Promise<FilledDatabase> {
  const database = kind === 'sqlite' ? await sqliteFile() : await createTestDatabase('postgres')
  const dataFolder = await mkdtemp(join(tmpdir(), 'switchhook-records-'))
  // Brings the schema.
  const store = await openStore({ database: database.url, dataFolder, clock: new SystemClock(), log: silentLogger })
  await store.close()
  const statements = insertions(kind, records)
  if (kind === 'sqlite') {
    const db = openDatabase(database.url.slice('sqlite:'.length), {})
    db.pragma('synchronous = OFF')
    for (const statement of statements) db.exec(statement)
    db.exec('analyze')
    db.close()
  } else {
    const client = new Client({ connectionString: database.url })
    await client.connect()
    for (const statement of statements) await client.query(statement)
    await client.query('vacuum analyze')
    await client.end()
  }
  return {
    url: database.url,
    remove: async () => {
      await database.remove()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

async function sqliteFile(): Promise<FilledDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'switchhook-records-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  return { url: `sqlite:${join(folder, 'records.db')}`, remove }
}

/** Row i is a call of extension 1000 + (7919 i mod 200): every other placed, the rest received. */
function insertions(kind: 'sqlite' | 'postgres', records: number): readonly string[] {
  const series =
    kind === 'sqlite'
      ? `with recursive n(i) as (select 0 union all select i + 1 from n where i < ${records - 1})`
      : `with n(i) as (select generate_series(0::bigint, ${records - 1}))`
  const id = kind === 'sqlite' ? `'call_' || printf('%025d', i)` : `'call_' || lpad(i::text, 25, '0')`
  const extension = `cast(1000 + (i * 7919) % ${extensions} as text)`
  const other = `'+849' || cast(10000000 + (i * 104729) % 89999999 as text)`
  const at = `${firstAt} + i * ${Math.floor(spanMs / records)}`
  const serial = '1 + (i % 9) + 10 * (i % 9000)'
  return [
    `insert into calls (id, tenant, direction, from_party, to_party, extension, serial, started_at, answered_at, ended_at, cause,
       q850, ended_by, sentence, search_text)
     ${series} select ${id}, 'bench', 'inbound', case i % 2 when 0 then ${extension} else ${other} end,
       case i % 2 when 0 then ${other} else '+842800000000' end, case i % 2 when 0 then ${extension} end, ${serial}, ${at},
       ${at} + 4000, ${at} + 64000, 'normal', 16, 'caller', 'The caller hung up after 1 min 0 s.',
       ${other} || ' ' || ${extension} from n`,
    `insert into extension_calls (call_id, tenant, extension, started_at, serial, kind, outcome, other_party, talk_ms)
     ${series} select ${id}, 'bench', ${extension}, ${at}, ${serial}, case i % 2 when 0 then 'outgoing' else 'direct' end,
       case i % 3 when 0 then 'no-answer' else 'answered' end, ${other}, 60000 from n`,
  ]
}
