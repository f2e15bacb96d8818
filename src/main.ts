import { SpokenCallSounds } from './action/call-sounds.ts'
import type { FlowCallParts } from './action/flow-call.ts'
import { type NamedRecordings, PromptResolver, type SpeakingContext } from './action/prompts.ts'
import type { Flow } from './action/run-flow.ts'
import { mountAdmin } from './admin/api.ts'
import type { LiveSettings } from './admin/live-settings.ts'
import { Metrics } from './admin/metrics.ts'
import { type Clock, SystemClock } from './base/clock.ts'
import { StateError, toError } from './base/errors.ts'
import { IdFactory } from './base/ids.ts'
import { createLogger, type Logger, silentLogger } from './base/log.ts'
import { type Random, SystemRandom } from './base/random.ts'
import { Admission } from './call/admission.ts'
import { Calls } from './call/calls.ts'
import { Rooms } from './call/rooms.ts'
import { Supervisions } from './call/supervisions.ts'
import { printHostPort } from './config/addresses.ts'
import { adminTokenName, type Generated, hoiioLinkKeyName, openGeneratedSecrets } from './config/generated-secrets.ts'
import type { Configuration } from './config/load.ts'
import { numberKey } from './config/numbers.ts'
import type { Settings } from './config/settings.ts'
import { DialectParts } from './dialect-parts.ts'
import { EventParts } from './event-parts.ts'
import { createHttpServer, type HttpServer, listenOn } from './http/server.ts'
import { PlaneMixer } from './leg/plane-mixer.ts'
import { type MediaParts, startMedia } from './media-parts.ts'
import { metricReadings, type ObservedParts, readinessOf, voiceProblemOf } from './operator-view.ts'
import { type CallRequest, type PlacedCall, PlacedCalls } from './placed-calls.ts'
import { ProgramCatalogue } from './program-catalogue.ts'
import { RecordingRetention } from './recording-retention.ts'
import { recoverInterrupted } from './recovery.ts'
import type { Directory } from './routing/directory.ts'
import { findRecordingFile } from './routing/named-recordings.ts'
import { recordingPolicy } from './routing/recording-policy.ts'
import { openSettings } from './setting-parts.ts'
import { SipParts } from './sip-parts.ts'
import { openStore, type Store } from './store/store.ts'
import { version } from './version.ts'

export interface SwitchhookParts {
  /** Where log lines go, as a file descriptor; null: nowhere. */
  readonly logFd: number | null
  readonly clock?: Clock
  readonly random?: Random
}

/** Where the server is reached, once it has started. */
export interface Addresses {
  /** `udp:127.0.0.1:5060` for each socket. */
  readonly sip: readonly string[]
  /** Of the first socket. */
  readonly sipPort: number
  readonly http: string
}

/**
 * The whole server. Builds every part, the nearest to the wire first, and is the only place that knows them all;
 * docs/closing-order.md says in which order they end.
 */
export class Switchhook {
  readonly version = version
  readonly dataFolder: string
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #log: Logger
  readonly #store: Store
  readonly #media: MediaParts
  readonly #ids: IdFactory
  readonly #calls: Calls
  readonly #rooms: Rooms
  readonly #admission: Admission
  readonly #directory: Directory
  readonly #live: LiveSettings
  readonly #catalogue: ProgramCatalogue
  readonly #sip: SipParts
  readonly #placed: PlacedCalls
  readonly #events: EventParts
  readonly #dialects: DialectParts
  readonly #retention: RecordingRetention
  readonly #http: HttpServer
  readonly #token: Generated
  #httpPort = 0
  #closing: Promise<void> | null = null

  /** Opens the data and builds the parts; nothing listens before `start`. Rejects with ConfigError or StoreError. */
  static async create(configuration: Configuration, parts: SwitchhookParts): Promise<Switchhook> {
    const { settings } = configuration
    const clock = parts.clock ?? new SystemClock()
    const random = parts.random ?? new SystemRandom()
    const log = parts.logFd === null ? silentLogger : createLogger({ level: settings.log.level, fd: parts.logFd })
    const store = await openStore({
      database: databaseUrl(settings),
      clock,
      log,
      dataFolder: settings.data,
      ...(settings.database.kind === 'sqlite' && settings.database.synchronous === 'full'
        ? { synchronous: 'FULL' }
        : {}),
    })
    let media: MediaParts | null = null
    let server: Switchhook | null = null
    try {
      await recoverInterrupted(store, settings.data, clock, log)
      const loadSound = async (path: string) => {
        if (!media) throw new StateError('call.draining', 'The server has not started yet.')
        return await media.prompts.load(path)
      }
      const opened = await openSettings(configuration, { store, clock, random, log, loadSound })
      const generated = await openGeneratedSecrets(settings.data, random)
      const token =
        settings.admin.token === null
          ? await generated.token(adminTokenName)
          : { value: settings.admin.token, isNew: false }
      const { value: linkKey } = await generated.token(hoiioLinkKeyName)
      media = await startMedia(settings, { clock, log, random })
      const http = await createHttpServer({ log, version })
      server = new Switchhook({ settings, clock, random, log, store, media, ...opened, http, token, linkKey })
      await server.#mount()
      return server
    } catch (thrown) {
      // A part left running would keep the process from ending, and with it the supervisor from seeing that it failed.
      if (server) await server.close()
      else {
        await media?.close()
        await store.close()
      }
      throw thrown
    }
  }

