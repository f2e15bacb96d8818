import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startPhone } from '../../src/phone/start-phone.ts'
import { eventually as eventuallyWithin } from '../support/eventually.ts'
import { type Answering, type ReceivedRequest, type Receiver, startReceiver } from '../support/receiver.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'

/** A busy machine is slow; only that it comes matters here. */
const eventually = <Value>(read: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> =>
  eventuallyWithin(read, holds, 60_000)

const flows = join(import.meta.dirname, '../support/flows')
const secret = 'secret-of-the-receiver'

interface EventBody {
  readonly id: string
  readonly kind: string
  readonly call: { readonly id: string; readonly cause: string; readonly endedBy: string }
  readonly legs: readonly { readonly role: string }[]
  readonly recordings: readonly { readonly id: string; readonly state: string }[]
  readonly recording?: { readonly id: string; readonly state: string }
}

interface EventRow {
  readonly id: string
  readonly state: string
  readonly attempts: number
  readonly lastStatus: number | null
  readonly lastProblem: string | null
}

const bodyOf = (request: ReceivedRequest | undefined): EventBody => JSON.parse(request?.body ?? '{}') as EventBody

describe('events of a server', () => {
  const closings: (() => Promise<unknown>)[] = []
  let folder = ''

  afterEach(async () => {
    for (const close of closings.splice(0).reverse()) await close()
    await rm(folder, { recursive: true, force: true })
    folder = ''
  })

  async function receive(answer: Answering, port?: number): Promise<Receiver> {
    const receiver = await startReceiver({ answer, ...(port === undefined ? {} : { port }) })
    closings.push(() => receiver.close())
    return receiver
  }

  async function start(url: string): Promise<ServerProcess> {
    folder ||= await mkdtemp(join(tmpdir(), 'switchhook-events-'))
    const config = `
log: { level: debug }
media: { workers: 1 }
tenants:
  test:
    numbers: { "1200": { app: echo }, "2": { app: recorder } }
    apps: { echo: { builtin: echo }, recorder: { module: ${JSON.stringify(join(flows, 'recorder.ts'))} } }
    events: { url: ${JSON.stringify(url)}, secret: ${secret}, headers: { x-key: secret-header } }
`
    const server = await startServer({ config, folder })
    closings.push(() => server.kill())
    return server
  }

  /** Calls a number, waits until it is answered and for what `until` waits for, and hangs up. */
  async function call(
    server: ServerProcess,
    number: string,
    until: () => Promise<unknown> = async () => {},
  ): Promise<void> {
    // A machine that is busy with other tests may have the server refuse calls for load, which leaves no trace.
    while (!(await wasTaken(server, number, until)));
  }

  async function wasTaken(server: ServerProcess, number: string, until: () => Promise<unknown>): Promise<boolean> {
    const at = { address: '127.0.0.1', port: server.sipPort, protocol: 'udp' as const }
    const phone = await startPhone({ server: at, maxSeconds: 30 })
    const stop = new AbortController()
    let tellAnswered = (): void => {}
    const answered = new Promise<null>((resolve) => (tellAnswered = () => resolve(null)))
    try {
      const calling = phone.call({ server: at, number, maxSeconds: 30, signal: stop.signal }, (news) => {
        if (news.kind === 'answered') tellAnswered()
      })
      const early = await Promise.race([answered, calling])
      if (early?.sipStatus === 503) return false
      expect(early?.sentence).toBeUndefined()
      await until()
      stop.abort()
      await calling
      return true
    } finally {
      await phone.close()
    }
  }

  const list = async (server: ServerProcess): Promise<readonly EventRow[]> =>
    ((await server.get('/api/v1/events')) as { items: readonly EventRow[] }).items

  it('are delivered after a kill -9, once, by a receiver that had refused them until then', {
    timeout: 180_000,
  }, async () => {
    let isRefusing = true
    const accepted: ReceivedRequest[] = []
    const receiver = await receive((request, response) => {
      if (!isRefusing) accepted.push(request)
      response.writeHead(isRefusing ? 503 : 200).end('thanks')
    })
    const first = await start(`${receiver.url}/in?token=secret-token`)
    await call(first, '1200')
    await receiver.has(1)
    await eventually(
      () => list(first),
      ([row]) => (row?.attempts ?? 0) > 0,
    )
    await first.kill()
    const second = await start(`${receiver.url}/in?token=secret-token`)
    isRefusing = false
    const [row] = await eventually(
      () => list(second),
      ([one]) => one?.state === 'delivered',
    )
    expect(row).toMatchObject({ state: 'delivered', lastStatus: 200, lastProblem: null })
    expect(accepted).toHaveLength(1)
    const [delivered] = accepted
    expect(bodyOf(delivered)).toMatchObject({
      id: row?.id,
      kind: 'call.ended',
      call: { cause: 'normal' },
      legs: [{ role: 'caller' }],
    })
    expect(delivered).toMatchObject({
      path: '/in?token=secret-token',
      headers: { 'x-key': 'secret-header', 'switchhook-event-id': row?.id, 'content-type': 'application/json' },
    })
    expect(delivered?.headers['switchhook-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/)
    // The same event at each attempt.
    expect(new Set(receiver.received.map((one) => one.headers['switchhook-event-id'])).size).toBe(1)
    const metrics = await (await fetch(`${second.httpUrl}/metrics`)).text()
    expect(metrics).toContain('switchhook_event_attempts_total{what="delivered"} 1')
    expect(metrics).toContain('switchhook_events{state="waiting"} 0')
    expect(await second.stop()).toBe(0)
    expect(first.output()).toContain('an event was not delivered and is tried again')
    expect(first.output() + second.output()).not.toMatch(/secret-(token|header|of-the-receiver)/)
  })

  it('tell of a call that was going on when the server was killed', { timeout: 180_000 }, async () => {
    const receiver = await receive((_request, response) => response.end())
    const first = await start(receiver.url)
    await call(first, '1200', async () => {
      await eventually(
        () => first.get('/api/v1/calls'),
        (page) => JSON.stringify(page).includes('"answeredAt":"'),
      )
      await first.kill()
    })
    expect(receiver.received).toEqual([])
    await start(receiver.url)
    await receiver.has(1)
    expect(bodyOf(receiver.received[0])).toMatchObject({
      kind: 'call.ended',
      call: { cause: 'interrupted', endedBy: 'server' },
    })
  })

  it('come in the order of a call: the recording, then the end', { timeout: 180_000 }, async () => {
    const receiver = await receive((_request, response) => response.writeHead(204).end())
    const server = await start(receiver.url)
    await call(server, '2', () =>
      eventually(
        () => server.get('/api/v1/recordings?state=recording'),
        (page) => (page as { items: readonly unknown[] }).items.length > 0,
      ),
    )
    await receiver.has(2)
    const [saved, ended] = receiver.received.map(bodyOf)
    expect(saved).toMatchObject({ kind: 'recording.saved', recording: { state: 'saved' } })
    expect(ended).toMatchObject({
      kind: 'call.ended',
      call: { id: saved?.call.id },
      recordings: [{ id: saved?.recording?.id, state: 'saved' }],
    })
    expect(await server.stop()).toBe(0)
  })

  it('are sent again by hand once their receiver is up', { timeout: 180_000 }, async () => {
    // A port that was free a moment ago, on which nothing listens.
    const port = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const { port: free } = probe.address() as { port: number }
        probe.close(() => resolve(free))
      })
    })
    const server = await start(`http://127.0.0.1:${port}/in`)
    await call(server, '1200')
    const [row] = await eventually(
      () => list(server),
      ([one]) => (one?.attempts ?? 0) > 0,
    )
    expect(row).toMatchObject({ state: 'waiting', lastStatus: null })
    expect(row?.lastProblem).toBe(
      `http://127.0.0.1:${port}/in cannot be reached: nothing listens there (ECONNREFUSED).`,
    )
    const receiver = await receive((_request, response) => response.end('here again'), port)
    const resent = await fetch(`${server.httpUrl}/api/v1/events/${row?.id}/resend`, {
      method: 'POST',
      headers: { authorization: 'Bearer test-admin-token' },
    })
    expect(resent.status).toBe(202)
    await receiver.has(1)
    const details = await eventually(
      () => server.get(`/api/v1/events/${row?.id}`),
      (one) => (one as { event: EventRow }).event.state === 'delivered',
    )
    expect(details).toMatchObject({ event: { state: 'delivered' } })
    expect((details as { history: readonly unknown[] }).history.at(-1)).toMatchObject({
      status: 200,
      answer: 'here again',
    })
  })
})
