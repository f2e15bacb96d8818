import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallEntry, DialData, LinkData } from '../../src/dialects/voip24h/wire.ts'
import { levelDb, readWav, shareWith } from '../support/hear.ts'
import { describeWith } from './support/peers.ts'
import { until } from './support/program.ts'
import { readSippMessages } from './support/sipp.ts'
import { step } from './support/sipp-steps.ts'
import { caller, mobile, once, PartnerStage, partnerHz, pause, talk } from './support/stage-partner.ts'

const published = ['callId', 'user', 'phoneNumber', 'callType', 'callStatus', 'duration', 'callDate']
const answered = [step.invite(), step.response(200), step.ack()]

/** Vietnam has no summer time. */
const vietnamMs = 7 * 3_600_000

describeWith(['baresip', 'sipp', 'python3'], 'a CRM in Python, and calls of telephones', () => {
  let stage: PartnerStage

  beforeAll(async () => {
    stage = await PartnerStage.set(29_000)
  })
  afterAll(() => stage?.close())

  /** What a call adds to the lists of these extensions, oldest first: nothing, where an extension must not have it. */
  async function added(
    users: readonly string[],
    act: () => Promise<unknown>,
  ): Promise<Readonly<Record<string, readonly CallEntry[]>>> {
    const before = new Map<string, number>()
    for (const user of users) before.set(user, (await stage.crm.all(user)).length)
    await act()
    // The record is closed when its recordings are whole.
    const isQuiet = async (): Promise<true | null> =>
      ((await stage.server.get('/api/v1/calls?state=open')) as { items: readonly unknown[] }).items.length === 0
        ? true
        : null
    await until(isQuiet, () => 'a call is still open')
    const lists: Record<string, readonly CallEntry[]> = {}
    for (const user of users) {
      const all = await stage.crm.all(user)
      lists[user] = all.slice(0, all.length - (before.get(user) ?? 0)).toReversed()
    }
    return lists
  }

  const soundOf = async ({ callId }: CallEntry): Promise<readonly Int16Array[]> => {
    const { data } = await stage.crm.ask<LinkData>('recordingDownload', { callId })
    const response = await fetch(stage.here(data.link))
    expect(response.status).toBe(200)
    return readWav(new Uint8Array(await response.arrayBuffer())).channels
  }

  it('finds calls between extensions: answered, given up, busy; each shape is the published one', async () => {
    await stage.withPhones(['101', '138'], async ([first, second]) => {
      const lists = await added(['101', '138'], async () => {
        await talk(first, second, '138')
        await pause(2200)
        let closed = once(first, 'CALL_CLOSED')
        second.command('hangup')
        await closed()
        let came = once(second, 'CALL_INCOMING')
        first.dial('138')
        await came()
        await pause(500)
        closed = once(second, 'CALL_CLOSED')
        first.command('hangup')
        await closed()
        came = once(second, 'CALL_INCOMING')
        first.dial('138')
        await came()
        closed = once(first, 'CALL_CLOSED')
        // To a telephone that rings it is a refusal: 486.
        second.command('hangup')
        await closed()
      })
      const common = { user: '101', phoneNumber: '138', callType: 'OUTBOUND' }
      expect(lists['101']).toEqual([
        expect.objectContaining({ ...common, callStatus: 'ANSWERED', duration: 2 }),
        expect.objectContaining({ ...common, callStatus: 'NO ANSWER', duration: 0 }),
        expect.objectContaining({ ...common, callStatus: 'BUSY', duration: 0 }),
      ])
      // One entry for the one who called.
      expect(lists['138']).toEqual([])
    })
    const answer = await stage.crm.ask<readonly CallEntry[]>('getUser', { user: '101' })
    expect([answer.status, answer.contentType]).toEqual([200, 'application/json; charset=utf-8'])
    expect(answer.text).toMatch(/^\{"respCode":0,"respMsg":"Success","data":\[\{"callId":"\d+\.\d+","user":"101",/)
    for (const entry of answer.data) {
      expect(Object.keys(entry)).toEqual(published)
      const second = Number(entry.callId.split('.')[0])
      const local = new Date(second * 1000 + vietnamMs).toISOString().slice(0, 19).replace('T', ' ')
      expect(entry.callDate).toBe(local)
      expect(Math.abs(Date.now() / 1000 - second)).toBeLessThan(60)
      const one = await stage.crm.ask<CallEntry>('getCallData', { uniqueId: entry.callId })
      expect(one.text).toBe(JSON.stringify({ respCode: 0, respMsg: 'Success', data: entry }))
    }
    // Newest first, and the other lists tell the same of today.
    const ids = answer.data.map(({ callId }) => callId)
    expect(ids).toEqual(ids.toSorted((a, b) => Number(b.split('.')[0]) - Number(a.split('.')[0])))
    const today = new Date(Date.now() + vietnamMs).toISOString().slice(0, 10).split('-').toReversed().join('/')
    const range = { fromDate: today, toDate: today }
    expect((await stage.crm.ask('getUserDate', { user: '101', ...range })).data).toEqual(answer.data)
    expect((await stage.crm.ask('getDate', { user: '101', ...range })).data).toEqual(answer.data)
    const all = (await stage.crm.ask<readonly CallEntry[]>('getDate', range)).data
    expect(all.filter(({ user }) => user === '101')).toEqual(answer.data)
    expect((await stage.otherCrm.ask('getDate', range)).data).toEqual([])
    // What is not recorded has no link.
    expect(await stage.crm.ask('recordingListen', { callId: ids[0] })).toMatchObject({
      respCode: -1,
      respMsg: 'Recording not found',
      data: null,
    })
  })

  it('finds calls from outside: to one extension, to a group that one takes, to a group that nobody takes', async () => {
    await stage.withPhones(['137', '138'], async ([lan, nam]) => {
      const direct = await added(['137', '138'], async () => {
        const came = once(lan, 'CALL_INCOMING')
        const call = stage.callIn('+84899199799', [...answered, step.pause(1500), step.bye(2)])
        await came()
        lan.accept()
        await call
      })
      expect(direct['137']).toMatchObject([{ phoneNumber: caller, callType: 'EXTERNAL', callStatus: 'ANSWERED' }])
      expect(direct['138']).toEqual([])
      const [left] = await soundOf(direct['137']?.[0] as CallEntry)
      // sipp says nothing in this case; the extension does.
      expect(levelDb(left as Int16Array)).toBeLessThan(-60)

      const group = await added(['137', '138'], async () => {
        const came = [once(lan, 'CALL_INCOMING'), once(nam, 'CALL_INCOMING')]
        const call = stage.callIn('+84899199700', [...answered, step.pause(1500), step.bye(2)])
        for (const wait of came) await wait()
        nam.accept()
        await call
      })
      expect(group['138']).toMatchObject([{ phoneNumber: caller, callType: 'INBOUND', callStatus: 'ANSWERED' }])
      expect(group['137']).toEqual([])
      // 137 is recorded always; it has only rung.
      const callId = group['138']?.[0]?.callId
      expect((await stage.crm.ask('recordingListen', { callId })).respMsg).toBe('Recording not found')

      const missed = await added(['137', '138'], async () => {
        const came = [once(lan, 'CALL_INCOMING'), once(nam, 'CALL_INCOMING')]
        const cancel = { method: 'CANCEL', cseq: 1, place: 'outside', via: '[last_Via:]' } as const
        const call = stage.callIn('+84899199700', [
          step.invite(),
          step.response(180),
          step.pause(1500),
          step.request(cancel),
          step.only(200),
          step.only(487),
          step.ackRefusal(),
        ])
        for (const wait of came) await wait()
        await call
      })
      const entries = [...(missed['137'] ?? []), ...(missed['138'] ?? [])]
      expect(entries).toMatchObject([{ callType: 'INBOUND', callStatus: 'NO ANSWER', duration: 0 }])
    })
  })

  it('finds a call to the outside by a trunk, and one that was passed on, under both who talked', async () => {
    await stage.withPhones(['101', '137', '138'], async ([first, lan, nam]) => {
      const out = await added(['101'], async () => {
        const phone = await stage.outside('answer')
        const established = once(first, 'CALL_ESTABLISHED')
        first.dial(mobile)
        await established()
        await pause(1200)
        first.command('hangup')
        const { code, log } = await phone.ended
        expect(code, log).toBe(0)
      })
      expect(out['101']).toMatchObject([
        { phoneNumber: mobile, callType: 'OUTBOUND', callStatus: 'ANSWERED', duration: 1 },
      ])

      const passed = await added(['137', '138'], async () => {
        const came = once(lan, 'CALL_INCOMING')
        const call = stage.callIn('+84899199799', [...answered, step.pause(6000), step.bye(2)])
        await came()
        lan.accept()
        await pause(1500)
        const rang = once(nam, 'CALL_INCOMING')
        lan.transferTo('138')
        await rang()
        nam.accept()
        await call
      })
      for (const user of ['137', '138']) {
        expect(passed[user]).toMatchObject([{ phoneNumber: caller, callType: 'EXTERNAL', callStatus: 'ANSWERED' }])
      }
      expect(passed['137']?.[0]?.callId).toBe(passed['138']?.[0]?.callId)
      // It was 137 that wanted it recorded: 138 is not in it.
      const [, right] = await soundOf(passed['137']?.[0] as CallEntry)
      expect(shareWith(right as Int16Array, partnerHz[137])).toBeGreaterThan(0.3)
      expect(shareWith(right as Int16Array, partnerHz[138])).toBeLessThan(0.1)
    })
  })

  it('records from when a call is passed on to an extension that is recorded always', async () => {
    await stage.withPhones(['101', '138', '137'], async ([first, nam, lan]) => {
      const lists = await added(['101'], async () => {
        await talk(first, nam, '138')
        await pause(1000)
        const came = once(lan, 'CALL_INCOMING')
        nam.transferTo('137')
        await came()
        lan.accept()
        await pause(3000)
        const closed = once(lan, 'CALL_CLOSED')
        first.command('hangup')
        await closed()
      })
      const [entry] = lists['101'] ?? []
      expect(entry).toMatchObject({ callStatus: 'ANSWERED', callType: 'OUTBOUND' })
      const [left, right] = await soundOf(entry as CallEntry)
      expect(shareWith(left as Int16Array, partnerHz[101])).toBeGreaterThan(0.5)
      expect(shareWith(right as Int16Array, partnerHz[137])).toBeGreaterThan(0.5)
      expect(shareWith(right as Int16Array, partnerHz[138])).toBeLessThan(0.1)
    })
  })

  describe('by a click', () => {
    const click = { extension: '137', phone: mobile }
    const dial = () => stage.crm.ask<DialData>('makeDial', click)

    it('the extension rings first, then the phone; two clicks are one call', async () => {
      await stage.withPhones(['137'], async ([lan]) => {
        const phone = await stage.outside('answer')
        const lists = await added(['137'], async () => {
          const came = once(lan, 'CALL_INCOMING')
          const [one, two] = await Promise.all([dial(), dial()])
          expect(one.text).toMatch(
            /^\{"respCode":0,"respMsg":"Success","data":\{"extension":"137","phone":"0912345678","callId":"\d+\.\d+"\}\}$/,
          )
          expect(two.text).toBe(one.text)
          await came()
          await pause(500)
          expect((await dial()).text).toBe(one.text)
          const established = once(lan, 'CALL_ESTABLISHED')
          lan.accept()
          await established()
          // Long enough for the phone to have answered, and for both to have talked.
          await pause(2500)
          lan.command('hangup')
          const { code, log, messages } = await phone.ended
          expect(code, log).toBe(0)
          const invites = messages.filter(({ first }) => first.startsWith('INVITE'))
          expect(new Set(invites.map(({ text }) => /^Call-ID: (.*)$/m.exec(text)?.[1])).size).toBe(1)
          // It is shown the number under which 137 alone is called.
          expect(invites[0]?.text).toMatch(/^From:.*\+84899199799@/m)
        })
        expect(lists['137']).toMatchObject([{ phoneNumber: mobile, callType: 'OUTBOUND', callStatus: 'ANSWERED' }])
        const [left, right] = await soundOf(lists['137']?.[0] as CallEntry)
        expect(shareWith(left as Int16Array, partnerHz[137])).toBeGreaterThan(0.5)
        expect(shareWith(right as Int16Array, partnerHz.outside)).toBeGreaterThan(0.5)
      })
    })

    it('a phone that is busy is BUSY; an extension that does not take it is NO ANSWER, and nobody else is dialled', async () => {
      await stage.withPhones(['137'], async ([lan]) => {
        const busy = await stage.outside('busy')
        const first = await added(['137'], async () => {
          const came = once(lan, 'CALL_INCOMING')
          const closed = once(lan, 'CALL_CLOSED')
          await dial()
          await came()
          lan.accept()
          expect((await busy.ended).code).toBe(0)
          await closed()
        })
        expect(first['137']).toMatchObject([{ callType: 'OUTBOUND', callStatus: 'BUSY', duration: 0 }])

        const phone = await stage.outside('answer')
        const second = await added(['137'], async () => {
          const came = once(lan, 'CALL_INCOMING')
          const closed = once(lan, 'CALL_CLOSED')
          const { data } = await dial()
          await came()
          // The CRM's user thinks better of it: the operator's hang-up is what there is for that.
          const { items } = (await stage.server.get('/api/v1/calls/live')) as { items: readonly { id: string }[] }
          await fetch(`${stage.server.httpUrl}/api/v1/calls/${items[0]?.id}/hangup`, {
            method: 'POST',
            headers: { authorization: 'Bearer test-admin-token' },
          })
          await closed()
          await pause(1500)
          const messages = await readSippMessages(stage.folder, phone.name)
          expect(messages).toEqual([])
          const entry = (await stage.crm.ask<CallEntry>('getCallData', { uniqueId: data.callId })).data
          expect(entry).toMatchObject({ user: '137', phoneNumber: mobile, callStatus: 'NO ANSWER', duration: 0 })
        })
        phone.kill()
        await phone.ended
        expect(second['137']).toMatchObject([{ callType: 'OUTBOUND', callStatus: 'NO ANSWER', duration: 0 }])
      })
      expect((await dial()).respMsg).toBe('Extension not available')
    })
  })

  // Some forty requests, each by a program of its own.
  it('is told of every failure by its published text, whatever else was wrong', { timeout: 180_000 }, async () => {
    const secret = 'rdn7mllWMqND7S5DnZF8'
    const send = async (body: unknown): Promise<readonly [number, number, string, unknown]> => {
      const answer = await stage.crm.send(typeof body === 'string' ? body : JSON.stringify(body))
      return [answer.status, answer.respCode, answer.respMsg, answer.data]
    }
    const ask = (requestType: unknown, data?: unknown) => send({ requestType, partnerSecret: secret, data })
    const failed = (message: string, status = 200) => [status, -1, message, null]
    expect(await send('{')).toEqual(failed('Invalid JSON', 400))
    expect(await send('[]')).toEqual(failed('Invalid JSON', 400))
    for (const partnerSecret of [undefined, 5, '', 'rdn7mllWMqND7S5DnZF9'])
      expect(await send({ requestType: 'nonsense', partnerSecret })).toEqual(failed('Invalid partnerSecret'))
    for (const type of [undefined, 'nonsense', 7]) expect(await ask(type, {})).toEqual(failed('Unknown requestType'))
    for (const data of [undefined, null, [], 'x']) expect(await ask('getUser', data)).toEqual(failed('Missing data'))
    for (const [type, data, message] of [
      ['getUser', {}, 'Missing field: user'],
      ['getUserDate', { user: '101', fromDate: '01/01/2026' }, 'Missing field: toDate'],
      ['getDate', { toDate: '01/01/2026' }, 'Missing field: fromDate'],
      ['getDate', { fromDate: '31/02/2026', toDate: '01/03/2026' }, 'Invalid fromDate (expected dd/mm/yyyy)'],
      ['getDate', { fromDate: '29/02/2023', toDate: '01/03/2026' }, 'Invalid fromDate (expected dd/mm/yyyy)'],
      ['getDate', { fromDate: '1/1/2026', toDate: '07/30/2026' }, 'Invalid toDate (expected dd/mm/yyyy)'],
      ['getDate', { fromDate: '02/01/2026', toDate: '01/01/2026' }, 'Invalid date range'],
      ['getDate', { fromDate: '01/01/2024', toDate: '02/01/2025' }, 'Invalid date range'],
      ['getCallData', {}, 'Missing field: uniqueId'],
      ['getCallData', { uniqueId: '1531709393.4472' }, 'Call not found'],
      ['recordingListen', {}, 'Missing field: callId'],
      ['recordingDownload', { callId: 'nothing' }, 'Call not found'],
      ['makeDial', { phone: mobile }, 'Missing field: extension'],
      ['makeDial', { extension: '101' }, 'Missing field: phone'],
      ['makeDial', { extension: '999', phone: mobile }, 'Extension not found'],
      ['makeDial', { extension: '101', phone: 'call me' }, 'Invalid phone'],
      ['makeDial', { extension: '101', phone: mobile }, 'Extension not available'],
    ] as const) {
      expect(await ask(type, data), message).toEqual(failed(message))
    }
    // 366 days, leap day included, and days of one digit are right.
    expect(await ask('getDate', { fromDate: '29/02/2024', toDate: '28/2/2025' })).toEqual([200, 0, 'Success', []])
    expect(await ask('getDate', { fromDate: '1/1/2024', toDate: '31/12/2024' })).toEqual([200, 0, 'Success', []])
    expect(await ask('getUser', { user: 'nobody' })).toEqual([200, 0, 'Success', []])
    expect(await send(' '.repeat(65_537))).toEqual(failed('Request too large', 413))
    const get = await fetch(`${stage.server.httpUrl}/api/v1/partner/voip24h`)
    expect([get.status, get.headers.get('allow'), await get.text()]).toEqual([
      405,
      'POST',
      '{"respCode":-1,"respMsg":"Method not allowed","data":null}',
    ])
  })

  it('is refused for a minute after ten wrong secrets, the right one too', async () => {
    const wrong = (): Promise<{ readonly status: number; readonly respMsg: string }> =>
      stage.crm.send('{"requestType":"getUser","partnerSecret":"guess","data":{"user":"101"}}')
    const seen: number[] = []
    // Those of the case before count too.
    for (let guess = 0; guess < 11; guess++) seen.push((await wrong()).status)
    expect(seen.at(-1)).toBe(429)
    expect(await stage.crm.ask('getUser', { user: '101' })).toMatchObject({
      status: 429,
      respCode: -1,
      respMsg: 'Too many requests',
      data: null,
    })
  })
})
