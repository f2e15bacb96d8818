import { setMaxListeners } from 'node:events'
import type { Cancel, Clock } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Outbox } from '../store/outbox.ts'
import { type Attempt, maxAnswerLength, type OutboxEvent } from '../store/outbox-types.ts'
import { DeliveryLanes } from './delivery-lanes.ts'
import type { Lane, Receiver, Sending } from './delivery-receiver.ts'
import { judge, type Verdict } from './delivery-verdict.ts'
import type { OutgoingHttp } from './outgoing/outgoing-http.ts'
import { describeUrlText } from './outgoing/outgoing-url.ts'
import type { OutgoingAnswer, OutgoingOutcome } from './outgoing/types.ts'
import { defaultRetryPlan, type RetryPlan, retryDelayMs } from './retry-plan.ts'

/** How events of a kind are sent: what must not be kept with them, looked up when they go. */
export interface DeliveryProfile {
  /** Over the address of the event: one that is as it is configured now, and may hold what should not be kept. */
  readonly url?: string
  /** Whether the operator chose the address. */
  readonly isTrusted: boolean
  /** Besides those of the event, and over them. */
  readonly headers?: Readonly<Record<string, string>>
  readonly credentials?: { readonly user: string; readonly password: string }
  /** None: not signed. */
  readonly signingSecrets?: readonly string[]
  /** For one attempt; 10 s where absent, 30 s at most. */
  readonly timeoutMs?: number
  readonly retry?: RetryPlan
  /** What is wrong with an answer whose status is 2xx, in one sentence; null: it is as it should be. */
  readonly findFault?: (answer: OutgoingAnswer) => string | null
  /**
   * Sends it in place of a request of HTTP; of the rest, only `retry` counts then. Once the signal fires it settles soon;
   * null: stopped before anything was sent.
   */
  readonly send?: (event: OutboxEvent, signal: AbortSignal) => Promise<SentOtherwise | null>
}

/** What became of an attempt that was no request of HTTP. */
export interface SentOtherwise {
  readonly verdict: Verdict
  readonly durationMs: number
  /** The reply code of the other protocol; null when there was none. */
  readonly status: number | null
  readonly answer: string | null
}

/** Knows how events of some kinds are sent. */
export interface DeliverySource {
  /** Null: not one of mine; or nobody wants it any more. */
  profileOf(event: OutboxEvent): DeliveryProfile | null
  /** Its body as an operator may see it, without what is a caller's own; null: not one of mine. As it is, where absent. */
  show?(event: OutboxEvent): string | null
}

export interface DeliveryLimits {
  /** Requests under way, all receivers together, and per scheme, host and port; of these, those that are not slow. */
  readonly total: number
  readonly perLane: number
}

export interface DeliveriesParts {
  readonly outbox: Outbox
  readonly http: Pick<OutgoingHttp, 'request'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Asked in order; the first that knows an event sends it. */
  readonly sources: readonly DeliverySource[]
  readonly limits?: Partial<DeliveryLimits>
}

export interface DeliveryCounts {
  readonly delivered: number
  /** Attempts that failed. */
  readonly failed: number
  /** Events that were given up. */
  readonly dead: number
  readonly underWay: number
}

const defaultLimits: DeliveryLimits = { total: 256, perLane: 8 }
/** What a receiver that is well has answered by then; from then on a request takes no place from others. */
const slowMs = 1000
/** In a row, before the log says that a receiver fails. */
const failuresToTell = 3
const defaultTimeoutMs = 10_000
const longestTimeoutMs = 30_000
/** Longer than any attempt and its bookkeeping: while this server lives, nothing of it runs out. */
const leaseMs = 120_000
/** How long requests under way may go on when the server stops. */
const closeGraceMs = 2000
const housekeepingMs = 60_000
/** After the database has failed. */
const storePauseMs = 5000
const dayMs = 24 * 3_600_000
const keepDeliveredMs = 7 * dayMs
const keepDeadMs = 30 * dayMs

