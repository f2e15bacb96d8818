import type { MetricReadings } from './admin/metrics.ts'
import type { PartStatus } from './admin/status.ts'
import type { Clock } from './base/clock.ts'
import type { Admission } from './call/admission.ts'
import type { Calls } from './call/calls.ts'
import type { Rooms } from './call/rooms.ts'
import type { EventParts } from './event-parts.ts'
import type { MediaParts } from './media-parts.ts'
import type { SipParts } from './sip-parts.ts'
import type { Store } from './store/store.ts'

export interface ObservedParts {
  readonly clock: Clock
  readonly store: Store
  readonly media: MediaParts
  readonly calls: Calls
  readonly rooms: Rooms
  readonly admission: Admission
  readonly sip: SipParts
  readonly events: EventParts
}

/** What a scrape reads. */
export function metricReadings(parts: ObservedParts): MetricReadings {
  const { clock, store, media, calls, rooms, admission, sip, events } = parts
  return {
    liveCalls: () => calls.count,
    registrations: () => sip.registrationCount,
    subscriptions: () => sip.subscriptionCount,
    mediaEndpoints: () => media.plane.counts.endpoints,
    freePorts: () => media.plane.counts.freePorts,
    mediaLatenessMs: async () => {
      const { lateness } = await media.plane.snapshot()
      return { p50: lateness.p50Ms, p99: lateness.p99Ms, max: lateness.maxMs }
    },
    sipCounters: () => sip.counters(),
    transactions: () => sip.transactionCounts(),
    storeQueue: () => store.load.waiting,
    mainThreadLatenessMs: () => admission.latenessMs,
    rooms: () => rooms.count,
    trunks: () => sip.trunks.counts,
    events: {
      counts: () => events.counts,
      load: () => store.outbox.load(),
      now: () => clock.wallTime(),
    },
  }
}

/** Whether calls can be served, part by part. @param sipAddresses - where SIP is listened for. */
export async function readinessOf(
  { store, media, calls, sip }: ObservedParts,
  sipAddresses: readonly string[],
): Promise<readonly PartStatus[]> {
  const database = await store.check().then(
    () => ({ name: 'database', isReady: true, sentence: `Writes are taken by ${store.name}.` }),
    (thrown: Error) => ({ name: 'database', isReady: false, sentence: thrown.message }),
  )
  const { freePorts } = media.plane.counts
  return [
    database,
    { name: 'media', isReady: freePorts > 0, sentence: `${freePorts} RTP port pairs are bound and free.` },
    { name: 'sip', isReady: sip.isListening, sentence: sipAddresses.join(', ') },
    // Not speaking is a fault of one kind of prompt, not of the server.
    { name: 'voice', isReady: true, sentence: voiceProblemOf(media) ?? 'The voice is there.' },
    { name: 'calls', isReady: !calls.isDraining, sentence: `${calls.count} calls are up.` },
  ]
}

/** Why nothing can be spoken; null when it can. */
export function voiceProblemOf({ speech }: Pick<MediaParts, 'speech'>): string | null {
  return speech.availability.isAvailable ? null : speech.availability.sentence
}
