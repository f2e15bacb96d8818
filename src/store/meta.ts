import type { Database } from './database.ts'
import type { Prepared } from './queries.ts'
import type { MetaRow } from './schema.ts'

/** Single values that the server remembers: when it was last alive, what it was set up with. Names read `part.what`. */
export class Meta {
  readonly #database: Database
  readonly #set: Prepared<MetaRow>
  readonly #remove: Prepared<{ key: string }>

  constructor(database: Database) {
    this.#database = database
    this.#set = database.queries.prepare((db, slots) =>
      db
        .insertInto('meta')
        .values(slots.row(['key', 'value']))
        .onConflict((conflict) => conflict.column('key').doUpdateSet((eb) => ({ value: eb.ref('excluded.value') }))),
    )
    this.#remove = database.queries.prepare((db, slots) => db.deleteFrom('meta').where('key', '=', slots.one('key')))
  }

  /** Null when it was never set. Rejects with StoreError, as the others do. */
  async get(key: string): Promise<string | null> {
    const query = this.#database.queries.db.selectFrom('meta').select('value').where('key', '=', key)
    const [row] = await this.#database.read(query)
    return row?.value ?? null
  }

  async set(key: string, value: string): Promise<void> {
    await this.#database.write(this.#set({ key, value }))
  }

  async remove(key: string): Promise<void> {
    await this.#database.write(this.#remove({ key }))
  }
}
