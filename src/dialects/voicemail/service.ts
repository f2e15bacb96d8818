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
import type { MessageNews, Told } from './news.ts'
import { Promos, type SendPromo } from './promos.ts'
import { leavingReply, type MailboxCounts, retrieveReply } from './replies.ts'
import type { OkReply, Reply, WireObject } from './wire.ts'

/** Who asks: proven, not as the request calls itself. */
export interface NodeIdentity {
  readonly name: string
  readonly tenant: string
  /** Voices that it names must be in the store. */
  readonly isStrict?: boolean
}

/** What the operator may have done besides. Off where absent: nobody is sent or dialled anything without consent. */
export interface VoicemailHooks {
  readonly sendPromo?: SendPromo
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
  readonly news: Pick<MessageNews, 'announce' | 'foundFull'>
  readonly hooks?: VoicemailHooks
}

/** How long a deleted message can be had back. */
const undeleteMs = 24 * 60 * 60_000
/** How long after its last request somebody may still be hearing messages. */
const listeningMs = 30 * 60_000

const ok: OkReply = { status: 'ok' }

/** The voicemail service: answers every request with an object, never by rejecting. */
export class VoicemailService {
  readonly #parts: ServiceParts
  readonly mailboxes: Mailboxes
  readonly #promos: Promos
  /** When messages of a mailbox were last asked for, by the steady clock. */
  readonly #askedAt = new Map<string, number>()

