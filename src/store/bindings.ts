import type { Clock } from '../base/clock.ts'
import type { AddressOfRecord, BindingStore, StoredBinding } from '../sip/registrar/types.ts'
import type { Database } from './database.ts'
import type { Prepared } from './queries.ts'
import type { BindingRow } from './schema.ts'

const keyColumns = ['tenant', 'extension', 'contact_text'] as const satisfies readonly (keyof BindingRow)[]
const otherColumns = [
  'sip_call_id',
  'cseq',
  'expires_at',
  'q',
  'user_agent',
  'via_protocol',
  'via_local',
  'via_remote',
  'instance',
] as const satisfies readonly (keyof BindingRow)[]

/** Keeps the registrar's bindings over restarts. */
export class Bindings implements BindingStore {
  readonly #database: Database
  readonly #clock: Clock
  readonly #put: Prepared<BindingRow>
  readonly #remove: Prepared<Pick<BindingRow, (typeof keyColumns)[number]>>
  readonly #removeExpired: Prepared<{ now: number }>

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
    this.#put = database.queries.prepare((db, slots) =>
      db
        .insertInto('bindings')
        .values({ ...slots.row(keyColumns), ...slots.row(otherColumns) })
        .onConflict((conflict) =>
          conflict
            .columns([...keyColumns])
            .doUpdateSet((eb) =>
              Object.fromEntries(otherColumns.map((name) => [name, eb.ref(`excluded.${name}`)] as const)),
            ),
        ),
    )
    this.#remove = database.queries.prepare((db, slots) =>
      db
        .deleteFrom('bindings')
        .where('tenant', '=', slots.one('tenant'))
        .where('extension', '=', slots.one('extension'))
        .where('contact_text', '=', slots.one('contact_text')),
    )
    this.#removeExpired = database.queries.prepare((db, slots) =>
      db.deleteFrom('bindings').where('expires_at', '<=', slots.one('now')),
    )
  }

  /** Those that have not run out; the others are removed. Rejects with StoreError, as the others do. */
  async load(): Promise<readonly StoredBinding[]> {
    await this.#database.write(this.#removeExpired({ now: this.#clock.wallTime() }))
    const rows = await this.#database.read(
      this.#database.queries.db
        .selectFrom('bindings')
        .selectAll()
        .orderBy('tenant')
        .orderBy('extension')
        .orderBy('contact_text'),
    )
    return rows.map(toBinding)
  }

  async put(binding: StoredBinding): Promise<void> {
    await this.#database.write(this.#put(toRow(binding)))
  }

  async remove(aor: AddressOfRecord, contactText: string): Promise<void> {
    await this.#database.write(
      this.#remove({ tenant: aor.tenant, extension: aor.extension, contact_text: contactText }),
    )
  }
}

function toRow(binding: StoredBinding): BindingRow {
  return {
    tenant: binding.aor.tenant,
    extension: binding.aor.extension,
    contact_text: binding.contactText,
    sip_call_id: binding.sipCallId,
    cseq: binding.cseq,
    expires_at: Math.round(binding.expiresAt),
    q: binding.q,
    user_agent: binding.userAgent,
    via_protocol: binding.via.protocol,
    via_local: binding.via.local,
    via_remote: binding.via.remote,
    instance: binding.instance,
  }
}

/** The rows were written by `toRow`. */
function toBinding(row: BindingRow): StoredBinding {
  return {
    aor: { tenant: row.tenant, extension: row.extension },
    contactText: row.contact_text,
    sipCallId: row.sip_call_id,
    cseq: row.cseq,
    expiresAt: row.expires_at,
    q: row.q,
    userAgent: row.user_agent,
    via: {
      protocol: row.via_protocol as StoredBinding['via']['protocol'],
      local: row.via_local,
      remote: row.via_remote,
    },
    instance: row.instance,
  }
}
