import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { AfterMail, MailSettings } from '../../config/settings-voicemail.ts'
import type { DeliveryProfile, DeliverySource, SentOtherwise } from '../../http/deliveries.ts'
import { headerText, type Mail, type MailAttachment } from '../../http/mail/mail.ts'
import type { Mp3File, Mp3Files } from '../../media/mp3-files.ts'
import type { Directory } from '../../routing/directory.ts'
import type { OutboxEvent } from '../../store/outbox-types.ts'
import type { Voicemail, VoicemailMessageRow } from '../../store/voicemail.ts'
import { fullText, type MessageFacts, messageText } from './mail-text.ts'
import type { Mailbox, Mailboxes } from './mailboxes.ts'
import type { MediaStore } from './media-store.ts'
import { type MailTask, mailKind } from './news.ts'
import type { VoicemailService } from './service.ts'

export interface MailerParts {
  /** Null: there is no mail server, and what waits for one is given up. */
  readonly settings: Pick<MailSettings, 'from' | 'attachmentBytes'> | null
  send(mail: Mail, signal: AbortSignal): Promise<SentOtherwise | null>
  readonly store: Pick<Voicemail, 'messageById' | 'counts'>
  readonly media: MediaStore
  readonly mailboxes: Pick<Mailboxes, 'get'>
  readonly service: Pick<VoicemailService, 'handle'>
  readonly directory: Directory
  readonly mp3: Pick<Mp3Files, 'open'>
  readonly log: Logger
}

/** Sends what the outbox holds for owners of mailboxes: writes the text and takes the sound along when it goes. */
export class Mailer implements DeliverySource {
  readonly #parts: MailerParts

  constructor(parts: MailerParts) {
    this.#parts = parts
  }

  profileOf(event: OutboxEvent): DeliveryProfile | null {
    const { settings } = this.#parts
    if (event.kind !== mailKind || settings === null) return null
    return { isTrusted: true, send: (one, signal) => this.#send(one, settings, signal) }
  }

  async #send(
    event: OutboxEvent,
    settings: NonNullable<MailerParts['settings']>,
    signal: AbortSignal,
  ): Promise<SentOtherwise | null> {
    const task = JSON.parse(event.body) as MailTask
    const mailbox = await this.#parts.mailboxes.get(event.tenant, task.owner)
    if (mailbox === null) return gone(`There is no mailbox ${task.owner} any more.`)
    const about = { from: settings.from, to: task.to, ...headersOf(event.id, settings.from.address) }
    const date = Date.parse(task.at)
    const language = mailbox.email?.language ?? (mailbox.language === 'ina' ? 'id' : 'en')
    const timeZone = this.#parts.directory.tenant(event.tenant)?.timeZone ?? 'UTC'
    const { read, unread } = await this.#parts.store.counts(event.tenant, task.owner)
    const facts = { owner: task.owner, timeZone, held: read + unread, max: mailbox.maxMessages }
    if (task.about === 'full') {
      return await this.#parts.send({ ...about, date, language, ...fullText(language, { ...facts, at: date }) }, signal)
    }

    const row = await this.#parts.store.messageById(task.messageId)
    if (row === null) return gone('The message is gone.')
    const after = mailbox.email?.after ?? 'keep'
    const { sound, attachment } = await this.#sound(row, mailbox, settings.attachmentBytes)
    const text = messageText(language, {
      ...facts,
      caller: headerText(row.caller),
      forwardedBy: row.forwarded_by,
      at: row.received_at,
      durationSeconds: row.duration_seconds,
      sound,
      // A message whose sound has not gone along is kept for its owner to hear.
      after: sound === 'attached' ? after : 'keep',
    })
    const mail = { ...about, date: row.received_at, language, ...text, ...(attachment ? { attachment } : {}) }
    const sent = await this.#parts.send(mail, signal)
    if (sent?.verdict.kind === 'delivered' && sound === 'attached') await this.#finish(row, after)
    return sent
  }

  async #sound(
    { tenant, voice, caller, received_at }: VoicemailMessageRow,
    { email }: Mailbox,
    mostBytes: number,
  ): Promise<{ readonly sound: MessageFacts['sound']; readonly attachment?: MailAttachment }> {
    const { media } = this.#parts
    if (email?.attach === false) return { sound: 'not-wanted' }
    const size = await media.size(tenant, voice)
    if (size === null || size === 0) return { sound: 'missing' }
    const path = media.path(tenant, voice)
    const name = attachmentName(caller, received_at)
    const format = await media.formatOf(tenant, voice)
    const mp3 = email?.format === 'mp3' && format.ending === '.wav' ? await this.#mp3Of(path) : null
    if (mp3 && mp3.bytes <= mostBytes) {
      const open = (): Readable => mp3.read(0, mp3.bytes - 1)
      return { sound: 'attached', attachment: { name: `${name}.mp3`, mediaType: 'audio/mpeg', open } }
    }
    await mp3?.close()
    if (size > mostBytes) return { sound: 'too-large' }
    const { mediaType, ending } = format
    const open = (): Readable => createReadStream(path)
    return { sound: 'attached', attachment: { name: `${name}${ending}`, mediaType, open } }
  }

  /** Null where it cannot be made: then the sound goes as it is. */
  async #mp3Of(path: string): Promise<Mp3File | null> {
    try {
      return await this.#parts.mp3.open(path)
    } catch (thrown) {
      this.#parts.log.warn({ err: toError(thrown) }, 'a voicemail message could not be made an mp3')
      return null
    }
  }

  /** As if its owner had done it, so that counts and lamps follow. */
  async #finish({ tenant, owner, voice, deleted_at, is_read }: VoicemailMessageRow, after: AfterMail): Promise<void> {
    if (after === 'keep' || deleted_at !== null || (after === 'read' && is_read === 1)) return
    const command = after === 'read' ? 'READMAIL' : 'DELMAIL'
    await this.#parts.service.handle({ command, number: owner, voice }, { name: 'mail', tenant })
  }
}

/** What can never be sent. */
function gone(problem: string): SentOtherwise {
  return { verdict: { kind: 'refused-for-good', problem, askedMs: null }, durationMs: 0, status: null, answer: null }
}

/** The same at each attempt, RFC 5322 §3.6.4. */
function headersOf(eventId: string, from: string): Pick<Mail, 'messageId'> {
  return { messageId: `${eventId.replaceAll(/[^A-Za-z0-9._-]/g, '-')}@${from.slice(from.lastIndexOf('@') + 1)}` }
}

/** `voicemail-20260131T200000Z-0812345`: nothing that a file system or a mail program minds. */
function attachmentName(caller: string, at: number): string {
  const time = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const number = caller.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 32)
  return `voicemail-${time}${number === '' ? '' : `-${number}`}`
}
