import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../../test/support/databases.ts'
import { stageVoicemail, type VoicemailStage, voicemailSample } from '../../../test/support/voicemail-stage.ts'
import type { VoicemailHooks } from './service.ts'
import { tariffKey } from './service.ts'

const leaving = { number: { a: '08123456', b: '08182938', c: '222' } }

function recMail(filename: string, more: object = {}): object {
  return { command: 'RECMAIL', ...leaving, deposit: true, filename, duration: 5, ...more }
}

function keepVoice(stage: VoicemailStage, voice: string): void {
  const path = stage.media.path('acme', voice)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, 'RIFF')
}

describe.each(databaseKinds)('the voicemail service on %s', (kind) => {
  let stage: VoicemailStage
  const open = async (hooks: VoicemailHooks = {}): Promise<VoicemailStage> =>
    (stage = await stageVoicemail(kind, { hooks }))
  afterEach(() => stage?.close())

  it('answers the published INITLEAVING with record as the table has it and as the sample has it', async () => {
    const { ask } = await open()
    const reply = await ask(JSON.parse(voicemailSample('initleaving-request.published.txt')))
    expect(reply).toEqual({
      status: 'ok',
      record: { status: 'on', max_idle: 2, max_record: 60 },
      record_message: 'on',
      mailbox: { total: 0, max: 20 },
      language: 'ina',
      greeting: { type: 'default', voice: '' },
      play_promo_x: { general: 'off', personal: 'on', voice: '' },
      play_promo_y: { general: 'off', personal: 'on', voice: '' },
      play_tarif_call: 'off',
    })
    expect(Object.keys(reply)[0]).toBe('status')
  })

  it('keeps a message, once however often it is told, and lists it for its owner', async () => {
    const { ask, clock } = await open()
    keepVoice(stage, 'msg_12345_54321')
    const request = JSON.parse(voicemailSample('recmail-request.corrected.json'))
    expect(await ask(request)).toEqual({ status: 'ok' })
    clock.advance(60_000)
    expect(await ask(request)).toEqual({ status: 'ok' })
    const reply = await ask({ command: 'INITRETRIEVE', number: { a: '+628182938', b: '222' } })
    expect(reply).toMatchObject({
      status: 'ok',
      access: true,
      mailbox: { total: 1, read: 0, unread: 1, max: 20 },
      message_read: [],
      // Eight in the evening in UTC is the next morning in Jakarta.
      message_unread: [
        { number: '08123456', date: '2026-02-01', time: '03:00:00', voice: 'msg_12345_54321', duration: 5 },
      ],
      personal_greeting: { active: false, voice: '' },
    })
  })

  it('takes a message whose voice is still on its way, and says so', async () => {
    const { ask } = await open()
    expect(await ask(recMail('late.wav'))).toEqual({ status: 'ok', message: 'audio pending' })
  })

  it('refuses what does not fit into a full mailbox, however many come at once, and into one that takes none', async () => {
    const { ask } = await open()
    const request = (index: number) => recMail(`msg_${index}`, { number: { a: '08123456', b: '101', c: '222' } })
    const replies = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(request(index))))
    expect(replies.filter(({ status }) => status === 'ok')).toHaveLength(3)
    expect(replies.filter(({ reason }) => reason === 'MAILBOX_FULL')).toHaveLength(97)
    expect(await ask({ command: 'INITLEAVING', number: { a: '1', b: '101' } })).toMatchObject({
      mailbox: { total: 3, max: 3 },
    })
    await ask({ command: 'CFGRECORD', number: '08182938', record: { status: 'off', max_idle: 4 } })
    expect(await ask(recMail('msg_x'))).toMatchObject({ status: 'error', reason: 'RECORD_OFF' })
    expect(await ask({ command: 'INITLEAVING', ...leaving })).toMatchObject({
      record: { status: 'off', max_idle: 4, max_record: 60 },
      record_message: 'off',
    })
  })

  it('counts callers who left nothing, and keeps no message of them', async () => {
    const { ask, mailboxes } = await open()
    for (const empty of [{ filename: '', duration: '' }, { filename: null }, {}, { duration: 0 }]) {
      expect(await ask({ command: 'RECMAIL', ...leaving, deposit: 'false', ...empty })).toEqual({ status: 'ok' })
    }
    expect((await mailboxes.get('acme', '+628182938'))?.missed).toBe(4)
    expect(await ask({ command: 'INITLEAVING', ...leaving })).toMatchObject({ mailbox: { total: 0 } })
  })

  it('changes the greeting, stores it unused, uses it again, and deletes it when told with empty fields', async () => {
    const { ask, media } = await open()
    const greeting = async () =>
      (await ask({ command: 'INITLEAVING', number: { a: '1', b: '0818123123' } }))['greeting']
    keepVoice(stage, 'voice_greeting_filename')
    expect(await ask(JSON.parse(voicemailSample('recgreeting-request.published.txt')))).toEqual({ status: 'ok' })
    expect(await greeting()).toEqual({ type: 'personal', voice: 'voice_greeting_filename' })
    const number = '0818123123'
    await ask({ command: 'RECGREETING', number, filename: 'voice_greeting_filename', active: false })
    expect(await greeting()).toEqual({ type: 'default', voice: '' })
    await ask({ command: 'RECGREETING', number, filename: '', active: true })
    expect(await greeting()).toEqual({ type: 'personal', voice: 'voice_greeting_filename' })
    expect(await ask({ command: 'RECGREETING', number })).toMatchObject({ reason: 'MISSING_FIELD', field: 'filename' })
    expect(await media.has('acme', 'voice_greeting_filename')).toBe(true)
    expect(await ask({ command: 'RECGREETING', number, filename: '', active: false })).toEqual({ status: 'ok' })
    expect(await greeting()).toEqual({ type: 'default', voice: '' })
    expect(await media.has('acme', 'voice_greeting_filename')).toBe(false)
    expect(await ask({ command: 'RECGREETING', number, filename: null, active: true })).toMatchObject({
      reason: 'NO_FILE',
    })
  })

  it('takes the published CFGLANG, which says RECGREETING, for what it means and leaves the greeting alone', async () => {
    const { ask } = await open()
    const number = '0818123123'
    await ask({ command: 'RECGREETING', number, filename: 'mine', active: true })
    await ask({ command: 'CFGLANG', number, language: 'EN' })
    expect(await ask(JSON.parse(voicemailSample('cfglang-request.published.txt')))).toEqual({ status: 'ok' })
    expect(await ask({ command: 'INITLEAVING', number: { a: '1', b: number } })).toMatchObject({
      language: 'ina',
      greeting: { type: 'personal', voice: 'mine' },
    })
    expect(await ask({ command: 'CFGLANG', number, language: 'fr' })).toMatchObject({
      status: 'error',
      reason: 'BAD_FIELD',
      field: 'language',
    })
  })

  it('finds the mailbox however its number is written, as a JSON number too', async () => {
    const { ask } = await open()
    for (const b of ['08182938', '628182938', '+628182938', '00628182938', 8182938, '0818-2938']) {
      expect(await ask({ command: ' initleaving ', number: { a: 8123456, b, c: 222 } }), String(b)).toMatchObject({
        status: 'ok',
      })
    }
    expect(await ask({ command: 'INITLEAVING', number: { a: '1', b: '0899' } })).toMatchObject({ reason: 'NO_MAILBOX' })
    expect(await ask({ command: 'INITRETRIEVE', number: { a: '103' } })).toMatchObject({ reason: 'NO_MAILBOX' })
  })

  it('marks messages as read and new, deletes them, and gives them back for a day', async () => {
    const { ask, clock, service, media } = await open()
    keepVoice(stage, 'one')
    await ask(recMail('one'))
    const number = '08182938'
    const counts = async () => (await ask({ command: 'INITRETRIEVE', number: { a: number } }))['mailbox']
    await ask({ command: 'READMAIL', number, voice: 'one' })
    expect(await counts()).toMatchObject({ total: 1, read: 1, unread: 0 })
    await ask({ command: 'UNREADMAIL', number, voice: 'one' })
    expect(await counts()).toMatchObject({ total: 1, read: 0, unread: 1 })
    expect(await ask({ command: 'DELMAIL', number, voice: 'one' })).toEqual({
      status: 'ok',
      mailbox: { total: 0, read: 0, unread: 0 },
    })
    clock.advance(23 * 3600_000)
    await service.purge()
    await ask({ command: 'UNDELMAIL', number, voice: 'one' })
    expect(await counts()).toMatchObject({ total: 1, read: 0, unread: 1 })
    await ask({ command: 'DELMAIL', number, voice: 'one' })
    clock.advance(24 * 3600_000 + 1)
    expect(await ask({ command: 'UNDELMAIL', number, voice: 'one' })).toMatchObject({ reason: 'NOT_FOUND' })
    expect(await service.purge()).toBe(1)
    expect(await media.has('acme', 'one')).toBe(false)
    expect(await ask({ command: 'READMAIL', number, voice: 'one' })).toMatchObject({
      reason: 'NOT_FOUND',
      field: 'voice',
    })
  })

  it('passes a message on, whose voice stays as long as one of the two mailboxes has it', async () => {
    const { ask, clock, service, media } = await open()
    keepVoice(stage, 'two')
    await ask(recMail('two'))
    expect(await ask({ command: 'FWDMAIL', number: '08182938', voice: 'two', to: '101' })).toEqual({ status: 'ok' })
    await ask({ command: 'DELMAIL', number: '08182938', voice: 'two' })
    clock.advance(25 * 3600_000)
    expect(await service.purge()).toBe(1)
    expect(await media.has('acme', 'two')).toBe(true)
    expect(await ask({ command: 'INITRETRIEVE', number: { a: '101' } })).toMatchObject({
      message_unread: [{ voice: 'two', number: '08123456' }],
    })
  })

  it('locks the PIN after three wrong ones, for half an hour and for the right one too', async () => {
    const { ask, clock } = await open()
    const auth = (pin: string) => ask({ command: 'AUTHMAIL', number: '102', pin })
    expect(await auth('4711')).toEqual({ status: 'ok', access: true })
    expect(await auth('0000')).toMatchObject({ access: false, message: 'wrong pin' })
    expect(await auth('0001')).toMatchObject({ access: false, message: 'wrong pin' })
    expect(await auth('0002')).toMatchObject({ access: false, message: 'locked' })
    expect(await auth('4711')).toMatchObject({ access: false, message: 'locked' })
    clock.advance(30 * 60_000 + 1)
    expect(await auth('4711')).toEqual({ status: 'ok', access: true })
    expect(await ask({ command: 'CFGPIN', number: '102', pin_old: '9999', pin_new: '1234' })).toMatchObject({
      reason: 'BAD_FIELD',
      field: 'pin_old',
    })
    expect(await ask({ command: 'CFGPIN', number: '102', pin_old: '4711', pin_new: '123' })).toMatchObject({
      field: 'pin_new',
    })
    expect(await ask({ command: 'CFGPIN', number: '102', pin_old: '4711', pin_new: '98765' })).toEqual({ status: 'ok' })
    expect(await auth('98765')).toEqual({ status: 'ok', access: true })
    expect(await auth('4711')).toMatchObject({ access: false })
    // Without a PIN nobody is let in by one.
    expect(await ask({ command: 'AUTHMAIL', number: '101', pin: '' })).toMatchObject({ reason: 'MISSING_FIELD' })
    expect(await ask({ command: 'AUTHMAIL', number: '101', pin: '0000' })).toMatchObject({ access: false })
  })

  it('plays promos only within their dates, sends none unless that is switched on, and remembers who took them', async () => {
    const sent: string[] = []
    const { ask, test, clock } = await open({ sendPromo: async (...what) => sent.push(what.join(' ')) < 2 })
    const promo = { tenant: 'acme', promo: 'x', is_on: 1, voice: 'promo_x_voice', message: 'Buy!' }
    const now = clock.wallTime()
    await test.store.voicemail.putPromo({ ...promo, active_from: now + 1000, active_until: now + 2000 })
    const ofBox = async () => (await ask({ command: 'INITLEAVING', ...leaving }))['play_promo_x']
    const published = JSON.parse(voicemailSample('getpromo-request.published.txt'))
    expect(await ask(published)).toEqual({ status: 'ok', voice: '' })
    expect(await ofBox()).toEqual({ general: 'off', personal: 'on', voice: '' })
    clock.advance(1000)
    expect(await ask(published)).toEqual({ status: 'ok', voice: 'promo_x_voice' })
    expect(await ofBox()).toEqual({ general: 'on', personal: 'on', voice: 'promo_x_voice' })
    const send = JSON.parse(voicemailSample('sendpromo-request.corrected.json'))
    expect(await ask(send)).toEqual({ status: 'ok' })
    expect(sent).toEqual(['acme 0818123123 x Buy!'])
    expect(await ask({ ...send, number: '0899999' })).toMatchObject({ reason: 'NO_MAILBOX' })
    // Nobody of this tenant's sends any.
    expect(await ask(send)).toMatchObject({ status: 'error', reason: 'PROMO_OFF' })
    clock.advance(1000)
    expect(await ask(send)).toMatchObject({ status: 'error', reason: 'PROMO_OFF' })
    await ask({ command: 'PROMOTAKER', number: '0812', promo: 'Y', taker: 1 })
    expect(await test.store.voicemail.takers('acme')).toMatchObject([{ number: '0812', promo: 'y', is_taker: 1 }])
  })

  it('announces the tariff where that is switched on', async () => {
    const { ask, test } = await open()
    await test.store.meta.set(tariffKey('acme'), 'on')
    expect(await ask({ command: 'INITLEAVING', ...leaving })).toMatchObject({ play_tarif_call: 'on' })
  })

  it('tells whom it concerns that a mailbox has changed', async () => {
    const changed: string[] = []
    const { ask } = await open({ changed: (tenant, owner) => changed.push(`${tenant} ${owner}`) })
    await ask(recMail('one'))
    await ask(recMail('one'))
    await ask({ command: 'READMAIL', number: '08182938', voice: 'one' })
    expect(changed).toEqual(['acme +628182938', 'acme +628182938'])
  })

  it('refuses what is incomplete or wrong, and names the field', async () => {
    const { ask } = await open()
    const cases: readonly (readonly [object, string, string])[] = [
      [{}, 'UNKNOWN_COMMAND', 'command'],
      [{ command: 'DROPMAIL' }, 'UNKNOWN_COMMAND', 'command'],
      [{ command: 'INITLEAVING' }, 'MISSING_FIELD', 'number'],
      [{ command: 'INITLEAVING', number: '08182938' }, 'BAD_FIELD', 'number'],
      [{ command: 'INITLEAVING', number: { a: '1' } }, 'MISSING_FIELD', 'b'],
      [{ command: 'INITLEAVING', number: { a: '1', b: {} } }, 'BAD_FIELD', 'b'],
      [{ command: 'RECMAIL', number: { b: '101' } }, 'MISSING_FIELD', 'deposit'],
      [{ command: 'RECMAIL', number: { b: '101' }, deposit: 'maybe' }, 'BAD_FIELD', 'deposit'],
      [{ command: 'RECMAIL', number: { b: '101' }, deposit: true }, 'MISSING_FIELD', 'filename'],
      [
        { command: 'RECMAIL', number: { b: '101' }, deposit: true, filename: '../../etc/passwd' },
        'BAD_FIELD',
        'filename',
      ],
      [
        { command: 'RECMAIL', number: { b: '101' }, deposit: true, filename: 'x', duration: -1 },
        'BAD_FIELD',
        'duration',
      ],
      [{ command: 'RECGREETING', number: '101', filename: 'a..b', active: true }, 'BAD_FIELD', 'filename'],
      [{ command: 'RECGREETING', number: '101', filename: '', active: '' }, 'MISSING_FIELD', 'active'],
      [{ command: 'GETPROMO', number: '1', promo: 'z' }, 'BAD_FIELD', 'promo'],
      [{ command: 'CFGRECORD', number: '101', record: { max_record: 0 } }, 'BAD_FIELD', 'max_record'],
      [{ command: '__proto__', number: '101' }, 'UNKNOWN_COMMAND', 'command'],
      [{ command: 'constructor' }, 'UNKNOWN_COMMAND', 'command'],
    ]
    for (const [request, reason, field] of cases) {
      const expected = { status: 'error', reason, field, message: expect.any(String) }
      expect(await ask(request), JSON.stringify(request)).toEqual(expected)
    }
  })

  it('shows a node nothing of another tenant', async () => {
    const { service, ask } = await open()
    await ask(recMail('mine', { number: { a: '1', b: '101' } }))
    const foreign = { name: 'X', tenant: 'other' }
    const reply = await service.handle({ command: 'INITRETRIEVE', number: { a: '101' } }, foreign)
    expect(reply).toMatchObject({ status: 'ok', mailbox: { total: 0 } })
    expect(await service.handle({ command: 'INITRETRIEVE', number: { a: '08182938' } }, foreign)).toMatchObject({
      reason: 'NO_MAILBOX',
    })
  })

  it('passes a message on to a mailbox that had it and deleted it, as a new one, and never to the same mailbox', async () => {
    const { ask } = await open()
    const box = (number: string) => ({ command: 'INITRETRIEVE', number: { a: number, b: '222' } })
    await ask(recMail('msg_1', { number: { a: '1', b: '101' } }))
    const forward = (number: string, to: string) => ask({ command: 'FWDMAIL', number, voice: 'msg_1', to })
    expect(await forward('101', '101')).toMatchObject({ reason: 'BAD_FIELD', field: 'to' })
    expect(await forward('101', '102')).toMatchObject({ status: 'ok' })
    await ask({ command: 'DELMAIL', number: '101', voice: 'msg_1' })
    expect(await forward('102', '101')).toMatchObject({ status: 'ok' })
    expect(await ask(box('101'))).toMatchObject({ mailbox: { total: 1, unread: 1 } })
    expect(await forward('102', '101')).toMatchObject({ status: 'ok' })
    expect(await ask(box('101'))).toMatchObject({ mailbox: { total: 1 } })
  })

  it('takes from a strict node only voices that are there with something in them', async () => {
    const { service, media } = await open()
    const strict = { name: 'SBY', tenant: 'acme', isStrict: true }
    const asked = (request: object) => service.handle(request as never, strict)
    const greeting = { command: 'RECGREETING', number: '101', filename: 'greet', active: true }
    expect(await asked(recMail('msg_1'))).toMatchObject({ reason: 'NO_FILE', field: 'filename' })
    expect(await asked(greeting)).toMatchObject({ reason: 'NO_FILE' })
    keepVoice(stage, 'msg_1')
    writeFileSync(media.path('acme', 'greet'), '')
    expect(await asked(recMail('msg_1'))).toEqual({ status: 'ok' })
    expect(await asked(greeting)).toMatchObject({ reason: 'NO_FILE' })
    keepVoice(stage, 'greet')
    expect(await asked(greeting)).toEqual({ status: 'ok' })
    expect(await asked({ ...greeting, filename: '', active: false })).toEqual({ status: 'ok' })
  })

  it('keeps the voice of a deleted message for those who still have it, and the row until the voice is gone', async () => {
    const { ask, clock, service, media } = await open()
    keepVoice(stage, 'msg_1')
    await ask(recMail('msg_1', { number: { a: '1', b: '101' } }))
    await ask({ command: 'FWDMAIL', number: '101', voice: 'msg_1', to: '102' })
    await ask({ command: 'DELMAIL', number: '101', voice: 'msg_1' })
    clock.advance(24 * 3_600_000)
    expect(await ask({ command: 'UNDELMAIL', number: '101', voice: 'msg_1' })).toMatchObject({ status: 'ok' })
    await ask({ command: 'DELMAIL', number: '101', voice: 'msg_1' })
    clock.advance(24 * 3_600_000 + 1)
    expect(await ask({ command: 'UNDELMAIL', number: '101', voice: 'msg_1' })).toMatchObject({ reason: 'NOT_FOUND' })
    expect(await service.purge()).toBe(1)
    expect(await media.has('acme', 'msg_1')).toBe(true)
    await ask({ command: 'DELMAIL', number: '102', voice: 'msg_1' })
    clock.advance(24 * 3_600_000 + 1)
    expect(await service.purge()).toBe(1)
    expect(await media.has('acme', 'msg_1')).toBe(false)
  })
})
