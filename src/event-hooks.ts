import { viewCall, viewLeg, viewRecording } from './admin/views.ts'
import { type Cancel, type Clock } from './base/clock.ts'
import { toError } from './base/errors.ts'
import type { CallId, RecordingId } from './base/ids.ts'
import type { Logger } from './base/log.ts'
import type { CallRecord, CallRecords, RecordingRecord } from './call/records.ts'
import { type EventKind, type EventSettings, eventKinds } from './config/settings.ts'
import type { DeliveryProfile, DeliverySource } from './http/deliveries.ts'
import { urlWithoutSecrets } from './http/outgoing/outgoing-url.ts'
import type { CallQueries } from './store/call-queries.ts'
import type { Outbox } from './store/outbox.ts'
import type { Announcement, OutboxEvent } from './store/outbox-types.ts'
import type { Recordings } from './store/recordings.ts'

export interface EventHooksParts {
  readonly outbox: Outbox
  readonly calls: Pick<CallQueries, 'outline'>
  readonly recordings: Pick<Recordings, 'get'>
  /** Null: the tenant wants to be told of nothing. */
  eventsOf(tenant: string): EventSettings | null
  /** Whether the operator's own file has this address for the tenant. */
  isTrusted(tenant: string, url: string): boolean
  readonly clock: Clock
  readonly log: Logger
}

/** After the database did not take an event. */
const retryMs = 30_000
const contentType = 'application/json'

/** What is announced of a recording: whether it is saved or fails is not known yet. */
const ofCall = 'call'
const ofRecording = 'recording'

/**
 * Tells tenants of calls that are closed and of recordings that are saved or failed: makes events of records. An event
 * is announced in the commit that opens its record and added once the record is closed, so that whatever happens in
 * between (`kill -9` too) one event comes of each record. docs/events.md says what is sent.
 */
export class EventHooks implements DeliverySource {
  readonly #parts: EventHooksParts
  /** What is being done, per call: the events of one call are added in the order in which things happened. */
  readonly #chains = new Map<string, Promise<void>>()
  /** Recordings of tenants that want to be told, while they run. */
  readonly #running = new Map<RecordingId, RecordingRecord>()
  #cancelRetry: Cancel | null = null
  #isClosed = false

  constructor(parts: EventHooksParts) {
    this.#parts = parts
  }

