import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../test/support/databases.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import { silentLogger } from '../base/log.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import type { OutboxEvent } from '../store/outbox-types.ts'
import { addEventMetrics } from './event-metrics.ts'
import { eventRoutes } from './event-routes.ts'

const lane = 'http://receiver.example'

describe.each(databaseKinds)('the events in the admin API on %s', (kind) => {
  let clock: TestClock
  let kept: TestStore
  let server: HttpServer

  beforeEach(async () => {
    clock = new TestClock()
    kept = await openTestStore(kind, { clock })
    server = await createHttpServer({ log: silentLogger, version: '0.0.0' })
    const { store } = kept
    const eventBody = ({ body }: OutboxEvent): string => body.replace('pin-1234', '…')
    await server.register(async (scope) => eventRoutes(scope as HttpServer, { store, eventBody }), {
      prefix: '/api/v1',
    })
  })

  afterEach(async () => {
    await server?.close()
    await kept?.remove()
  })

  async function ask(url: string, method: 'GET' | 'POST' = 'GET') {
    const response = await server.inject({ method, url: `/api/v1/events${url}` })
    return { status: response.statusCode, body: response.json<Record<string, unknown>>() }
  }

  async function add(id: string, orderKey: string, change: { tenant?: string; kind?: string } = {}): Promise<void> {
    const url = `${lane}/in?token=secret-query`
    const headers = { authorization: 'secret-header' }
    const event = {
      id,
      tenant: 'acme',
      kind: 'call.ended',
      orderKey,
      url,
      contentType: 'text/plain',
      body: id,
      headers,
    }
    await kept.store.outbox.add({ ...event, ...change })
    clock.advance(1000)
  }

  /** Tries the next event and has it fail. */
  async function fail(status: number, isLast = false): Promise<void> {
    const { outbox } = kept.store
    const [event] = await outbox.lease({ lane, aside: 0, now: clock.wallTime(), limit: 1, leaseMs: 60_000 })
    if (!event) throw new Error('nothing waits')
    const attempt = { at: clock.wallTime(), durationMs: 12, status, problem: `It answered ${status}.`, answer: 'oops' }
    await (isLast ? outbox.dead(event, attempt) : outbox.failed(event, attempt, clock.wallTime() + 60_000))
  }

  it('are listed newest first, in pages, and by what is asked for', async () => {
    await add('e1', 'call_1')
    await add('e2', 'call_1', { kind: 'recording.saved' })
    await add('e3', 'call_3', { tenant: 'other' })
    const idsOf = async (query: string): Promise<readonly string[]> =>
      ((await ask(query)).body['items'] as { id: string }[]).map(({ id }) => id)
    expect(await idsOf('')).toEqual(['e3', 'e2', 'e1'])
    expect(await idsOf('?tenant=acme')).toEqual(['e2', 'e1'])
    expect(await idsOf('?kind=recording.saved')).toEqual(['e2'])
    expect(await idsOf('?state=behind')).toEqual(['e2'])
    expect(await idsOf('?orderKey=call_3')).toEqual(['e3'])
    expect(await idsOf(`?createdFrom=${new Date(clock.wallTime() - 1500).toISOString()}`)).toEqual(['e3'])
    const first = await ask('?limit=2')
    expect(first.body).toMatchObject({ items: [{ id: 'e3' }, { id: 'e2' }] })
    expect(await idsOf(`?limit=2&cursor=${String(first.body['nextCursor'])}`)).toEqual(['e1'])
    for (const wrong of ['?state=lost', '?limit=0', '?cursor=nonsense', '?createdFrom=yesterday']) {
      expect((await ask(wrong)).status, wrong).toBe(400)
    }
  })

  it('show how they stand, what is sent, and what became of each attempt, but no secret', async () => {
    await add('e1', 'call_1')
    await fail(500)
    const { status, body } = await ask('/e1')
    expect(status).toBe(200)
    expect(body).toEqual({
      event: {
        id: 'e1',
        tenant: 'acme',
        kind: 'call.ended',
        orderKey: 'call_1',
        url: `${lane}/in?token=…`,
        state: 'waiting',
        attempts: 1,
        maxAttempts: 36,
        createdAt: '2026-01-01T00:00:00.000Z',
        nextAttemptAt: '2026-01-01T00:01:01.000Z',
        finishedAt: null,
        lastStatus: 500,
        lastProblem: 'It answered 500.',
      },
      contentType: 'text/plain',
      body: 'e1',
      history: [
        {
          number: 1,
          at: '2026-01-01T00:00:01.000Z',
          durationMs: 12,
          status: 500,
          problem: 'It answered 500.',
          answer: 'oops',
        },
      ],
    })
    expect(JSON.stringify(body)).not.toContain('secret-')
    expect(await ask('/nobody')).toMatchObject({ status: 404, body: { error: { code: 'event.unknown' } } })
  })

  it('show the body as its kind wants it to be seen, and send it as it is', async () => {
    await add('e1 pin-1234', 'call_1')
    expect((await ask('/e1%20pin-1234')).body).toMatchObject({ body: 'e1 …' })
    const [event] = await kept.store.outbox.lease({ lane, aside: 0, now: clock.wallTime(), limit: 1, leaseMs: 60_000 })
    expect(event?.body).toBe('e1 pin-1234')
  })

  it('are sent again when asked for', async () => {
    await add('call.ended:call_1', 'call_1')
    await add('second', 'call_1')
    expect(await ask('/second/resend', 'POST')).toMatchObject({
      status: 409,
      body: { error: { code: 'event.not-resendable' } },
    })
    await fail(410, true)
    expect((await ask('/call.ended:call_1')).body).toMatchObject({ event: { state: 'dead' } })
    expect(await ask('/call.ended%3Acall_1/resend', 'POST')).toMatchObject({
      status: 202,
      body: { id: 'call.ended:call_1', state: 'waiting', attempts: 0, nextAttemptAt: expect.any(String) as string },
    })
    expect(await ask('/nobody/resend', 'POST')).toMatchObject({ status: 404 })
  })

  it('are counted for Prometheus, and a database that fails takes no other metric with it', async () => {
    await add('e1', 'call_1')
    await add('e2', 'call_2')
    await fail(410, true)
    const registry = new Registry()
    let isFailing = false
    addEventMetrics(registry, {
      counts: () => ({ delivered: 5, failed: 2, dead: 1, underWay: 3 }),
      load: () => (isFailing ? Promise.reject(new Error('no database')) : kept.store.outbox.load()),
      now: () => clock.wallTime(),
    })
    for (const _scrape of [1, 2]) {
      const text = await registry.metrics()
      for (const line of [
        'switchhook_event_attempts_total{what="delivered"} 5',
        'switchhook_event_attempts_total{what="failed"} 2',
        'switchhook_event_attempts_total{what="dead"} 1',
        'switchhook_events_sending 3',
        'switchhook_events{state="waiting"} 1',
        'switchhook_events{state="dead"} 1',
        'switchhook_events_oldest_seconds 1',
      ]) {
        expect(text).toContain(line)
      }
      isFailing = true
    }
  })
})