/**
 * Sends what the outbox holds: so many at once in all and per receiver, each event until it is delivered or given up.
 * A receiver has a lane of its own, and one that fails gets one request at a time. What hangs takes no place from others of
 * its receiver, and what follows it waits aside: nobody waits for a neighbour. At least once: a receiver knows by the id what
 * it has had.
 */
export class Deliveries {
  readonly #parts: DeliveriesParts
  readonly #limits: DeliveryLimits
  readonly #lanes: DeliveryLanes
  readonly #stop = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #state: 'new' | 'running' | 'closed' = 'new'
  #isPumping = false
  #pumping: Promise<void> = Promise.resolve()
  #cancelTimer: Cancel = () => {}
  #cancelHousekeeping: Cancel = () => {}
  #lastPurgeMs = Number.NEGATIVE_INFINITY
  #delivered = 0
  #failed = 0
  #dead = 0

  constructor(parts: DeliveriesParts) {
    this.#parts = parts
    this.#limits = { ...defaultLimits, ...parts.limits }
    this.#lanes = new DeliveryLanes(this.#limits.perLane, parts.clock, () => this.#runPump())
    // Each request under way listens to it, and they are bounded.
    setMaxListeners(0, this.#stop.signal)
  }

  get counts(): DeliveryCounts {
    const { size } = this.#underWay
    return { delivered: this.#delivered, failed: this.#failed, dead: this.#dead, underWay: size }
  }

  /** Takes up what the server before this one has left. Rejects with StoreError. */
  async start(): Promise<void> {
    const { outbox } = this.#parts
    this.#state = 'running'
    outbox.listen({
      due: (lane, aside, at) => this.#wake(lane, aside, at),
      asideOf: (lane, url) => this.#lanes.asideOf(lane, url),
    })
    await outbox.reclaim(Number.POSITIVE_INFINITY)
    for (const { lane, aside, nextAt } of await outbox.lanes()) this.#wake(lane, aside, nextAt)
    this.#keepHouse()
  }

  /** Takes nothing new, gives requests under way a moment, and puts back those that have not ended then. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#cancelTimer()
    this.#cancelHousekeeping()
    this.#lanes.close()
    const cancel = this.#parts.clock.after(closeGraceMs, () => this.#stop.abort())
    await this.#pumping
    await Promise.all(this.#underWay)
    cancel()
  }

  get #isRunning(): boolean {
    return this.#state === 'running'
  }

  #wake(lane: string, aside: number, at: number): void {
    if (this.#state !== 'running') return
    this.#lanes.wake(lane, aside, at)
    this.#runPump()
  }

  #runPump(): void {
    if (this.#isPumping || !this.#isRunning) return
    this.#isPumping = true
    this.#pumping = this.#pumpAll()
  }

  /** Goes on until nobody's turn it is; who is woken meanwhile has a turn. */
  async #pumpAll(): Promise<void> {
    this.#cancelTimer()
    try {
      for (let lane = this.#nextLane(); lane; lane = this.#nextLane()) await this.#fill(lane)
    } catch (thrown) {
      this.#parts.log.error({ err: toError(thrown) }, 'events that are owed could not be read; they are later')
      if (this.#isRunning) this.#cancelTimer = this.#parts.clock.after(storePauseMs, () => this.#runPump())
    }
    this.#isPumping = false
  }

  #nextLane(): Lane | null {
    return this.#isRunning && this.#room > 0 ? this.#lanes.take() : null
  }

  get #room(): number {
    return this.#limits.total - this.#underWay.size
  }

  /** Leases what the lane has room for, and sends it. */
  async #fill(lane: Lane): Promise<void> {
    const { outbox, clock } = this.#parts
    const { aside, receiver } = lane
    // Never more than half of what is left, so that there is something left for whoever comes next.
    const limit = Math.min(Math.ceil(this.#room / 2), lane.room)
    const now = clock.wallTime()
    try {
      const events = await outbox.lease({ lane: receiver.name, aside, now, limit, leaseMs })
      // Stopped meanwhile: they are given back, as if nobody had taken them.
      if (!this.#isRunning) await Promise.all(events.map((event) => outbox.release(event)))
      else for (const event of await this.#withoutSuspects(lane, events)) this.#send(lane, event)
      // Fewer than there was room for: the rest has its time still to come.
      const nextAt = events.length < limit ? await outbox.nextIn(receiver.name, aside) : now
      this.#lanes.endLease(lane, nextAt)
    } catch (thrown) {
      this.#lanes.endLease(lane, now)
      throw thrown
    }
  }

  /** Sets events aside whose address hangs, before they take a place. */
  async #withoutSuspects(lane: Lane, events: readonly OutboxEvent[]): Promise<readonly OutboxEvent[]> {
    if (lane.aside !== 0) return events
    const parts = new Map<number, OutboxEvent[]>()
    for (const event of events) {
      const aside = lane.receiver.asideOf(event.url)
      parts.set(aside, [...(parts.get(aside) ?? []), event])
    }
    for (const [aside, some] of parts) if (aside !== 0) await this.#parts.outbox.setAside(some, aside)
    return parts.get(0) ?? []
  }

  #send(lane: Lane, event: OutboxEvent): void {
    const sending = lane.begin(event.url)
    const cancelSlow = this.#parts.clock.after(slowMs, () => {
      sending.slowDown()
      this.#lanes.freed(lane)
      this.#runPump()
    })
    const delivering = this.#deliver(sending, event, cancelSlow)
      .catch((thrown: unknown) => {
        // The lease runs out, and it is sent once more.
        this.#parts.log.error({ eventId: event.id, err: toError(thrown) }, 'the outcome of an event could not be kept')
      })
      .finally(() => {
        cancelSlow()
        sending.end()
        this.#underWay.delete(delivering)
        this.#lanes.freed(lane)
        this.#runPump()
      })
    this.#underWay.add(delivering)
  }

