import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Answering, type Receiver, startReceiver } from '../../test/support/receiver.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import type { OutboxEvent } from '../store/outbox-types.ts'
import { Deliveries } from './deliveries.ts'
import { OutgoingHttp } from './outgoing/outgoing-http.ts'

describe('events to receivers on sockets', () => {
  let clock: TestClock
  let kept: TestStore
  let http: OutgoingHttp
  let deliveries: Deliveries
  const closings: (() => Promise<unknown>)[] = []

  beforeEach(async () => {
    clock = new TestClock()
    kept = await openTestStore('sqlite', { clock })
    http = new OutgoingHttp({ clock, allowPrivateAddresses: false })
    deliveries = new Deliveries({
      outbox: kept.store.outbox,
      http,
      clock,
      random: new SeededRandom(1),
      log: silentLogger,
      sources: [{ profileOf: ({ kind }) => ({ isTrusted: kind === 'trusted' }) }],
    })
    await deliveries.start()
  })

  afterEach(async () => {
    const closed = deliveries.close()
    await clock.advanceAsync(2000)
    await closed
    http.close()
    await kept.remove()
    for (const close of closings.splice(0)) await close()
    expect(clock.pending).toBe(0)
  })

  async function receive(answer: Answering): Promise<Receiver> {
    const receiver = await startReceiver({ answer })
    closings.push(() => receiver.close())
    return receiver
  }

  async function garbage(): Promise<string> {
    const server: Server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end('\0\u{1}\u{2} not HTTP\r\n\r\n'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closings.push(() => new Promise((resolve) => server.close(resolve)))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`
  }

  async function add(id: string, url: string, kind = 'trusted'): Promise<void> {
    const event = {
      id,
      tenant: 'acme',
      kind,
      orderKey: id,
      url,
      contentType: 'application/json',
      body: `{"id":"${id}"}`,
    }
    await kept.store.outbox.add(event)
  }

  /** The event once its first attempt has ended. */
  async function tried(id: string): Promise<OutboxEvent | null> {
    for (;;) {
      const event = await kept.store.outbox.get(id)
      if (event?.attempts !== 0) return event
      // Housekeeping of sockets; no time passes.
      await clock.advanceAsync(0)
    }
  }

  it('fare as their receivers do, and none waits for a slow one', async () => {
    const slow = await receive(() => {})
    const failing = await receive((_request, response) => response.writeHead(500).end('broken inside'))
    const moved = await receive((_request, response) => response.writeHead(307, { location: '/elsewhere' }).end())
    const talkative = await receive((_request, response) => response.end(Buffer.alloc(10_000_000, 120)))
    const well = await receive((_request, response) => response.writeHead(204).end())
    const down = await startReceiver()
    await down.close()
    const urls = {
      slow: slow.url,
      failing: failing.url,
      moved: moved.url,
      talkative: talkative.url,
      well: well.url,
      down: down.url,
      garbage: await garbage(),
    }
    for (const [id, url] of Object.entries(urls)) await add(id, url)
    await slow.has(1)
    expect(await tried('well')).toMatchObject({ state: 'delivered', lastStatus: 204 })
    expect(await tried('talkative')).toMatchObject({ state: 'delivered', lastStatus: 200 })
    expect(await tried('failing')).toMatchObject({ state: 'waiting', lastStatus: 500 })
    expect(await tried('moved')).toMatchObject({
      state: 'waiting',
      lastStatus: 307,
      lastProblem: expect.stringContaining('Redirects are not followed') as string,
    })
    expect(await tried('down')).toMatchObject({
      state: 'waiting',
      lastStatus: null,
      lastProblem: expect.stringContaining('ECONNREFUSED') as string,
    })
    expect(await tried('garbage')).toMatchObject({ lastProblem: expect.stringContaining('not HTTP') as string })
    expect(await kept.store.outbox.get('slow')).toMatchObject({ state: 'sending', attempts: 0 })
    const answers = async (id: string) => (await kept.store.outbox.history(id)).map(({ answer }) => answer)
    expect(await answers('failing')).toEqual(['broken inside'])
    expect(await answers('talkative')).toEqual(['x'.repeat(2048)])
    clock.advance(10_000)
    expect(await tried('slow')).toMatchObject({
      state: 'waiting',
      lastStatus: null,
      lastProblem: `${slow.url}/ did not answer within 10000 ms.`,
    })
    expect(moved.received.every(({ path }) => path === '/')).toBe(true)
  })

  it('of which one path hangs delay nothing that goes to another path of the same host', async () => {
    const receiver = await receive(({ path }, response) => void (path === '/hang' || response.end()))
    // More than have a place at once: each to a session of its own.
    for (let i = 0; i < 20; i++) await add(`hangs-${i}`, `${receiver.url}/hang`)
    await receiver.has(8)
    await add('well', `${receiver.url}/well`)
    // Until they are known to hang, and not longer.
    clock.advance(1000)
    expect(await tried('well')).toMatchObject({ state: 'delivered' })
    await add('better', `${receiver.url}/well`)
    expect(await tried('better')).toMatchObject({ state: 'delivered' })
    expect(await kept.store.outbox.load()).toMatchObject({ waiting: 20 })
  })

  it('are not sent to private addresses that arrived over an API', async () => {
    const receiver = await receive((_request, response) => response.end())
    await add('e1', receiver.url.replace('127.0.0.1', '0x7f.1'), 'untrusted')
    expect(await tried('e1')).toMatchObject({
      state: 'waiting',
      lastProblem: expect.stringContaining('which is no public address') as string,
    })
    expect(receiver.connections).toBe(0)
  })
})
