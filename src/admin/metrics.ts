import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CallRecord } from '../call/records.ts'
import { addEventMetrics, type EventReadings } from './event-metrics.ts'

/** What is read at each scrape. */
export interface MetricReadings {
  liveCalls(): number
  registrations(): number
  subscriptions(): number
  mediaEndpoints(): number
  freePorts(): number
  /** Asks every media worker. */
  mediaLatenessMs(): Promise<{ readonly p50: number; readonly p99: number; readonly max: number }>
  /** Cumulative counts by name; must only grow. */
  sipCounters(): Readonly<Record<string, number>>
  transactions(): { readonly client: number; readonly server: number }
  storeQueue(): number
  mainThreadLatenessMs(): number
  rooms(): number
  trunks(): { readonly down: number; readonly calls: number }
  /** Of what is told to programs outside; left out where nothing is. */
  readonly events?: EventReadings
}

/** The Prometheus registry. Nothing per packet is counted here: the media workers count, and are asked at a scrape. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #ended: Counter
  readonly #talk: Histogram
  readonly #refused: Counter

  constructor(readings: MetricReadings) {
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry, prefix: 'switchhook_' })
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name: `switchhook_${name}`,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    }
    gauge('calls_live', 'Calls that are up.', () => readings.liveCalls())
    gauge('registrations', 'Registered telephones.', () => readings.registrations())
    gauge('subscriptions', 'Subscriptions of telephones to their mailboxes.', () => readings.subscriptions())
    gauge('media_endpoints', 'RTP endpoints in use.', () => readings.mediaEndpoints())
    gauge('media_free_ports', 'RTP port pairs that are bound and free.', () => readings.freePorts())
    gauge('sip_client_transactions', 'Client transactions alive.', () => readings.transactions().client)
    gauge('sip_server_transactions', 'Server transactions alive.', () => readings.transactions().server)
    gauge('store_queue', 'Writes that wait for the database.', () => readings.storeQueue())
    gauge('rooms', 'Conference rooms that are open.', () => readings.rooms())
    gauge('trunks_down', 'Trunks by which no call goes.', () => readings.trunks().down)
    gauge('trunk_calls', 'Outbound calls by trunks.', () => readings.trunks().calls)
    gauge('main_thread_lateness_ms', 'How late the main thread is.', () => readings.mainThreadLatenessMs())
    new Gauge({
      name: 'switchhook_media_lateness_ms',
      help: 'How late RTP packets leave.',
      labelNames: ['quantile'],
      registers,
      async collect() {
        const { p50, p99, max } = await readings.mediaLatenessMs()
        this.set({ quantile: '0.5' }, p50)
        this.set({ quantile: '0.99' }, p99)
        this.set({ quantile: '1' }, max)
      },
    })
    const seen = new Map<string, number>()
    new Counter({
      name: 'switchhook_sip_messages_total',
      help: 'SIP messages and what became of them.',
      labelNames: ['what'],
      registers,
      collect() {
        for (const [what, total] of Object.entries(readings.sipCounters())) {
          this.inc({ what }, total - (seen.get(what) ?? 0))
          seen.set(what, total)
        }
      },
    })
    if (readings.events) addEventMetrics(this.#registry, readings.events)
    this.#ended = new Counter({
      name: 'switchhook_calls_ended_total',
      help: 'Calls that have ended.',
      labelNames: ['tenant', 'cause'],
      registers,
    })
    this.#refused = new Counter({
      name: 'switchhook_calls_refused_total',
      help: 'Calls refused before they had a record.',
      labelNames: ['why'],
      registers,
    })
    this.#talk = new Histogram({
      name: 'switchhook_call_talk_seconds',
      help: 'From the answer to the end.',
      buckets: [1, 5, 15, 30, 60, 180, 600, 1800, 3600],
      registers,
    })
  }

  callEnded(record: CallRecord): void {
    this.#ended.inc({ tenant: record.tenant, cause: record.cause ?? 'unknown' })
    if (record.answeredAt !== null && record.endedAt !== null)
      this.#talk.observe((record.endedAt - record.answeredAt) / 1000)
  }

  callRefused(why: 'overload' | 'limit' | 'draining' | 'no-tenant'): void {
    this.#refused.inc({ why })
  }

  async render(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }
}
