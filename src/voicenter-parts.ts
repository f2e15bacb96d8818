import type { NamedRecordings } from './action/prompts.ts'
import type { Flow } from './action/run-flow.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import type { Settings, TenantSettings, VoicenterAppSettings } from './config/settings.ts'
import { voicenterFlow } from './dialects/voicenter/flow.ts'
import { HangupSource } from './dialects/voicenter/hangup-source.ts'
import type { OutgoingHttp } from './http/outgoing/outgoing-http.ts'
import type { ProgramCatalogue } from './program-catalogue.ts'
import type { Directory } from './routing/directory.ts'
import type { Store } from './store/store.ts'

export interface VoicenterPartsOptions {
  /** Of the operator's own file: its addresses are trusted. */
  readonly settings: Settings
  readonly store: Store
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly recordings: NamedRecordings
  http(): OutgoingHttp
  catalogue(): ProgramCatalogue
}

/** The Voicenter dialect, joined with the rest: its flows, and how HANGUP_CALL is sent. */
export class VoicenterDialect {
  readonly hangups: HangupSource
  readonly #options: VoicenterPartsOptions

  constructor(options: VoicenterPartsOptions) {
    const { store, directory, clock, log } = options
    this.#options = options
    this.hangups = new HangupSource({
      outbox: store.outbox,
      calls: store.calls,
      log,
      now: () => clock.wallTime(),
      tenant: (name) => directory.tenant(name),
      isTrusted: (tenant, url) => this.#isTrusted(tenant, url),
    })
  }

  flow(app: VoicenterAppSettings, tenant: TenantSettings): Flow {
    const { clock, random, log, store, recordings, http, catalogue } = this.#options
    return voicenterFlow(app, tenant, {
      clock,
      random,
      log,
      recordings,
      http: http(),
      outbox: store.outbox,
      isTrusted: (name, url) => this.#isTrusted(name, url),
      flowOf: (other, of) => catalogue().flowOf(other, of),
      flowOfExtension: (extension) => catalogue().flowOfExtension(extension),
    })
  }

  /** Whether the operator's own file has this address; one that came over the admin API is checked against private ranges. */
  #isTrusted(tenant: string, url: string): boolean {
    const apps = this.#options.settings.tenants.get(tenant)?.apps.values() ?? []
    return [...apps].some((app) => app.kind === 'voicenter' && (app.url === url || app.hangupUrl === url))
  }
}
