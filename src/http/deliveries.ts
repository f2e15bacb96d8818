import { setMaxListeners } from 'node:events'
import type { Cancel, Clock } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Outbox } from '../store/outbox.ts'
import { type Attempt, maxAnswerLength, type OutboxEvent } from '../store/outbox-types.ts'
import { DeliveryLanes, type Lane } from './delivery-lanes.ts'
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
}

/** Knows how events of some kinds are sent. */
export interface DeliverySource {
  /** Null: not one of mine; or nobody wants it any more. */
  profileOf(event: OutboxEvent): DeliveryProfile | null
}

export interface DeliveryLimits {
  /** Requests under way, all receivers together, and per scheme, host and port. */
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

const defaultLimits: DeliveryLimits = { total: 64, perLane: 4 }
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
 * A receiver has a lane of its own, and one that fails gets one request at a time, so that nobody waits for a
 * neighbour. At least once: a receiver knows by the id what it has had.
 */
export class Deliveries {
  readonly #parts: DeliveriesParts
  readonly #limits: DeliveryLimits
  readonly #lanes: DeliveryLanes
  readonly #stop = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #state: 'new' | 'running' | 'closed' = 'new'
  /** The pump runs once at a time; asked for meanwhile, it goes round again. */
  #pump: 'idle' | 'running' | 'again' = 'idle'
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
    this.#lanes = new DeliveryLanes(this.#limits.perLane)
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
    outbox.listen((lane, at) => this.#wake(lane, at))
    await outbox.reclaim(Number.POSITIVE_INFINITY)
    for (const { lane, nextAt } of await outbox.lanes()) this.#wake(lane, nextAt)
    this.#keepHouse()
  }

  /** Takes nothing new, gives requests under way a moment, and puts back those that have not ended then. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#cancelTimer()
    this.#cancelHousekeeping()
    const cancel = this.#parts.clock.after(closeGraceMs, () => this.#stop.abort())
    await this.#pumping
    await Promise.all(this.#underWay)
    cancel()
  }

  get #isRunning(): boolean {
    return this.#state === 'running'
  }

  #wake(lane: string, at: number): void {
    this.#lanes.wake(lane, at)
    this.#runPump()
  }

  #runPump(): void {
    if (this.#state !== 'running') return
    if (this.#pump !== 'idle') {
      this.#pump = 'again'
      return
    }
    this.#pump = 'running'
    this.#pumping = this.#pumpAll()
  }

  async #pumpAll(): Promise<void> {
    let pauseMs = 0
    try {
      do {
        this.#pump = 'running'
        for (const lane of this.#lanes.due(this.#parts.clock.wallTime())) await this.#fill(lane)
      } while (this.#isAskedAgain())
    } catch (thrown) {
      this.#parts.log.error({ err: toError(thrown) }, 'events that are owed could not be read; they are later')
      pauseMs = storePauseMs
    }
    this.#pump = 'idle'
    this.#setTimer(pauseMs)
  }

  #isAskedAgain(): boolean {
    return this.#pump === 'again' && this.#state === 'running'
  }

  #setTimer(leastMs: number): void {
    this.#cancelTimer()
    if (this.#state !== 'running') return
    const nextAt = this.#lanes.nextAt(this.#limits.total - this.#underWay.size)
    if (nextAt === null) return
    const waitMs = Math.max(leastMs, nextAt - this.#parts.clock.wallTime(), 0)
    // Wall time may be set: nothing is slept through for longer than a minute.
    this.#cancelTimer = this.#parts.clock.after(Math.min(waitMs, housekeepingMs), () => this.#runPump())
  }

  /** Leases what the lane has room for, and sends it. */
  async #fill(lane: Lane): Promise<void> {
    const { outbox, clock } = this.#parts
    const limit = Math.min(this.#limits.total - this.#underWay.size, lane.room)
    if (limit <= 0 || !this.#isRunning) return
    lane.beginLease()
    const now = clock.wallTime()
    try {
      const events = await outbox.lease({ lane: lane.name, now, limit, leaseMs })
      // Stopped meanwhile: they are given back, as if nobody had taken them.
      if (!this.#isRunning) await Promise.all(events.map((event) => outbox.release(event)))
      else for (const event of events) this.#send(lane, event)
      // Fewer than there was room for: the rest has its time still to come.
      const nextAt = events.length < limit ? await outbox.nextIn(lane.name) : now
      this.#lanes.endLease(lane, nextAt)
    } catch (thrown) {
      this.#lanes.endLease(lane, now)
      throw thrown
    }
  }

  #send(lane: Lane, event: OutboxEvent): void {
    lane.running++
    const sending = this.#deliver(lane, event)
      .catch((thrown: unknown) => {
        // The lease runs out, and it is sent once more.
        this.#parts.log.error({ eventId: event.id, err: toError(thrown) }, 'the outcome of an event could not be kept')
      })
      .finally(() => {
        lane.running--
        this.#underWay.delete(sending)
        this.#lanes.forgetIfIdle(lane)
        this.#runPump()
      })
    this.#underWay.add(sending)
  }

  async #deliver(lane: Lane, event: OutboxEvent): Promise<void> {
    const { outbox, clock, sources } = this.#parts
    const at = clock.wallTime()
    const unsent = { at, durationMs: 0, status: null, answer: null }
    let profile: DeliveryProfile | null = null
    let outcome: OutgoingOutcome
    let verdict: Verdict
    try {
      profile = firstProfile(sources, event)
      if (!profile)
        return await this.#giveUp(event, { ...unsent, problem: 'Nobody wants events of this kind any more.' })
      outcome = await this.#request(event, profile)
      verdict = judge(outcome, profile.findFault ?? null, clock.wallTime())
    } catch (thrown) {
      // A source that throws is our defect; the event must not go round for ever because of it.
      const problem = `Switchhook could not send it: ${toError(thrown).message}`
      this.#parts.log.error({ eventId: event.id, kind: event.kind, err: toError(thrown) }, 'sending an event failed')
      return await this.#keep(event, profile, { kind: 'failed', problem, askedMs: null }, { ...unsent, problem })
    }
    if (outcome.kind === 'failure' && outcome.code === 'outgoing.stopped') return await outbox.release(event)
    this.#noteLane(lane, event, verdict)
    await this.#keep(event, profile, verdict, {
      at,
      durationMs: outcome.durationMs,
      status: outcome.status,
      problem: verdict.problem,
      answer: outcome.kind === 'answer' ? beginningOf(outcome.body) : null,
    })
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

