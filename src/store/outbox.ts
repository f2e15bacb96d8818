import type { Clock } from '../base/clock.ts'
import { NotFoundError, StateError } from '../base/errors.ts'
import { type Page, type PageRequest, pageLimit, readCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import type { Row } from './driver.ts'
import { compileOutboxStatements, type OutboxStatements, type PurgeTimes } from './outbox-statements.ts'
import {
  type Announcement,
  type Attempt,
  defaultMaxAttempts,
  type EventFilter,
  type EventState,
  maxAnswerLength,
  type NewEvent,
  type NumberedAttempt,
  type OutboxEvent,
  type OutboxLoad,
} from './outbox-types.ts'
import type { AnnouncedRow, OutboxRow } from './schema.ts'

export interface OutboxListener {
  /** A lane, or a part of it that is set aside, has something to send from then on (wall-clock ms). After the commit. */
  due(lane: string, aside: number, at: number): void
  /** Whether what goes to an address now is to wait aside, and with which; 0: not. */
  asideOf(lane: string, url: string): number
}

/** Events deleted in one transaction, between which calls go on being written. */
const purgeRows = 500
/** Announcements read at once while all of them are walked. */
const pageRows = 500

/**
 * What is owed to receivers outside: added in the same queue as call records, leased to a worker, tried until it is
 * delivered or given up, and remembered for a while. Knows nothing of how it is sent. Every method rejects with
 * StoreError too.
 *
 * Written in the same turn of the event loop as a record, an event is committed with it or after it, never before:
 * the write queue keeps the order.
 */
export class Outbox {
  readonly #database: Database
  readonly #clock: Clock
  readonly #statements: OutboxStatements
  #listener: OutboxListener = { due: () => {}, asideOf: () => 0 }

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
    this.#statements = compileOutboxStatements(database.queries)
  }

  /** One listener: the worker. */
  listen(listener: OutboxListener): void {
    this.#listener = listener
  }

  /**
   * Resolves when it is committed.
   * @param fulfils - the announcement that it makes good; removed with the same commit.
   * @returns false when an event of this id is there: adding again is harmless.
   */
  async add(event: NewEvent, fulfils?: string): Promise<boolean> {
    const now = this.#clock.wallTime()
    const lane = laneOf(event.url)
    const statement = this.#statements.add({
      id: event.id,
      tenant: event.tenant,
      kind: event.kind,
      order_key: event.orderKey,
      lane,
      aside: this.#listener.asideOf(lane, event.url),
      url: event.url,
      content_type: event.contentType,
      headers: JSON.stringify(event.headers ?? {}),
      body: event.body,
      attempts: 0,
      max_attempts: event.maxAttempts ?? defaultMaxAttempts,
      created_at: now,
      next_at: Math.ceil(event.notBefore ?? now),
    })
    const unit = fulfils === undefined ? [statement] : [this.#statements.withdraw({ id: fulfils }), statement]
    const { changes, rows } = await this.#database.write(...unit)
    this.#tell(rows.filter((row) => row['state'] === 'waiting'))
    return changes !== 0
  }

  /** Notes that an event will be owed. It stands until it is fulfilled or withdrawn, over restarts. */
  async announce(announcement: Omit<Announcement, 'announcedAt'>): Promise<void> {
    await this.#database.write(this.#statements.announce({ ...announcement, announced_at: this.#clock.wallTime() }))
  }

  async withdraw(id: string): Promise<void> {
    await this.#database.write(this.#statements.withdraw({ id }))
  }

  /** Every announcement made before this time (wall-clock ms), in pages of bounded memory. */
  async *announced(before: number): AsyncGenerator<Announcement, void, undefined> {
    let after: string | null = null
    for (;;) {
      let query = this.#database.queries.db
        .selectFrom('outbox_announced')
        .selectAll()
        .where('announced_at', '<', before)
        .orderBy('id')
        .limit(pageRows)
      if (after !== null) query = query.where('id', '>', after)
      const rows: readonly AnnouncedRow[] = await this.#database.read(query)
      for (const { announced_at, ...row } of rows) yield { ...row, announcedAt: announced_at }
      after = rows.at(-1)?.id ?? null
      if (after === null || rows.length < pageRows) return
    }
  }

  /**
   * Takes what a lane has to send now, at most `limit`, the longest due first. Until the lease ends nobody else gets
   * it; a server that was killed meanwhile has it again after that.
   */
  async lease(request: {
    readonly lane: string
    readonly aside: number
    readonly now: number
    readonly limit: number
    readonly leaseMs: number
  }): Promise<readonly OutboxEvent[]> {
    const { lane, aside, now, limit, leaseMs } = request
    const { rows } = await this.#database.write(
      this.#statements.lease({ lane, aside, now: Math.floor(now), limit, leased_until: Math.ceil(now + leaseMs) }),
    )
    // RETURNING has no order, and both databases give rows with the columns of the table.
    return (rows as readonly unknown[] as readonly OutboxRow[])
      .toSorted((a, b) => a.next_at - b.next_at || a.seq - b.seq)
      .map(toEvent)
  }

  /** Gives back what was leased until `now` or earlier; all that is leased when `now` is Infinity: after a restart. */
  async reclaim(now: number): Promise<void> {
    const until = Math.min(Math.floor(now), Number.MAX_SAFE_INTEGER)
    const { rows } = await this.#database.write(this.#statements.reclaim({ now: until }))
    this.#tell(rows)
  }

  /** Gives back one event that was leased and has not been tried. */
  async release(event: OutboxEvent): Promise<void> {
    await this.setAside([event], event.aside)
  }

  /** Gives back events of one lane that were leased and have not been tried, to wait with others than they did. */
  async setAside(events: readonly OutboxEvent[], aside: number): Promise<void> {
    const [first] = events
    if (!first) return
    await this.#database.write(
      ...events.map(({ id, nextAt }) => this.#statements.release({ id, aside, next_at: nextAt })),
    )
    this.#listener.due(first.lane, aside, Math.min(...events.map(({ nextAt }) => nextAt)))
  }

  async delivered(event: OutboxEvent, attempt: Attempt): Promise<void> {
    await this.#settle(event, attempt, { state: 'delivered', nextAt: event.nextAt, aside: 0 })
  }

  /** @param nextAt - wall-clock ms of the next attempt. @param aside - with which it waits for that. */
  async failed(event: OutboxEvent, attempt: Attempt, nextAt: number, aside = 0): Promise<void> {
    await this.#settle(event, attempt, { state: 'waiting', nextAt: Math.ceil(nextAt), aside })
  }

  /** Gives it up: later events of its key go on. @param aside - with which those wait. */
  async dead(event: OutboxEvent, attempt: Attempt, aside = 0): Promise<void> {
    await this.#settle(event, attempt, { state: 'dead', nextAt: event.nextAt, aside })
  }

  async #settle(
    event: OutboxEvent,
    attempt: Attempt,
    outcome: { readonly state: EventState; readonly nextAt: number; readonly aside: number },
  ): Promise<void> {
    const { state, nextAt, aside } = outcome
    const { id, tenant, orderKey } = event
    const at = Math.round(attempt.at)
    const answer = attempt.answer === null ? null : withoutNul(attempt.answer).slice(0, maxAnswerLength)
    const isDone = state !== 'waiting'
    const unit = [
      this.#statements.settle({
        id,
        state,
        aside,
        next_at: nextAt,
        finished_at: isDone ? this.#clock.wallTime() : null,
        last_status: attempt.status,
        last_problem: attempt.problem,
      }),
      this.#statements.addAttempt({
        event_id: id,
        at,
        duration_ms: Math.round(attempt.durationMs),
        status: attempt.status,
        problem: attempt.problem,
        answer,
      }),
      this.#statements.trimAttempts({ event_id: id }),
    ]
    const isOrdered = isDone && orderKey !== null
    if (isOrdered) unit.push(this.#statements.advance({ tenant, order_key: orderKey, aside }))
    const { rows, changes } = await this.#database.write(...unit)
    if (!isDone) this.#listener.due(event.lane, aside, nextAt)
    else if (isOrdered) this.#tell(rows)
    // The rows were lost with their connection: the lane is looked at once in vain at worst.
    if (changes === null) this.#listener.due(event.lane, aside, nextAt)
  }

  /**
   * Sends an event again, now, with all its attempts before it: one that was delivered, one that was given up, or one
   * that waits for its next attempt. It goes outside of its order.
   * Rejects with NotFoundError `event.unknown`, StateError `event.not-resendable`.
   */
  async resend(id: string): Promise<OutboxEvent> {
    const now = this.#clock.wallTime()
    const { changes, rows } = await this.#database.write(this.#statements.resend({ id, now }))
    this.#tell(rows)
    const event = await this.get(id)
    if (!event) throw new NotFoundError('event.unknown', `There is no event ${id}.`, { facts: { eventId: id } })
    if (changes !== 0) return event
    const why = event.state === 'sending' ? 'is being sent just now' : 'waits for an earlier event of its call'
    throw new StateError('event.not-resendable', `The event ${id} ${why}.`, {
      facts: { eventId: id, state: event.state },
    })
  }

  /** Every lane that waits for something, and from when on. For the start: afterwards the listener hears of changes. */
  async lanes(): Promise<readonly { readonly lane: string; readonly aside: number; readonly nextAt: number }[]> {
    const rows = await this.#database.read(
      this.#database.queries.db
        .selectFrom('outbox')
        .select((eb) => ['lane', 'aside', eb.fn.min<number>('next_at').as('next_at')])
        .where('state', '=', 'waiting')
        .groupBy(['lane', 'aside']),
    )
    return rows.map((row) => ({ lane: row.lane, aside: row.aside, nextAt: row.next_at }))
  }

  /** When a lane has something to send, wall-clock ms; null when it waits for nothing. */
  async nextIn(lane: string, aside: number): Promise<number | null> {
    const [row] = await this.#database.read(
      this.#database.queries.db
        .selectFrom('outbox')
        .select('next_at')
        .where('state', '=', 'waiting')
        .where('lane', '=', lane)
        .where('aside', '=', aside)
        .orderBy('next_at')
        .limit(1),
    )
    return row?.next_at ?? null
  }

  /** @param tenant - where given, an event of another tenant is not found. */
  async get(id: string, tenant?: string): Promise<OutboxEvent | null> {
    const query = this.#database.queries.db.selectFrom('outbox').selectAll().where('id', '=', id)
    const [row] = await this.#database.read(tenant === undefined ? query : query.where('tenant', '=', tenant))
    return row ? toEvent(row) : null
  }

  /** What became of the attempts that are remembered, the first one first. */
  async history(id: string): Promise<readonly NumberedAttempt[]> {
    const rows = await this.#database.read(
      this.#database.queries.db.selectFrom('outbox_attempts').selectAll().where('event_id', '=', id).orderBy('number'),
    )
    return rows.map(({ number, at, duration_ms, status, problem, answer }) => {
      return { number, at, durationMs: duration_ms, status, problem, answer }
    })
  }

  /** One page, newest first. Rejects with ParseError `store.cursor` too. */
  async list(
    filter: EventFilter,
    request: PageRequest = {},
  ): Promise<Page<OutboxEvent & { readonly startedAt: number }>> {
    const limit = pageLimit(request)
    const after = request.cursor ? readCursor(request.cursor) : null
    const { tenant, kind, state, orderKey, createdFrom, createdBefore } = filter
    let query = this.#database.queries.db.selectFrom('outbox').selectAll()
    if (tenant !== undefined) query = query.where('tenant', '=', tenant)
    if (kind !== undefined) query = query.where('kind', '=', kind)
    if (state !== undefined) query = query.where('state', '=', state)
    if (orderKey !== undefined) query = query.where('order_key', '=', orderKey)
    if (createdFrom !== undefined) query = query.where('created_at', '>=', Math.ceil(createdFrom))
    if (createdBefore !== undefined) query = query.where('created_at', '<', Math.ceil(createdBefore))
    if (after !== null) {
      query = query.where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(after.startedAt, after.id)))
    }
    const rows = await this.#database.read(
      query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1),
    )
    return toPage(
      rows.map((row) => ({ ...toEvent(row), startedAt: row.created_at })),
      limit,
    )
  }

  /** For metrics. */
  async load(): Promise<OutboxLoad> {
    const rows = await this.#database.read(
      this.#database.queries.db
        .selectFrom('outbox')
        .select((eb) => ['state', eb.fn.countAll<number>().as('count'), eb.fn.min<number>('created_at').as('oldest')])
        .where('state', 'in', ['waiting', 'behind', 'sending', 'dead'])
        .groupBy('state'),
    )
    const owed = rows.filter((row) => row.state !== 'dead')
    return {
      waiting: owed.reduce((sum, row) => sum + row.count, 0),
      oldestAt: owed.length === 0 ? null : Math.min(...owed.map((row) => row.oldest)),
      dead: rows.find((row) => row.state === 'dead')?.count ?? 0,
    }
  }

  /** Forgets what finished before the given times. */
  async purge(times: PurgeTimes): Promise<number> {
    let purged = 0
    for (;;) {
      const { changes } = await this.#database.write(this.#statements.purge({ ...times, limit: purgeRows }))
      purged += changes ?? 0
      if (changes === null || changes < purgeRows) return purged
    }
  }

  #tell(rows: readonly Row[]): void {
    for (const row of rows) this.#listener.due(String(row['lane']), Number(row['aside']), Number(row['next_at']))
  }
}

/** Scheme, host and port. What is no address has a lane of its own, in which it fails. */
function laneOf(url: string): string {
  if (!URL.canParse(url)) return 'unusable'
  // Schemes that the URL standard does not know (`smtp:`) have no origin there.
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}

/** PostgreSQL keeps no NUL in texts. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '\u{fffd}')
}

/** The rows were written by `add`. */
function toEvent(row: OutboxRow): OutboxEvent {
  return {
    id: row.id,
    tenant: row.tenant,
    kind: row.kind,
    orderKey: row.order_key,
    lane: row.lane,
    aside: row.aside,
    url: row.url,
    contentType: row.content_type,
    headers: JSON.parse(row.headers) as Readonly<Record<string, string>>,
    body: row.body,
    state: row.state as EventState,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    createdAt: row.created_at,
    nextAt: row.next_at,
    finishedAt: row.finished_at,
    lastStatus: row.last_status,
    lastProblem: row.last_problem,
  }
}
