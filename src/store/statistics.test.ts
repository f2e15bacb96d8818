import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endedCall, sampleCall, sampleLeg } from '../../test/support/call-samples.ts'
import { databaseKinds } from '../../test/support/databases.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import type { CallRecord } from '../call/records.ts'

describe.each(databaseKinds)('statistics on %s', (kind) => {
  let test: TestStore
  beforeAll(async () => {
    test = await openTestStore(kind)
  })
  afterAll(() => test?.remove())

  async function keep(tenant: string, startedAt: number, end: Partial<CallRecord> | null): Promise<void> {
    const call = sampleCall({ tenant, startedAt, extension: '101' })
    await test.store.records.open(call, sampleLeg(call))
    if (end !== null) await test.store.records.close(endedCall(call, end), [])
  }

  it("counts by the tenant's own days, causes apart", async () => {
    const at = (day: number, hour: number): number => Date.UTC(2026, 0, day, hour)
    // 17:00 UTC is midnight in Vietnam.
    await keep('vn', at(10, 16), {})
    await keep('vn', at(10, 17), {})
    await keep('vn', at(11, 16), {})
    await keep('vn', at(11, 3), { cause: 'busy', answeredAt: null })
    await keep('vn', at(11, 4), null)
    await keep('other', at(11, 4), {})
    const range = { from: at(1, 0), before: at(20, 0), timeZone: 'Asia/Ho_Chi_Minh' }
    expect(await test.store.callsPerDay({ tenant: 'vn', ...range })).toEqual([
      { day: '2026-01-10', cause: 'normal', calls: 1, answered: 1, talkMs: 10_000 },
      { day: '2026-01-11', cause: null, calls: 1, answered: 0, talkMs: 0 },
      { day: '2026-01-11', cause: 'busy', calls: 1, answered: 0, talkMs: 0 },
      { day: '2026-01-11', cause: 'normal', calls: 2, answered: 2, talkMs: 20_000 },
    ])
    const all = await test.store.callsPerDay({ ...range, timeZone: 'UTC' })
    expect(all.filter((row) => row.cause === 'normal').map((row) => [row.day, row.calls])).toEqual([
      ['2026-01-10', 2],
      ['2026-01-11', 2],
    ])
    expect(await test.store.callsPerDay({ tenant: 'vn', ...range, before: at(10, 17) })).toHaveLength(1)
  })

  it('keeps a day whole on which the clocks are changed', async () => {
    // Berlin, 29 March 2026: 23 hours long, from 23:00 UTC the day before to 22:00 UTC.
    for (const [day, hour] of [
      [28, 22],
      [28, 23],
      [29, 0],
      [29, 2],
      [29, 21],
      [29, 22],
    ] as const) {
      await keep('de', Date.UTC(2026, 2, day, hour, 30), {})
    }
    const range = { from: Date.UTC(2026, 2, 1), before: Date.UTC(2026, 3, 1), timeZone: 'Europe/Berlin' }
    const rows = await test.store.callsPerDay({ tenant: 'de', ...range })
    expect(rows.map((row) => [row.day, row.calls])).toEqual([
      ['2026-03-28', 1],
      ['2026-03-29', 4],
      ['2026-03-30', 1],
    ])
  })

  it('keeps a day whole that is read in two pieces', async () => {
    // From 17:00 UTC; a piece ends seven days behind the beginning, in the middle of it.
    for (const hour of [16, 17, 23, 24, 40, 41]) await keep('pieces', Date.UTC(2026, 0, 7, hour, 30), {})
    const range = { from: Date.UTC(2026, 0, 1), before: Date.UTC(2026, 1, 1), timeZone: 'Asia/Ho_Chi_Minh' }
    const rows = await test.store.callsPerDay({ tenant: 'pieces', ...range })
    const perDay = [
      ['2026-01-07', 1],
      ['2026-01-08', 4],
      ['2026-01-09', 1],
    ]
    expect(rows.map((row) => [row.day, row.calls])).toEqual(perDay)
    const byExtension = await test.store.extensionCalls.perDay({ tenant: 'pieces', extension: '101', ...range })
    expect(byExtension.map((row) => [row.day, row.calls])).toEqual(perDay)
  })

  it('refuses more than 400 days, a reversed range, and a time zone that is none', async () => {
    const request = { from: 0, before: 401 * 86_400_000, timeZone: 'UTC' }
    const refused = { code: 'store.range', httpStatus: 400 }
    await expect(test.store.callsPerDay(request)).rejects.toMatchObject(refused)
    await expect(test.store.callsPerDay({ ...request, before: 1000, timeZone: 'Mars/Base' })).rejects.toMatchObject(
      refused,
    )
    await expect(test.store.callsPerDay({ ...request, from: 5, before: 4 })).rejects.toMatchObject(refused)
    await expect(test.store.callsPerDay({ ...request, from: Number.NaN })).rejects.toMatchObject(refused)
  })
})
