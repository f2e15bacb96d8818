import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { EventKind, EventSettings } from '../../config/settings.ts'
import { urlWithoutSecrets } from '../../http/outgoing/outgoing-url.ts'
import type { Outbox } from '../../store/outbox.ts'
import type { Voicemail, VoicemailMessageRow } from '../../store/voicemail.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { Mailbox, Mailboxes } from './mailboxes.ts'
import { viewMessage } from './message-view.ts'
import type { PromoName } from './wire.ts'

/** The kind under which e-mail stands in the outbox. */
export const mailKind = 'voicemail.mail'

/** What stands in the outbox of an e-mail: all else is looked up when it goes. */
export interface MailTask {
  readonly about: 'message' | 'full'
  readonly owner: string
  readonly to: string
  /** Of the message; empty where the mailbox is full. */
  readonly messageId: string
  /** When it happened, ISO 8601. */
  readonly at: string
}

export type MessageChange = Extract<
  EventKind,
  'voicemail.left' | 'voicemail.heard' | 'voicemail.deleted' | 'voicemail.restored'
>

export interface NewsParts {
  readonly outbox: Pick<Outbox, 'add' | 'announce' | 'withdraw' | 'announced'>
  readonly store: Pick<Voicemail, 'messageById' | 'counts'>
  readonly mailboxes: Pick<Mailboxes, 'get'>
  readonly clock: Clock
  readonly log: Logger
  /** Null: the tenant wants to be told of nothing. */
  eventsOf(tenant: string): EventSettings | null
  /** `smtp://HOST:PORT` of the mail server; null: there is none. */
  readonly mailServer: string | null
}

/** Told whether the change has come about. */
export type Told = (isDone: boolean) => void

/** Until a foreign node has put the voice there that it has told of. */
const voiceDelayMs = 30_000
const contentType = 'application/json'

/**
 * What becomes of messages, told outside: to tenants by events, to owners by e-mail. A change is announced in the turn in
 * which it is written, so that a crash in between cannot swallow it (docs/adr/0017), and added to the outbox once it has come
 * about.
 */
export class MessageNews {
  readonly #parts: NewsParts
  readonly #queue = new KeyedQueue()
  readonly #pending = new Set<Promise<void>>()

  constructor(parts: NewsParts) {
    this.#parts = parts
  }

