import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import { maxAttemptsKept } from './outbox-types.ts'
import type { Prepared, Queries } from './queries.ts'
import type { AnnouncedRow, OutboxAttemptRow, OutboxRow, Tables } from './schema.ts'

const insertedColumns = [
  'id',
  'tenant',
  'kind',
  'order_key',
  'lane',
  'url',
  'content_type',
  'headers',
  'body',
  'attempts',
  'max_attempts',
  'created_at',
  'next_at',
] as const satisfies readonly (keyof OutboxRow)[]

const settledColumns = [
  'state',
  'aside',
  'next_at',
  'finished_at',
  'last_status',
  'last_problem',
] as const satisfies readonly (keyof OutboxRow)[]

/** How long delivered and dead events stay, as times before which they finished. */
export interface PurgeTimes {
  readonly deliveredBefore: number
  readonly deadBefore: number
}

export interface OutboxStatements {
  /**
   * Adds it unless its id is there; behind the others of its key where there are any, and aside where the last one of its
   * key is. Gives back lane and state.
   */
  readonly add: Prepared<Pick<OutboxRow, (typeof insertedColumns)[number] | 'aside'>>
  readonly announce: Prepared<AnnouncedRow>
  readonly withdraw: Prepared<{ id: string }>
  readonly lease: Prepared<{ lane: string; aside: number; now: number; leased_until: number; limit: number }>
  /** Back to waiting, those whose lease ended before `now`. */
  readonly reclaim: Prepared<{ now: number }>
  /** Back to waiting, as if it had not been tried. */
  readonly release: Prepared<{ id: string; aside: number; next_at: number }>
  readonly settle: Prepared<Pick<OutboxRow, 'id' | (typeof settledColumns)[number]>>
  readonly addAttempt: Prepared<Omit<OutboxAttemptRow, 'number'>>
  readonly trimAttempts: Prepared<{ event_id: string }>
  /** The next of the key, once nothing of it waits or is being sent. */
  readonly advance: Prepared<{ tenant: string; order_key: string; aside: number }>
  readonly resend: Prepared<{ id: string; now: number }>
  readonly purge: Prepared<PurgeTimes & { limit: number }>
}

