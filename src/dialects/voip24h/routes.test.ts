import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../../test/support/databases.ts'
import {
  otherSecret,
  type PartnerStage,
  partnerSecret,
  startPartnerStage,
} from '../../../test/support/voip24h-stage.ts'
import type { CallId } from '../../base/ids.ts'
import type { CallEntry } from './wire.ts'

const fixtures = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'voip24h')
const sample = (name: string): string => readFileSync(join(fixtures, name), 'utf8')
const parsed = (name: string): { data: unknown } => JSON.parse(sample(name)) as { data: unknown }

describe.each(databaseKinds)('the Voip24h partner API on %s', (kind) => {
  let stage: PartnerStage

  beforeAll(async () => {
    stage = await startPartnerStage(kind)
    // The two calls of the published samples: 16:37:32 and 10:28:54 in Vietnam.
    for (const [second, serial, from] of [
      [1_532_834_934, 130_789, '0971828252'],
      [1_532_857_052, 131_132, '+84982056720'],
    ] as const) {
      const startedAt = second * 1000 + 250
      await stage.keep(
        {
          startedAt,
          serial,
          from,
          to: '+84899199799',
          answeredAt: null,
          endedAt: startedAt + 30_000,
          cause: 'no-answer',
        },
        [
          {
            extension: '137',
            dialled: '137',
            startedAt: startedAt + 20,
            endedAt: startedAt + 30_000,
            cause: 'no-answer',
          },
        ],
      )
    }
  })
  afterAll(() => stage?.close())

  const entries = (answer: { body: { data: unknown } }): readonly CallEntry[] => answer.body.data as CallEntry[]

  it('answers the published requests with the published answers, and the duration of v1.1', async () => {
    for (const type of ['getUser', 'getUserDate', 'getDate']) {
      const answer = await stage.send(sample(`${type}.request.json`))
      expect(answer.status).toBe(200)
      expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
      // Compared as text: the order of members is published, too.
      expect(answer.text).toBe(JSON.stringify(parsed(`corrected/${type}.response.json`)))
    }
    const all = await stage.send(sample('corrected/getDate.request.json'))
    expect(entries(all)).toHaveLength(2)
    const withoutDuration = entries(all).map(({ duration: _duration, ...rest }) => rest)
    expect(withoutDuration).toEqual(parsed('getDate.response.json').data)
  })

  it('gives one call object by its uniqueId, as text or as a number with its zeros', async () => {
    const one = await stage.ask('getCallData', { uniqueId: '1532857052.131132' })
    expect(one.body.data).toEqual((parsed('corrected/getUser.response.json').data as unknown[])[0])
    const startedAt = Date.UTC(2018, 0, 5, 3)
    await stage.keep({ startedAt, serial: 4470, extension: '101', to: '0912345678', answeredAt: null, cause: 'busy' })
    const text = `{"requestType":"getCallData","partnerSecret":"${partnerSecret}","data":{"uniqueId":${startedAt / 1000}.4470}}`
    expect((await stage.send(text)).body.data).toMatchObject({ callId: `${startedAt / 1000}.4470`, callStatus: 'BUSY' })
    expect((await stage.ask('getCallData', { callId: '1532857052.131132' })).body.respCode).toBe(0)
  })

  it('reads requests kindly: any Content-Type, a byte order mark, blanks, numbers for text, another case', async () => {
    const text = `\ufeff{"requestType":" GETUSER ","partnerSecret":"${partnerSecret}","data":{"user":137}}`
    const answer = await stage.send(text, { headers: { 'content-type': 'text/plain;;' } })
    expect(entries(answer)).toHaveLength(2)
    const form = await stage.send(sample('getUser.request.json'), {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(entries(form)).toHaveLength(2)
    expect(entries(await stage.ask('getUser', { user: ' 137 ' }))).toHaveLength(2)
    expect((await stage.ask('getUser', { user: '999' })).text).toBe('{"respCode":0,"respMsg":"Success","data":[]}')
  })

  it('has days of 23 and 25 hours for a partner whose clocks are changed', async () => {
    const hourMs = 3_600_000
    for (const [date, midnight, hours] of [
      ['08/03/2020', Date.UTC(2020, 2, 8, 5), 23],
      ['1/11/2020', Date.UTC(2020, 10, 1, 4), 25],
    ] as const) {
      const end = midnight + hours * hourMs
      const outside = { tenant: 'other', extension: '137', from: '137', to: '+12025550100' }
      for (const startedAt of [midnight - 1, midnight, end - 1, end]) await stage.keep({ ...outside, startedAt }, [])
      const range = { user: '137', fromDate: date, toDate: date }
      const found = entries(await stage.ask('getUserDate', range, otherSecret))
      const [day, month, year] = date.split('/')
      const local = `${year}-${month}-${day?.padStart(2, '0')}`
      expect(found.map(({ callDate }) => callDate)).toEqual([`${local} 23:59:59`, `${local} 00:00:00`])
    }
  })

  it('keeps both days of a range, from midnight to midnight of the partner', async () => {
    const midnight = Date.UTC(2020, 1, 28, 17)
    const moments = [midnight - 1, midnight, midnight + 86_400_000 - 1, midnight + 86_400_000]
    for (const [index, startedAt] of moments.entries()) {
      await stage.keep({ startedAt, serial: 11 + index, extension: '101', to: '0912345678' })
    }
    const dates = async (fromDate: string, toDate: string): Promise<readonly string[]> =>
      entries(await stage.ask('getUserDate', { user: '101', fromDate, toDate })).map(({ callDate }) => callDate)
    // 2020 has a 29th of February.
    expect(await dates('29/02/2020', '29/2/2020')).toEqual(['2020-02-29 23:59:59', '2020-02-29 00:00:00'])
    expect(await dates('28/02/2020', '1/3/2020')).toHaveLength(4)
    expect(await dates('2020-02-29', '2020-02-29')).toHaveLength(2)
    // Another tenant's partner has other days, and none of these calls.
    const foreign = await stage.ask('getDate', { fromDate: '28/02/2020', toDate: '01/03/2020' }, otherSecret)
    expect(foreign.body.data).toEqual([])
  })

  it('refuses dates that are none, ranges that run backwards and ones that are too long', async () => {
    const message = async (fromDate: unknown, toDate: unknown): Promise<string> =>
      (await stage.ask('getDate', { fromDate, toDate })).body.respMsg
    for (const wrong of [
      '31/02/2018',
      '29/02/2019',
      '07/30/2018',
      '1/1/18',
      '00/01/2018',
      '2018/01/01',
      'today',
      '1.5.2018',
    ]) {
      expect(await message(wrong, '30/07/2018')).toBe('Invalid fromDate (expected dd/mm/yyyy)')
      expect(await message('01/01/2018', wrong)).toBe('Invalid toDate (expected dd/mm/yyyy)')
    }
    expect(await message('02/01/2018', '01/01/2018')).toBe('Invalid date range')
    expect(await message('01/01/2018', '02/01/2019')).toBe('Invalid date range')
    expect(await message('01/01/2018', '01/01/2019')).toBe('Success')
    expect(await message('', '01/01/2018')).toBe('Missing field: fromDate')
    expect(await message('01/01/2018', null)).toBe('Missing field: toDate')
  })

  it('answers every failure with its message, the secret checked before the rest', async () => {
    const failure = async (body: unknown): Promise<string> => {
      const { status, text } = await stage.send(JSON.stringify(body))
      expect(status).toBe(200)
      const message = (JSON.parse(text) as { respMsg: string }).respMsg
      expect(text).toBe(JSON.stringify({ respCode: -1, respMsg: message, data: null }))
      return message
    }
    const known = { partnerSecret }
    for (const secret of [undefined, null, '', 12_345_678, 'wrong', partnerSecret.toLowerCase(), [partnerSecret]]) {
      expect(await failure({ requestType: 'nonsense', partnerSecret: secret })).toBe('Invalid partnerSecret')
    }
    // The seven wrong ones of before are forgiven after a minute.
    stage.clock.advance(60_000)
    expect(await failure(known)).toBe('Unknown requestType')
    expect(await failure({ ...known, requestType: 'getEverything' })).toBe('Unknown requestType')
    expect(await failure({ ...known, requestType: 'getUser' })).toBe('Missing data')
    expect(await failure({ ...known, requestType: 'getUser', data: ['137'] })).toBe('Missing data')
    expect(await failure({ ...known, requestType: 'getUser', data: {} })).toBe('Missing field: user')
    expect(await failure({ ...known, requestType: 'getUser', data: { user: true } })).toBe('Missing field: user')
    expect(await failure({ ...known, requestType: 'getCallData', data: {} })).toBe('Missing field: uniqueId')
    expect(await failure({ ...known, requestType: 'recordingListen', data: { callId: ' ' } })).toBe(
      'Missing field: callId',
    )
    for (const callId of ['1532857052.1', 'x', '../../etc/passwd', '1532857052.131132.1', '99999999999999.1']) {
      expect(await failure({ ...known, requestType: 'recordingDownload', data: { callId } })).toBe('Call not found')
    }
    const uniqueId = '1532857052.131132'
    const foreign = { partnerSecret: otherSecret, requestType: 'getCallData', data: { uniqueId } }
    expect(await failure(foreign)).toBe('Call not found')
    expect(await failure({ ...known, requestType: 'recordingDownload', data: { callId: uniqueId } })).toBe(
      'Recording not found',
    )
  })

  it('answers what cannot be read with 400, other methods with 405, too much with 413, all in the envelope', async () => {
    const refusal = (respMsg: string): string => JSON.stringify({ respCode: -1, respMsg, data: null })
    for (const body of [
      '',
      '{',
      '[]',
      '"getUser"',
      'null',
      'requestType=getUser',
      new Uint8Array([0x7b, 0xff, 0x7d]),
    ]) {
      expect(await stage.send(body)).toMatchObject({ status: 400, text: refusal('Invalid JSON') })
    }
    const large = JSON.stringify({ requestType: 'getUser', partnerSecret, data: { user: '1'.repeat(70_000) } })
    expect(await stage.send(large)).toMatchObject({ status: 413, text: refusal('Request too large') })
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await stage.send('{}', { method })
      expect(answer).toMatchObject({ status: 405, text: refusal('Method not allowed'), headers: { allow: 'POST' } })
    }
  })

  it('lets an address guess ten secrets a minute, and then not even the right one', async () => {
    stage.clock.advance(60_000)
    for (let guess = 0; guess < 10; guess++) {
      expect((await stage.ask('getUser', { user: '137' }, `guess-${guess}`)).body.respMsg).toBe('Invalid partnerSecret')
    }
    const refused = await stage.ask('getUser', { user: '137' })
    expect(refused).toMatchObject({ status: 429, body: { respCode: -1, respMsg: 'Too many requests', data: null } })
    stage.clock.advance(60_000)
    expect((await stage.ask('getUser', { user: '137' })).status).toBe(200)
  })

  it('shows each call under its extension with its type and status', async () => {
    const startedAt = Date.UTC(2019, 5, 1, 2)
    let serial = 21
    const at = (): { startedAt: number; serial: number } => ({
      startedAt: startedAt + serial * 60_000,
      serial: serial++,
    })
    const rang = (extension: string, base: { startedAt: number }, change = {}) => ({
      extension,
      dialled: extension,
      startedAt: base.startedAt + 50,
      endedAt: base.startedAt + 9000,
      ...change,
    })
    const base = (): { startedAt: number; serial: number } => at()
    const missed = { answeredAt: null, cause: 'no-answer' } as const
    // From 601: to another extension, to the outside and busy, and one that no rule let out.
    await stage.keep({ ...base(), extension: '601', from: '601', to: '602' }, [])
    await stage.keep(
      { ...base(), extension: '601', from: '601', to: '+84912345678', answeredAt: null, cause: 'busy' },
      [],
    )
    await stage.keep({ ...base(), extension: '601', from: '601', to: '113', answeredAt: null, cause: 'forbidden' }, [])
    // From outside to 601 alone, to a group that 602 takes, to a group that nobody takes, to one whose telephone is off.
    const direct = base()
    await stage.keep({ ...direct, from: '+84911111111' }, [
      rang('601', direct, { answeredAt: direct.startedAt + 2000, endedAt: direct.startedAt + 12_000, cause: 'normal' }),
    ])
    const group = base()
    await stage.keep({ ...group, from: '+84922222222' }, [
      rang('601', group, { cause: 'answered-elsewhere' }),
      rang('602', group, { answeredAt: group.startedAt + 2000, endedAt: group.startedAt + 12_000, cause: 'normal' }),
    ])
    const lost = base()
    await stage.keep({ ...lost, ...missed, from: '+84933333333' }, [
      rang('601', lost, { cause: 'cancelled' }),
      rang('602', lost, { cause: 'cancelled', startedAt: lost.startedAt + 60 }),
    ])
    await stage.keep(
      { ...base(), from: '+84944444444', answeredAt: null, cause: 'not-registered', absent: ['603'] },
      [],
    )
    // 601 took it from a menu and passed it to 602.
    const passed = base()
    await stage.keep({ ...passed, from: '+84955555555', answeredAt: passed.startedAt + 10, transferredTo: '602' }, [
      rang('601', passed, {
        answeredAt: passed.startedAt + 1000,
        endedAt: passed.startedAt + 4900,
        cause: 'transferred',
      }),
      rang('602', passed, { answeredAt: passed.startedAt + 5000, endedAt: passed.startedAt + 12_000, cause: 'normal' }),
    ])
    const list = async (user: string): Promise<readonly string[]> =>
      entries(await stage.ask('getUser', { user })).map((entry) =>
        [entry.phoneNumber, entry.callType, entry.callStatus, entry.duration].join(' '),
      )
    expect(await list('601')).toEqual([
      '0955555555 INBOUND ANSWERED 3',
      '0933333333 INBOUND NO ANSWER 0',
      '0911111111 EXTERNAL ANSWERED 10',
      '113 OUTBOUND FAILED 0',
      '0912345678 OUTBOUND BUSY 0',
      '602 OUTBOUND ANSWERED 10',
    ])
    expect(await list('602')).toEqual(['0955555555 INBOUND ANSWERED 7', '0922222222 INBOUND ANSWERED 10'])
    expect(await list('603')).toEqual(['0944444444 EXTERNAL FAILED 0'])
  })

  it('gives at most a thousand entries, the newest first', async () => {
    const startedAt = Date.UTC(2017, 0, 2)
    for (let index = 0; index < 1003; index++) {
      await stage.keep({ startedAt: startedAt + index * 1000, serial: 31, extension: '700', to: '701' })
    }
    const list = entries(await stage.ask('getUser', { user: '700' }))
    expect(list).toHaveLength(1000)
    expect(list[0]?.callDate).toBe('2017-01-02 07:16:42')
    expect(list.at(-1)?.callDate).toBe('2017-01-02 07:00:03')
  })

  it('starts a call on a click, echoes what was sent and says how to find the call; each refusal has its message', async () => {
    const dial = (extension: unknown, phone: unknown) => stage.ask('makeDial', { extension, phone })
    stage.verdict = {
      outcome: 'accepted',
      call: { id: 'call_0' as CallId, serial: 4472, startedAt: 1_532_857_052_999 },
    }
    expect((await stage.send(sample('makeDial.request.json'))).text).toBe(
      JSON.stringify(parsed('corrected/makeDial.response.json')),
    )
    expect(stage.clicks.at(-1)).toEqual({ tenant: 'acme', extension: '101', phone: '01687506228' })
    expect((await dial('101', '+84 (168) 750.62-28')).body.respCode).toBe(0)
    const before = stage.clicks.length
    for (const phone of ['call me', '0168*7506228', 'sip:x@example.com', '+', '++84168', '0168,1', '1'.repeat(50)]) {
      expect((await dial('101', phone)).body.respMsg).toBe('Invalid phone')
    }
    expect((await dial('555', '01687506228')).body.respMsg).toBe('Extension not found')
    expect((await dial(null, '01687506228')).body.respMsg).toBe('Missing field: extension')
    expect((await dial('101', '')).body.respMsg).toBe('Missing field: phone')
    expect(stage.clicks).toHaveLength(before)
    for (const [why, message] of [
      ['extension-away', 'Extension not available'],
      ['phone-invalid', 'Invalid phone'],
      ['limit', 'Call limit reached'],
      ['no-route', 'No route'],
    ] as const) {
      stage.verdict = { outcome: 'refused', why }
      expect((await dial('101', '01687506228')).body).toEqual({ respCode: -1, respMsg: message, data: null })
    }
  })

  it('says in the envelope, too, that the server is at fault, and nothing more', async () => {
    await stage.kept.store.close()
    const answer = await stage.ask('getUser', { user: '137' })
    expect(answer).toMatchObject({ status: 500, body: { respCode: -1, respMsg: 'Server error', data: null } })
  })
})
