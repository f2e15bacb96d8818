import type { Clock } from './base/clock.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import type { CallRecords } from './call/records.ts'
import type { Settings } from './config/settings.ts'
import { EventHooks } from './event-hooks.ts'
import { Deliveries, type DeliveryCounts, type DeliverySource } from './http/deliveries.ts'
import { OutgoingHttp } from './http/outgoing/outgoing-http.ts'
import type { Directory } from './routing/directory.ts'
import type { OutboxEvent } from './store/outbox-types.ts'
import type { Store } from './store/store.ts'
import { version } from './version.ts'

/** What is told to programs outside: the client, the worker behind the outbox, and the tenants' events. */
export class EventParts {
  /** For everything that asks programs outside. */
  readonly http: OutgoingHttp
  /** The store's, watched: hand these to who writes them. */
  readonly records: CallRecords
  readonly #hooks: EventHooks
  readonly #deliveries: Deliveries
  readonly #sources: readonly DeliverySource[]

  /** @param sources - what else sends events by the outbox: dialects. */
  constructor(parts: {
    readonly settings: Settings
    readonly store: Store
    readonly directory: Directory
    readonly clock: Clock
    readonly random: Random
    readonly log: Logger
    readonly sources?: readonly DeliverySource[]
  }) {
    const { settings, store, directory, clock, random, log, sources = [] } = parts
    const { allowPrivateAddresses } = settings.webhooks
    this.http = new OutgoingHttp({ clock, allowPrivateAddresses, userAgent: `Switchhook/${version}` })
    this.#hooks = new EventHooks({
      outbox: store.outbox,
      calls: store.calls,
      recordings: store.recordings,
      eventsOf: (tenant) => directory.tenant(tenant)?.events ?? null,
      // What came over the admin API is not the operator's own word: see docs/configuration.md, `webhooks`.
      isTrusted: (tenant, url) => settings.tenants.get(tenant)?.events?.url === url,
      clock,
      log,
    })
    this.records = this.#hooks.watch(store.records)
    const all = [this.#hooks, ...sources]
    this.#sources = all
    this.#deliveries = new Deliveries({ outbox: store.outbox, http: this.http, clock, random, log, sources: all })
  }

  /** For metrics. */
  get counts(): DeliveryCounts {
    return this.#deliveries.counts
  }

  /** The body of an event as an operator may see it. */
  shownBody(event: OutboxEvent): string {
    for (const source of this.#sources) {
      const shown = source.show?.(event) ?? null
      if (shown !== null) return shown
    }
    return event.body
  }

  /** Takes up what an earlier server owed; before the first call, and after what was interrupted is closed. */
  async start(): Promise<void> {
    await this.#hooks.recover()
    await this.#deliveries.start()
  }

  /** After the last call, before the store. What is not delivered stays in the outbox. */
  async close(): Promise<void> {
    await this.#hooks.close()
    await this.#deliveries.close()
    this.http.close()
  }
}
