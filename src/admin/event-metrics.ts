import { Counter, Gauge, type Registry } from 'prom-client'
import type { OutboxLoad } from '../store/outbox-types.ts'

/** What is read of the events at each scrape. */
export interface EventReadings {
  /** Since the start; must only grow. */
  counts(): { readonly delivered: number; readonly failed: number; readonly dead: number; readonly underWay: number }
  load(): Promise<OutboxLoad>
  /** Wall-clock ms. */
  now(): number
}

/** Adds what operators want to know of events: whether they arrive, and how far behind they are. */
export function addEventMetrics(registry: Registry, readings: EventReadings): void {
  const registers = [registry]
  const seen = { delivered: 0, failed: 0, dead: 0 }
  new Counter({
    name: 'switchhook_event_attempts_total',
    help: 'Attempts to deliver events (delivered, failed), and events that were given up (dead).',
    labelNames: ['what'],
    registers,
    collect() {
      const counts = readings.counts()
      for (const what of ['delivered', 'failed', 'dead'] as const) {
        this.inc({ what }, counts[what] - seen[what])
        seen[what] = counts[what]
      }
    },
  })
  new Gauge({
    name: 'switchhook_events_sending',
    help: 'Requests of events that are under way.',
    registers,
    collect() {
      this.set(readings.counts().underWay)
    },
  })
  // A database that fails must not take the other metrics with it: these keep their last values then.
  const load = (): Promise<OutboxLoad | null> => readings.load().catch(() => null)
  new Gauge({
    name: 'switchhook_events_oldest_seconds',
    help: 'Age of the oldest event that is not delivered yet; 0 when all are.',
    registers,
    async collect() {
      const now = await load()
      if (now) this.set(now.oldestAt === null ? 0 : Math.max(0, readings.now() - now.oldestAt) / 1000)
    },
  })
  new Gauge({
    name: 'switchhook_events',
    help: 'Events that are owed (waiting), and events that were given up and are still remembered (dead).',
    labelNames: ['state'],
    registers,
    async collect() {
      const now = await load()
      if (!now) return
      this.set({ state: 'waiting' }, now.waiting)
      this.set({ state: 'dead' }, now.dead)
    },
  })
}
