import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endedCall, endedLeg, sampleCall, sampleLeg, sampleStart } from '../../test/support/call-samples.ts'
import { createTestDatabase, databaseKinds } from '../../test/support/databases.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import { silentLogger } from '../base/log.ts'
import type { CallRecord } from '../call/records.ts'
import type { CallFilter } from './call-filter.ts'
import { CallQueries } from './call-queries.ts'
import { Database } from './database.ts'
import { parseDatabaseUrl } from './database-url.ts'
import { openPostgres } from './postgres/driver.ts'
import { openSqlite } from './sqlite/driver.ts'
import { openStore, type Store } from './store.ts'
import { WriteQueue } from './write-queue.ts'

describe.each(databaseKinds)('reading calls on %s', (kind) => {
  let test: TestStore
  let store: Store
  beforeAll(async () => {
    test = await openTestStore(kind)
    store = test.store
  })
  afterAll(() => test?.remove())

  async function open(...calls: readonly CallRecord[]): Promise<void> {
    await Promise.all(calls.map((call) => store.records.open(call, sampleLeg(call))))
  }

  async function listed(filter: CallFilter): Promise<readonly string[]> {
    return (await store.calls.list(filter)).items.map((call) => call.to)
  }

  it('lists newest first and pages to the end without a gap, many calls sharing a millisecond', async () => {
    const calls = Array.from({ length: 23 }, (_, index) =>
      sampleCall({ tenant: 'paging', startedAt: sampleStart + Math.floor(index / 5) }),
    )
    await open(...calls)
    const seen: CallRecord[] = []
    let cursor: string | null = null
    let pages = 0
    do {
      const page = await store.calls.list({ tenant: 'paging' }, { limit: 4, cursor })
      seen.push(...page.items)
      cursor = page.nextCursor
      pages++
    } while (cursor !== null)
    expect(pages).toBe(6)
    const order = calls.toSorted((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1))
    expect(seen).toEqual(order)
  })

  it('a page does not shift when calls begin and end meanwhile', async () => {
    const calls = Array.from({ length: 10 }, (_, index) =>
      sampleCall({ tenant: 'shift', startedAt: sampleStart + index }),
    )
    await open(...calls)
    const first = await store.calls.list({ tenant: 'shift' }, { limit: 5 })
    await open(
      ...Array.from({ length: 7 }, (_, index) => sampleCall({ tenant: 'shift', startedAt: sampleStart + 100 + index })),
    )
    for (const call of calls.slice(0, 3)) await store.records.close(endedCall(call), [])
    const second = await store.calls.list({ tenant: 'shift' }, { limit: 5, cursor: first.nextCursor })
    const ids = [...first.items, ...second.items].map((call) => call.id)
    expect(ids).toEqual(calls.toReversed().map((call) => call.id))
    expect(second.nextCursor).toBeNull()
  })

  it('refuses a cursor that is not its own', async () => {
    for (const cursor of [
      'x',
      'W10',
      Buffer.from('{"a":1}').toString('base64url'),
      Buffer.from('["1","a"]').toString('base64url'),
    ]) {
      await expect(store.calls.list({}, { cursor })).rejects.toMatchObject({ code: 'store.cursor', httpStatus: 400 })
    }
  })

  it('gives at least one and at most 500 calls a page, whatever is asked for', async () => {
    await open(...Array.from({ length: 510 }, () => sampleCall({ tenant: 'limits' })))
    const lengths = [0, -3, 1.9, Number.NaN, 1e9].map(
      async (limit) => (await store.calls.list({ tenant: 'limits' }, { limit })).items.length,
    )
    expect(await Promise.all(lengths)).toEqual([1, 1, 1, 50, 500])
  })

  it('pages through the calls of an extension, whichever way they went, and exports them the other way round', async () => {
    const calls: CallRecord[] = []
    // An export leaves out what is of later than itself.
    const begun = Date.UTC(2025, 11, 1)
    for (let index = 0; index < 11; index++) {
      const call = sampleCall({ tenant: 'whose', startedAt: begun + Math.floor(index / 4), to: String(index) })
      const rung = sampleLeg(call, { direction: 'outbound', role: 'callee', extension: '137', dialled: '137' })
      await store.records.open(call, sampleLeg(call))
      if (index % 3 !== 0) await store.records.addLeg(rung)
      await store.records.close(endedCall(call, index === 4 ? { cause: 'busy' } : {}), [])
      if (index % 3 !== 0) calls.push(call)
    }
    const newest = calls.toSorted((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1)).map((call) => call.id)
    const filter = { tenant: 'whose', of: '137' }
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page = await store.calls.list(filter, { limit: 2, cursor })
      seen.push(...page.items.map((call) => call.id))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen).toEqual(newest)
    const exported: string[] = []
    for await (const call of store.calls.export(filter)) exported.push(call.id)
    expect(exported).toEqual(newest.toReversed())
    // By extension alone, over all tenants, the same.
    const all = await store.calls.list({ of: '137', startedFrom: begun }, { limit: 500 })
    expect(all.items.filter(({ tenant }) => tenant === 'whose').map(({ id }) => id)).toEqual(newest)
    expect(await listed({ ...filter, cause: 'busy' })).toEqual(['4'])
    expect(await listed({ ...filter, startedFrom: begun + 1, startedBefore: begun + 2 })).toHaveLength(3)
    expect(await listed({ tenant: 'filter', of: '137' })).toEqual([])
    expect(await store.calls.count(filter)).toBe(newest.length)
  })

  it('filters by every field, alone and together', async () => {
    const one = sampleCall({ tenant: 'filter', to: 'one', from: '+6511', extension: '101' })
    const two = sampleCall({ tenant: 'filter', to: 'two', from: '+6512', startedAt: sampleStart + 1000 })
    const three = sampleCall({
      tenant: 'filter',
      to: 'three',
      from: '+6511',
      extension: '102',
      startedAt: sampleStart + 2000,
    })
    await open(one, two, three)
    await open(sampleCall({ tenant: 'other', to: 'four', from: '+6511', extension: '101' }))
    await store.records.close(endedCall(two, { cause: 'busy' }), [])
    await store.records.close(endedCall(three), [])
    const tenant = 'filter'
    expect(await listed({ tenant })).toEqual(['three', 'two', 'one'])
    expect(await listed({ tenant, from: '+6511' })).toEqual(['three', 'one'])
    expect(await listed({ tenant, to: 'two' })).toEqual(['two'])
    expect(await listed({ tenant, extension: '101' })).toEqual(['one'])
    expect(await listed({ tenant, cause: 'busy' })).toEqual(['two'])
    expect(await listed({ tenant, state: 'open' })).toEqual(['one'])
    expect(await listed({ tenant, state: 'ended' })).toEqual(['three', 'two'])
    expect(await listed({ tenant, startedFrom: sampleStart + 1000 })).toEqual(['three', 'two'])
    expect(await listed({ tenant, startedBefore: sampleStart + 1000 })).toEqual(['one'])
    expect(await listed({ tenant, from: '+6511', state: 'ended', startedFrom: sampleStart })).toEqual(['three'])
    expect(await listed({ tenant: 'nobody' })).toEqual([])
    expect(await store.calls.count({ tenant, from: '+6511' })).toBe(2)
  })

  it('finds text in any party, whatever its case and accents, and takes its wildcards literally', async () => {
    const tenant = 'text'
    await open(
      sampleCall({ tenant, to: 'a', fromName: 'Đức Nguyễn', startedAt: sampleStart }),
      sampleCall({ tenant, to: 'b', fromName: 'שָׁלוֹם', startedAt: sampleStart + 1 }),
      sampleCall({ tenant, to: '100%', fromName: 'A_B\\C', startedAt: sampleStart + 2 }),
      sampleCall({ tenant, to: '1000', fromName: null, from: "o'neil", extension: '777', startedAt: sampleStart + 3 }),
    )
    expect(await listed({ tenant, text: 'duc' })).toEqual(['a'])
    expect(await listed({ tenant, text: ' ĐỨC NG' })).toEqual(['a'])
    expect(await listed({ tenant, text: 'שלום' })).toEqual(['b'])
    expect(await listed({ tenant, text: '0%' })).toEqual(['100%'])
    expect(await listed({ tenant, text: 'a_b\\c' })).toEqual(['100%'])
    expect(await listed({ tenant, text: "O'N" })).toEqual(['1000'])
    expect(await listed({ tenant, text: '777' })).toEqual(['1000'])
    expect(await listed({ tenant, text: 'x_b' })).toEqual([])
    expect(await listed({ tenant, text: '  ' })).toHaveLength(4)
  })

  it('finds a call by the extension and number it got later', async () => {
    const call = sampleCall({ tenant: 'later' })
    await open(call)
    await store.records.update(call.id, { extension: '4711', to: 'Helpdesk' })
    expect(await listed({ tenant: 'later', text: '4711' })).toEqual(['Helpdesk'])
    expect(await listed({ tenant: 'later', text: 'helpd' })).toEqual(['Helpdesk'])
    expect(await listed({ tenant: 'later', extension: '4711' })).toEqual(['Helpdesk'])
  })

  it("does not show one tenant another's call or recording", async () => {
    const call = sampleCall({ tenant: 'mine' })
    await open(call)
    expect(await store.calls.get(call.id, 'mine')).not.toBeNull()
    expect(await store.calls.get(call.id, 'yours')).toBeNull()
  })

  it('takes whatever text as a filter, and as an id, without harm', async () => {
    const evil = "'; drop table calls; -- \u0000 \\ % _ \ud800"
    expect(await listed({ tenant: evil, from: evil, to: evil, text: evil })).toEqual([])
    expect(await store.calls.get(evil as CallRecord['id'])).toBeNull()
    expect(await store.calls.count({ tenant: 'limits' })).toBe(510)
  })
})

