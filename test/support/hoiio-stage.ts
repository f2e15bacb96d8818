import { SpokenCallSounds } from '../../src/action/call-sounds.ts'
import type { FlowCallParts } from '../../src/action/flow-call.ts'
import { PromptResolver } from '../../src/action/prompts.ts'
import { flowProgram } from '../../src/action/run-flow.ts'
import { NotFoundError } from '../../src/base/errors.ts'
import { IdFactory, type RecordingId } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { Admission } from '../../src/call/admission.ts'
import type { Call } from '../../src/call/call.ts'
import { Calls } from '../../src/call/calls.ts'
import { Rooms } from '../../src/call/rooms.ts'
import { Supervisions } from '../../src/call/supervisions.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import type { HoiioAppSettings, TenantSettings } from '../../src/config/settings.ts'
import { Notifications } from '../../src/dialects/hoiio/notifications.ts'
import { HoiioService } from '../../src/dialects/hoiio/service.ts'
import { flowIdleLimitMs } from '../../src/dialects/hoiio/sessions.ts'
import type { FindHost } from '../../src/dialects/hoiio/targets.ts'
import { OutgoingHttp } from '../../src/http/outgoing/outgoing-http.ts'
import type { OutgoingOutcome, OutgoingRequest } from '../../src/http/outgoing/types.ts'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import { PlacedCalls } from '../../src/placed-calls.ts'
import { Directory } from '../../src/routing/directory.ts'
import type { Ledger, LedgerEntry, LedgerFilter } from '../../src/store/ledger.ts'
import type { NewEvent } from '../../src/store/outbox-types.ts'
import { FakeLeg } from './fake-leg.ts'
import { FakeMixer } from './fake-mixer.ts'
import { FakeReacher } from './fake-reacher.ts'
import { fakeSounds, fakeSpeech, noRecordings } from './fake-sounds.ts'
import { MemoryRecords } from './memory-records.ts'
import { TestClock } from './test-clock.ts'

/** Two applications of one tenant and one of another. */
export const hoiioConfig = `
tenants:
  acme:
    domain: acme.example
    callerIds: ["+6560000009"]
    extensions: { "137": { password: "secret-of-137" }, "138": { password: "secret-of-138" } }
    numbers: { "+6560000001": { app: desk }, "+6560000002": { app: other } }
    apps:
      desk:
        { dialect: hoiio, appId: DESK, accessToken: "desk-token-desk-token", notifyUrl: "http://127.0.0.1:9100/in",
          registeredNumber: "+6560000001", rates: { "+65": 0.02, "+": 0.1 } }
      other: { dialect: hoiio, appId: OTHER, accessToken: "other-token-other-token", notifyUrl: "http://127.0.0.1:9200/in" }
  beta:
    domain: beta.example
    numbers: { "+6570000001": { app: desk } }
    apps: { desk: { dialect: hoiio, appId: BETA, accessToken: "beta-token-beta-token", notifyUrl: "http://127.0.0.1:9300/in" } }
`

export const desk = { app_id: 'DESK', access_token: 'desk-token-desk-token' }
export const other = { app_id: 'OTHER', access_token: 'other-token-other-token' }
export const beta = { app_id: 'BETA', access_token: 'beta-token-beta-token' }
export const notifyUrl = 'https://client.example/next'

export type Fields = Readonly<Record<string, string>>

export interface Notified {
  readonly url: string
  readonly event: NewEvent
  readonly fields: Fields
}

/** The ledger without its database. */
export class MemoryLedger implements Pick<Ledger, 'put' | 'get' | 'ofRequest' | 'list' | 'count' | 'unfinished'> {
  readonly entries = new Map<string, LedgerEntry>()

  async put(entry: LedgerEntry): Promise<void> {
    this.entries.set(entry.ref, entry)
  }

  async get(ref: string): Promise<LedgerEntry | null> {
    return this.entries.get(ref) ?? null
  }

  async ofRequest(tenant: string, account: string, requestKey: string): Promise<readonly LedgerEntry[]> {
    return this.#of({ tenant, account }).filter((entry) => entry.requestKey === requestKey)
  }

  async list(filter: LedgerFilter, page: { offset: number; limit: number }): Promise<readonly LedgerEntry[]> {
    const newestFirst = this.#of(filter).sort((a, b) => b.startedAt - a.startedAt)
    return newestFirst.slice(page.offset, page.offset + page.limit)
  }