  /**
   * To be called in the same turn as the write, and before it.
   * @param at - wall-clock ms; that of the write.
   * @param isVoiceThere - whether the sound can be sent along already.
   */
  announce(kind: MessageChange, mailbox: Mailbox, messageId: string, at: number, isVoiceThere = true): Told {
    const { tenant } = mailbox
    if (!this.#wants(tenant, kind) && !this.#isMailed(kind, mailbox)) return () => {}
    const { outbox, log } = this.#parts
    const subject = `${messageId}:${at}`
    const id = `${kind}:${subject}`
    outbox.announce({ id, kind, subject, tenant }).catch((thrown: unknown) => {
      // It is added all the same, unless the server is killed before.
      log.warn({ messageId, tenant, err: toError(thrown) }, 'a voicemail event could not be announced')
    })
    return (isDone) => {
      this.#run(mailbox, async () => {
        const row = isDone ? await this.#parts.store.messageById(messageId) : null
        if (row === null) await outbox.withdraw(id)
        else await this.#add(kind, row, at, id, isVoiceThere)
      })
    }
  }

  /** A caller found the mailbox full. Its owner is told once a day. */
  foundFull(mailbox: Mailbox): void {
    const { tenant, owner } = mailbox
    const { clock } = this.#parts
    if (!this.#wants(tenant, 'voicemail.full') && !this.#isMailed('voicemail.full', mailbox)) return
    const at = new Date(clock.wallTime())
    const key = `${tenant}:${owner}:${at.toISOString().slice(0, 10)}`
    this.#run(mailbox, async () => {
      await this.#mail(mailbox, { about: 'full', owner, messageId: '', at: at.toISOString() }, key, 0)
      await this.#tell('voicemail.full', mailbox, key, at, {})
    })
  }

  /**
   * A promo is to be sent to a number, by a text message or a call: the tenant's program does that, where it has asked for it.
   * @returns whether it has, and will be told.
   */
  async promo(tenant: string, number: string, promo: PromoName, text: string): Promise<boolean> {
    const { outbox, clock } = this.#parts
    const kind = 'voicemail.promo'
    const settings = this.#parts.eventsOf(tenant)
    if (!settings?.kinds.includes(kind)) return false
    const at = clock.wallTime()
    const id = `${kind}:${promo}:${at}:${shortOf(number)}`
    const about = { id, kind, at: new Date(at).toISOString(), tenant }
    const body = JSON.stringify({ ...about, promo: { name: promo, number, text } })
    await outbox.add({ id, tenant, kind, orderKey: null, url: urlWithoutSecrets(settings.url), contentType, body })
    return true
  }

  /** Adds what an earlier server had announced and could not add. Never rejects. */
  async recover(): Promise<void> {
    const { outbox, store, clock, log } = this.#parts
    try {
      for await (const { id, kind, subject } of outbox.announced(clock.wallTime() + 1)) {
        const [change, hasHappened] = readersOfRows.find(([known]) => known === kind) ?? []
        if (change === undefined || hasHappened === undefined) continue
        const [messageId = '', at = ''] = subject.split(':')
        const row = await store.messageById(messageId)
        if (row && hasHappened(row, Number(at))) await this.#add(change, row, Number(at), id, true)
        else await outbox.withdraw(id)
      }
    } catch (thrown) {
      log.error({ err: toError(thrown) }, 'voicemail events of an earlier run could not be read; the next start does')
    }
  }

  /** Resolves when all that was told is in the outbox. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  #run({ tenant, owner }: Mailbox, work: () => Promise<void>): void {
    const running = this.#queue
      .run(`${tenant} ${owner}`, work)
      .catch((thrown: unknown) => {
        this.#parts.log.error({ tenant, err: toError(thrown) }, 'a voicemail event could not be put into the outbox')
      })
      .finally(() => this.#pending.delete(running))
    this.#pending.add(running)
  }

  async #add(kind: MessageChange, row: VoicemailMessageRow, at: number, announcement: string, isVoiceThere: boolean) {
    const mailbox = await this.#parts.mailboxes.get(row.tenant, row.owner)
    const when = new Date(at)
    if (mailbox && kind === 'voicemail.left') {
      const task = { about: 'message', owner: row.owner, messageId: row.id, at: when.toISOString() } as const
      await this.#mail(mailbox, task, row.id, isVoiceThere ? 0 : voiceDelayMs)
    }
    if (mailbox) await this.#tell(kind, mailbox, `${row.id}:${at}`, when, { message: viewMessage(row) })
    await this.#parts.outbox.withdraw(announcement)
  }

  /** One for each address, so that one that is refused keeps nobody else from having it. */
  async #mail(mailbox: Mailbox, task: Omit<MailTask, 'to'>, key: string, delayMs: number): Promise<void> {
    const { mailServer: url, outbox, clock } = this.#parts
    if (url === null || mailbox.email === null) return
    const { tenant } = mailbox
    for (const to of mailbox.email.to) {
      const body = JSON.stringify({ ...task, to } satisfies MailTask)
      const id = `${mailKind}:${task.about === 'full' ? 'full:' : ''}${key}:${shortOf(to)}`
      const notBefore = clock.wallTime() + delayMs
      await outbox.add({ id, tenant, kind: mailKind, orderKey: null, url, contentType, body, notBefore })
    }
  }

  async #tell(kind: EventKind, mailbox: Mailbox, key: string, at: Date, contents: object): Promise<void> {
    const { tenant, owner, maxMessages } = mailbox
    const settings = this.#parts.eventsOf(tenant)
    if (!settings?.kinds.includes(kind)) return
    const { read, unread } = await this.#parts.store.counts(tenant, owner)
    const id = `${kind}:${key}`
    const about = { id, kind, at: at.toISOString(), tenant, ...contents }
    const body = JSON.stringify({ ...about, mailbox: { owner, read, unread, max: maxMessages } })
    const orderKey = `mailbox:${owner}`
    await this.#parts.outbox.add({
      id,
      tenant,
      kind,
      orderKey,
      url: urlWithoutSecrets(settings.url),
      contentType,
      body,
    })
  }

  #wants(tenant: string, kind: EventKind): boolean {
    return this.#parts.eventsOf(tenant)?.kinds.includes(kind) ?? false
  }

  #isMailed(kind: EventKind, { email }: Mailbox): boolean {
    const isOwners = kind === 'voicemail.left' || kind === 'voicemail.full'
    return isOwners && email !== null && this.#parts.mailServer !== null
  }
}

/** An address has no place in an id, which stands in addresses of ours. */
function shortOf(address: string): string {
  return createHash('sha256').update(address).digest('hex').slice(0, 12)
}

/** Whether what was announced is to be seen in the row. */
const readersOfRows: readonly (readonly [MessageChange, (row: VoicemailMessageRow, at: number) => boolean])[] = [
  ['voicemail.left', () => true],
  ['voicemail.heard', (row, at) => row.read_at === at],
  ['voicemail.deleted', (row, at) => row.deleted_at === at],
  ['voicemail.restored', (row) => row.deleted_at === null],
]
