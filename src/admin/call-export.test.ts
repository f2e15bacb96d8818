import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endedCall, endedLeg, sampleCall, sampleLeg } from '../../test/support/call-samples.ts'
import { databaseKinds } from '../../test/support/databases.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import { IdFactory } from '../base/ids.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { Calls } from '../call/calls.ts'
import type { CallRecord } from '../call/records.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { csvLine } from './call-export.ts'
import { callRoutes } from './call-routes.ts'
import { retentionRoutes } from './retention-routes.ts'
import { statusRoutes } from './status-routes.ts'

const start = Date.UTC(2025, 10, 3, 16, 59, 59)

describe.each(databaseKinds)('records over the admin API on %s', (kind) => {
  let kept: TestStore
  let server: HttpServer
  const runs: boolean[] = []

  beforeAll(async () => {
    const clock = new TestClock()
    kept = await openTestStore(kind, { clock })
    const { store } = kept
    const ids = new IdFactory(clock, new SeededRandom(5))
    server = await createHttpServer({ log: silentLogger, version: '0.0.0' })
    callRoutes(server, { calls: new Calls({ clock, ids, log: silentLogger, records: store.records }), store })
    statusRoutes(server, { registrations: () => [], trunks: () => [], store })
    const before = Date.UTC(2026, 0, 1)
    retentionRoutes(server, {
      retention: {
        run: async ({ isDryRun }) => {
          runs.push(isDryRun)
          return [{ tenant: 'acme', days: 30, before, recordings: 2, bytes: 8 }]
        },
      },
    })
    // 101 calls out, is called, and calls out again beyond midnight in Vietnam; 102 misses one.
    await keep({ extension: '101', from: '101', to: '+84912345678', app: null })
    await keep({ from: '+84911111111', fromName: '=HYPERLINK("http://x")', answeredBy: '101' }, '101')
    await keep({ extension: '101', from: '101', to: '102', startedAt: start + 1000, answeredAt: null, cause: 'busy' })
    await keep({ from: '+84922222222', answeredAt: null, cause: 'no-answer' }, '102')
    await keep({ tenant: 'other', extension: '101', from: '101', to: '102' })
  })
  afterAll(async () => {
    await server?.close()
    await kept?.remove()
  })

  async function keep(change: Partial<CallRecord>, rung?: string): Promise<void> {
    const { records } = kept.store
    const call = sampleCall({ startedAt: start, ...change, answeredAt: null, cause: null })
    const caller = sampleLeg(call, { extension: call.extension })
    await records.open(call, caller)
    const closed = endedCall(call, change)
    const legs = [endedLeg(caller)]
    if (rung !== undefined) {
      const leg = sampleLeg(call, { role: 'callee', direction: 'outbound', extension: rung, dialled: rung })
      await records.addLeg(leg)
      legs.push(endedLeg(leg, { answeredAt: closed.answeredAt, cause: closed.cause }))
    }
    await records.close(closed, legs)
  }

  const get = (url: string) => server.inject({ method: 'GET', url })
  const count = async (query: string): Promise<number> =>
    (await get(`/calls?${query}`)).json<{ items: unknown[] }>().items.length

  it('finds calls by their extension, whichever way they went, by direction, app and who answered', async () => {
    expect(await count('tenant=acme&of=101')).toBe(3)
    expect(await count('tenant=acme&extension=101')).toBe(2)
    expect(await count('tenant=acme&of=102')).toBe(1)
    expect(await count('answeredBy=101')).toBe(1)
    expect(await count('tenant=acme&app=menu&direction=inbound&cause=busy')).toBe(1)
    expect(await count('tenant=acme&direction=outbound')).toBe(0)
    const first = (await get('/calls?tenant=acme&of=101&limit=2')).json<{ nextCursor: string }>()
    expect(await count(`tenant=acme&of=101&limit=2&cursor=${first.nextCursor}`)).toBe(1)
  })

  it('gives them as CSV that spreadsheets cannot be tricked by, and as JSON lines', async () => {
    const csv = await get('/calls.csv?tenant=acme')
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present')
    const lines = csv.body.split('\r\n')
    expect(lines[0]).toBe(
      'id,tenant,direction,from,fromName,to,extension,app,answeredBy,transferredTo,startedAt,answeredAt,endedAt,talkSeconds,cause,sipStatus,q850,endedBy,sentence',
    )
    expect(lines).toHaveLength(6)
    expect(csv.body).toContain(`,+84911111111,"'=HYPERLINK(""http://x"")",1000,,menu,101,,2025-11-03T16:59:59.000Z,`)
    const jsonl = (await get('/calls.jsonl?tenant=acme&of=102')).body.trim().split('\n')
    expect(jsonl.map((line) => (JSON.parse(line) as { from: string }).from)).toEqual(['+84922222222'])
    expect((await get('/calls.csv?tenant=nobody')).body.split('\r\n')).toHaveLength(2)
  })

  it('counts per local day and extension', async () => {
    const range = 'from=2025-11-01T00:00:00Z&before=2025-12-01T00:00:00Z&timeZone=Asia/Ho_Chi_Minh'
    const days = (await get(`/statistics/extensions-per-day?tenant=acme&${range}`)).json<{ items: unknown[] }>().items
    expect(days).toEqual([
      { day: '2025-11-03', tenant: 'acme', extension: '101', calls: 2, outgoing: 1, answered: 2, talkSeconds: 20 },
      { day: '2025-11-03', tenant: 'acme', extension: '102', calls: 1, outgoing: 0, answered: 0, talkSeconds: 0 },
      { day: '2025-11-04', tenant: 'acme', extension: '101', calls: 1, outgoing: 1, answered: 0, talkSeconds: 0 },
    ])
    const one = (await get(`/statistics/extensions-per-day?extension=102&${range}`)).json<{ items: unknown[] }>().items
    expect(one).toHaveLength(1)
    const long = await get('/statistics/extensions-per-day?from=2020-01-01T00:00:00Z&before=2025-12-01T00:00:00Z')
    expect(long.statusCode).toBe(400)
  })

  it('runs retention only when it is said whether in earnest', async () => {
    const run = (query: string) => server.inject({ method: 'POST', url: `/retention/recordings${query}` })
    expect((await run('')).statusCode).toBe(400)
    expect((await run('?dryRun=perhaps')).statusCode).toBe(400)
    expect((await run('?dryRun=true')).json()).toEqual({
      isDryRun: true,
      items: [{ tenant: 'acme', days: 30, before: '2026-01-01T00:00:00.000Z', recordings: 2, bytes: 8 }],
    })
    await run('?dryRun=false')
    expect(runs).toEqual([true, false])
  })
})

describe('a line of CSV', () => {
  it('quotes what would part it, and leaves telephone numbers alone', () => {
    expect(csvLine(['+84912345678', '-5', 'a,b', 'say "hi"', 'two\nlines', null, 3.5])).toBe(
      '+84912345678,-5,"a,b","say ""hi""","two\nlines",,3.5',
    )
    expect(csvLine(['@SUM(A1)', '+cmd|x', '\tx'])).toBe("'@SUM(A1),'+cmd|x,'\tx")
  })
})
