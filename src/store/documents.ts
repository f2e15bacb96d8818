import type { Clock } from '../base/clock.ts'
import { StateError, StoreError } from '../base/errors.ts'
import type { Database } from './database.ts'
import type { Prepared } from './queries.ts'
import type { DocumentRow } from './schema.ts'

/** What the admin API keeps. A tenant itself is a document of its own: `{ tenant: name, kind: 'tenant', key: name }`. */
export type DocumentKind =
  | 'tenant'
  | 'extension'
  | 'trunk'
  | 'number'
  | 'app'
  | 'partner'
  | 'recording'
  | 'layer'
  | 'setting'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

export interface DocumentKey {
  readonly tenant: string
  readonly kind: DocumentKind
  readonly key: string
}

export interface StoredDocument extends DocumentKey {
  readonly body: Json
  /** 1 at first, one more with each change. */
  readonly version: number
  readonly updatedAt: number
}

export interface DocumentFilter {
  readonly tenant?: string
  readonly kind?: DocumentKind
}

/** Documents read at once while all of them are walked. */
const pageRows = 500

/** Entities as JSON by (tenant, kind, key). Secrets in them are hashed or encrypted by who puts them. */
export class Documents {
  readonly #database: Database
  readonly #clock: Clock
  readonly #insert: Prepared<DocumentRow>
  readonly #replace: Prepared<Omit<DocumentRow, 'version'> & { readonly expected: number }>
  readonly #upsert: Prepared<Omit<DocumentRow, 'version'>>
  readonly #remove: Prepared<DocumentKey>
  readonly #removeTenant: Prepared<Pick<DocumentKey, 'tenant'>>

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
    const { queries } = database
    this.#insert = queries.prepare((db, slots) =>
      db
        .insertInto('documents')
        .values(slots.row(['tenant', 'kind', 'key', 'body', 'version', 'updated_at']))
        .returning('version'),
    )
    this.#replace = queries.prepare((db, slots) =>
      db
        .updateTable('documents')
        .set((eb) => ({ ...slots.row(['body', 'updated_at']), version: eb('version', '+', 1) }))
        .where('tenant', '=', slots.one('tenant'))
        .where('kind', '=', slots.one('kind'))
        .where('key', '=', slots.one('key'))
        .where('version', '=', slots.one('expected'))
        .returning('version'),
    )
    this.#upsert = queries.prepare((db, slots) =>
      db
        .insertInto('documents')
        .values({ ...slots.row(['tenant', 'kind', 'key', 'body', 'updated_at']), version: 1 })
        .onConflict((conflict) =>
          conflict.columns(['tenant', 'kind', 'key']).doUpdateSet((eb) => ({
            body: eb.ref('excluded.body'),
            updated_at: eb.ref('excluded.updated_at'),
            version: eb('documents.version', '+', 1),
          })),
        )
        .returning('version'),
    )
    this.#remove = queries.prepare((db, slots) =>
      db
        .deleteFrom('documents')
        .where('tenant', '=', slots.one('tenant'))
        .where('kind', '=', slots.one('kind'))
        .where('key', '=', slots.one('key')),
    )
    this.#removeTenant = queries.prepare((db, slots) =>
      db.deleteFrom('documents').where('tenant', '=', slots.one('tenant')),
    )
  }

  async get({ tenant, kind, key }: DocumentKey): Promise<StoredDocument | null> {
    const [row] = await this.#database.read(
      this.#database.queries.db
        .selectFrom('documents')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('kind', '=', kind)
        .where('key', '=', key),
    )
    return row ? toDocument(row) : null
  }

  /**
   * Writes a document.
   * @param expected - `any` replaces whatever is there, `none` demands that nothing is, a number that it has this version.
   * @returns its new version.
   * Rejects with StateError `store.document-changed`, `store.document-taken` (also for a number that another tenant
   * has), and StoreError.
   */
  async put(
    document: DocumentKey & { readonly body: Json },
    expected: number | 'any' | 'none' = 'any',
  ): Promise<number> {
    const { tenant, kind, key } = document
    const row = { tenant, kind, key, body: JSON.stringify(document.body), updated_at: this.#clock.wallTime() }
    const statement =
      expected === 'any'
        ? this.#upsert(row)
        : expected === 'none'
          ? this.#insert({ ...row, version: 1 })
          : this.#replace({ ...row, expected })
    try {
      const { changes, rows } = await this.#database.write(statement)
      if (changes === null) return (await this.get(document))?.version ?? 1
      const version = rows[0]?.version
      if (typeof version === 'number') return version
    } catch (thrown) {
      if (!(thrown instanceof StoreError) || thrown.code !== 'store.conflict') throw thrown
      const owner = kind === 'number' ? 'a tenant has this number' : 'it exists'
      throw new StateError('store.document-taken', `The ${kind} cannot be written: ${owner} already.`, {
        cause: thrown,
      })
    }
    throw new StateError('store.document-changed', `The ${kind} was changed or removed since it was read.`)
  }

  /** False when there was none. */
  async remove(key: DocumentKey): Promise<boolean> {
    const { changes } = await this.#database.write(this.#remove(key))
    return changes !== 0
  }

  /** Everything of a tenant at once, itself included. */
  async removeTenant(tenant: string): Promise<void> {
    await this.#database.write(this.#removeTenant({ tenant }))
  }

  /** All that match, by tenant, kind and key, in pages of bounded memory. */
  async *list(filter: DocumentFilter = {}): AsyncGenerator<StoredDocument, void, undefined> {
    let after: DocumentRow | null = null
    for (;;) {
      const rows: readonly DocumentRow[] = await this.#page(filter, after)
      for (const row of rows) yield toDocument(row)
      after = rows.at(-1) ?? null
      if (after === null || rows.length < pageRows) return
    }
  }

  #page(filter: DocumentFilter, after: DocumentRow | null): Promise<readonly DocumentRow[]> {
    let query = this.#database.queries.db.selectFrom('documents').selectAll()
    if (filter.tenant !== undefined) query = query.where('tenant', '=', filter.tenant)
    if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind)
    if (after !== null) {
      query = query.where((eb) =>
        eb(eb.refTuple('tenant', 'kind', 'key'), '>', eb.tuple(after.tenant, after.kind, after.key)),
      )
    }
    return this.#database.read(query.orderBy('tenant').orderBy('kind').orderBy('key').limit(pageRows))
  }
}

/** The rows were written by `put`. */
function toDocument(row: DocumentRow): StoredDocument {
  return {
    tenant: row.tenant,
    kind: row.kind as DocumentKind,
    key: row.key,
    body: JSON.parse(row.body) as Json,
    version: row.version,
    updatedAt: row.updated_at,
  }
}