  async #deliver(sending: Sending, event: OutboxEvent, cancelSlow: Cancel): Promise<void> {
    const { outbox, clock, sources } = this.#parts
    const at = clock.wallTime()
    const unsent = { at, durationMs: 0, status: null, answer: null }
    let profile: DeliveryProfile | null = null
    let sent: SentOtherwise | null
    try {
      profile = firstProfile(sources, event)
      if (!profile)
        return await this.#giveUp(event, { ...unsent, problem: 'Nobody wants events of this kind any more.' })
      // Other protocols take their time.
      if (profile.send) cancelSlow()
      sent = await (profile.send ?? this.#sender(profile))(event, this.#stop.signal)
    } catch (thrown) {
      // A source that throws is our defect; the event must not go round for ever because of it.
      const problem = `Switchhook could not send it: ${toError(thrown).message}`
      this.#parts.log.error({ eventId: event.id, kind: event.kind, err: toError(thrown) }, 'sending an event failed')
      return await this.#keep(event, profile, { kind: 'failed', problem, askedMs: null }, { ...unsent, problem })
    }
    if (sent === null) return await outbox.release(event)
    const { verdict, durationMs, status, answer } = sent
    cancelSlow()
    sending.judged(verdict.kind === 'delivered')
    const { receiver } = sending.lane
    this.#noteReceiver(receiver, event, verdict)
    // What hung may hang again: its next attempt, and what follows it, must not take the places of others.
    const aside = verdict.kind !== 'delivered' && sending.isSlow ? receiver.partFor(event) : 0
    await this.#keep(event, profile, verdict, { at, durationMs, status, problem: verdict.problem, answer }, aside)
  }

  #sender(profile: DeliveryProfile): NonNullable<DeliveryProfile['send']> {
    return async (event) => {
      const outcome = await this.#request(event, profile)
      if (outcome.kind === 'failure' && outcome.code === 'outgoing.stopped') return null
      const verdict = judge(outcome, profile.findFault ?? null, this.#parts.clock.wallTime())
      const answer = outcome.kind === 'answer' ? beginningOf(outcome.body) : null
      return { verdict, durationMs: outcome.durationMs, status: outcome.status, answer }
    }
  }

