import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stageVoicemail, type VoicemailStage } from '../../test/support/voicemail-stage.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { MessageRetention } from '../dialects/voicemail/retention.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { wavHeader } from '../media/wav-header.ts'
import { mailboxRoutes } from './mailbox-routes.ts'
import { promoRoutes } from './promo-routes.ts'

const wav = Buffer.concat([wavHeader({ encoding: 'pcm16', channels: 1, rateHz: 8000 }, 1600), new Uint8Array(1600)])

describe('mailboxes over the admin API', () => {
  let stage: VoicemailStage
  let http: HttpServer
  beforeEach(async () => {
    stage = await stageVoicemail()
    http = await createHttpServer({ log: silentLogger, version: 'test' })
    const { mailboxes, service, media, test, directory } = stage
    const store = test.store.voicemail
    const retention = new MessageRetention({
      store,
      mailboxes,
      news: stage.news,
      clock: stage.clock,
      isBusy: (mailbox) => service.isBusy(mailbox),
      changed: () => {},
    })
    mailboxRoutes(http, { mailboxes, service, media, store, random: new SeededRandom(3), retention })
    promoRoutes(http, { directory, store: test.store })
  })
  afterEach(async () => {
    await http.close()
    await stage.close()
  })

  async function send(method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) {
    const answer = await http.inject({ method, url, ...(payload ? { payload } : {}) })
    return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() }
  }

  /** Leaves a message for 101, and gives its path. */
  async function leave(voice: string): Promise<string> {
    await stage.media.put(
      'acme',
      voice,
      (async function* () {
        yield wav
      })(),
    )
    await stage.ask({
      command: 'RECMAIL',
      number: { a: '0812', b: '101' },
      deposit: true,
      filename: voice,
      duration: 4,
    })
    const { body } = await send('GET', '/mailboxes/acme/101/messages')
    const found = body.items.find((one: { voice: string }) => one.voice === voice)
    return `/mailboxes/acme/101/messages/${found.id}`
  }

  it('lists those of the configuration and those made here, with their counts', async () => {
    await leave('one')
    const { body } = await send('GET', '/mailboxes?tenant=acme')
    expect(body.items.map((one: { owner: string; origin: string }) => `${one.owner} ${one.origin}`)).toEqual([
      '101 file',
      '102 file',
      '+628123456 api',
      '+62818123123 api',
      '+628182938 api',
    ])
    expect(body.items[0]).toMatchObject({ unread: 1, read: 0, maxMessages: 3, language: 'id', hasPin: false })
    expect(JSON.stringify(body)).not.toContain('4711')
  })

  it('makes, changes and removes one, and refuses to remove one of the configuration', async () => {
    const url = '/mailboxes/acme/%2B628111'
    expect((await send('GET', url)).status).toBe(404)
    const made = await send('PUT', url, {
      language: 'en',
      maxMessages: 7,
      record: { maxIdleSeconds: 5 },
      pin: '123456',
    })
    expect(made).toMatchObject({ status: 200, body: { owner: '+628111', origin: 'api', maxMessages: 7, hasPin: true } })
    expect(await stage.ask({ command: 'INITLEAVING', number: { a: '1', b: '08111' } })).toMatchObject({
      language: 'eng',
      mailbox: { total: 0, max: 7 },
      record: { max_idle: 5 },
    })
    expect((await send('PUT', '/mailboxes/acme/08111', { maxMessages: 8 })).body).toMatchObject({ owner: '+628111' })
    expect((await send('PUT', '/mailboxes/nobody/08111', {})).body.error.code).toBe('tenant.unknown')
    expect((await send('PUT', url, { pin: '12' })).status).toBe(400)
    expect((await send('DELETE', url)).status).toBe(204)
    expect((await send('GET', url)).status).toBe(404)
    expect((await send('DELETE', '/mailboxes/acme/101')).body.error.code).toBe('voicemail.mailbox-unknown')
  })

  it('gives the sound of a message, whole and in parts', async () => {
    const url = `${await leave('one')}/audio`
    const whole = await http.inject({ method: 'GET', url })
    expect(whole.rawPayload.equals(wav)).toBe(true)
    const part = await http.inject({ method: 'GET', url, headers: { range: 'bytes=0-3' } })
    expect([part.statusCode, part.body]).toEqual([206, 'RIFF'])
    await stage.media.remove('acme', 'one')
    expect((await http.inject({ method: 'GET', url })).json().error.code).toBe('voicemail.voice-unknown')
  })

  it('marks, deletes, restores and moves a message', async () => {
    const url = await leave('one')
    expect((await send('PUT', url, { isRead: true })).body).toMatchObject({ isRead: true, deletedAt: null })
    expect((await send('PUT', url, { isDeleted: true })).body.deletedAt).toMatch(/^2026-/)
    expect((await send('GET', '/mailboxes/acme/101/messages')).body.items).toEqual([])
    expect((await send('GET', '/mailboxes/acme/101/messages?deleted=true')).body.items).toHaveLength(1)
    expect((await send('PUT', url, { isDeleted: false })).body).toMatchObject({ deletedAt: null })
    expect((await send('PUT', url, { moveTo: '102' })).status).toBe(200)
    expect((await send('GET', '/mailboxes/acme/102/messages')).body.items).toMatchObject([
      { from: '0812', forwardedBy: '101', isRead: false },
    ])
    expect((await send('GET', '/mailboxes/acme/101/messages')).body.items).toEqual([])
    expect((await send('PUT', url, { isDeleted: false, moveTo: '103' })).body.error.code).toBe('voicemail.refused')
  })

  it('finds a message in its own mailbox only', async () => {
    const url = await leave('one')
    expect((await send('PUT', url.replace('101', '102'), { isRead: true })).status).toBe(404)
    expect((await send('PUT', url.replace('acme', 'other'), { isRead: true })).status).toBe(404)
  })

  it('sets a greeting from an upload that is sound, and deletes it', async () => {
    const url = '/mailboxes/acme/101/greeting'
    const put = (payload: Buffer) =>
      http.inject({ method: 'PUT', url, payload, headers: { 'content-type': 'audio/wav' } })
    expect((await put(Buffer.from('no sound at all'))).json().error.code).toBe('media.wav-malformed')
    expect((await put(wav)).statusCode).toBe(204)
    const { body } = await send('GET', '/mailboxes/acme/101')
    expect(body).toMatchObject({ hasGreeting: true, isGreetingUsed: true })
    expect((await http.inject({ method: 'GET', url })).rawPayload.equals(wav)).toBe(true)
    expect((await send('DELETE', url)).status).toBe(204)
    expect((await send('GET', '/mailboxes/acme/101')).body).toMatchObject({ hasGreeting: false })
    expect((await send('GET', url)).body.error.code).toBe('voicemail.voice-unknown')
  })

  it('sets promos with their dates, and the announcement of the tariff', async () => {
    const promo = { isOn: true, voice: 'px', message: '', activeFrom: null, activeUntil: '2026-03-01T00:00:00.000Z' }
    expect((await send('PUT', '/voicemail/acme/promos/x', promo)).status).toBe(204)
    expect((await send('PUT', '/voicemail/acme/promos/z', promo)).status).toBe(400)
    expect((await send('PUT', '/voicemail/nobody/promos/x', promo)).status).toBe(404)
    expect((await send('PUT', '/voicemail/acme/tariff', { isOn: true })).status).toBe(204)
    expect(await stage.ask({ command: 'INITLEAVING', number: { a: '1', b: '101' } })).toMatchObject({
      play_promo_x: { general: 'on', personal: 'on', voice: 'px' },
      play_tarif_call: 'on',
    })
    await stage.ask({ command: 'PROMOTAKER', number: '0812', promo: 'x', taker: true })
    expect((await send('GET', '/voicemail/acme/takers')).body.items).toMatchObject([{ number: '0812', isTaker: true }])
  })

  it('sets e-mail and retention, checks addresses, and deletes by age where it is said in earnest', async () => {
    const url = '/mailboxes/acme/101'
    const email = { to: ['owner@acme.example'], after: 'read' }
    expect((await send('PUT', url, { email, retention: { newDays: 3 } })).body).toMatchObject({
      email: { to: ['owner@acme.example'], language: null, attach: true, format: 'wav', after: 'read' },
      retention: { newDays: 3, savedDays: null },
    })
    for (const to of ['a@b\r\nBcc: c@d', 'nobody', 'a b@c.example', '<a@b.example>']) {
      const { status, body } = await send('PUT', url, { email: { to: [to] } })
      expect([status, body.error.code], to).toEqual([400, 'http.bad-request'])
    }
    expect((await send('PUT', url, { email: null })).body).toMatchObject({ email: null })
    await stage.test.store.voicemail.addMessage({
      id: 'msg_old',
      tenant: 'acme',
      owner: '101',
      voice: 'old',
      caller: '0812',
      received_at: stage.clock.wallTime() - 4 * 86_400_000,
      duration_seconds: 4,
      is_read: 0,
      read_at: null,
      deleted_at: null,
      forwarded_by: null,
    })
    expect((await send('POST', '/retention/messages')).status).toBe(400)
    const would = await send('POST', '/retention/messages?dryRun=true')
    expect(would.body).toMatchObject({ isDryRun: true, items: [{ owner: '101', unread: 1, read: 0 }] })
    expect((await send('GET', url)).body).toMatchObject({ unread: 1 })
    expect((await send('POST', '/retention/messages?dryRun=false')).body).toMatchObject({ items: [{ unread: 1 }] })
    expect((await send('GET', url)).body).toMatchObject({ unread: 0 })
  })

  it('refuses an mp3 without a frame, and gives a sound by what it is', async () => {
    const url = '/mailboxes/acme/101/greeting'
    const broken = Buffer.concat([Buffer.from('ID3\x04\x00\x00\x00\x00\x00\x00', 'latin1'), Buffer.alloc(50)])
    const put = await http.inject({ method: 'PUT', url, payload: broken, headers: { 'content-type': 'audio/mpeg' } })
    expect(put.json().error.code).toBe('media.mp3-malformed')
    const audio = await http.inject({ method: 'GET', url: `${await leave('one')}/audio` })
    expect(audio.headers).toMatchObject({ 'content-type': 'audio/wav' })
    expect(audio.headers['content-disposition']).toBe('inline; filename="one.wav"')
  })
})
