import type { Database } from './database.ts'
import type { Prepared } from './queries.ts'
import type { LedgerRow } from './schema.ts'

/** One transaction, as its customer knows it. */
export interface LedgerEntry {
  /** Unique for ever. */
  readonly ref: string
  readonly tenant: string
  /** Whose it is within the tenant. Nobody else finds it. */
  readonly account: string
  /** Wall-clock ms. */
  readonly startedAt: number
  /** Null while it goes on. */
  readonly endedAt: number | null
  /** The request that began it, where that had a key of its own. */
  readonly requestKey: string | null
  /** What is kept of it, JSON: the business of whoever writes it. */
  readonly data: string
}

export interface LedgerFilter {
  readonly tenant: string
  readonly account: string
  /** Started at this time or later, and before that, wall-clock ms. */
  readonly from?: number
  readonly before?: number
}

/** Entries deleted in one transaction, between which calls go on being written. */
const purgeRows = 500

const columns = ['ref', 'tenant', 'account', 'started_at', 'ended_at', 'request_key', 'data'] as const

/** What customers of a published API are shown of their own calls. Every method rejects with StoreError. */
export class Ledger {
  readonly #database: Database
  readonly #put: Prepared<LedgerRow>
  readonly #purge: Prepared<{ before: number; limit: number }>

  constructor(database: Database) {
    this.#database = database
    this.#put = database.queries.prepare((db, slots) =>
      db
        .insertInto('ledger')
        .values(slots.row(columns))
        .onConflict((conflict) =>
          conflict
            .column('ref')
            .doUpdateSet((eb) => ({ ended_at: eb.ref('excluded.ended_at'), data: eb.ref('excluded.data') })),
        ),
    )
    this.#purge = database.queries.prepare((db, slots) =>
      db
        .deleteFrom('ledger')
        .where('ref', 'in', (eb) =>
          eb
            .selectFrom('ledger as old')
            .select('old.ref')
            .where('old.started_at', '<', slots.one('before'))
            .orderBy('old.started_at')
            .limit(slots.one('limit')),
        ),
    )
  }

  /** Writes it for the first time, or what has changed of it: its end and its data. Resolves when committed. */
  async put(entry: LedgerEntry): Promise<void> {
    await this.#database.write(
      this.#put({
        ref: entry.ref,
        tenant: entry.tenant,
        account: entry.account,
        started_at: Math.floor(entry.startedAt),
        ended_at: entry.endedAt === null ? null : Math.floor(entry.endedAt),
        request_key: entry.requestKey,
        data: entry.data,
      }),
    )
  }

  /** Whosever it is: the asker looks at that. */
  async get(ref: string): Promise<LedgerEntry | null> {
    const [row] = await this.#database.read(this.#rows().where('ref', '=', ref))
    return row ? toEntry(row) : null
  }

  /** What one request began, in the order of their references. */
  async ofRequest(tenant: string, account: string, requestKey: string): Promise<readonly LedgerEntry[]> {
    const rows = await this.#database.read(
      this.#rows()
        .where('tenant', '=', tenant)
        .where('account', '=', account)
        .where('request_key', '=', requestKey)
        .orderBy('ref'),
    )
    return rows.map(toEntry)
  }

  /** Newest first. */
  async list(filter: LedgerFilter, page: { offset: number; limit: number }): Promise<readonly LedgerEntry[]> {
    const { tenant, account, from = 0, before = Number.MAX_SAFE_INTEGER } = filter
    const rows = await this.#database.read(
      this.#rows()
        .where('tenant', '=', tenant)
        .where('account', '=', account)
        .where('started_at', '>=', from)
        .where('started_at', '<', before)
        .orderBy('started_at', 'desc')
        .orderBy('ref', 'desc')
        .limit(page.limit)
        .offset(page.offset),
    )
    return rows.map(toEntry)
  }

  async count({ tenant, account, from = 0, before = Number.MAX_SAFE_INTEGER }: LedgerFilter): Promise<number> {
    const [row] = await this.#database.read(
      this.#database.queries.db
        .selectFrom('ledger')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('tenant', '=', tenant)
        .where('account', '=', account)
        .where('started_at', '>=', from)
        .where('started_at', '<', before),
    )
    return row?.count ?? 0
  }

  /** Those that had not ended when they were written last: after a start, what was cut off. */
  async unfinished(): Promise<readonly LedgerEntry[]> {
    const rows = await this.#database.read(this.#rows().where('ended_at', 'is', null).orderBy('started_at'))
    return rows.map(toEntry)
  }

  /**
   * Forgets what began before this time (wall-clock ms), whether it has ended or not: no call lasts as long as entries are
   * kept. @returns how many there were.
   */
  async purge(before: number): Promise<number> {
    let purged = 0
    for (;;) {
      const { changes } = await this.#database.write(this.#purge({ before: Math.floor(before), limit: purgeRows }))
      purged += changes ?? 0
      if (changes === null || changes < purgeRows) return purged
    }
  }

  #rows() {
    return this.#database.queries.db.selectFrom('ledger').selectAll()
  }
}

function toEntry(row: LedgerRow): LedgerEntry {
  return {
    ref: row.ref,
    tenant: row.tenant,
    account: row.account,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    requestKey: row.request_key,
    data: row.data,
  }
}
