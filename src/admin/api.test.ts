import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../test/support/databases.ts'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { FakeMixer } from '../../test/support/fake-mixer.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import { IdFactory, type RecordingId } from '../base/ids.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { Calls } from '../call/calls.ts'
import { Rooms } from '../call/rooms.ts'
import { loadConfiguration } from '../config/load.ts'
import { openSecretBox } from '../config/secret-box.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { Directory } from '../routing/directory.ts'
import { mountAdmin } from './api.ts'
import { LiveSettings } from './live-settings.ts'
import { Metrics } from './metrics.ts'
import type { TrunkStatus } from './status.ts'

const token = 'a-token-of-the-test'
const configText = `
tenants:
  acme:
    extensions: { "137": { password: "secret-of-137" } }
    numbers: { "1000": { app: menu } }
    apps: { menu: { builtin: menu } }
`

const trunk: TrunkStatus = {
  name: 'provider1',
  tenant: 'acme',
  state: 'degraded',
  since: '2026-01-01T00:00:00.000Z',
  sentence: 'sip1.provider.example answers; sip2.provider.example has not for 40 s.',
  calls: 3,
  lastAnswer: '2026-01-01T00:00:00.000Z',
  registeredUntil: null,
  hosts: [
    {
      address: 'udp:192.0.2.1:5060',
      state: 'closed',
      since: '2026-01-01T00:00:00.000Z',
      lastAnswer: '2026-01-01T00:00:00.000Z',
    },
  ],
}

interface Api {
  readonly server: HttpServer
  readonly clock: TestClock
  readonly calls: Calls
  readonly directory: Directory
  readonly settings: LiveSettings
  readonly kept: TestStore
  get(url: string): Promise<{ status: number; body: Record<string, unknown> }>
  send(
    method: 'PUT' | 'POST' | 'DELETE',
    url: string,
    body?: object,
  ): Promise<{ status: number; body: Record<string, unknown> }>
}

async function startApi(kind: (typeof databaseKinds)[number]): Promise<Api> {
  const clock = new TestClock()
  const kept = await openTestStore(kind, { clock })
  const { store, database } = kept
  const configuration = await loadConfiguration({ text: configText })
  const directory = new Directory(configuration.settings.tenants)
  const settings = new LiveSettings({
    documents: store.documents,
    directory,
    log: silentLogger,
    secrets: await openSecretBox(join(database.dataFolder, 'key'), new SeededRandom(3)),
    fileRoot: configuration.root,
    read: async (documents) => (await configuration.withDocuments(documents)).tenants,
  })
  await settings.load()
  const ids = new IdFactory(clock, new SeededRandom(5))
  const calls = new Calls({ clock, ids, log: silentLogger, records: store.records })
  const { dataFolder } = database
  const rooms = new Rooms({ mixer: new FakeMixer(), clock, log: silentLogger, ids, dataFolder })
  const metrics = new Metrics({
    liveCalls: () => calls.count,
    registrations: () => 0,
    mediaEndpoints: () => 0,
    freePorts: () => 8,
    mediaLatenessMs: async () => ({ p50: 0, p99: 0.4, max: 2 }),
    sipCounters: () => ({ udpReceived: 3 }),
    transactions: () => ({ client: 0, server: 1 }),
    storeQueue: () => 0,
    rooms: () => 0,
    trunks: () => ({ down: 1, calls: 2 }),
    mainThreadLatenessMs: () => 0,
  })
  const server = await createHttpServer({ log: silentLogger, version: '0.0.0' })
  await mountAdmin(server, {
    clock,
    token,
    ids,
    calls,
    rooms,
    store,
    directory,
    settings,
    retention: { run: async () => [] },
    dataFolder,
    metrics,
    registrations: () => [],
    trunks: () => [trunk, { ...trunk, tenant: 'other' }],
    readiness: async () => [{ name: 'database', isReady: true, sentence: 'It takes writes.' }],
    page: () => ({
      version: '0.0.0',
      sip: ['udp:127.0.0.1:5060'],
      numbers: [{ number: '1000', app: '<menu>' }],
      voiceProblem: null,
    }),
  })
  const send: Api['send'] = async (method, url, body) => {
    const headers = { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) }
    const response = await server.inject({ method, url, headers, ...(body ? { payload: JSON.stringify(body) } : {}) })
    return {
      status: response.statusCode,
      body: response.body === '' ? {} : response.json<Record<string, unknown>>(),
    }
  }
  const get: Api['get'] = async (url) => {
    const response = await server.inject({ method: 'GET', url, headers: { authorization: `Bearer ${token}` } })
    return { status: response.statusCode, body: response.json<Record<string, unknown>>() }
  }
  return { server, clock, calls, directory, settings, kept, get, send }
}