export function compileOutboxStatements(queries: Queries): OutboxStatements {
  return {
    add: queries.prepare((db, slots) =>
      db
        .insertInto('outbox')
        .columns([...insertedColumns, 'seq', 'aside', 'state'])
        .expression(
          db
            .selectNoFrom((eb) => [
              ...insertedColumns.map((name) => eb.val(slots.one(name)).as(name)),
              // The only writer is this server, so nobody takes the same number.
              eb.selectFrom('outbox').select(sql<number>`coalesce(max(seq), 0) + 1`.as('next')).as('seq'),
              eb.fn
                .coalesce(
                  eb.fn<number | null>('nullif', [eb.val(slots.one('aside')), sql.lit(0)]),
                  eb
                    .selectFrom('outbox as last')
                    .select('last.aside')
                    .where('last.tenant', '=', slots.one('tenant'))
                    .where('last.order_key', '=', slots.one('order_key'))
                    .orderBy('last.seq', 'desc')
                    .limit(1),
                  sql<number>`0`,
                )
                .as('aside'),
              eb
                .case()
                .when(
                  eb.exists(
                    eb
                      .selectFrom('outbox as earlier')
                      .select('earlier.id')
                      .where('earlier.tenant', '=', slots.one('tenant'))
                      .where('earlier.order_key', '=', slots.one('order_key'))
                      .where('earlier.state', 'in', undoneStates),
                  ),
                )
                .then(sql.lit('behind'))
                .else(sql.lit('waiting'))
                .end()
                .as('state'),
            ])
            .where(({ not, exists, selectFrom }) =>
              not(exists(selectFrom('outbox as same').select('same.id').where('same.id', '=', slots.one('id')))),
            ),
        )
        .returning(['lane', 'aside', 'state', 'next_at']),
    ),
    announce: queries.prepare((db, slots) =>
      db
        .insertInto('outbox_announced')
        .values(slots.row(['id', 'tenant', 'kind', 'subject', 'announced_at']))
        .onConflict((conflict) => conflict.column('id').doNothing()),
    ),
    withdraw: queries.prepare((db, slots) => db.deleteFrom('outbox_announced').where('id', '=', slots.one('id'))),
    lease: queries.prepare((db, slots) =>
      db
        .updateTable('outbox')
        .set({ state: 'sending', leased_until: slots.one('leased_until') })
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('outbox as due')
            .select('due.id')
            .where('due.state', '=', 'waiting')
            .where('due.lane', '=', slots.one('lane'))
            .where('due.aside', '=', slots.one('aside'))
            .where('due.next_at', '<=', slots.one('now'))
            .orderBy('due.next_at')
            .orderBy('due.seq')
            .limit(slots.one('limit')),
        )
        .returningAll(),
    ),
    reclaim: queries.prepare((db, slots) =>
      db
        .updateTable('outbox')
        .set({ state: 'waiting', leased_until: null })
        .where('state', '=', 'sending')
        .where('leased_until', '<=', slots.one('now'))
        .returning(['lane', 'aside', 'next_at']),
    ),
    release: queries.prepare((db, slots) =>
      db
        .updateTable('outbox')
        .set({ state: 'waiting', leased_until: null, aside: slots.one('aside'), next_at: slots.one('next_at') })
        .where('id', '=', slots.one('id'))
        .where('state', '=', 'sending'),
    ),
    settle: queries.prepare((db, slots) =>
      db
        .updateTable('outbox')
        .set((eb) => ({ ...slots.row(settledColumns), leased_until: null, attempts: eb('attempts', '+', 1) }))
        .where('id', '=', slots.one('id'))
        .where('state', '=', 'sending'),
    ),
    addAttempt: queries.prepare((db, slots) =>
      db
        .insertInto('outbox_attempts')
        .columns(['event_id', 'at', 'duration_ms', 'status', 'problem', 'answer', 'number'])
        .expression(
          db
            .selectNoFrom((eb) => [
              ...(['event_id', 'at', 'duration_ms', 'status', 'problem', 'answer'] as const).map((name) =>
                eb.val(slots.one(name)).as(name),
              ),
              eb
                .selectFrom('outbox_attempts')
                .select(sql<number>`coalesce(max(number), 0) + 1`.as('next'))
                .where('event_id', '=', slots.one('event_id'))
                .as('number'),
            ])
            // Purged meanwhile: then there is nothing to remember it by.
            .where(({ exists, selectFrom }) =>
              exists(selectFrom('outbox').select('outbox.id').where('outbox.id', '=', slots.one('event_id'))),
            ),
        ),
    ),
    trimAttempts: queries.prepare((db, slots) =>
      db
        .deleteFrom('outbox_attempts')
        .where('event_id', '=', slots.one('event_id'))
        .where('number', '<=', (eb) =>
          eb
            .selectFrom('outbox_attempts as all')
            .select(sql<number>`max(number) - ${sql.lit(maxAttemptsKept)}`.as('last'))
            .where('all.event_id', '=', slots.one('event_id')),
        ),
    ),
    advance: queries.prepare((db, slots) =>
      db
        .updateTable('outbox')
        .set({ state: 'waiting', aside: slots.one('aside') })
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('outbox as next')
            .select('next.id')
            .where('next.tenant', '=', slots.one('tenant'))
            .where('next.order_key', '=', slots.one('order_key'))
            .where('next.state', '=', 'behind')
            .orderBy('next.seq')
            .limit(1),
        )
        .where((eb) => eb.not(isUnderWay(eb, slots.one('tenant'), slots.one('order_key'))))
        .returning(['lane', 'aside', 'next_at']),
    ),
    resend: queries.prepare((db, slots) =>
      db
        .updateTable('outbox')
        .set({ state: 'waiting', attempts: 0, next_at: slots.one('now'), finished_at: null })
        .where('id', '=', slots.one('id'))
        .where('state', 'in', ['waiting', 'delivered', 'dead'])
        .returning(['lane', 'aside', 'next_at']),
    ),
    purge: queries.prepare((db, slots) =>
      db.deleteFrom('outbox').where('id', 'in', (eb) =>
        eb
          .selectFrom('outbox as old')
          .select('old.id')
          .where((where) =>
            where.or([
              where.and([
                where('old.state', '=', 'delivered'),
                where('old.finished_at', '<', slots.one('deliveredBefore')),
              ]),
              where.and([where('old.state', '=', 'dead'), where('old.finished_at', '<', slots.one('deadBefore'))]),
            ]),
          )
          .limit(slots.one('limit')),
      ),
    ),
  }
}

const undoneStates = ['waiting', 'sending', 'behind']

function isUnderWay(eb: ExpressionBuilder<Tables, 'outbox'>, tenant: string, orderKey: string): Expression<SqlBool> {
  return eb.exists(
    eb
      .selectFrom('outbox as other')
      .select('other.id')
      .where('other.tenant', '=', tenant)
      .where('other.order_key', '=', orderKey)
      .where('other.state', 'in', ['waiting', 'sending']),
  )
}