  async #keep(event: OutboxEvent, profile: DeliveryProfile | null, verdict: Verdict, attempt: Attempt): Promise<void> {
    const { outbox, clock, random, log } = this.#parts
    if (verdict.kind === 'delivered') {
      this.#delivered++
      return await outbox.delivered(event, attempt)
    }
    this.#failed++
    const { id: eventId, tenant, kind } = event
    const attempts = event.attempts + 1
    const fields = { eventId, tenant, kind, attempts, status: attempt.status, problem: attempt.problem }
    if (verdict.kind === 'refused-for-good' || attempts >= event.maxAttempts) return await this.#giveUp(event, attempt)
    const delayMs = retryDelayMs(profile?.retry ?? defaultRetryPlan, attempts, verdict.askedMs, random)
    log.debug({ ...fields, delayMs }, 'an event was not delivered and is tried again')
    await outbox.failed(event, attempt, clock.wallTime() + delayMs)
  }

  async #giveUp(event: OutboxEvent, attempt: Attempt): Promise<void> {
    const { id: eventId, tenant, kind } = event
    const { status, problem } = attempt
    this.#dead++
    this.#parts.log.error({ eventId, tenant, kind, status, problem }, 'an event was given up; it can be sent again')
    await this.#parts.outbox.dead(event, attempt)
  }

  /** Tells when a receiver begins to fail and when it is well again, not each attempt in between. */
  #noteLane(lane: Lane, event: OutboxEvent, verdict: Verdict): void {
    const isFailing = verdict.kind !== 'delivered'
    if (lane.isFailing === isFailing) return
    lane.isFailing = isFailing
    const fields = { tenant: event.tenant, kind: event.kind, url: describeUrlText(event.url) }
    if (isFailing) this.#parts.log.warn({ ...fields, problem: verdict.problem }, 'a receiver of events fails')
    else this.#parts.log.info(fields, 'a receiver of events takes them again')
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