describe('pages of calls', () => {
  it('are ranges of an index that is in their order already, whatever they are filtered by', async () => {
    const database = await createTestDatabase('sqlite')
    const { url, dataFolder } = database
    await (await openStore({ database: url, dataFolder, clock: new TestClock(), log: silentLogger })).close()
    const driver = await openSqlite({ file: url.slice('sqlite:'.length), synchronous: 'NORMAL', log: silentLogger })
    const plans: string[] = []
    const explaining = {
      ...driver,
      reader: {
        read: async (sql: string, parameters: Parameters<typeof driver.reader.read>[1]) => {
          const steps = await driver.reader.read(`explain query plan ${sql}`, parameters)
          plans.push(steps.map((step) => step['detail']).join('; '))
          return []
        },
        close: () => driver.reader.close(),
      },
    }
    try {
      const queries = new CallQueries(
        new Database(explaining, new WriteQueue(driver.writer, silentLogger)),
        new TestClock(),
      )
      const cursor = Buffer.from('[1700000000000,"call_x"]').toString('base64url')
      const tenant = 'acme'
      const filters: readonly (readonly [CallFilter, string])[] = [
        [{}, 'calls_started'],
        [{ tenant }, 'calls_tenant'],
        [{ tenant, cause: 'busy', text: 'x', startedFrom: 5 }, 'calls_tenant'],
        [{ tenant, from: '1' }, 'calls_from'],
        [{ tenant, to: '1' }, 'calls_to'],
        [{ tenant, extension: '101' }, 'calls_extension'],
        [{ state: 'open' }, 'calls_open'],
        [{ tenant, of: '101' }, 'extension_calls_extension'],
        [{ tenant, of: '101', text: 'x', startedFrom: 5, startedBefore: 9 }, 'extension_calls_extension'],
      ]
      for (const [filter, index] of filters) {
        for (const request of [{}, { cursor }]) {
          await queries.list(filter, request)
          // The first step of two, where there are two: what is walked.
          expect(plans.at(-1)?.split(';')[0]).toContain(`INDEX ${index}`)
          // A range is found in the index, not by reading all of an extension.
          if (filter.startedBefore !== undefined) expect(plans.at(-1)?.split(';')[0]).toContain('started_at>?')
          expect(plans.at(-1)).not.toContain('TEMP B-TREE')
        }
      }
    } finally {
      await driver.reader.close()
      await driver.writer.close()
      await database.remove()
    }
  })
})