describe.each(databaseKinds)('the admin API on %s', (kind) => {
  let api: Api

  beforeEach(async () => {
    api = await startApi(kind)
  })

  afterEach(async () => {
    await api.server.close()
    await api.kept.remove()
  })

  /** A call that was answered, heard a key, and was hung up. */
  async function endedCall(): Promise<string> {
    const leg = new FakeLeg(api.clock)
    const call = api.calls.begin(leg, { tenant: 'acme', to: '1000', app: 'menu' }, async (begun) => begun.answer())
    while (!call.isAnswered) await api.clock.advanceAsync(0)
    leg.press('7')
    api.clock.advance(4000)
    leg.hangUp()
    await call.ended
    return call.id
  }

  it('asks for its token, and slows down who guesses', async () => {
    const without = await api.server.inject({ url: '/api/v1/calls' })
    expect(without.statusCode).toBe(401)
    expect(without.json()).toMatchObject({ error: { code: 'http.unauthorized' } })
    const guess = (): Promise<number> =>
      api.server
        .inject({ url: '/api/v1/calls', headers: { authorization: 'Bearer wrong' } })
        .then((response) => response.statusCode)
    const statuses: number[] = []
    for (let i = 0; i < 25; i++) statuses.push(await guess())
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401))
    expect(statuses.at(-1)).toBe(429)
  })

  it('lists calls, shows one with its leg, and masks keys in the journal unless asked', async () => {
    const id = await endedCall()
    const list = await api.get('/api/v1/calls?to=1000')
    expect(list.body).toMatchObject({
      items: [{ id, tenant: 'acme', cause: 'normal', talkSeconds: 4 }],
      nextCursor: null,
    })
    const one = await api.get(`/api/v1/calls/${id}`)
    expect(one.body).toMatchObject({
      call: { sentence: 'The caller hung up after 4 s.' },
      legs: [{ role: 'caller', codec: 'PCMU' }],
    })
    const digits = async (query: string): Promise<unknown> => {
      const { body } = await api.get(`/api/v1/calls/${id}/journal${query}`)
      return (body.items as { kind: string; facts: { digit?: string } }[]).find((event) => event.kind === 'digit')
        ?.facts.digit
    }
    expect(await digits('')).toBe('*')
    expect(await digits('?digits=show')).toBe('7')
  })

  it('hangs up a live call, and names an id that is none', async () => {
    const leg = new FakeLeg(api.clock)
    const call = api.calls.begin(leg, { tenant: 'acme', to: '1000', app: 'menu' }, async (begun) => begun.answer())
    while (!call.isAnswered) await api.clock.advanceAsync(0)
    expect((await api.get('/api/v1/calls/live')).body).toMatchObject({ items: [{ id: call.id }] })
    expect((await api.send('POST', `/api/v1/calls/${call.id}/hangup`)).status).toBe(202)
    expect((await call.ended).sentence).toContain('operator')
    expect(await api.send('POST', '/api/v1/calls/call_nobody/hangup')).toMatchObject({
      status: 404,
      body: { error: { code: 'call.unknown' } },
    })
  })

  it('shows the trunks of all tenants, and of one', async () => {
    const { body } = await api.get('/api/v1/trunks')
    expect((body.items as TrunkStatus[]).map(({ tenant }) => tenant)).toEqual(['acme', 'other'])
    expect((await api.get('/api/v1/trunks?tenant=acme')).body).toEqual({ items: [trunk] })
  })

  it('names the parameter that is wrong', async () => {
    const { status, body } = await api.get('/api/v1/calls?limit=100000')
    expect(status).toBe(400)
    expect(JSON.stringify(body)).toMatch(/limit/)
    expect((await api.get('/api/v1/calls?cursor=nonsense')).body).toMatchObject({ error: { code: 'store.cursor' } })
  })

  it('exports calls as JSON lines', async () => {
    const ids = [await endedCall(), await endedCall()]
    api.clock.advance(10)
    const response = await api.server.inject({
      url: '/api/v1/calls.jsonl',
      headers: { authorization: `Bearer ${token}` },
    })
    const lines = response.body.trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id).sort()).toEqual([...ids].sort())
  })

  it('serves a recording whole and in parts, and deletes it', async () => {
    const callId = await endedCall()
    const id = 'rec_test' as RecordingId
    const row = {
      id,
      callId: callId as never,
      tenant: 'acme',
      file: 'recordings/x.wav',
      channels: 1,
      state: 'recording',
      startedAt: 1,
      durationMs: null,
      fileBytes: null,
      problem: null,
    } as const
    await api.kept.store.records.openRecording(row)
    await api.kept.store.records.closeRecording(id, { state: 'saved', durationMs: 500, fileBytes: 8, problem: null })
    const file = join(api.kept.database.dataFolder, row.file)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, '01234567')
    const headers = { authorization: `Bearer ${token}` }
    const url = `/api/v1/recordings/${id}/audio`
    expect((await api.server.inject({ url, headers })).body).toBe('01234567')
    const part = await api.server.inject({ url, headers: { ...headers, range: 'bytes=2-4' } })
    expect([part.statusCode, part.body, part.headers['content-range']]).toEqual([206, '234', 'bytes 2-4/8'])
    expect((await api.server.inject({ url, headers: { ...headers, range: 'bytes=90-' } })).statusCode).toBe(416)
    expect((await api.send('DELETE', `/api/v1/recordings/${id}`)).status).toBe(204)
    expect((await api.server.inject({ url, headers })).json()).toMatchObject({ error: { code: 'recording.file-gone' } })
    expect((await api.get(`/api/v1/recordings/${id}`)).body).toMatchObject({ state: 'deleted', audio: null })
  })

  it('sets a number, an extension and an app, in force at once and still there after a restart', async () => {
    expect((await api.send('PUT', '/api/v1/tenants/acme/apps/hall', { builtin: 'echo' })).status).toBe(200)
    expect((await api.send('PUT', '/api/v1/tenants/acme/numbers/2000', { app: 'hall' })).status).toBe(200)
    const added = await api.send('PUT', '/api/v1/tenants/acme/extensions/200', {
      password: 'very-secret-words',
      name: 'Hall',
    })
    expect(added.body).toEqual({ key: '200', origin: 'api', value: { name: 'Hall' } })
    expect(api.directory.findNumber('2000')).toMatchObject({ app: { kind: 'builtin', builtin: 'echo' } })
    expect(api.directory.findExtension('acme', '200')).toMatchObject({ password: 'very-secret-words' })
    const stored = await api.kept.store.documents.get({ tenant: 'acme', kind: 'extension', key: '200' })
    expect(JSON.stringify(stored)).not.toContain('very-secret-words')

    api.directory.replace(new Map())
    await api.settings.load()
    expect(api.directory.findExtension('acme', '200')).toMatchObject({ password: 'very-secret-words' })
    const list = await api.get('/api/v1/tenants/acme/extensions')
    expect(list.body).toEqual({
      items: [
        { key: '137', origin: 'file', value: {} },
        { key: '200', origin: 'api', value: { name: 'Hall' } },
      ],
    })
  })

  it('starts without what no longer fits the file, and keeps the rest', async () => {
    await api.send('PUT', '/api/v1/tenants/acme/numbers/2000', { app: 'menu' })
    await api.kept.store.documents.put({ tenant: 'acme', kind: 'number', key: '2001', body: { app: 'gone' } })
    await api.settings.load()
    expect(api.directory.findNumber('2000')).not.toBeNull()
    expect(api.directory.findNumber('2001')).toBeNull()
    expect(api.directory.findNumber('1000')).not.toBeNull()
  })

  it('refuses what the whole configuration would refuse, and says path and expectation', async () => {
    const { status, body } = await api.send('PUT', '/api/v1/tenants/acme/numbers/3000', { app: 'hal' })
    expect(status).toBe(422)
    expect(body).toMatchObject({
      error: { code: 'config.invalid', facts: { problems: [{ path: expect.stringContaining('"3000"') }] } },
    })
    expect(api.directory.findNumber('3000')).toBeNull()
  })

  it('lets the file win for what it names, and keeps what is still in use', async () => {
    expect(await api.send('PUT', '/api/v1/tenants/acme/numbers/1000', { app: 'menu' })).toMatchObject({
      status: 409,
      body: { error: { code: 'setting.from-file' } },
    })
    await api.send('PUT', '/api/v1/tenants/acme/apps/hall', { builtin: 'echo' })
    await api.send('PUT', '/api/v1/tenants/acme/numbers/2000', { app: 'hall' })
    expect(await api.send('DELETE', '/api/v1/tenants/acme/apps/hall')).toMatchObject({
      status: 409,
      body: { error: { code: 'setting.in-use' } },
    })
    expect((await api.send('DELETE', '/api/v1/tenants/acme/numbers/2000')).status).toBe(204)
    expect((await api.send('DELETE', '/api/v1/tenants/acme/apps/hall')).status).toBe(204)
    expect((await api.send('DELETE', '/api/v1/tenants/acme/apps/hall')).status).toBe(404)
  })

  it('describes itself, without a token, with every path that it serves', async () => {
    const { body } = await api.get('/api/v1/openapi.json')
    expect(body).toMatchObject({ openapi: '3.1.0' })
    const paths = Object.keys(body.paths as object)
    expect(paths).toEqual(
      expect.arrayContaining([
        '/api/v1/calls',
        '/api/v1/recordings/{id}/audio',
        '/api/v1/live/calls/{id}/monitor',
        '/api/v1/live/rooms/{tenant}/{name}/members/{id}/kick',
        '/api/v1/trunks',
        '/api/v1/tenants/{tenant}/numbers/{key}',
      ]),
    )
  })

  it('tells health, readiness, metrics and a plain page without a token, and escapes what it shows', async () => {
    expect((await api.get('/healthz')).body).toEqual({ status: 'ok' })
    expect((await api.get('/readyz')).body).toMatchObject({ status: 'ready' })
    const metrics = await api.server.inject({ url: '/metrics' })
    expect(metrics.body).toContain('switchhook_sip_messages_total{what="udpReceived"} 3')
    const page = await api.server.inject({ url: '/' })
    expect(page.body).toContain('&#60;menu&#62;')
    expect(page.headers['content-security-policy']).toContain("default-src 'self'")
  })
})
