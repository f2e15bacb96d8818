import type { Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Directory } from '../../routing/directory.ts'
import type { Meta } from '../../store/meta.ts'
import type { Voicemail, VoicemailMessageRow } from '../../store/voicemail.ts'
import { Refusal, type SentNumber } from './fields.ts'
import type { Mailbox, Mailboxes } from './mailboxes.ts'
import { type Command, toCommand } from './map.ts'
import type { MediaStore } from './media-store.ts'
import { leavingReply, type MailboxCounts, retrieveReply } from './replies.ts'
import type { OkReply, PromoName, Reply, WireObject, WirePromo } from './wire.ts'

/** Who asks: proven, not as the request calls itself. */
export interface NodeIdentity {
  readonly name: string
  readonly tenant: string
}

/** What the operator may have done besides. Off where absent: nobody is sent or dialled anything without consent. */
export interface VoicemailHooks {
  /** Sends the text of a promo to a number. */
  readonly sendPromo?: (tenant: string, number: string, promo: PromoName, text: string) => Promise<void>
  /** A message came, was heard or went: lamps may be switched. */
  readonly changed?: (tenant: string, owner: string) => void
}

export interface ServiceParts {
  readonly store: Voicemail
  readonly meta: Meta
  readonly media: MediaStore
  readonly mailboxes: Mailboxes
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly hooks?: VoicemailHooks
}

/** How long a deleted message can be had back. */
const undeleteMs = 24 * 60 * 60_000

const ok: OkReply = { status: 'ok' }

/** The voicemail service: answers every request with an object, never by rejecting. */
export class VoicemailService {
  readonly #parts: ServiceParts
  readonly mailboxes: Mailboxes

  constructor(parts: ServiceParts) {
    this.#parts = parts
    this.mailboxes = parts.mailboxes
  }

  /** Carries a request out and says what became of it. */
  async handle(request: WireObject, node: NodeIdentity): Promise<Reply> {
    const { log } = this.#parts
    try {
      const { command, slips } = toCommand(request)
      if (slips.length > 0) log.warn({ node: node.name, slips }, 'a voicemail request was read kindly')
      return await this.#carryOut(command, node)
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.reply
      log.error({ node: node.name, err: toError(thrown) }, 'a voicemail request failed')
      return { status: 'error', reason: 'INTERNAL', message: 'The voicemail service failed; its log says why.' }
    }
  }

  /** A message is gone for good when it was deleted longer ago than it can be had back. @returns how many went. */
  async purge(): Promise<number> {
    const { store, media, clock } = this.#parts
    const gone = await store.deletedBefore(clock.wallTime() - undeleteMs)
    for (const { id, tenant, voice } of gone) {
      await store.removeMessage(id)
      if (!(await store.isVoiceUsed(tenant, voice))) await media.remove(tenant, voice)
    }
    return gone.length
  }

