import type { SoundLibrary } from './action/prompts.ts'
import type { Flow } from './action/run-flow.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import type { Reacher } from './call/reach.ts'
import type { Rooms } from './call/rooms.ts'
import type { HoiioAppSettings, Settings, TenantSettings } from './config/settings.ts'
import { Notifications } from './dialects/hoiio/notifications.ts'
import { HoiioService } from './dialects/hoiio/service.ts'
import { SessionRetention } from './dialects/hoiio/session-retention.ts'
import type { OutgoingHttp } from './http/outgoing/outgoing-http.ts'
import type { HttpServer } from './http/server.ts'
import type { Mp3Files } from './media/mp3-files.ts'
import type { PlacedCalls } from './placed-calls.ts'
import type { Directory } from './routing/directory.ts'
import type { Speech } from './speech/types.ts'
import type { Store } from './store/store.ts'

export interface HoiioPartsOptions {
  readonly settings: Settings
  readonly store: Store
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly rooms: Rooms
  readonly sounds: Pick<SoundLibrary, 'load'>
  readonly speech: Pick<Speech, 'availability'>
  readonly mp3: Pick<Mp3Files, 'open'>
  /** Signs links to recordings. */
  readonly linkKey: string
  // Made later than this.
  readonly http: () => OutgoingHttp
  readonly placer: () => PlacedCalls
  readonly reacher: () => Reacher
}

/** The Hoiio dialect, joined with the rest: its flows, its requests, and how its notifications are sent. */
export class HoiioDialect {
  readonly notifications: Notifications
  readonly #service: HoiioService
  readonly #retention: SessionRetention

  constructor(options: HoiioPartsOptions) {
    const { settings, store, directory, clock, random, log, sounds, speech, mp3, linkKey } = options
    this.#retention = new SessionRetention({ ledger: store.ledger, clock, log })
    this.notifications = new Notifications({ outbox: store.outbox, random, log })
    this.#service = new HoiioService({
      clock,
      random,
      log,
      sounds,
      mp3,
      linkKey,
      dataFolder: settings.data,
      http: {
        request: (request) => options.http().request(request),
        refuse: (url, isTrusted) => options.http().refuse(url, isTrusted),
      },
      placer: { place: (request, flow) => options.placer().place(request, flow) },
      reacher: { reach: (request) => options.reacher().reach(request) },
      notifications: this.notifications,
      recordings: store.recordings,
      calls: store.calls,
      ledger: store.ledger,
      meta: store.meta,
      rooms: options.rooms,
      publicUrl: () => settings.http.publicUrl,
      tenants: () => directory.tenants,
      // What came over the admin API is not the operator's own word: see docs/configuration.md, `webhooks`.
      isTrusted: (tenant, url) => isInFile(settings, tenant, url),
      canSpeak: () => speech.availability.isAvailable,
    })
  }

  flow(app: HoiioAppSettings, tenant: TenantSettings): Flow {
    return this.#service.flowOf(app, tenant)
  }

  /** Tells what the server before this one left open. */
  recover(): Promise<void> {
    return this.#service.recover()
  }

  start(): void {
    this.#retention.start()
  }

  close(): Promise<void> {
    return this.#retention.close()
  }

  /** Serves `/open/…`. */
  mount(server: HttpServer): Promise<void> {
    return this.#service.mount(server)
  }
}

function isInFile(settings: Settings, tenant: string, url: string): boolean {
  const apps = settings.tenants.get(tenant)?.apps.values() ?? []
  return [...apps].some((app) => app.kind === 'hoiio' && app.notifyUrl === url)
}