  async count(filter: LedgerFilter): Promise<number> {
    return this.#of(filter).length
  }

  async unfinished(): Promise<readonly LedgerEntry[]> {
    return [...this.entries.values()].filter((entry) => entry.endedAt === null)
  }

  #of({ tenant, account, from = 0, before = Number.MAX_SAFE_INTEGER }: LedgerFilter): LedgerEntry[] {
    return [...this.entries.values()].filter(
      (entry) =>
        entry.tenant === tenant && entry.account === account && entry.startedAt >= from && entry.startedAt < before,
    )
  }
}

/** The Hoiio API with everything but wire, disk and network. */
export class HoiioStage {
  readonly clock = new TestClock()
  readonly records = new MemoryRecords()
  readonly reacher = new FakeReacher(this.clock)
  readonly mixer = new FakeMixer()
  readonly events: NewEvent[] = []
  /** Names that do not exist. */
  readonly unknownHosts = new Set<string>()
  /** What is fetched: by address. */
  readonly files = new Map<string, (request: OutgoingRequest) => Partial<OutgoingOutcome> & { text?: string }>()
  readonly fetched: OutgoingRequest[] = []
  hasVoice = true
  readonly ledger = new MemoryLedger()
  readonly #meta = new Map<string, string>()
  readonly server: HttpServer
  readonly service: HoiioService
  readonly calls: Calls
  readonly rooms: Rooms
  readonly directory: Directory
  readonly #flowParts: FlowCallParts
  #serial = 0

  static async start(options: { text?: string; dataFolder?: string; badSounds?: boolean } = {}): Promise<HoiioStage> {
    const { settings } = await loadConfiguration({ text: options.text ?? hoiioConfig, name: 'test.yaml' })
    const server = await createHttpServer({ log: silentLogger, version: '0' })
    const stage = new HoiioStage(settings.tenants, server, options)
    await stage.service.mount(server)
    return stage
  }

  private constructor(
    tenants: ReadonlyMap<string, TenantSettings>,
    server: HttpServer,
    options: { dataFolder?: string; badSounds?: boolean },
  ) {
    const { clock, records, reacher, mixer } = this
    const random = new SeededRandom(7)
    const ids = new IdFactory(clock, random)
    const dataFolder = options.dataFolder ?? '/data'
    const prompts = new PromptResolver({
      sounds: fakeSounds,
      speech: fakeSpeech,
      recordings: noRecordings,
      folder: '/sounds',
    })
    const sounds = new SpokenCallSounds({
      prompts,
      contextOf: (tenant) => ({ tenant, language: 'en', timeZone: 'UTC' }),
    })
    this.server = server
    this.directory = new Directory(tenants)
    this.calls = new Calls({ clock, ids, log: silentLogger, records, mixer, reacher, sounds })
    this.rooms = new Rooms({ mixer, clock, log: silentLogger, ids, dataFolder })
    const supervisions = new Supervisions({ mixer, find: (id) => this.calls.find(id) })
    this.#flowParts = { prompts, ids, dataFolder, rooms: this.rooms, supervisions }
    const admission = new Admission(clock)
    admission.close()
    const placer = new PlacedCalls({
      calls: this.calls,
      ids,
      directory: this.directory,
      admission,
      reacher,
      flowParts: this.#flowParts,
    })
    const outgoing = new OutgoingHttp({ clock, allowPrivateAddresses: false })
    const findHost: FindHost = async (name) => {
      if (this.unknownHosts.has(name)) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
      return name
    }
    this.service = new HoiioService({
      clock,
      random,
      log: silentLogger,
      dataFolder,
      http: {
        refuse: (url, isTrusted) => outgoing.refuse(url, isTrusted),
        request: (request) => this.#fetch(request),
      },
      placer,
      reacher,
      notifications: new Notifications({
        outbox: {
          add: async (event) => {
            this.events.push(event)
            return true
          },
        },
        random,
        log: silentLogger,
      }),
      calls: {
        outline: async (id) => {
          const call = this.records.calls.get(id)
          const recordings = [...this.records.recordings.values()].filter(({ callId }) => callId === id)
          return call ? { call, legs: [], recordings } : null
        },
      },
      ledger: this.ledger,
      meta: {
        get: async (key) => this.#meta.get(key) ?? null,
        set: async (key, value) => void this.#meta.set(key, value),
        remove: async (key) => void this.#meta.delete(key),
      },
      rooms: this.rooms,
      recordings: { get: async (id: RecordingId) => records.recordings.get(id) ?? null },
      sounds: {
        load: async (path) => {
          if (options.badSounds) {
            const { ParseError } = await import('../../src/base/errors.ts')
            throw new ParseError('media.file-kind-unknown', 'This is no sound.')
          }
          return await fakeSounds.load(path)
        },
      },
      // No disk, no recordings: `links-routes.test.ts` has both.
      mp3: {
        open: async () => {
          throw new NotFoundError('media.file-not-found', 'There is no disk here.')
        },
      },
      linkKey: 'key-of-the-test',
      publicUrl: () => 'https://voice.example',
      tenants: () => this.directory.tenants,
      isTrusted: () => true,
      canSpeak: () => this.hasVoice,
      findHost,
    })
  }

