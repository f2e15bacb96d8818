import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../test/support/databases.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import { maxAnswerLength, maxAttemptsKept, type NewEvent, type OutboxEvent } from './outbox-types.ts'

const lane = 'http://receiver.example:9000'

function event(id: string, change: Partial<NewEvent> = {}): NewEvent {
  return {
    id,
    tenant: 'acme',
    kind: 'call.ended',
    orderKey: null,
    url: `${lane}/in?token=x`,
    contentType: 'application/json',
    body: `{"id":"${id}"}`,
    ...change,
  }
}

describe.each(databaseKinds)('the outbox on %s', (kind) => {
  let clock: TestClock
  let kept: TestStore

  beforeEach(async () => {
    clock = new TestClock()
    kept = await openTestStore(kind, { clock })
  })

  afterEach(() => kept?.remove())

  const outbox = () => kept.store.outbox
  const lease = (limit = 10, from = lane): Promise<readonly OutboxEvent[]> =>
    outbox().lease({ lane: from, aside: 0, now: clock.wallTime(), limit, leaseMs: 60_000 })
  const ids = (events: readonly OutboxEvent[]): readonly string[] => events.map((one) => one.id)
  const attempt = (status: number | null = 200, answer: string | null = null) => ({
    at: clock.wallTime(),
    durationMs: 12.4,
    status,
    problem: status === 200 ? null : 'It answered 500.',
    answer,
  })

  it('keeps an event with everything that is needed to send it, and takes it once', async () => {
    const added = event('e1', { headers: { 'x-kind': 'a' }, body: 'ünïcode \u{1f4de}', maxAttempts: 3 })
    expect(await outbox().add(added)).toBe(true)
    expect(await outbox().add({ ...added, body: 'another' })).toBe(false)
    expect(await lease()).toEqual([
      expect.objectContaining({ ...added, lane, state: 'sending', attempts: 0, createdAt: clock.wallTime() }),
    ])
    expect(await lease()).toEqual([])
  })

  it('leases per lane, the longest due first, and no more than asked for', async () => {
    await outbox().add(event('late', { notBefore: clock.wallTime() + 5000 }))
    for (const id of ['a', 'b', 'c']) await outbox().add(event(id))
    await outbox().add(event('other', { url: 'https://other.example/' }))
    expect(ids(await lease(2))).toEqual(['a', 'b'])
    expect(ids(await lease())).toEqual(['c'])
    expect(ids(await lease(10, 'https://other.example'))).toEqual(['other'])
    expect(await outbox().nextIn(lane, 0)).toBe(clock.wallTime() + 5000)
    clock.advance(5000)
    expect(ids(await lease())).toEqual(['late'])
    expect(await outbox().nextIn(lane, 0)).toBeNull()
  })

  it('lets an event of a key go only when those before it are delivered or given up', async () => {
    for (const id of ['k1', 'k2', 'k3']) await outbox().add(event(id, { orderKey: 'call_1' }))
    await outbox().add(event('free', { orderKey: 'call_2' }))
    await outbox().add(event('foreign', { orderKey: 'call_1', tenant: 'other' }))
    const [first] = await lease()
    expect(first?.id).toBe('k1')
    expect((await outbox().get('k2'))?.state).toBe('behind')
    if (first) await outbox().failed(first, attempt(500), clock.wallTime() + 1000)
    expect(await lease()).toEqual([])
    clock.advance(1000)
    const [again] = await lease()
    expect(again).toMatchObject({ id: 'k1', attempts: 1, lastStatus: 500, lastProblem: 'It answered 500.' })
    if (again) await outbox().dead(again, attempt(410))
    const [second] = await lease()
    expect(second?.id).toBe('k2')
    if (second) await outbox().delivered(second, attempt())
    expect(ids(await lease())).toEqual(['k3'])
    expect((await outbox().get('free'))?.state).toBe('sending')
    expect((await outbox().get('foreign'))?.state).toBe('sending')
  })

  it('keeps what is set aside apart from the rest, and what follows it by its key', async () => {
    const told: [number, number][] = []
    let part = 0
    outbox().listen({ due: (_lane, aside, at) => told.push([aside, at - clock.wallTime()]), asideOf: () => part })
    const taken = async (aside: number) =>
      await outbox().lease({ lane, aside, now: clock.wallTime(), limit: 10, leaseMs: 60_000 })
    for (const id of ['k1', 'k2', 'k3']) await outbox().add(event(id, { orderKey: 'call_1' }))
    await outbox().add(event('free'))
    const [first, free] = await taken(0)
    expect([first?.id, free?.id]).toEqual(['k1', 'free'])
    if (first) await outbox().failed(first, attempt(500), clock.wallTime(), 5)
    if (free) await outbox().setAside([free], 7)
    expect([await taken(0), ids(await taken(7))]).toEqual([[], ['free']])
    const [again] = await taken(5)
    if (again) await outbox().dead(again, attempt(500), 5)
    // Neither what waited behind it nor what comes new is among the others, until one is delivered.
    const [second] = await taken(5)
    expect(second).toMatchObject({ id: 'k2', aside: 5 })
    expect(await outbox().nextIn(lane, 5)).toBeNull()
    if (second) await outbox().dead(second, attempt(500), 5)
    const [third] = await taken(5)
    if (third) await outbox().dead(third, attempt(500), 5)
    await outbox().add(event('k4', { orderKey: 'call_1' }))
    const [fourth] = await taken(5)
    if (fourth) await outbox().delivered(fourth, attempt())
    await outbox().add(event('k5', { orderKey: 'call_1' }))
    expect(ids(await taken(0))).toEqual(['k5'])
    // What goes to an address that hangs is set aside as it comes, and stays there over a restart.
    part = 3
    await outbox().add(event('k6', { orderKey: 'call_6' }))
    await outbox().add(event('loose'))
    expect(told.map(([aside]) => aside)).toEqual([0, 0, 5, 7, 5, 5, 5, 0, 3, 3])
    await kept.reopen()
    expect(await outbox().lanes()).toEqual([{ lane, aside: 3, nextAt: clock.wallTime() }])
    expect(ids(await taken(3))).toEqual(['k6', 'loose'])
  })

  it('tells its listener of lanes after the commit, and nothing of what must wait', async () => {
    const told: [string, number][] = []
    outbox().listen({ due: (name, _aside, at) => told.push([name, at]), asideOf: () => 0 })
    const now = clock.wallTime()
    await outbox().add(event('a', { orderKey: 'call_1' }))
    await outbox().add(event('b', { orderKey: 'call_1', url: 'https://other.example/' }))
    expect(told).toEqual([[lane, now]])
    const [first] = await lease()
    if (first) await outbox().delivered(first, attempt())
    expect(told).toEqual([
      [lane, now],
      ['https://other.example', now],
    ])
  })

  it('gives leased events back when the lease has run out, and all of them after a restart', async () => {
    await outbox().add(event('a'))
    await lease()
    await outbox().reclaim(clock.wallTime())
    expect(await lease()).toEqual([])
    clock.advance(60_000)
    await outbox().reclaim(clock.wallTime())
    expect(ids(await lease())).toEqual(['a'])
    await kept.reopen()
    await outbox().reclaim(Number.POSITIVE_INFINITY)
    expect(await outbox().lanes()).toEqual([{ lane, aside: 0, nextAt: clock.wallTime() - 60_000 }])
    const [again] = await lease()
    expect(again).toMatchObject({ id: 'a', attempts: 0 })
    if (again) await outbox().release(again)
    expect(ids(await lease())).toEqual(['a'])
  })

  it('remembers a bounded number of attempts with the beginning of each answer', async () => {
    await outbox().add(event('a', { maxAttempts: 100 }))
    for (let i = 0; i < maxAttemptsKept + 5; i++) {
      const [one] = await lease()
      if (one) await outbox().failed(one, attempt(500, `\0${i} `.padEnd(5000, 'x')), clock.wallTime())
    }
    const history = await outbox().history('a')
    expect(history).toHaveLength(maxAttemptsKept)
    expect(history.map((one) => one.number)).toEqual(Array.from({ length: maxAttemptsKept }, (_, i) => i + 6))
    expect(history[0]).toMatchObject({ status: 500, durationMs: 12, problem: 'It answered 500.' })
    expect(history[0]?.answer).toHaveLength(maxAnswerLength)
    expect(history[0]?.answer).toMatch(/^\u{fffd}5 x/u)
    expect(await outbox().get('a')).toMatchObject({ attempts: maxAttemptsKept + 5 })
  })

  it('sends again what was delivered or given up, with all its attempts before it', async () => {
    await outbox().add(event('a', { orderKey: 'call_1' }))
    await outbox().add(event('b', { orderKey: 'call_1' }))
    await outbox().add(event('c', { orderKey: 'call_1' }))
    await expect(outbox().resend('nobody')).rejects.toMatchObject({ code: 'event.unknown', httpStatus: 404 })
    await expect(outbox().resend('b')).rejects.toMatchObject({ code: 'event.not-resendable', httpStatus: 409 })
    const [first] = await lease()
    await expect(outbox().resend('a')).rejects.toMatchObject({ facts: { state: 'sending' } })
    if (first) await outbox().dead(first, attempt(410))
    expect(await outbox().resend('a')).toMatchObject({ state: 'waiting', attempts: 0, finishedAt: null })
    const both = await lease()
    expect(ids(both).toSorted()).toEqual(['a', 'b'])
    // Two of the key are under way: the third waits for both.
    for (const one of both) {
      expect((await outbox().get('c'))?.state).toBe('behind')
      await outbox().delivered(one, attempt())
    }
    expect(ids(await lease())).toEqual(['c'])
    expect((await outbox().history('a')).map((one) => one.status)).toEqual([410, 200])
  })

  it('lists newest first in pages, filtered, and no event to another tenant', async () => {
    for (const id of ['a', 'b', 'c']) {
      await outbox().add(event(id, { orderKey: id === 'b' ? 'call_2' : 'call_1' }))
      clock.advance(10)
    }
    const first = await outbox().list({ tenant: 'acme' }, { limit: 2 })
    expect(ids(first.items)).toEqual(['c', 'b'])
    const rest = await outbox().list({ tenant: 'acme' }, { limit: 2, cursor: first.nextCursor })
    expect([ids(rest.items), rest.nextCursor]).toEqual([['a'], null])
    expect(ids((await outbox().list({ orderKey: 'call_2' })).items)).toEqual(['b'])
    expect(ids((await outbox().list({ state: 'behind' })).items)).toEqual(['c'])
    expect((await outbox().list({ tenant: 'other' })).items).toEqual([])
    expect(await outbox().get('a', 'other')).toBeNull()
    await expect(outbox().list({}, { cursor: 'nonsense' })).rejects.toMatchObject({ code: 'store.cursor' })
  })

  it('counts what is owed, how old the oldest is, and what was given up', async () => {
    expect(await outbox().load()).toEqual({ waiting: 0, oldestAt: null, dead: 0 })
    const since = clock.wallTime()
    await outbox().add(event('a', { orderKey: 'k' }))
    clock.advance(500)
    await outbox().add(event('b', { orderKey: 'k' }))
    await outbox().add(event('c'))
    expect(await outbox().load()).toEqual({ waiting: 3, oldestAt: since, dead: 0 })
    const [first] = await lease(1)
    if (first) await outbox().dead(first, attempt(410))
    expect(await outbox().load()).toEqual({ waiting: 2, oldestAt: since + 500, dead: 1 })
  })

  it('forgets finished events with their attempts when their time has come, and none that is owed', async () => {
    for (const id of ['delivered', 'dead', 'waiting']) await outbox().add(event(id))
    for (const one of await lease(2)) {
      await (one.id === 'dead' ? outbox().dead(one, attempt(410)) : outbox().delivered(one, attempt()))
    }
    clock.advance(1000)
    const now = clock.wallTime()
    expect(await outbox().purge({ deliveredBefore: now, deadBefore: now - 1000 })).toBe(1)
    expect(ids((await outbox().list({})).items).toSorted()).toEqual(['dead', 'waiting'])
    expect(await outbox().history('delivered')).toEqual([])
    expect(await outbox().purge({ deliveredBefore: now, deadBefore: now })).toBe(1)
    expect(ids((await outbox().list({})).items)).toEqual(['waiting'])
  })

  it('keeps announcements over a restart until they are fulfilled or withdrawn', async () => {
    const announcement = { tenant: 'acme', kind: 'call', subject: 'call_1' }
    for (const id of ['x', 'y', 'z']) await outbox().announce({ id, ...announcement })
    await outbox().announce({ id: 'x', ...announcement })
    await kept.reopen()
    clock.advance(1)
    await outbox().add(event('e'), 'x')
    await outbox().withdraw('y')
    const left: unknown[] = []
    for await (const one of outbox().announced(clock.wallTime())) left.push(one)
    expect(left).toEqual([{ id: 'z', ...announcement, announcedAt: clock.wallTime() - 1 }])
    for await (const one of outbox().announced(clock.wallTime() - 1)) expect(one).toBeUndefined()
  })

  it('commits an event in the order in which it was written with its record', async () => {
    const { documents } = kept.store
    const key = { tenant: 'acme', kind: 'setting', key: 'k' } as const
    const written: string[] = []
    await Promise.all([
      documents.put({ ...key, body: 1 }).then(() => written.push('record')),
      outbox()
        .add(event('a'))
        .then(() => written.push('event')),
    ])
    expect(written).toEqual(['record', 'event'])
    expect(kept.store.load.commits).toBeGreaterThan(0)
  })
})
