import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../test/support/databases.ts'
import { answer, CountedOutbox, FakeNetwork, refused } from '../../test/support/delivery-stage.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import type { LogFields, Logger } from '../base/log.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import type { NewEvent } from '../store/outbox-types.ts'
import { Deliveries, type DeliveriesParts, type DeliveryProfile } from './deliveries.ts'

const minute = 60_000
const hour = 60 * minute

describe.each(databaseKinds)('the worker that delivers events on %s', (kind) => {
  let clock: TestClock
  let kept: TestStore
  let network: FakeNetwork
  let profile: DeliveryProfile | null
  let deliveries: Deliveries
  const counted = new CountedOutbox()
  const lines: string[] = []
  const note =
    (level: string) =>
    (fields: LogFields, text: string): void =>
      void lines.push(`${level}: ${text} ${JSON.stringify(fields)}`)
  const log: Logger = {
    ...silentLogger,
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
    debug: note('debug'),
  }

  beforeEach(async () => {
    clock = new TestClock()
    kept = await openTestStore(kind, { clock })
    network = new FakeNetwork()
    profile = { isTrusted: true }
    lines.length = 0
  })

  afterEach(async () => {
    const closed = deliveries?.close()
    await clock.advanceAsync(2000)
    await closed
    await kept.remove()
    expect(clock.pending).toBe(0)
  })

  const outbox = () => kept.store.outbox

  async function start(change: Partial<DeliveriesParts> = {}): Promise<void> {
    const parts = { outbox: counted.count(outbox()), http: network, clock, random: new SeededRandom(3), log }
    deliveries = new Deliveries({ ...parts, sources: [{ profileOf: () => profile }], ...change })
    await deliveries.start()
    await quiet()
  }

  const quiet = (): Promise<void> => counted.quiet(clock)

  async function pass(ms: number): Promise<void> {
    await clock.advanceAsync(ms)
    await quiet()
  }

  function add(id: string, change: Partial<NewEvent> = {}): Promise<boolean> {
    const url = 'http://receiver.example/in'
    const event = {
      id,
      tenant: 'acme',
      kind: 'test',
      orderKey: null,
      url,
      contentType: 'text/plain',
      body: `body ${id}`,
    }
    return outbox().add({ ...event, ...change })
  }

  it('sends an event with its id, its headers and those of its kind, and keeps the answer', async () => {
    profile = {
      url: 'http://receiver.example/in?token=kept-nowhere',
      isTrusted: true,
      headers: { authorization: 'Bearer t' },
      signingSecrets: ['s1', 's2'],
      credentials: { user: 'u', password: 'p' },
      timeoutMs: 4000,
    }
    await start()
    await add('e1', { headers: { 'x-a': '1' } })
    await quiet()
    expect(network.asked[0]?.request).toMatchObject({
      url: 'http://receiver.example/in?token=kept-nowhere',
      method: 'POST',
      body: 'body e1',
      headers: { 'content-type': 'text/plain', 'x-a': '1', authorization: 'Bearer t' },
      isTrusted: true,
      timeoutMs: 4000,
      credentials: { user: 'u', password: 'p' },
      signing: { secrets: ['s1', 's2'], eventId: 'e1' },
    })
    expect(await outbox().get('e1')).toMatchObject({ state: 'sending' })
    network.asked[0]?.settle(answer(202, { body: `thanks ${'x'.repeat(5000)}` }))
    await quiet()
    expect(await outbox().get('e1')).toMatchObject({
      state: 'delivered',
      attempts: 1,
      lastStatus: 202,
      lastProblem: null,
    })
    const [attempt] = await outbox().history('e1')
    expect(attempt).toMatchObject({ number: 1, status: 202, problem: null, durationMs: 5 })
    expect(attempt?.answer).toHaveLength(2048)
    expect(deliveries.counts).toEqual({ delivered: 1, failed: 0, dead: 0, underWay: 0 })
  })

  it('tries again with growing waits until the receiver is back', async () => {
    network.laidDown.set('receiver.example', () => refused)
    await start()
    await add('e1')
    await quiet()
    const waits: number[] = []
    for (let i = 0; i < 4; i++) {
      const event = await outbox().get('e1')
      expect(event).toMatchObject({
        state: 'waiting',
        attempts: i + 1,
        lastProblem: refused.sentence,
      })
      waits.push((event?.nextAt ?? 0) - clock.wallTime())
      expect(network.asked).toHaveLength(i + 1)
      await pass(waits[i] ?? 0)
    }
    for (const [i, ms] of waits.entries()) {
      expect(ms).toBeGreaterThanOrEqual(750 * 2 ** i)
      expect(ms).toBeLessThanOrEqual(1250 * 2 ** i)
    }
    network.laidDown.set('receiver.example', () => answer(200))
    await pass(hour)
    expect(await outbox().get('e1')).toMatchObject({ state: 'delivered', attempts: 6 })
  })

  it('gives up after the last attempt, and at once when the receiver says 410', async () => {
    network.laidDown.set('receiver.example', () => answer(500, { body: 'oops' }))
    network.laidDown.set('gone.example', () => answer(410))
    await start()
    await add('e1', { maxAttempts: 3 })
    await add('e2', { url: 'http://gone.example/' })
    await quiet()
    for (let i = 0; i < 4; i++) await pass(10_000)
    expect(await outbox().get('e1')).toMatchObject({
      state: 'dead',
      attempts: 3,
      lastStatus: 500,
      lastProblem: 'http://receiver.example/in answered 500.',
    })
    expect((await outbox().history('e1')).map((one) => [one.status, one.answer])).toEqual([
      [500, 'oops'],
      [500, 'oops'],
      [500, 'oops'],
    ])
    expect(await outbox().get('e2')).toMatchObject({ state: 'dead', attempts: 1, lastStatus: 410 })
    expect(deliveries.counts).toMatchObject({ delivered: 0, failed: 4, dead: 2 })
    expect(network.asked).toHaveLength(4)
  })

  it('waits as long as Retry-After says', async () => {
    network.laidDown.set('receiver.example', () => answer(503, { headers: { 'retry-after': '600' } }))
    await start()
    await add('e1')
    await quiet()
    await pass(599_000)
    expect(network.asked).toHaveLength(1)
    await pass(1000)
    expect(network.asked).toHaveLength(2)
  })

  it('keeps the order of a call, while another call goes on', async () => {
    await start()
    for (const id of ['a1', 'a2', 'a3']) await add(id, { orderKey: 'call_a' })
    await add('b1', { orderKey: 'call_b' })
    await quiet()
    expect(network.ids).toEqual(['a1', 'b1'])
    network.asked[0]?.settle(answer(500))
    network.asked[1]?.settle(answer(200))
    await quiet()
    await add('b2', { orderKey: 'call_b' })
    await quiet()
    // The receiver fails and has one request at a time; call b is served first, its time having come first.
    expect(network.ids.slice(2)).toEqual(['b2'])
    network.asked[2]?.settle(answer(200))
    await pass(2000)
    expect(network.ids.slice(3)).toEqual(['a1'])
    network.asked[3]?.settle(answer(200))
    await quiet()
    expect(network.ids.slice(4)).toEqual(['a2'])
    network.asked[4]?.settle(answer(200))
    await quiet()
    expect(network.ids.slice(5)).toEqual(['a3'])
  })

  it('never lets a slow receiver delay another, and bounds what goes to each and to all', async () => {
    await start({ limits: { total: 6, perLane: 2 } })
    for (let i = 0; i < 10; i++) await add(`slow${i}`, { url: 'http://slow.example/' })
    for (let i = 0; i < 3; i++) await add(`fast${i}`, { url: 'http://fast.example/' })
    await quiet()
    expect(network.ids.toSorted()).toEqual(['fast0', 'fast1', 'slow0', 'slow1'])
    for (const { request, settle } of network.asked) if (request.url.includes('fast')) settle(answer(200))
    await quiet()
    expect(network.ids).toContain('fast2')
    for (let i = 0; i < 4; i++) await add(`more${i}`, { url: `http://more${i}.example/` })
    await quiet()
    expect(deliveries.counts.underWay).toBe(6)
    network.asked.find(({ request }) => request.url.includes('slow'))?.settle(answer(200))
    await quiet()
    expect(deliveries.counts.underWay).toBe(6)
    // The lane with the fewest requests under way comes first: the newcomer, not the tenth of the slow one.
    expect(network.ids.filter((id) => id?.startsWith('more'))).toHaveLength(4)
    expect(network.ids.filter((id) => id?.startsWith('slow'))).toHaveLength(2)
  })

  it('gives a receiver that fails one request at a time until one succeeds, and more with each that does', async () => {
    await start()
    for (let i = 0; i < 8; i++) await add(`e${i}`)
    await quiet()
    expect(network.asked).toHaveLength(8)
    for (const { settle } of network.asked) settle(refused)
    await quiet()
    // The next attempts, by then all due, and none of them slow yet.
    await pass(1250)
    const sent: number[] = []
    for (let done = 8; done < 16; done++) {
      sent.push(network.asked.length - done)
      network.asked[done]?.settle(answer(200))
      await quiet()
    }
    expect(sent).toEqual([1, 2, 4, 5, 4, 3, 2, 1])
    expect(lines.filter((line) => line.startsWith('warn: a receiver of events fails'))).toHaveLength(1)
    expect(lines.filter((line) => line.startsWith('info: a receiver of events takes them again'))).toHaveLength(1)
  })

  it('delivers after a restart what was being sent when the server was killed', async () => {
    await start()
    await add('e1')
    await quiet()
    expect(await outbox().get('e1')).toMatchObject({ state: 'sending' })
    // Killed: nothing more is written, and what the network does is heard by nobody.
    const killed = deliveries
    await kept.reopen()
    network = new FakeNetwork()
    network.laidDown.set('receiver.example', () => answer(200))
    await start()
    expect(network.ids).toEqual(['e1'])
    expect(await outbox().get('e1')).toMatchObject({ state: 'delivered', attempts: 1 })
    const closed = killed.close()
    await clock.advanceAsync(2000)
    await closed
    expect(network.ids).toEqual(['e1'])
  })

  it('lets requests under way end when the server stops, and puts back those that do not', async () => {
    await start()
    for (const id of ['quick', 'slow']) await add(id, { url: `http://${id}.example/` })
    await quiet()
    const closed = deliveries.close()
    await add('late')
    network.asked.find(({ request }) => request.url.includes('quick'))?.settle(answer(200))
    await quiet()
    await clock.advanceAsync(2000)
    await closed
    expect(await outbox().get('quick')).toMatchObject({ state: 'delivered' })
    expect(await outbox().get('slow')).toMatchObject({ state: 'waiting', attempts: 0 })
    expect(await outbox().history('slow')).toEqual([])
    expect(await outbox().get('late')).toMatchObject({ state: 'waiting' })
    expect(network.asked).toHaveLength(2)
  })

  it('takes a status of 2xx for delivered, whatever becomes of the rest of the answer', async () => {
    const broken = { ...refused, code: 'outgoing.connection-lost', reached: 'unknown', status: 200 } as const
    network.laidDown.set('receiver.example', () => broken)
    await start()
    await add('e1')
    await quiet()
    expect(await outbox().get('e1')).toMatchObject({ state: 'delivered', lastStatus: 200 })
  })

  it('asks the kind whether an answer is as it should be', async () => {
    profile = {
      isTrusted: true,
      findFault: (whole) => (Buffer.from(whole.body).toString() === 'ok' ? null : 'It did not answer ok.'),
    }
    network.laidDown.set('receiver.example', () => answer(200, { body: 'fault' }))
    await start()
    await add('e1')
    await quiet()
    expect(await outbox().get('e1')).toMatchObject({
      state: 'waiting',
      lastStatus: 200,
      lastProblem: 'It did not answer ok.',
    })
    network.laidDown.set('receiver.example', () => answer(200, { body: 'ok' }))
    await pass(2000)
    expect(await outbox().get('e1')).toMatchObject({ state: 'delivered' })
  })

  it('gives up what nobody wants any more, and counts what its kind cannot send as an attempt', async () => {
    profile = null
    await start()
    await add('e1')
    await quiet()
    expect(await outbox().get('e1')).toMatchObject({
      state: 'dead',
      lastProblem: expect.stringContaining('Nobody') as string,
    })
    expect(network.asked).toEqual([])
    await deliveries.close()
    const source = {
      profileOf: () => {
        throw new Error('a defect')
      },
    }
    await start({ sources: [source] })
    await add('e2')
    await quiet()
    expect(await outbox().get('e2')).toMatchObject({
      state: 'waiting',
      attempts: 1,
      lastProblem: expect.stringContaining('a defect') as string,
    })
  })

  it('sends again by hand', async () => {
    network.laidDown.set('receiver.example', () => answer(410))
    await start()
    await add('e1')
    await quiet()
    network.laidDown.set('receiver.example', () => answer(200))
    await outbox().resend('e1')
    await quiet()
    expect(await outbox().get('e1')).toMatchObject({ state: 'delivered', attempts: 1 })
    expect((await outbox().history('e1')).map((one) => one.status)).toEqual([410, 200])
    expect(network.ids).toEqual(['e1', 'e1'])
  })

  it('forgets delivered events after 7 days and dead ones after 30', async () => {
    network.laidDown.set('receiver.example', () => answer(200))
    network.laidDown.set('gone.example', () => answer(410))
    await start()
    await add('delivered')
    await add('dead', { url: 'http://gone.example/' })
    await quiet()
    const passDays = async (days: number): Promise<void> => {
      await deliveries.close()
      expect(clock.pending).toBe(1) // the store's heartbeat
      clock = new TestClock({ wallTime: clock.wallTime() + days * 24 * hour })
      await kept.reopen({ clock })
      await start()
    }
    await passDays(6)
    expect((await outbox().list({})).items).toHaveLength(2)
    await passDays(1.1)
    expect((await outbox().list({})).items.map((one) => one.id)).toEqual(['dead'])
    await passDays(22.8)
    expect((await outbox().list({})).items).toHaveLength(1)
    await passDays(0.2)
    expect((await outbox().list({})).items).toEqual([])
  })

  it('writes no body, no header and no answer to the log', async () => {
    profile = { isTrusted: true, headers: { authorization: 'Bearer secret-1' }, signingSecrets: ['secret-2'] }
    network.laidDown.set('receiver.example', () => answer(500, { body: 'secret-3' }))
    await start()
    await add('e1', { body: 'secret-4', url: 'http://u:secret-5@receiver.example/in?t=secret-6', maxAttempts: 2 })
    await quiet()
    await pass(5000)
    expect(await outbox().get('e1')).toMatchObject({ state: 'dead' })
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.join('\n')).not.toMatch(/secret/)
  })
})
