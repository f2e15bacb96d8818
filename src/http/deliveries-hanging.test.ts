import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../test/support/databases.ts'
import { answer, CountedOutbox, FakeNetwork, refused } from '../../test/support/delivery-stage.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import type { NewEvent } from '../store/outbox-types.ts'
import { Deliveries } from './deliveries.ts'
import type { OutgoingRequest } from './outgoing/types.ts'

const host = 'http://one-host.example'

describe.each(databaseKinds)('a receiver of which a part hangs, on %s', (kind) => {
  let clock: TestClock
  let kept: TestStore
  let network: FakeNetwork
  let deliveries: Deliveries
  const counted = new CountedOutbox()
  /** Whether a request is left without an answer. */
  let hangs: (request: OutgoingRequest) => boolean
  /** By event: when it was added, and how long it then took until it was asked for. */
  const addedAt = new Map<string, number>()
  const waitedMs = new Map<string, number>()
  let running = 0
  let mostRunning = 0

  beforeEach(async () => {
    clock = new TestClock()
    kept = await openTestStore(kind, { clock })
    network = new FakeNetwork(clock)
    addedAt.clear()
    waitedMs.clear()
    running = 0
    mostRunning = 0
    network.laidDown.set('one-host.example', (request) => (hangs(request) ? null : answer(200)))
    await start()
  })

  afterEach(async () => {
    const closed = deliveries.close()
    await clock.advanceAsync(2000)
    await closed
    await kept.remove()
    expect(clock.pending).toBe(0)
  })

  async function start(): Promise<void> {
    deliveries = new Deliveries({
      outbox: counted.count(kept.store.outbox),
      http: {
        request: async (request) => {
          const id = request.signing?.eventId ?? ''
          if (!waitedMs.has(id)) waitedMs.set(id, clock.wallTime() - (addedAt.get(id) ?? 0))
          mostRunning = Math.max(mostRunning, ++running)
          return await network.request(request).finally(() => running--)
        },
      },
      clock,
      random: new SeededRandom(3),
      log: silentLogger,
      sources: [{ profileOf: () => ({ isTrusted: true, timeoutMs: 10_000 }) }],
    })
    await deliveries.start()
    await counted.quiet(clock)
  }

  /** A notification of a session: one attempt, in order. */
  function event(id: string, session: string, path = '/notify', change: Partial<NewEvent> = {}): NewEvent {
    addedAt.set(id, clock.wallTime())
    const rest = { tenant: 'acme', kind: 'test', contentType: 'text/plain', body: session, maxAttempts: 1 }
    return { id, orderKey: session, url: `${host}${path}?session=${session}`, ...rest, ...change }
  }

  async function add(...events: readonly NewEvent[]): Promise<void> {
    await Promise.all(events.map((one) => kept.store.outbox.add(one)))
    await counted.quiet(clock)
  }

  async function pass(ms: number): Promise<void> {
    await clock.advanceAsync(ms)
    await counted.quiet(clock)
  }

  /** How long those whose id begins so have waited, the longest first. */
  const waits = (prefix: string): readonly number[] =>
    [...waitedMs].flatMap(([id, ms]) => (id.startsWith(prefix) ? [ms] : [])).toSorted((a, b) => b - a)

  it('one session among hundreds waits for itself alone, also where all have one address', async () => {
    hangs = ({ body }) => body === 'hanging'
    await add(...[1, 2, 3, 4].map((i) => event(`hanging-${i}`, 'hanging')))
    for (let step = 0; step < 30; step++) {
      await add(...[0, 1, 2].map((i) => event(`well-${step}-${i}`, `session ${step % 50}`)))
      await pass(1000)
    }
    expect(waits('well')).toHaveLength(90)
    expect(waits('well')[0]).toBe(0)
    // Its own follow each other, ten seconds apart.
    expect(waits('hanging')).toEqual([30_000, 20_000, 10_000, 0])
    expect(deliveries.counts).toMatchObject({ delivered: 90, dead: 3, underWay: 1 })
  })

  it('one address to which ever new sessions are told takes no place from another address', async () => {
    hangs = ({ url }) => url.includes('/hang')
    for (let step = 0; step < 60; step++) {
      await add(event(`bad-${step}`, `bad ${step}`, '/hang'), event(`well-${step}`, `well ${step}`, '/well'))
      await pass(100)
    }
    expect(waits('well')).toHaveLength(60)
    // Until the first requests were known to hang, others had to wait for a place: once, not longer than that takes.
    expect(waits('well')[0]).toBeLessThanOrEqual(1000)
    const late = Array.from({ length: 40 }, (_, i) => waitedMs.get(`well-${i + 20}`))
    expect(new Set(late)).toEqual(new Set([0]))
    expect(mostRunning).toBeLessThanOrEqual(48)
    // It answers again: what waits is sent, and what comes has a place among all.
    hangs = () => false
    await pass(12_000)
    expect(waits('bad')).toHaveLength(60)
    await add(event('bad-again', 'bad again', '/hang'))
    expect(waitedMs.get('bad-again')).toBe(0)
    expect(await kept.store.outbox.get('bad-again')).toMatchObject({ state: 'delivered', aside: 0 })
  })

  it('dozens of sessions that hang leave places to those that do not', async () => {
    hangs = ({ body }) => String(body).startsWith('hanging')
    await add(...Array.from({ length: 8 }, (_, i) => event(`first-${i}`, `hanging ${i}`, `/s/${i}`)))
    await pass(1000)
    for (let step = 0; step < 40; step++) {
      const bad = step % 40
      await add(
        event(`hanging-${step}`, `hanging ${bad}`, `/s/${bad}`),
        event(`well-${step}`, `w ${step}`, `/w/${step}`),
      )
      await pass(250)
    }
    expect(waits('well')).toHaveLength(40)
    expect(waits('well')[0]).toBeLessThanOrEqual(1000)
    expect(mostRunning).toBeLessThanOrEqual(48)
  })

  it('a session that hung once and answers then is among all the others again', async () => {
    let isWell = false
    hangs = ({ body }) => body === 'hanging' && !isWell
    await add(event('h1', 'hanging'), event('h2', 'hanging'), event('h3', 'hanging'))
    await pass(10_000)
    const { outbox } = kept.store
    const second = await outbox.get('h2')
    expect([await outbox.get('h1'), second]).toMatchObject([{ state: 'dead' }, { state: 'sending' }])
    expect(second?.aside).toBeGreaterThan(0)
    isWell = true
    await pass(10_000)
    expect(await outbox.get('h3')).toMatchObject({ state: 'delivered', aside: 0 })
    await add(event('h4', 'hanging'))
    expect(await outbox.get('h4')).toMatchObject({ state: 'delivered', aside: 0 })
  })

  it('stays aside over a restart, with a hanging event that is tried again', async () => {
    hangs = () => true
    await add(event('h1', 'hanging', '/x', { maxAttempts: 9 }), event('h2', 'hanging', '/x'))
    await pass(10_000)
    const [before] = (await kept.store.outbox.list({ state: 'waiting' })).items
    expect(before).toMatchObject({ id: 'h1', attempts: 1 })
    expect(before?.aside).toBeGreaterThan(0)
    const killed = deliveries
    await kept.reopen()
    hangs = () => false
    await start()
    await pass(2000)
    expect(await kept.store.outbox.get('h2')).toMatchObject({ state: 'delivered', aside: 0 })
    await killed.close()
  })

  it('a host that is down altogether is asked one by one while many wait, and no other host notices', async () => {
    hangs = () => false
    network.laidDown.set('one-host.example', () => refused)
    const many = Array.from({ length: 120 }, (_, i) => event(`e${i}`, `call ${i}`, `/${i % 7}`, { maxAttempts: 36 }))
    const asked = network.asked.length
    await add(...many)
    expect(mostRunning).toBeLessThanOrEqual(8)
    expect(network.asked.length - asked).toBe(120)
    mostRunning = 0
    await pass(500)
    network.laidDown.set('other.example', () => answer(200))
    await add(event('other', 'other', '/', { url: 'http://other.example/' }))
    expect(waitedMs.get('other')).toBe(0)
    await pass(1500)
    expect(mostRunning).toBeLessThanOrEqual(2)
    // Up again: more with each that succeeds, and never more than it is given when it is well.
    network.laidDown.set('one-host.example', () => answer(200))
    mostRunning = 0
    for (let i = 0; i < 10; i++) await pass(500)
    expect(mostRunning).toBeLessThanOrEqual(8)
    expect(await kept.store.outbox.load()).toMatchObject({ waiting: 0, dead: 0 })
  })

  it('a host that hangs altogether gets a bounded number of requests, and no other host notices', async () => {
    hangs = () => true
    await add(...Array.from({ length: 100 }, (_, i) => event(`e${i}`, `call ${i}`, '/', { maxAttempts: 36 })))
    for (let i = 0; i < 30; i++) await pass(500)
    expect(mostRunning).toBeLessThanOrEqual(26)
    network.laidDown.set('other.example', () => answer(200))
    await add(event('other', 'other', '/', { url: 'http://other.example/' }))
    expect(waitedMs.get('other')).toBe(0)
  })
})
