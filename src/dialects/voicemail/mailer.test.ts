import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../../test/support/databases.ts'
import { stageVoicemail, type VoicemailStage } from '../../../test/support/voicemail-stage.ts'
import { SystemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import type { MailboxMailSettings, MailboxSettings } from '../../config/settings-voicemail.ts'
import type { SentOtherwise } from '../../http/deliveries.ts'
import type { Mail } from '../../http/mail/mail.ts'
import { Mp3Files } from '../../media/mp3-files.ts'
import { looksLikeMp3 } from '../../media/mp3-reader.ts'
import { wavHeader } from '../../media/wav-header.ts'
import { Mailer } from './mailer.ts'

const wav = Buffer.concat([wavHeader({ encoding: 'pcm16', channels: 1, rateHz: 8000 }, 1600), new Uint8Array(1600)])
const usual: MailboxMailSettings = {
  to: ['owner@acme.example'],
  language: null,
  attach: true,
  format: 'wav',
  after: 'keep',
}
const done: SentOtherwise = {
  verdict: { kind: 'delivered', problem: null },
  durationMs: 5,
  status: 250,
  answer: '250 taken',
}

describe.each(databaseKinds)('e-mail of a mailbox on %s', (kind) => {
  let stage: VoicemailStage
  let mailer: Mailer
  const mails: Mail[] = []
  const mp3Folder = mkdtempSync(join(tmpdir(), 'switchhook-mail-mp3-'))
  const mp3 = new Mp3Files({ clock: new SystemClock(), log: silentLogger, folder: mp3Folder })
  afterAll(async () => {
    await mp3.close()
    rmSync(mp3Folder, { recursive: true, force: true })
  })
  const taken = new Set<string>()
  let outcome = done
  afterEach(async () => {
    mails.length = 0
    taken.clear()
    outcome = done
    await stage.close()
  })

  async function open(email: Partial<MailboxMailSettings> = {}, mailbox: Partial<MailboxSettings> = {}) {
    stage = await stageVoicemail(kind, {
      mailServer: 'smtp://127.0.0.1:25',
      mailbox: { email: { ...usual, ...email }, ...mailbox },
    })
    const { test, media, mailboxes, service, directory } = stage
    mailer = new Mailer({
      settings: { from: { name: 'Voicemail', address: 'vm@acme.example' }, attachmentBytes: 5000 },
      send: async (mail) => (mails.push(mail), outcome),
      store: test.store.voicemail,
      media,
      mailboxes,
      service,
      directory,
      mp3,
      log: silentLogger,
    })
  }

  async function leave(voice: string, content: Uint8Array | null = wav, from = '0812-3456'): Promise<void> {
    if (content) {
      await stage.media.put(
        'acme',
        voice,
        (async function* () {
          yield content
        })(),
      )
    }
    const number = { a: from, b: '101', c: '222' }
    await stage.ask({ command: 'RECMAIL', number, deposit: true, filename: voice, duration: 65 })
  }

  /** Sends what is due, as the worker would. */
  async function deliver(): Promise<number> {
    await stage.news.idle()
    const { outbox } = stage.test.store
    const { items } = await outbox.list({ kind: 'voicemail.mail', state: 'waiting' })
    const due = items.filter(({ id, nextAt }) => !taken.has(id) && nextAt <= stage.clock.wallTime())
    for (const event of due) {
      const sent = await mailer.profileOf(event)?.send?.(event, new AbortController().signal)
      if (sent?.verdict.kind === 'delivered') taken.add(event.id)
    }
    return due.length
  }

  it('sends an mp3 where that is wanted, which may be small enough where the recording is not', async () => {
    await open({ format: 'mp3' })
    const long = Buffer.concat([
      wavHeader({ encoding: 'pcm16', channels: 1, rateHz: 8000 }, 16_000),
      new Uint8Array(16_000),
    ])
    await leave('msg_1', long)
    await deliver()
    const { attachment } = mails[0] ?? {}
    expect(attachment).toMatchObject({ name: 'voicemail-20260131T200000Z-08123456.mp3', mediaType: 'audio/mpeg' })
    const chunks: Buffer[] = []
    for await (const chunk of attachment?.open() ?? []) chunks.push(chunk as Buffer)
    expect(looksLikeMp3(Buffer.concat(chunks))).toBe(true)
    expect(await counts()).toEqual({ read: 0, unread: 1 })
  })

  const counts = () => stage.test.store.voicemail.counts('acme', '101')

  it('tells in the language of the mailbox who called when by the clock of its tenant, with the sound', async () => {
    await open()
    await leave('msg_1')
    expect(await deliver()).toBe(1)
    const [mail] = mails
    expect(mail).toMatchObject({
      to: 'owner@acme.example',
      subject: 'Pesan suara dari 0812-3456 (1:05)',
      language: 'id',
      attachment: { name: 'voicemail-20260131T200000Z-08123456.wav', mediaType: 'audio/wav' },
    })
    expect(mail?.text).toContain('kotak pesan 101')
    expect(mail?.text).toContain('Februari 2026, 03:00:00 (Asia/Jakarta)')
    expect(mail?.text).toContain('1 dari 3 pesan')
    expect(await counts()).toEqual({ read: 0, unread: 1 })
  })

  it('tells in English where that is wanted, each address by a mail of its own, once', async () => {
    await open({ language: 'en', to: ['a@acme.example', 'b@acme.example'] })
    await leave('msg_1', wav, '')
    await leave('msg_1', wav, '')
    expect(await deliver()).toBe(2)
    expect(mails.map(({ to }) => to).toSorted()).toEqual(['a@acme.example', 'b@acme.example'])
    expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(2)
    expect(mails[0]).toMatchObject({ subject: 'Voice message from a withheld number (1:05)' })
    expect(mails[0]?.attachment?.name).toBe('voicemail-20260131T200000Z.wav')
    expect(mails[0]?.text).toContain('1 February 2026, 03:00:00 (Asia/Jakarta)')
    expect(await deliver()).toBe(0)
  })

  it('marks or deletes a message whose sound was taken, and no other', async () => {
    await open({ after: 'delete' })
    await leave('msg_1')
    outcome = { ...done, verdict: { kind: 'failed', problem: 'down', askedMs: null } }
    await deliver()
    expect(await counts()).toEqual({ read: 0, unread: 1 })
    outcome = done
    await deliver()
    expect(await counts()).toEqual({ read: 0, unread: 0 })
    await leave('msg_large', Buffer.alloc(6000))
    await deliver()
    expect(mails.at(-1)).not.toHaveProperty('attachment')
    expect(mails.at(-1)?.text).toContain('terlalu panjang')
    expect(await counts()).toEqual({ read: 0, unread: 1 })
    await stage.mailboxes.change(
      { tenant: 'acme', owner: '101' },
      { email: JSON.stringify({ ...usual, after: 'read' }) },
    )
    await leave('msg_2')
    await deliver()
    expect(await counts()).toEqual({ read: 1, unread: 1 })
  })

  it('waits for a voice that is on its way, and says when it has not come', async () => {
    await open({ language: 'en' })
    await leave('late', null)
    expect(await deliver()).toBe(0)
    stage.clock.advance(30_000)
    expect(await deliver()).toBe(1)
    expect(mails[0]?.text).toContain('has not arrived')
    expect(mails[0]).not.toHaveProperty('attachment')
  })

  it('tells the owner once a day that callers find the mailbox full', async () => {
    await open({ language: 'en' })
    for (const voice of ['a', 'b', 'c']) await leave(voice)
    await deliver()
    expect(mails.at(-1)?.text).toContain('Your mailbox is full (3 of 3)')
    mails.length = 0
    for (let caller = 0; caller < 5; caller++) {
      await stage.ask({ command: 'INITLEAVING', number: { a: String(caller), b: '101' } })
    }
    await deliver()
    expect(mails).toMatchObject([{ subject: 'Your voice mailbox is full' }])
    stage.clock.advance(24 * 3_600_000)
    await stage.ask({ command: 'INITLEAVING', number: { a: '1', b: '101' } })
    await deliver()
    expect(mails).toHaveLength(2)
  })

  it('sends to whom the admin API says, over the configuration, and to nobody where it says so', async () => {
    await open()
    const box = { tenant: 'acme', owner: '101' }
    await stage.mailboxes.change(box, { email: JSON.stringify({ ...usual, to: ['new@acme.example'] }) })
    await leave('msg_1')
    await deliver()
    expect(mails.map(({ to }) => to)).toEqual(['new@acme.example'])
    await stage.mailboxes.change(box, { email: 'null' })
    await leave('msg_2')
    expect(await deliver()).toBe(0)
  })

  it('is given up where the message is gone, and where there is no mail server any more', async () => {
    await open()
    await leave('msg_1')
    await stage.news.idle()
    const { items } = await stage.test.store.outbox.list({ kind: 'voicemail.mail' })
    const [event] = items
    const [row] = await stage.test.store.voicemail.messages('acme', '101')
    await stage.test.store.voicemail.removeMessage(row?.id ?? '')
    const signal = new AbortController().signal
    if (!event) throw new Error('no e-mail was kept')
    expect(await mailer.profileOf(event)?.send?.(event, signal)).toMatchObject({
      verdict: { kind: 'refused-for-good' },
    })
    expect(mails).toEqual([])
    const { test, media, mailboxes, service, directory } = stage
    const fixed = { media, mailboxes, service, directory, mp3, log: silentLogger }
    const parts = { ...fixed, store: test.store.voicemail, send: async () => done }
    expect(new Mailer({ ...parts, settings: null }).profileOf(event)).toBeNull()
  })
})