  /** Asks as a client does: by form. @returns the answer's JSON. */
  async ask(path: string, parameters: Fields, options: { headers?: Fields; ip?: string } = {}): Promise<Fields> {
    const answering = this.server.inject({
      method: 'POST',
      url: `/open/${path}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...options.headers },
      payload: new URLSearchParams(parameters).toString(),
      ...(options.ip !== undefined && { remoteAddress: options.ip }),
    })
    const answer = await this.#settled(answering)
    if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}: ${answer.body}`)
    return JSON.parse(answer.body) as Fields
  }

  /** The status alone. */
  async status(path: string, parameters: Fields, options: { headers?: Fields; ip?: string } = {}): Promise<string> {
    return (await this.ask(path, parameters, options))['status'] ?? ''
  }

  /** A call comes in to a number of ours. */
  async callIn(to = '+6560000001', user = '+6591110000'): Promise<{ leg: FakeLeg; call: Call }> {
    const found = this.directory.findNumber(to)
    if (found?.app.kind !== 'hoiio') throw new Error(`${to} is no number of a Hoiio app`)
    const { tenant } = found
    const app: HoiioAppSettings = found.app
    const leg = new FakeLeg(this.clock, { id: `leg_in${this.#serial++}`, user })
    const program = flowProgram(this.service.flowOf(app, tenant), this.#flowParts, {
      name: 'The app',
      language: 'en',
      timeZone: 'UTC',
      idleLimitMs: flowIdleLimitMs,
    })
    const call = this.calls.begin(leg, { tenant: tenant.name, to, app: app.name }, program)
    await this.pass(0)
    return { leg, call }
  }

  /** A call comes in and is answered by a Play that says nothing. @returns its session. */
  async answered(to = '+6560000001', by: Fields = desk): Promise<{ leg: FakeLeg; call: Call; session: string }> {
    const { leg, call } = await this.callIn(to)
    const session = this.last().fields['session'] ?? ''
    const status = await this.status('ivr/middle/play', { ...by, session, notify_url: notifyUrl })
    if (status !== 'success_ok') throw new Error(status)
    await this.pass(0)
    return { leg, call, session }
  }

  get notified(): readonly Notified[] {
    return this.events.map((event) => ({
      url: event.url,
      event,
      fields: Object.fromEntries(new URLSearchParams(event.body)),
    }))
  }

  last(): Notified {
    const last = this.notified.at(-1)
    if (!last) throw new Error('nothing was notified')
    return last
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms)
  }

  async close(): Promise<void> {
    await this.server.close()
  }

  /** Virtual time must not stand still while an answer waits for what takes time. */
  async #settled<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false
    const done = work.finally(() => {
      isDone = true
    })
    done.catch(() => {})
    while (!isDone) await new Promise((resolve) => setImmediate(resolve))
    return await done
  }

  async #fetch(request: OutgoingRequest): Promise<OutgoingOutcome> {
    this.fetched.push(request)
    const make = this.files.get(request.url)
    if (!make) {
      const sentence = 'There is nobody there.'
      return {
        kind: 'failure',
        code: 'outgoing.connect-failed',
        reached: 'nothing',
        status: null,
        sentence,
        durationMs: 0,
      }
    }
    const { text = '', ...rest } = make(request)
    return {
      kind: 'answer',
      status: 200,
      headers: new Map(),
      body: Buffer.from(text),
      isTruncated: false,
      durationMs: 0,
      url: request.url,
      ...rest,
    } as OutgoingOutcome
  }
}
