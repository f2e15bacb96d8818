import { join } from 'node:path'
import { mountAdmin } from '../../src/admin/api.ts'
import { LiveSettings } from '../../src/admin/live-settings.ts'
import { Metrics } from '../../src/admin/metrics.ts'
import { PromptFiles } from '../../src/admin/prompt-files.ts'
import type { TrunkStatus } from '../../src/admin/status.ts'
import { IdFactory } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { Calls } from '../../src/call/calls.ts'
import { Rooms } from '../../src/call/rooms.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { openSecretBox } from '../../src/config/secret-box.ts'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import { Directory } from '../../src/routing/directory.ts'
import type { databaseKinds } from './databases.ts'
import { FakeMixer } from './fake-mixer.ts'
import { TestClock } from './test-clock.ts'
import { openTestStore, type TestStore } from './test-store.ts'

export const token = 'a-token-of-the-test'
const configText = `
tenants:
  acme:
    extensions: { "137": { password: "secret-of-137" } }
    numbers: { "1000": { app: menu } }
    apps: { menu: { builtin: menu } }
`

export const trunk: TrunkStatus = {
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

/** The admin API on a database of its own, without sockets. */
export interface Api {
  /** Statuses that were answered and that the route does not declare: `GET /api/v1/x 418`. */
  readonly undeclared: readonly string[]
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

export async function startApi(kind: (typeof databaseKinds)[number]): Promise<Api> {
  const clock = new TestClock()
  const kept = await openTestStore(kind, { clock })
  const { store, database } = kept
  const configuration = await loadConfiguration({ text: configText })
  const directory = new Directory(configuration.settings.tenants)
  const settings = new LiveSettings({
    documents: store.documents,
    directory,
    log: silentLogger,
    random: new SeededRandom(4),
    prompts: new PromptFiles({
      folder: join(database.dataFolder, 'prompts'),
      ...{ clock, random: new SeededRandom(6), log: silentLogger },
      load: async () => ({ durationMs: 1000 }),
    }),
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
    subscriptions: () => 0,
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
  const undeclared: string[] = []
  server.addHook('onSend', async (request, reply) => {
    const { url, schema, method } = request.routeOptions
    const declared = (schema?.response ?? {}) as Readonly<Record<string, unknown>>
    // Where there is no route there is nothing to declare; health and metrics are read by machines that know them.
    if (!url?.startsWith('/api/v1/') || schema?.hide === true) return
    if (!(String(reply.statusCode) in declared)) undeclared.push(`${String(method)} ${url} ${reply.statusCode}`)
  })
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
  return { undeclared, server, clock, calls, directory, settings, kept, get, send }
}