  /** The same records, watched: hand these to who writes them. */
  watch(records: CallRecords): CallRecords {
    return {
      open: (call, leg) => {
        // Written in one turn, so committed before the call or with it.
        if (this.#wants(call.tenant, 'call.ended')) this.#announce(ofCall, call.id, call.tenant)
        return records.open(call, leg)
      },
      update: (...change) => records.update(...change),
      addLeg: (leg) => records.addLeg(leg),
      updateLeg: (...change) => records.updateLeg(...change),
      close: async (call, legs) => {
        const isFirst = await records.close(call, legs)
        if (isFirst) this.callEnded(call)
        return isFirst
      },
      openRecording: (recording) => {
        const { id, tenant } = recording
        if (this.#wants(tenant, 'recording.saved') || this.#wants(tenant, 'recording.failed')) {
          this.#running.set(id, recording)
          this.#announce(ofRecording, id, tenant)
        }
        return records.openRecording(recording)
      },
      closeRecording: async (id, change) => {
        try {
          await records.closeRecording(id, change)
        } finally {
          const opened = this.#running.get(id)
          this.#running.delete(id)
          // When its row could not be closed it still says `recording`, and the next start closes and tells it.
          if (opened) this.recordingClosed(opened)
        }
      },
      appendJournal: (...batch) => records.appendJournal(...batch),
    }
  }

  /** Adds the event of a call whose record is closed. Told twice, it is one event. */
  callEnded({ id, tenant }: Pick<CallRecord, 'id' | 'tenant'>): void {
    if (this.#wants(tenant, 'call.ended')) this.#inOrder(id, () => this.#addCall(id, tenant))
  }

  /** Adds the event of a recording whose row is closed. Told twice, it is one event. */
  recordingClosed({ id, callId, tenant }: Pick<RecordingRecord, 'id' | 'callId' | 'tenant'>): void {
    if (this.#parts.eventsOf(tenant)) this.#inOrder(callId, () => this.#addRecording(id, tenant))
  }

  /**
   * Adds the events of what was closed without them: by the server before this one, or while the database failed. To be
   * called when what was interrupted is closed. Never rejects: it tries again by itself.
   */
  async recover(): Promise<void> {
    try {
      // Recordings first, as they came first.
      for (const kind of [ofRecording, ofCall]) {
        for await (const announced of this.#parts.outbox.announced(this.#parts.clock.wallTime() + 1)) {
          if (announced.kind === kind) await this.#fulfil(announced)
        }
      }
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  /** Resolves when every event of what was closed by now is in the outbox, or could not be put there. */
  async close(): Promise<void> {
    while (this.#chains.size > 0) await Promise.all(this.#chains.values())
    this.#isClosed = true
    this.#cancelRetry?.()
  }

  profileOf(event: OutboxEvent): DeliveryProfile | null {
    const kind = eventKinds.find((known) => known === event.kind)
    const settings = kind === undefined ? null : this.#parts.eventsOf(event.tenant)
    if (!settings) return null
    const { url, secrets, headers } = settings
    const isTrusted = this.#parts.isTrusted(event.tenant, url)
    return { url, isTrusted, signingSecrets: secrets, headers: Object.fromEntries(headers) }
  }

  #wants(tenant: string, kind: EventKind): boolean {
    return this.#parts.eventsOf(tenant)?.kinds.includes(kind) ?? false
  }

  #announce(kind: typeof ofCall | typeof ofRecording, subject: string, tenant: string): void {
    this.#parts.outbox.announce({ id: `${kind}:${subject}`, kind, subject, tenant }).catch((thrown: unknown) => {
      // The event is added all the same, unless the server is killed before.
      this.#parts.log.warn({ subject, tenant, err: toError(thrown) }, 'an event could not be announced')
    })
  }

  async #fulfil({ kind, subject, tenant }: Announcement): Promise<void> {
    if (kind === ofCall) await this.#addCall(subject as CallId, tenant)
    else if (kind === ofRecording) await this.#addRecording(subject as RecordingId, tenant)
  }

  async #addCall(id: CallId, tenant: string): Promise<void> {
    const announcement = `${ofCall}:${id}`
    const { outbox, calls } = this.#parts
    const outline = await calls.outline(id, tenant)
    if (outline && outline.call.endedAt === null) return
    if (!outline || !this.#wants(tenant, 'call.ended')) return await outbox.withdraw(announcement)
    const { call, legs, recordings } = outline
    const at = call.endedAt ?? call.startedAt
    await this.#add('call.ended', { subject: id, callId: id, tenant, at, announcement }, () => ({
      call: viewCall(call),
      legs: legs.map(viewLeg),
      recordings: recordings.map(viewRecording),
    }))
  }

  async #addRecording(id: RecordingId, tenant: string): Promise<void> {
    const announcement = `${ofRecording}:${id}`
    const { outbox, calls, recordings, clock } = this.#parts
    const recording = await recordings.get(id, tenant)
    if (recording && (recording.state === 'recording' || recording.durationMs === null)) return
    // Cut off by a crash and repaired: what there is of it is saved, and its state says so.
    const kind = recording?.state === 'failed' ? 'recording.failed' : 'recording.saved'
    const outline = recording && recording.state !== 'deleted' ? await calls.outline(recording.callId, tenant) : null
    if (!recording || !outline || !this.#wants(tenant, kind)) return await outbox.withdraw(announcement)
    const at = clock.wallTime()
    await this.#add(kind, { subject: id, callId: recording.callId, tenant, at, announcement }, () => ({
      recording: viewRecording(recording),
      call: viewCall(outline.call),
      legs: outline.legs.map(viewLeg),
      recordings: outline.recordings.map(viewRecording),
    }))
  }

  async #add(
    kind: EventKind,
    about: { subject: string; callId: CallId; tenant: string; at: number; announcement: string },
    contents: () => object,
  ): Promise<void> {
    const { subject, callId, tenant, at, announcement } = about
    const settings = this.#parts.eventsOf(tenant)
    if (!settings) return
    // Made of what it is about, so that the same thing told twice is one event.
    const id = `${kind}:${subject}`
    const body = JSON.stringify({ id, kind, at: new Date(at).toISOString(), tenant, ...contents() })
    const url = urlWithoutSecrets(settings.url)
    await this.#parts.outbox.add({ id, tenant, kind, orderKey: callId, url, contentType, body }, announcement)
  }

  #inOrder(callId: string, work: () => Promise<void>): void {
    const before = this.#chains.get(callId) ?? Promise.resolve()
    const now = before
      .then(work)
      .catch((thrown: unknown) => this.#failed(thrown))
      .finally(() => {
        if (this.#chains.get(callId) === now) this.#chains.delete(callId)
      })
    this.#chains.set(callId, now)
  }

  #failed(thrown: unknown): void {
    this.#parts.log.error({ err: toError(thrown) }, 'an event could not be put into the outbox; it is tried again')
    if (this.#isClosed || this.#cancelRetry) return
    this.#cancelRetry = this.#parts.clock.after(retryMs, () => {
      this.#cancelRetry = null
      this.#inOrder('', () => this.recover())
    })
  }
}
