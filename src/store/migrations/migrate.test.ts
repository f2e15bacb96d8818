import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sampleCall, sampleLeg } from '../../../test/support/call-samples.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../../../test/support/databases.ts'
import { TestClock } from '../../../test/support/test-clock.ts'
import { silentLogger } from '../../base/log.ts'
import { openStore, type Store } from '../store.ts'
import { migrations } from './index.ts'
import type { Migration } from './migration.ts'

describe.each(databaseKinds)('migrations on %s', (kind) => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await createTestDatabase(kind)
  })
  afterEach(() => database?.remove())

  function open(steps: readonly Migration[]): Promise<Store> {
    const { url, dataFolder } = database
    return openStore({ database: url, dataFolder, clock: new TestClock(), log: silentLogger, migrations: steps })
  }

  const nickname: Migration = {
    name: '0003-nickname',
    statements: ({ db, text }) => [
      db.schema.alterTable('calls').addColumn('nickname', text),
      db.updateTable('calls').set({ nickname: 'none' } as never),
    ],
  }

  it('have names in order that begin with their number', () => {
    expect(migrations.map((step) => step.name)).toEqual(migrations.map((step) => step.name).toSorted())
    for (const [index, { name }] of migrations.entries()) {
      expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(4, '0')}-[a-z-]+$`))
    }
  })

  it('bring an empty database to the newest schema, and change nothing the second time', async () => {
    const call = sampleCall()
    const first = await open(migrations)
    await first.records.open(call, sampleLeg(call))
    await first.close()
    const second = await open(migrations)
    expect((await second.calls.get(call.id))?.call).toEqual(call)
    await second.close()
  })

  it('bring a database of an older version forward with its calls, one step at a time', async () => {
    const call = sampleCall()
    const leg = sampleLeg(call)
    // Written as the first version did: the columns that came later were not there yet.
    const oldRows: Migration = {
      name: '0002-old-rows',
      statements: ({ db }) => [
        db.insertInto('calls').values({
          id: call.id,
          tenant: call.tenant,
          direction: call.direction,
          from_party: call.from,
          from_name: call.fromName,
          to_party: call.to,
          app: call.app,
          started_at: call.startedAt,
          search_text: '',
        }),
        db.insertInto('legs').values({
          id: leg.id,
          call_id: call.id,
          role: leg.role,
          direction: leg.direction,
          sip_call_id: leg.sipCallId,
          peer: leg.peer,
          user_agent: leg.userAgent,
          started_at: leg.startedAt,
        }),
      ],
    }
    const firstSteps = [...migrations.slice(0, 2), oldRows]
    await (await open(firstSteps)).close()
    const store = await open([...firstSteps, ...migrations.slice(2), nickname])
    expect(await store.calls.get(call.id)).toMatchObject({ call, legs: [leg] })
    await store.close()
  })

  it('refuse a database that a newer version has used, and leave it as it is', async () => {
    await (await open([...migrations, nickname])).close()
    await expect(open(migrations)).rejects.toMatchObject({
      code: 'store.schema-newer',
      message: 'The database was used by a newer Switchhook: this one does not know step 0003-nickname of its schema.',
      facts: { step: '0003-nickname' },
    })
    await (await open([...migrations, nickname])).close()
  })

  it('leave nothing of a step that fails half way, and can be tried again', async () => {
    const broken: Migration = {
      name: '0003-broken',
      statements: ({ db, text }) => [
        db.schema.createTable('half_done').addColumn('id', text),
        db.schema.createTable('calls').addColumn('id', text),
      ],
    }
    await expect(open([...migrations, broken])).rejects.toMatchObject({
      code: 'store.migration-failed',
      facts: { step: '0003-broken' },
      cause: { code: 'store.failed' },
    })
    const mended: Migration = {
      name: '0003-broken',
      statements: ({ db, text }) => [
        db.schema.createTable('half_done').addColumn('id', text),
        { compile: () => sql`insert into half_done (id) values ('x')`.compile(db) },
      ],
    }
    const store = await open([...migrations, mended])
    await store.close()
  })
})
