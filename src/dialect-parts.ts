import type { NamedRecordings } from './action/prompts.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import type { Calls } from './call/calls.ts'
import type { Reacher } from './call/reach.ts'
import type { Rooms } from './call/rooms.ts'
import type { Settings } from './config/settings.ts'
import type { EventParts } from './event-parts.ts'
import { HoiioDialect } from './hoiio-parts.ts'
import type { DeliverySource } from './http/deliveries.ts'
import type { HttpServer } from './http/server.ts'
import type { MediaParts } from './media-parts.ts'
import type { PlacedCalls } from './placed-calls.ts'
import type { DialectFlows, ProgramCatalogue } from './program-catalogue.ts'
import type { Directory } from './routing/directory.ts'
import type { Store } from './store/store.ts'
import { VoicemailDialect } from './voicemail-parts.ts'
import { VoicenterDialect } from './voicenter-parts.ts'
import { mountPartnerApi } from './voip24h-parts.ts'

export interface DialectPartsOptions {
  readonly settings: Settings
  readonly store: Store
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly rooms: Rooms
  readonly media: Pick<MediaParts, 'prompts' | 'speech' | 'mp3'>
  readonly recordings: NamedRecordings
  /** Seals links to recordings. */
  readonly linkKey: string
  // What is made behind the dialects, and asked for once calls come.
  readonly http: () => EventParts['http']
  readonly catalogue: () => ProgramCatalogue
  readonly placed: () => PlacedCalls
  readonly reacher: () => Reacher
  /** The messages of a mailbox are others than before. */
  messagesChanged(tenant: string, owner: string): void
}

/** The published APIs, joined with the parts they stand on. */
export class DialectParts {
  readonly voicemail: VoicemailDialect
  readonly #options: DialectPartsOptions
  readonly #voicenter: VoicenterDialect
  readonly #hoiio: HoiioDialect

  constructor(options: DialectPartsOptions) {
    const { settings, store, directory, clock, random, log, http } = options
    const shared = { settings, store, directory, clock, random, log, http }
    this.#options = options
    this.#voicenter = new VoicenterDialect({
      ...shared,
      recordings: options.recordings,
      catalogue: options.catalogue,
    })
    this.#hoiio = new HoiioDialect({
      ...shared,
      rooms: options.rooms,
      sounds: options.media.prompts,
      speech: options.media.speech,
      mp3: options.media.mp3,
      linkKey: options.linkKey,
      placer: options.placed,
      reacher: options.reacher,
    })
    this.voicemail = new VoicemailDialect({
      ...shared,
      mp3: options.media.mp3,
      changed: (tenant, owner) => options.messagesChanged(tenant, owner),
    })
  }

  get flows(): DialectFlows {
    return {
      voicenter: (app, tenant) => this.#voicenter.flow(app, tenant),
      hoiio: (app, tenant) => this.#hoiio.flow(app, tenant),
      voicemail: (app, tenant) => this.voicemail.flow(app, tenant),
      mailbox: (extension, tenant) => this.voicemail.flowOfMailbox(extension, tenant),
    }
  }

  /** Those that tell programs outside of calls by the durable queue. */
  get eventSources(): readonly DeliverySource[] {
    return [this.#voicenter.hangups, this.#hoiio.notifications, this.voicemail.mail]
  }

  async mount(http: HttpServer, calls: Calls): Promise<void> {
    const { settings, store, directory, clock, log, linkKey, placed, reacher } = this.#options
    await this.#hoiio.mount(http)
    await this.voicemail.mount(http)
    await mountPartnerApi(http, {
      settings,
      store,
      directory,
      clock,
      log,
      linkKey,
      calls,
      placed: placed(),
      reacher: reacher(),
    })
  }

  /** Tells what the server before this one still owed; to be done before the queue is started. */
  async recover(): Promise<void> {
    await this.#voicenter.hangups.recover()
    await this.#hoiio.recover()
  }

  async start(): Promise<void> {
    this.#hoiio.start()
    await this.voicemail.start()
  }

  async close(): Promise<void> {
    await this.#hoiio.close()
    await this.voicemail.close()
  }
}