  constructor(parts: ServiceParts) {
    this.#parts = parts
    this.#promos = new Promos(parts)
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

  /** Whether its owner may be hearing messages just now. */
  isBusy({ tenant, owner }: Pick<Mailbox, 'tenant' | 'owner'>): boolean {
    const at = this.#askedAt.get(`${tenant} ${owner}`)
    return at !== undefined && this.#parts.clock.now() - at < listeningMs
  }

  /** A message is gone for good when it was deleted longer ago than it can be had back. @returns how many went. */
  async purge(): Promise<number> {
    const { store, media, clock } = this.#parts
    for (const [box, at] of this.#askedAt) if (clock.now() - at >= listeningMs) this.#askedAt.delete(box)
    const gone = await store.deletedBefore(clock.wallTime() - undeleteMs)
    for (const { id, tenant, voice } of gone) {
      // The voice first: of a crash in between, the row tells the next round.
      if (!(await store.isVoiceUsed(tenant, voice, id))) await media.remove(tenant, voice)
      await store.removeMessage(id)
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
        return this.#promos.get(node.tenant, command.promo)
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
        return this.#promos.take(node.tenant, command)
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
      this.#promos.of(mailbox, 'x'),
      this.#promos.of(mailbox, 'y'),
      this.#parts.meta.get(tariffKey(node.tenant)),
    ])
    if (mailbox.isRecordOn && counts.total >= mailbox.maxMessages) this.#parts.news.foundFull(mailbox)
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
    const isVoiceThere = await media.has(mailbox.tenant, voice)
    if (node.isStrict && !isVoiceThere) throw noFile(voice)
    const isNew = await mailboxes.alone(mailbox, async () => {
      if (await store.message(key)) return false
      if (!mailbox.isRecordOn) throw new Refusal('RECORD_OFF', 'The mailbox takes no messages.')
      const { total } = await this.#counts(mailbox)
      if (total >= mailbox.maxMessages) throw new Refusal('MAILBOX_FULL', 'The mailbox is full.')
      return await this.#add(mailbox, isVoiceThere, {
        ...key,
        id: `msg_${random.token(20)}`,
        caller: caller.written,
        received_at: clock.wallTime(),
        duration_seconds: seconds,
        is_read: 0,
        deleted_at: null,
        forwarded_by: null,
        read_at: null,
      })
    })
    if (isNew) this.#changed(mailbox)
    if (isVoiceThere) return ok
    log.warn(
      { tenant: mailbox.tenant, node: node.name, voice },
      'a message was told of whose voice is not in the store',
    )
    return { ...ok, message: 'audio pending' }
  }

  async #add(mailbox: Mailbox, isVoiceThere: boolean, row: VoicemailMessageRow): Promise<boolean> {
    const told = this.#parts.news.announce('voicemail.left', mailbox, row.id, row.received_at, isVoiceThere)
    return await toldOf(told, this.#parts.store.addMessage(row))
  }

  async #recGreeting({ owner, voice, isActive }: CommandOf<'RECGREETING'>, node: NodeIdentity): Promise<Reply> {
    const { mailboxes, store, media } = this.#parts
    const mailbox = await this.#mailbox(node, owner)
    const before = mailbox.greeting
    const isVoiceThere = voice !== null && (await media.has(mailbox.tenant, voice))
    if (voice !== null && node.isStrict && !isVoiceThere) throw noFile(voice)
    if (voice === null && isActive) {
      if (before === null) throw new Refusal('NO_FILE', 'No greeting is stored that could be used again.', 'filename')
      await mailboxes.change(mailbox, { greeting_active: 1 })
      return ok
    }
    await mailboxes.change(mailbox, { greeting_voice: voice, greeting_active: isActive ? 1 : 0 })
    if (before !== null && before.voice !== voice && !(await store.isVoiceUsed(mailbox.tenant, before.voice))) {
      await media.remove(mailbox.tenant, before.voice)
    }
    if (voice === null || isVoiceThere) return ok
    return { ...ok, message: 'audio pending' }
  }

  async #initRetrieve({ owner }: CommandOf<'INITRETRIEVE'>, node: NodeIdentity): Promise<Reply> {
    const mailbox = await this.#mailbox(node, owner)
    this.#listening(mailbox)
    const [messages, promoX, promoY] = await Promise.all([
      this.#parts.store.messages(mailbox.tenant, mailbox.owner),
      this.#promos.of(mailbox, 'x'),
      this.#promos.of(mailbox, 'y'),
    ])
    const timeZone = this.#parts.directory.tenant(mailbox.tenant)?.timeZone ?? 'UTC'
    return retrieveReply(mailbox, messages, { x: promoX, y: promoY }, timeZone)
  }

  async #sendPromo({ promo, number }: CommandOf<'SENDPROMO'>, node: NodeIdentity): Promise<Reply> {
    const send = await this.#promos.sender(node.tenant, promo)
    // Only to subscribers of the operator's own.
    await this.#mailbox(node, number)
    await send(number.written)
    return ok
  }

  async #markRead({ name, owner, voice }: CommandOf<'READMAIL'>, node: NodeIdentity): Promise<Reply> {
    const { mailbox, row } = await this.#message(node, owner, voice)
    if (row.deleted_at !== null) throw notFound(voice)
    const isRead = name === 'READMAIL'
    if (isRead === (row.is_read === 1)) return ok
    const { store, news, clock } = this.#parts
    const now = clock.wallTime()
    const told = isRead ? news.announce('voicemail.heard', mailbox, row.id, now) : null
    await toldOf(told, store.markRead({ ...mailbox, voice }, isRead ? now : null))
    this.#changed(mailbox)
    return ok
  }

  async #markDeleted({ name, owner, voice }: CommandOf<'DELMAIL'>, node: NodeIdentity): Promise<Reply> {
    const { mailbox, row } = await this.#message(node, owner, voice)
    const { store, news, clock } = this.#parts
    const now = clock.wallTime()
    const isDeleted = row.deleted_at !== null
    if (name === 'DELMAIL' && !isDeleted) {
      const told = news.announce('voicemail.deleted', mailbox, row.id, now)
      await toldOf(told, store.markDeleted({ ...mailbox, voice }, now))
      this.#changed(mailbox)
    }
    if (name === 'UNDELMAIL' && row.deleted_at !== null) {
      if (row.deleted_at < now - undeleteMs) throw notFound(voice)
      const told = news.announce('voicemail.restored', mailbox, row.id, now)
      await toldOf(told, store.markDeleted({ ...mailbox, voice }, null))
      this.#changed(mailbox)
    }
    const { total, read, unread } = await this.#counts(mailbox)
    return { status: 'ok', mailbox: { total, read, unread } }
  }

  async #forward({ owner, voice, to }: CommandOf<'FWDMAIL'>, node: NodeIdentity): Promise<Reply> {
    const { store, media, mailboxes, random, clock } = this.#parts
    const { mailbox, row } = await this.#message(node, owner, voice)
    if (row.deleted_at !== null) throw notFound(voice)
    const target = await this.#mailbox(node, to)
    if (target.owner === mailbox.owner) throw new Refusal('BAD_FIELD', 'to is the mailbox it is in already.', 'to')
    const isVoiceThere = await media.has(mailbox.tenant, voice)
    await mailboxes.alone(target, async () => {
      const there = await store.message({ ...target, voice })
      if (there?.deleted_at === null) return
      const { total } = await this.#counts(target)
      if (total >= target.maxMessages) throw new Refusal('MAILBOX_FULL', 'The other mailbox is full.')
      // It was there before and was deleted: what comes now is new, and must not be taken for a repetition.
      if (there !== null) await store.removeMessage(there.id)
      await this.#add(target, isVoiceThere, {
        ...row,
        id: `msg_${random.token(20)}`,
        owner: target.owner,
        received_at: clock.wallTime(),
        is_read: 0,
        read_at: null,
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
    this.#listening(mailbox)
    return { mailbox, row }
  }

  async #counts({ tenant, owner }: Mailbox): Promise<MailboxCounts> {
    const { read, unread } = await this.#parts.store.counts(tenant, owner)
    return { total: read + unread, read, unread }
  }

  #listening({ tenant, owner }: Mailbox): void {
    this.#askedAt.set(`${tenant} ${owner}`, this.#parts.clock.now())
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

/** Says whether the write came about, to whom it was announced. */
async function toldOf<Result>(told: Told | null, write: Promise<Result>): Promise<Result> {
  let isDone = false
  try {
    const result = await write
    isDone = result !== false
    return result
  } finally {
    told?.(isDone)
  }
}

function noFile(voice: string): Refusal {
  return new Refusal('NO_FILE', `There is no voice ${voice} in the store; put it there first.`, 'filename')
}

function notFound(voice: string): Refusal {
  return new Refusal('NOT_FOUND', `The mailbox has no message ${voice}.`, 'voice')
}
