import type { Database } from './database.ts'
import type { Prepared } from './queries.ts'
import type {
  MailboxRow,
  VoicemailDepositRow,
  VoicemailMessageRow,
  VoicemailPromoRow,
  VoicemailTakerRow,
} from './schema-voicemail.ts'

export type { MailboxRow, VoicemailDepositRow, VoicemailMessageRow, VoicemailPromoRow, VoicemailTakerRow }

const mailboxKey = ['tenant', 'owner'] as const
const mailboxRest = [
  'is_own',
  'created_at',
  'language',
  'max_messages',
  'record_status',
  'max_idle',
  'max_record',
  'pin_hash',
  'pin_failures',
  'locked_until',
  'greeting_voice',
  'greeting_active',
  'promo_x',
  'promo_y',
  'missed',
  'email',
  'new_days',
  'saved_days',
] as const satisfies readonly (keyof MailboxRow)[]
const messageColumns = [
  'id',
  'tenant',
  'owner',
  'voice',
  'caller',
  'received_at',
  'duration_seconds',
  'is_read',
  'deleted_at',
  'forwarded_by',
  'read_at',
] as const satisfies readonly (keyof VoicemailMessageRow)[]
const depositRest = [
  'tenant',
  'service',
  'caller',
  'owner',
  'access',
  'voice',
  'started_at',
  'duration_seconds',
] as const satisfies readonly (keyof VoicemailDepositRow)[]
const promoRest = [
  'is_on',
  'voice',
  'message',
  'active_from',
  'active_until',
] as const satisfies readonly (keyof VoicemailPromoRow)[]

/** A message by its mailbox and its name in the media store. */
export interface MessageKey {
  readonly tenant: string
  readonly owner: string
  readonly voice: string
}

/**
 * Mailboxes, messages and promos as rows. Whoever changes a mailbox reads its row and puts it back whole, one change of a
 * mailbox at a time. All reject with StoreError.
 */
export class Voicemail {
  readonly #database: Database
  readonly #putMailbox: Prepared<MailboxRow>
  readonly #removeMailbox: Prepared<Pick<MailboxRow, 'tenant' | 'owner'>>
  readonly #addMessage: Prepared<VoicemailMessageRow>
  readonly #markRead: Prepared<MessageKey & { is_read: number; read_at: number | null }>
  readonly #markDeleted: Prepared<MessageKey & { deleted_at: number | null }>
  readonly #removeMessage: Prepared<{ id: string }>
  readonly #putDeposit: Prepared<VoicemailDepositRow>
  readonly #removeDeposit: Prepared<{ call_id: string }>
  readonly #putPromo: Prepared<VoicemailPromoRow>
  readonly #putTaker: Prepared<VoicemailTakerRow>