describe.each(databaseKinds)('exporting calls on %s', (kind) => {
  it('gives every call once, oldest first, holding one page at a time and reading on only when asked', async () => {
    const database = await createTestDatabase(kind)
    const clock = new TestClock({ wallTime: sampleStart + 60_000 })
    const store = await openStore({ database: database.url, dataFolder: database.dataFolder, clock, log: silentLogger })
    const calls = Array.from({ length: 1100 }, (_, index) => sampleCall({ startedAt: sampleStart + (index % 40) }))
    await Promise.all(calls.map((call) => store.records.open(call, endedLeg(sampleLeg(call)))))
    const late = sampleCall({ startedAt: clock.wallTime() + 1 })
    await store.records.open(late, sampleLeg(late))
    await store.close()

    const url = parseDatabaseUrl(database.url)
    const driver =
      url.dialect === 'sqlite'
        ? await openSqlite({ file: url.file, synchronous: 'NORMAL', log: silentLogger })
        : await openPostgres({ url: url.url, name: url.name, clock, log: silentLogger })
    const pages: number[] = []
    const counting = {
      ...driver,
      reader: {
        read: async (sql: string, parameters: Parameters<typeof driver.reader.read>[1]) => {
          const rows = await driver.reader.read(sql, parameters)
          pages.push(rows.length)
          return rows
        },
        close: () => driver.reader.close(),
      },
    }
    try {
      const queries = new CallQueries(new Database(counting, new WriteQueue(driver.writer, silentLogger)), clock)
      const seen: CallRecord[] = []
      for await (const call of queries.export({})) {
        seen.push(call)
        if (seen.length === 250) expect(pages).toHaveLength(1)
      }
      expect(seen).toEqual(calls.toSorted((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1)))
      expect(Math.max(...pages)).toBeLessThanOrEqual(250)
      const taken: CallRecord[] = []
      for await (const call of queries.export({ startedFrom: sampleStart + 20, startedBefore: sampleStart + 21 }))
        taken.push(call)
      expect(taken).toHaveLength(27)
    } finally {
      await driver.reader.close()
      await driver.writer.close()
      await database.remove()
    }
  })
})