  private constructor(parts: {
    settings: Settings
    clock: Clock
    random: Random
    log: Logger
    store: Store
    media: MediaParts
    directory: Directory
    live: LiveSettings
    http: HttpServer
    token: Generated
    linkKey: string
  }) {
    const { settings, clock, random, log, store, media, directory } = parts
    const ids = new IdFactory(clock, random)
    this.dataFolder = settings.data
    this.#settings = settings
    this.#clock = clock
    this.#log = log
    this.#store = store
    this.#media = media
    this.#directory = directory
    this.#live = parts.live
    this.#http = parts.http
    this.#token = parts.token
    const { retention } = store
    this.#retention = new RecordingRetention({ retention, directory, dataFolder: settings.data, clock, log })
    const recordings: NamedRecordings = {
      find: (tenant, name, language) => findRecordingFile(directory, tenant, name, language),
    }
    const prompts = new PromptResolver({
      sounds: media.prompts,
      speech: media.speech,
      recordings,
      folder: settings.baseDir,
    })
    const mixer = new PlaneMixer(media.plane)
    this.#ids = ids
    this.#rooms = new Rooms({ mixer, clock, log, ids, dataFolder: settings.data })
    const supervisions = new Supervisions({ mixer, find: (id) => this.#calls.find(id) })
    const flowParts: FlowCallParts = {
      prompts,
      ids,
      dataFolder: settings.data,
      rooms: this.#rooms,
      supervisions,
      addressOf: (tenant, destination) => this.#sip.addressOf(directory.tenant(tenant)?.domain ?? null, destination),
      recordingPolicyOf: (tenant, parties) => {
        const found = directory.tenant(tenant)
        return found ? recordingPolicy(found, parties) : 'off'
      },
    }
    this.#dialects = new DialectParts({
      settings,
      store,
      directory,
      clock,
      random,
      log,
      rooms: this.#rooms,
      media,
      recordings,
      linkKey: parts.linkKey,
      http: () => this.#events.http,
      catalogue: () => this.#catalogue,
      placed: () => this.#placed,
      reacher: () => this.#sip.reaching,
      messagesChanged: (tenant, owner) => this.#sip.messagesChanged(tenant, owner),
    })
    this.#catalogue = new ProgramCatalogue(flowParts, log, this.#dialects.flows)
    this.#admission = new Admission(clock)
    this.#events = new EventParts({
      settings,
      store,
      directory,
      clock,
      random,
      log,
      sources: this.#dialects.eventSources,
    })
    this.#calls = new Calls({
      clock,
      ids,
      log,
      records: this.#events.records,
      mixer,
      reacher: { reach: (request) => this.#sip.reaching.reach(request) },
      sounds: new SpokenCallSounds({ prompts, contextOf: (tenant) => speakingContext(directory, tenant) }),
      user: { callStarted: () => {}, callEnded: (_call, record) => this.#metrics.callEnded(record) },
    })
    this.#sip = new SipParts({
      settings,
      clock,
      random,
      log,
      ids,
      directory,
      plane: media.plane,
      calls: this.#calls,
      admission: this.#admission,
      catalogue: this.#catalogue,
      bindings: store.bindings,
      minutes: {
        get: (tenant) => store.meta.get(`outbound-minutes.${tenant}`),
        set: (tenant, value) => store.meta.set(`outbound-minutes.${tenant}`, value),
      },
      refused: (why) => this.#metrics.callRefused(why),
      waitingMessages: (tenant, extension) => store.voicemail.counts(tenant, extension),
    })
    this.#placed = new PlacedCalls({
      calls: this.#calls,
      ids,
      directory,
      admission: this.#admission,
      reacher: this.#sip.reaching,
      flowParts,
    })
    this.#metrics = new Metrics(metricReadings(this.#observed))
  }

  readonly #metrics: Metrics

  /**
   * Gives a flow to a number, over whatever the configuration says of it.
   * @param options.tenant - whose number it is; needed only where there are several tenants.
   */
  number(number: string, flow: Flow): void
  number(number: string, options: { readonly tenant?: string }, flow: Flow): void
  number(number: string, second: Flow | { readonly tenant?: string }, third?: Flow): void {
    const flow = typeof second === 'function' ? second : third
    const tenant = typeof second === 'function' ? null : (second.tenant ?? null)
    if (!flow) throw new TypeError(`number('${number}', …) was given no flow.`)
    const countryCode = (tenant === null ? null : this.#directory.tenant(tenant)?.countryCode) ?? null
    this.#catalogue.setFlow(numberKey(number, countryCode), tenant, flow)
  }

  /**
   * Places a call, and runs the flow once it is answered. Who cannot be reached is told by `answered` and by the record.
   * Rejects with NotFoundError `tenant.unknown`, LimitError `call.refused`, StateError `call.draining`.
   */
  call(request: CallRequest, flow: Flow): Promise<PlacedCall> {
    return this.#placed.place(request, flow)
  }

  /** Binds every socket. Rejects with ConfigError or TransportError naming the address that is taken; then all is closed. */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (thrown) {
      await this.close()
      throw thrown
    }
  }

  async #start(): Promise<void> {
    await this.#catalogue.preload([...this.#directory.tenants.values()].flatMap((tenant) => [...tenant.apps.values()]))
    const { address, port } = this.#settings.http.listen
    this.#httpPort = await listenOn(this.#http, address, port)
    await this.#dialects.recover()
    await this.#events.start()
    await this.#dialects.start()
    await this.#sip.start()
    this.#retention.start()
    this.#log.info({ ...this.addresses, version: this.version }, 'Switchhook has started')
  }

  get addresses(): Addresses {
    const { address } = this.#settings.http.listen
    const sip = this.#sip.addresses()
    return {
      sip: sip.map(({ protocol, ...rest }) => `${protocol}:${printHostPort(rest)}`),
      sipPort: sip[0]?.port ?? 0,
      http: `http://${printHostPort({ address, port: this.#httpPort })}`,
    }
  }

  /** Why nothing can be spoken; null when it can. */
  get voiceProblem(): string | null {
    return voiceProblemOf(this.#media)
  }

  /** The admin token, where this start has generated it. */
  get newAdminToken(): string | null {
    return this.#token.isNew ? this.#token.value : null
  }

  /** Every number and what takes it. */
  numbers(): readonly { readonly number: string; readonly app: string }[] {
    const configured = [...this.#directory.tenants.values()].flatMap((tenant) =>
      [...tenant.numbers.values()].map(({ written, app }) => ({ number: written, app })),
    )
    return [...configured, ...this.#catalogue.flowNumbers().map((number) => ({ number, app: 'flow' }))]
  }

  /** Puts on record what failed where nobody waited for it: a promise that a flow left behind, a timer of its own that threw. */
  strayFailure(thrown: unknown): void {
    this.#log.error({ err: toError(thrown) }, 'something failed that nobody waited for')
  }

  /** Takes no new calls, lets those in progress go on for the grace time, then ends everything in order. Idempotent. */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(options.graceMs ?? 0))
  }

  async #close(graceMs: number): Promise<void> {
    await this.#calls.drain(graceMs)
    this.#admission.close()
    await this.#http.close()
    await this.#sip.close()
    await this.#media.close()
    await this.#dialects.close()
    await this.#events.close()
    await this.#retention.close()
    this.#live.close()
    await this.#store.close()
    this.#log.info({}, 'Switchhook has stopped')
  }

  async #mount(): Promise<void> {
    await this.#dialects.mount(this.#http, this.#calls)
    await mountAdmin(this.#http, {
      clock: this.#clock,
      token: this.#token.value,
      ids: this.#ids,
      calls: this.#calls,
      rooms: this.#rooms,
      store: this.#store,
      directory: this.#directory,
      settings: this.#live,
      retention: this.#retention,
      voicemail: this.#dialects.voicemail.adminParts,
      dataFolder: this.dataFolder,
      metrics: this.#metrics,
      eventBody: (event) => this.#events.shownBody(event),
      registrations: () => this.#sip.registrations(),
      trunks: () => this.#sip.trunks.status(),
      readiness: () => readinessOf(this.#observed, this.addresses.sip),
      page: () => ({
        version: this.version,
        sip: this.addresses.sip,
        numbers: this.numbers(),
        voiceProblem: this.voiceProblem,
      }),
    })
  }

  get #observed(): ObservedParts {
    return {
      clock: this.#clock,
      store: this.#store,
      media: this.#media,
      calls: this.#calls,
      rooms: this.#rooms,
      admission: this.#admission,
      sip: this.#sip,
      events: this.#events,
    }
  }
}

function databaseUrl({ database }: Settings): string {
  return database.kind === 'sqlite' ? `sqlite:${database.file}` : database.url
}

/** How a tenant's calls speak where no flow says. */
function speakingContext(directory: Directory, name: string): SpeakingContext {
  const tenant = directory.tenant(name)
  return { tenant: name, language: tenant?.language ?? 'en', timeZone: tenant?.timeZone ?? 'UTC' }
}