  constructor(database: Database) {
    this.#database = database
    const { queries } = database
    this.#putMailbox = queries.prepare((db, slots) =>
      db
        .insertInto('mailboxes')
        .values({ ...slots.row(mailboxKey), ...slots.row(mailboxRest) })
        .onConflict((conflict) =>
          conflict
            .columns([...mailboxKey])
            .doUpdateSet((eb) =>
              Object.fromEntries(mailboxRest.map((name) => [name, eb.ref(`excluded.${name}`)] as const)),
            ),
        ),
    )
    this.#removeMailbox = queries.prepare((db, slots) =>
      db.deleteFrom('mailboxes').where('tenant', '=', slots.one('tenant')).where('owner', '=', slots.one('owner')),
    )
    this.#addMessage = queries.prepare((db, slots) =>
      db
        .insertInto('voicemail_messages')
        .values(slots.row(messageColumns))
        .onConflict((conflict) => conflict.columns(['tenant', 'owner', 'voice']).doNothing()),
    )
    this.#markRead = queries.prepare((db, slots) =>
      db
        .updateTable('voicemail_messages')
        .set({ is_read: slots.one('is_read'), read_at: slots.one('read_at') })
        .where('tenant', '=', slots.one('tenant'))
        .where('owner', '=', slots.one('owner'))
        .where('voice', '=', slots.one('voice')),
    )
    this.#markDeleted = queries.prepare((db, slots) =>
      db
        .updateTable('voicemail_messages')
        .set({ deleted_at: slots.one('deleted_at') })
        .where('tenant', '=', slots.one('tenant'))
        .where('owner', '=', slots.one('owner'))
        .where('voice', '=', slots.one('voice')),
    )
    this.#removeMessage = queries.prepare((db, slots) =>
      db.deleteFrom('voicemail_messages').where('id', '=', slots.one('id')),
    )
    this.#putDeposit = queries.prepare((db, slots) =>
      db
        .insertInto('voicemail_deposits')
        .values({ ...slots.row(['call_id']), ...slots.row(depositRest) })
        .onConflict((conflict) =>
          conflict.column('call_id').doUpdateSet((eb) => ({ duration_seconds: eb.ref('excluded.duration_seconds') })),
        ),
    )
    this.#removeDeposit = queries.prepare((db, slots) =>
      db.deleteFrom('voicemail_deposits').where('call_id', '=', slots.one('call_id')),
    )
    this.#putPromo = queries.prepare((db, slots) =>
      db
        .insertInto('voicemail_promos')
        .values({ ...slots.row(['tenant', 'promo']), ...slots.row(promoRest) })
        .onConflict((conflict) =>
          conflict
            .columns(['tenant', 'promo'])
            .doUpdateSet((eb) =>
              Object.fromEntries(promoRest.map((name) => [name, eb.ref(`excluded.${name}`)] as const)),
            ),
        ),
    )
    this.#putTaker = queries.prepare((db, slots) =>
      db
        .insertInto('voicemail_takers')
        .values(slots.row(['tenant', 'promo', 'number', 'is_taker', 'decided_at']))
        .onConflict((conflict) =>
          conflict.columns(['tenant', 'promo', 'number']).doUpdateSet((eb) => ({
            is_taker: eb.ref('excluded.is_taker'),
            decided_at: eb.ref('excluded.decided_at'),
          })),
        ),
    )
  }

  async mailbox(tenant: string, owner: string): Promise<MailboxRow | null> {
    const query = this.#database.queries.db
      .selectFrom('mailboxes')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('owner', '=', owner)
    return (await this.#database.read(query))[0] ?? null
  }

  /** At most 10,000, by tenant and owner. */
  mailboxes(tenant?: string): Promise<readonly MailboxRow[]> {
    const query = this.#database.queries.db.selectFrom('mailboxes').selectAll()
    const narrowed = tenant === undefined ? query : query.where('tenant', '=', tenant)
    return this.#database.read(narrowed.orderBy('tenant').orderBy('owner').limit(10_000))
  }

  async putMailbox(row: MailboxRow): Promise<void> {
    await this.#database.write(this.#putMailbox(row))
  }

  async removeMailbox(tenant: string, owner: string): Promise<void> {
    await this.#database.write(this.#removeMailbox({ tenant, owner }))
  }

  /** False when the mailbox has a message of that voice already, deleted ones included. */
  async addMessage(row: VoicemailMessageRow): Promise<boolean> {
    const { changes } = await this.#database.write(this.#addMessage(row))
    return changes !== 0
  }

  /** Oldest first. */
  messages(tenant: string, owner: string, options: { readonly withDeleted?: boolean } = {}) {
    const query = this.#database.queries.db
      .selectFrom('voicemail_messages')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('owner', '=', owner)
    const narrowed = options.withDeleted === true ? query : query.where('deleted_at', 'is', null)
    return this.#database.read(narrowed.orderBy('received_at').orderBy('id'))
  }

  async message({ tenant, owner, voice }: MessageKey): Promise<VoicemailMessageRow | null> {
    const query = this.#database.queries.db
      .selectFrom('voicemail_messages')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('owner', '=', owner)
      .where('voice', '=', voice)
    return (await this.#database.read(query))[0] ?? null
  }

  async messageById(id: string): Promise<VoicemailMessageRow | null> {
    const query = this.#database.queries.db.selectFrom('voicemail_messages').selectAll().where('id', '=', id)
    return (await this.#database.read(query))[0] ?? null
  }

  /** Of those that are not deleted. */
  async counts(tenant: string, owner: string): Promise<{ readonly read: number; readonly unread: number }> {
    const rows = await this.#database.read(
      this.#database.queries.db
        .selectFrom('voicemail_messages')
        .select((eb) => ['is_read', eb.fn.countAll<number>().as('count')])
        .where('tenant', '=', tenant)
        .where('owner', '=', owner)
        .where('deleted_at', 'is', null)
        .groupBy('is_read'),
    )
    const of = (flag: number): number => rows.find((row) => row.is_read === flag)?.count ?? 0
    return { read: of(1), unread: of(0) }
  }

  /** @param at - since when it has been heard, wall-clock ms; null: it is new. */
  async markRead(key: MessageKey, at: number | null): Promise<void> {
    const { tenant, owner, voice } = key
    await this.#database.write(this.#markRead({ tenant, owner, voice, is_read: at === null ? 0 : 1, read_at: at }))
  }

  /** @param at - wall-clock ms; null: it is restored. */
  async markDeleted(key: MessageKey, at: number | null): Promise<void> {
    const { tenant, owner, voice } = key
    await this.#database.write(this.#markDeleted({ tenant, owner, voice, deleted_at: at }))
  }

  /** Deleted before that time, at most 500 at once. */
  deletedBefore(time: number): Promise<readonly VoicemailMessageRow[]> {
    const query = this.#database.queries.db.selectFrom('voicemail_messages').selectAll()
    return this.#database.read(query.where('deleted_at', '<', Math.floor(time)).orderBy('deleted_at').limit(500))
  }

  /**
   * Messages that are as old as they may become: new ones that came, others that were heard before that time. Oldest first, at
   * most `limit`.
   */
  aged(
    box: Pick<MessageKey, 'tenant' | 'owner'>,
    before: { readonly isRead: boolean; readonly time: number },
    limit: number,
  ) {
    const query = this.#database.queries.db
      .selectFrom('voicemail_messages')
      .selectAll()
      .where('tenant', '=', box.tenant)
      .where('owner', '=', box.owner)
      .where('deleted_at', 'is', null)
      .where('is_read', '=', before.isRead ? 1 : 0)
      .where((eb) => eb(eb.fn.coalesce('read_at', 'received_at'), '<', Math.floor(before.time)))
    return this.#database.read(query.orderBy('received_at').orderBy('id').limit(limit))
  }

  async removeMessage(id: string): Promise<void> {
    await this.#database.write(this.#removeMessage({ id }))
  }

  /**
   * Whether a message, a greeting or a promo of the tenant still needs that voice.
   * @param except - the id of a message that does not count.
   */
  async isVoiceUsed(tenant: string, voice: string, except = ''): Promise<boolean> {
    const { db } = this.#database.queries
    const found = await Promise.all([
      this.#database.read(
        db
          .selectFrom('voicemail_messages')
          .select('tenant')
          .where('tenant', '=', tenant)
          .where('voice', '=', voice)
          .where('id', '!=', except)
          .limit(1),
      ),
      this.#database.read(
        db
          .selectFrom('mailboxes')
          .select('tenant')
          .where('tenant', '=', tenant)
          .where('greeting_voice', '=', voice)
          .limit(1),
      ),
      this.#database.read(
        db
          .selectFrom('voicemail_promos')
          .select('tenant')
          .where('tenant', '=', tenant)
          .where('voice', '=', voice)
          .limit(1),
      ),
    ])
    return found.some((rows) => rows.length > 0)
  }

  async putDeposit(row: VoicemailDepositRow): Promise<void> {
    await this.#database.write(this.#putDeposit(row))
  }

  async removeDeposit(callId: string): Promise<void> {
    await this.#database.write(this.#removeDeposit({ call_id: callId }))
  }

  /** Oldest first, at most 1,000. */
  deposits(): Promise<readonly VoicemailDepositRow[]> {
    const query = this.#database.queries.db.selectFrom('voicemail_deposits').selectAll()
    return this.#database.read(query.orderBy('started_at').orderBy('call_id').limit(1000))
  }

  promos(tenant: string): Promise<readonly VoicemailPromoRow[]> {
    const query = this.#database.queries.db.selectFrom('voicemail_promos').selectAll()
    return this.#database.read(query.where('tenant', '=', tenant).orderBy('promo'))
  }

  async putPromo(row: VoicemailPromoRow): Promise<void> {
    await this.#database.write(this.#putPromo(row))
  }

  async putTaker(row: VoicemailTakerRow): Promise<void> {
    await this.#database.write(this.#putTaker(row))
  }

  takers(tenant: string): Promise<readonly VoicemailTakerRow[]> {
    const query = this.#database.queries.db.selectFrom('voicemail_takers').selectAll()
    return this.#database.read(query.where('tenant', '=', tenant).orderBy('decided_at').limit(10_000))
  }
}