  #request(event: OutboxEvent, profile: DeliveryProfile): Promise<OutgoingOutcome> {
    const { headers, credentials, signingSecrets, timeoutMs, isTrusted } = profile
    return this.#parts.http.request({
      url: profile.url ?? event.url,
      method: 'POST',
      headers: { 'content-type': event.contentType, ...event.headers, ...headers },
      body: event.body,
      timeoutMs: Math.min(timeoutMs ?? defaultTimeoutMs, longestTimeoutMs),
      // All that is kept of it, and a little for what a fault is looked for in.
      maxResponseBytes: 16 * 1024,
      isTrusted,
      ...(credentials && { credentials }),
      signing: { secrets: signingSecrets ?? [], eventId: event.id },
      signal: this.#stop.signal,
    })
  }

  async #keep(
    event: OutboxEvent,
    profile: DeliveryProfile | null,
    verdict: Verdict,
    attempt: Attempt,
    aside = 0,
  ): Promise<void> {
    const { outbox, clock, random, log } = this.#parts
    if (verdict.kind === 'delivered') {
      this.#delivered++
      return await outbox.delivered(event, attempt)
    }
    this.#failed++
    const { id: eventId, tenant, kind } = event
    const attempts = event.attempts + 1
    const fields = { eventId, tenant, kind, attempts, status: attempt.status, problem: attempt.problem }
    if (verdict.kind === 'refused-for-good' || attempts >= event.maxAttempts)
      return await this.#giveUp(event, attempt, aside)
    const delayMs = retryDelayMs(profile?.retry ?? defaultRetryPlan, attempts, verdict.askedMs, random)
    log.debug({ ...fields, delayMs }, 'an event was not delivered and is tried again')
    await outbox.failed(event, attempt, clock.wallTime() + delayMs, aside)
  }

  async #giveUp(event: OutboxEvent, attempt: Attempt, aside = 0): Promise<void> {
    const { id: eventId, tenant, kind } = event
    const { status, problem } = attempt
    this.#dead++
    this.#parts.log.error({ eventId, tenant, kind, status, problem }, 'an event was given up; it can be sent again')
    await this.#parts.outbox.dead(event, attempt, aside)
  }

  /** Tells when a receiver fails several times in a row and when it is well again, not each attempt in between. */
  #noteReceiver(receiver: Receiver, event: OutboxEvent, verdict: Verdict): void {
    const fields = { tenant: event.tenant, kind: event.kind, url: describeUrlText(event.url) }
    if (verdict.kind === 'delivered') {
      if (receiver.isFailing) this.#parts.log.info(fields, 'a receiver of events takes them again')
      receiver.isFailing = false
    } else if (receiver.inARow >= failuresToTell && !receiver.isFailing) {
      receiver.isFailing = true
      this.#parts.log.warn({ ...fields, problem: verdict.problem }, 'a receiver of events fails')
    }
  }

  /** Leases that ran out though the server lives, and events whose time in the history is over. */
  #keepHouse(): void {
    const { outbox, clock, log } = this.#parts
    const purgesNow = clock.now() - this.#lastPurgeMs >= 60 * housekeepingMs
    if (purgesNow) this.#lastPurgeMs = clock.now()
    const work = async (): Promise<void> => {
      const now = clock.wallTime()
      await outbox.reclaim(now)
      if (purgesNow) await outbox.purge({ deliveredBefore: now - keepDeliveredMs, deadBefore: now - keepDeadMs })
    }
    work().catch((thrown: unknown) => log.error({ err: toError(thrown) }, 'old events could not be put in order'))
    this.#cancelHousekeeping = clock.after(housekeepingMs, () => this.#keepHouse())
  }
}

function firstProfile(sources: readonly DeliverySource[], event: OutboxEvent): DeliveryProfile | null {
  for (const source of sources) {
    const profile = source.profileOf(event)
    if (profile) return profile
  }
  return null
}

/** As text, whatever it is; null for nothing. */
function beginningOf(body: Uint8Array): string | null {
  if (body.length === 0) return null
  // At most four bytes make a character, so this is enough and no more.
  return new TextDecoder().decode(body.subarray(0, maxAnswerLength * 4)).slice(0, maxAnswerLength)
}