  #carryOut(command: Command, node: NodeIdentity): Promise<Reply> {
    switch (command.name) {
      case 'INITLEAVING':
        return this.#initLeaving(command, node)
      case 'RECMAIL':
        return this.#recMail(command, node)
      case 'RECGREETING':
        return this.#recGreeting(command, node)
      case 'CFGLANG':
        return this.#change(node, command.owner, { language: command.language === 'ina' ? 'id' : 'en' })
      case 'INITRETRIEVE':
        return this.#initRetrieve(command, node)
      case 'GETPROMO':
        return this.#getPromo(command, node)
      case 'SENDPROMO':
        return this.#sendPromo(command, node)
      case 'READMAIL':
      case 'UNREADMAIL':
        return this.#markRead(command, node)
      case 'DELMAIL':
      case 'UNDELMAIL':
        return this.#markDeleted(command, node)
      case 'FWDMAIL':
        return this.#forward(command, node)
      case 'AUTHMAIL':
        return this.#authenticate(command, node)
      case 'CFGPIN':
        return this.#setPin(command, node)
      case 'PROMOTAKER':
        return this.#promoTaker(command, node)
      case 'CFGRECORD': {
        const { isOn, maxIdle, maxRecord } = command
        return this.#change(node, command.owner, {
          ...(isOn === undefined ? {} : { record_status: isOn ? 'on' : 'off' }),
          ...(maxIdle === undefined ? {} : { max_idle: maxIdle }),
          ...(maxRecord === undefined ? {} : { max_record: maxRecord }),
        })
      }
    }
  }

  async #initLeaving({ owner }: CommandOf<'INITLEAVING'>, node: NodeIdentity): Promise<Reply> {
    const mailbox = await this.#mailbox(node, owner)
    const [counts, promoX, promoY, tariff] = await Promise.all([
      this.#counts(mailbox),
      this.#promo(mailbox, 'x'),
      this.#promo(mailbox, 'y'),
      this.#parts.meta.get(tariffKey(node.tenant)),
    ])
    return leavingReply(mailbox, counts, { x: promoX, y: promoY }, tariff === 'on')
  }

  async #recMail({ owner, caller, deposit }: CommandOf<'RECMAIL'>, node: NodeIdentity): Promise<Reply> {
    const { store, media, mailboxes, clock, random, log } = this.#parts
    const mailbox = await this.#mailbox(node, owner)
    if (deposit === null) {
      await mailboxes.change(mailbox, ({ missed }) => ({ missed: missed + 1 }))
      return ok
    }
    const { voice, seconds } = deposit
    const key = { tenant: mailbox.tenant, owner: mailbox.owner, voice }
    const isNew = await mailboxes.alone(mailbox, async () => {
      if (await store.message(key)) return false
      if (!mailbox.isRecordOn) throw new Refusal('RECORD_OFF', 'The mailbox takes no messages.')
      const { total } = await this.#counts(mailbox)
      if (total >= mailbox.maxMessages) throw new Refusal('MAILBOX_FULL', 'The mailbox is full.')
      return await store.addMessage({
        ...key,
        id: `msg_${random.token(20)}`,
        caller: caller.written,
        received_at: clock.wallTime(),
        duration_seconds: seconds,
        is_read: 0,
        deleted_at: null,
        forwarded_by: null,
      })
    })
    if (isNew) this.#changed(mailbox)
    if (await media.has(mailbox.tenant, voice)) return ok
    log.warn(
      { tenant: mailbox.tenant, node: node.name, voice },
      'a message was told of whose voice is not in the store',
    )
    return { ...ok, message: 'audio pending' }
  }

  async #recGreeting({ owner, voice, isActive }: CommandOf<'RECGREETING'>, node: NodeIdentity): Promise<Reply> {
    const { mailboxes, store, media } = this.#parts
    const mailbox = await this.#mailbox(node, owner)
    const before = mailbox.greeting
    if (voice === null && isActive) {
      if (before === null) throw new Refusal('NO_FILE', 'No greeting is stored that could be used again.', 'filename')
      await mailboxes.change(mailbox, { greeting_active: 1 })
      return ok
    }
    await mailboxes.change(mailbox, { greeting_voice: voice, greeting_active: isActive ? 1 : 0 })
    if (before !== null && before.voice !== voice && !(await store.isVoiceUsed(mailbox.tenant, before.voice))) {
      await media.remove(mailbox.tenant, before.voice)
    }
    if (voice === null || (await media.has(mailbox.tenant, voice))) return ok
    return { ...ok, message: 'audio pending' }
  }

  async #initRetrieve({ owner }: CommandOf<'INITRETRIEVE'>, node: NodeIdentity): Promise<Reply> {
    const mailbox = await this.#mailbox(node, owner)
    const [messages, promoX, promoY] = await Promise.all([
      this.#parts.store.messages(mailbox.tenant, mailbox.owner),
      this.#promo(mailbox, 'x'),
      this.#promo(mailbox, 'y'),
    ])
    const timeZone = this.#parts.directory.tenant(mailbox.tenant)?.timeZone ?? 'UTC'
    return retrieveReply(mailbox, messages, { x: promoX, y: promoY }, timeZone)
  }

  async #getPromo({ promo }: CommandOf<'GETPROMO'>, node: NodeIdentity): Promise<Reply> {
    const row = await this.#activePromo(node.tenant, promo)
    return { status: 'ok', voice: row?.voice ?? '' }
  }

  async #sendPromo({ promo, number }: CommandOf<'SENDPROMO'>, node: NodeIdentity): Promise<Reply> {
    const send = this.#parts.hooks?.sendPromo
    const row = await this.#activePromo(node.tenant, promo)
    if (send === undefined || row === null || row.message === '') {
      throw new Refusal('PROMO_OFF', 'Nothing was sent: promos by text message are off.')
    }
    // Only to subscribers of the operator's own.
    await this.#mailbox(node, number)
    await send(node.tenant, number.written, promo, row.message)
    return ok
  }

  async #markRead({ name, owner, voice }: CommandOf<'READMAIL'>, node: NodeIdentity): Promise<Reply> {
    const { mailbox, row } = await this.#message(node, owner, voice)
    if (row.deleted_at !== null) throw notFound(voice)
    await this.#parts.store.markRead({ ...mailbox, voice }, name === 'READMAIL')
    this.#changed(mailbox)
    return ok
  }

  async #markDeleted({ name, owner, voice }: CommandOf<'DELMAIL'>, node: NodeIdentity): Promise<Reply> {
    const { mailbox, row } = await this.#message(node, owner, voice)
    const now = this.#parts.clock.wallTime()
    if (name === 'DELMAIL' && row.deleted_at === null) {
      await this.#parts.store.markDeleted({ ...mailbox, voice }, now)
    }
    if (name === 'UNDELMAIL') {
      if (row.deleted_at !== null && row.deleted_at < now - undeleteMs) throw notFound(voice)
      await this.#parts.store.markDeleted({ ...mailbox, voice }, null)
    }
    this.#changed(mailbox)
    const { total, read, unread } = await this.#counts(mailbox)
    return { status: 'ok', mailbox: { total, read, unread } }
  }

  async #forward({ owner, voice, to }: CommandOf<'FWDMAIL'>, node: NodeIdentity): Promise<Reply> {
    const { store, mailboxes, random, clock } = this.#parts
    const { mailbox, row } = await this.#message(node, owner, voice)
    if (row.deleted_at !== null) throw notFound(voice)
    const target = await this.#mailbox(node, to)
    await mailboxes.alone(target, async () => {
      const { total } = await this.#counts(target)
      if (total >= target.maxMessages) throw new Refusal('MAILBOX_FULL', 'The other mailbox is full.')
      await store.addMessage({
        ...row,
        id: `msg_${random.token(20)}`,
        owner: target.owner,
        received_at: clock.wallTime(),
        is_read: 0,
        forwarded_by: mailbox.owner,
      })
    })
    this.#changed(target)
    return ok
  }

  async #authenticate({ owner, pin }: CommandOf<'AUTHMAIL'>, node: NodeIdentity): Promise<Reply> {
    const mailbox = await this.#mailbox(node, owner)
    const verdict = await this.#parts.mailboxes.checkPin(mailbox, pin)
    if (verdict === 'right') return { status: 'ok', access: true }
    const message = verdict === 'locked' ? 'locked' : 'wrong pin'
    return { status: 'ok', access: false, message }
  }

  async #setPin({ owner, oldPin, newPin }: CommandOf<'CFGPIN'>, node: NodeIdentity): Promise<Reply> {
    const mailbox = await this.#mailbox(node, owner)
    if (mailbox.hasPin && (await this.#parts.mailboxes.checkPin(mailbox, oldPin)) !== 'right') {
      throw new Refusal('BAD_FIELD', 'pin_old is wrong, or the mailbox is locked.', 'pin_old')
    }
    await this.#parts.mailboxes.setPin(mailbox, newPin)
    return ok
  }

  async #promoTaker({ number, promo, isTaker }: CommandOf<'PROMOTAKER'>, node: NodeIdentity): Promise<Reply> {
    const decided = { is_taker: isTaker ? 1 : 0, decided_at: this.#parts.clock.wallTime() }
    await this.#parts.store.putTaker({ tenant: node.tenant, promo, number: number.written, ...decided })
    return ok
  }

  async #change(node: NodeIdentity, owner: SentNumber, change: Parameters<Mailboxes['change']>[1]): Promise<Reply> {
    await this.#parts.mailboxes.change(await this.#mailbox(node, owner), change)
    return ok
  }

  /** Rejects with Refusal NO_MAILBOX. A node sees the mailboxes of its tenant and no others. */
  async #mailbox(node: NodeIdentity, owner: SentNumber): Promise<Mailbox> {
    const found = await this.#parts.mailboxes.find(node.tenant, owner.readings)
    if (found) return found
    throw new Refusal('NO_MAILBOX', `${owner.written} has no mailbox.`)
  }

  async #message(
    node: NodeIdentity,
    owner: SentNumber,
    voice: string,
  ): Promise<{ readonly mailbox: Mailbox; readonly row: VoicemailMessageRow }> {
    const mailbox = await this.#mailbox(node, owner)
    const row = await this.#parts.store.message({ tenant: mailbox.tenant, owner: mailbox.owner, voice })
    if (row === null) throw notFound(voice)
    return { mailbox, row }
  }

  async #counts({ tenant, owner }: Mailbox): Promise<MailboxCounts> {
    const { read, unread } = await this.#parts.store.counts(tenant, owner)
    return { total: read + unread, read, unread }
  }

  async #promo(mailbox: Mailbox, promo: PromoName): Promise<WirePromo> {
    const row = await this.#activePromo(mailbox.tenant, promo)
    return {
      general: row === null ? 'off' : 'on',
      personal: mailbox.promos[promo] ? 'on' : 'off',
      voice: row?.voice ?? '',
    }
  }

  async #activePromo(tenant: string, promo: PromoName) {
    const now = this.#parts.clock.wallTime()
    const row = (await this.#parts.store.promos(tenant)).find((one) => one.promo === promo)
    if (row === undefined || row.is_on !== 1) return null
    const hasBegun = row.active_from === null || row.active_from <= now
    return hasBegun && (row.active_until === null || now < row.active_until) ? row : null
  }

  #changed({ tenant, owner }: Mailbox): void {
    this.#parts.hooks?.changed?.(tenant, owner)
  }
}

type Named<One, Name> = One extends { readonly name: infer Names } ? (Name extends Names ? One : never) : never
type CommandOf<Name extends Command['name']> = Named<Command, Name>

/** Whether callers hear what the call costs them: one switch for a tenant. */
export function tariffKey(tenant: string): string {
  return `voicemail.tariff.${tenant}`
}

function notFound(voice: string): Refusal {
  return new Refusal('NOT_FOUND', `The mailbox has no message ${voice}.`, 'voice')
}
