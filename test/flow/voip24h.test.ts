import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallEntry, Envelope } from '../../src/dialects/voip24h/wire.ts'
import { AnsweringPhone } from '../support/answering-phone.ts'
import { eventually as eventuallyWithin } from '../support/eventually.ts'
import { callByPhone } from '../support/phone-call.ts'
import { freePort, removeFolder, type ServerProcess, startServer } from '../support/server-process.ts'

/** A busy machine is slow; only that it comes matters here. */
const eventually = <Value>(read: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> =>
  eventuallyWithin(read, holds, 60_000)

const partnerSecret = 'rdn7mllWMqND7S5DnZF8'
const mobile = '0912345678'

/** A CRM against a server with real telephones: what it does, and what it then finds. */
describe('a partner of a server with telephones', () => {
  let server: ServerProcess
  let lan: AnsweringPhone
  let nam: AnsweringPhone
  let outside: AnsweringPhone

  beforeAll(async () => {
    const sipPort = await freePort('127.0.0.1')
    const place = { address: '127.0.0.1', port: sipPort }
    outside = await AnsweringPhone.open(place, '127.0.0.5')
    const config = `
log: { level: warn }
media: { workers: 1 }
tenants:
  acme:
    countryCode: "84"
    extensions:
      "101": { password: "secret-of-101" }
      "137": { password: "secret-of-137", record: "on" }
      "138": { password: "secret-of-138" }
    trunks: { out: { uri: "sip:127.0.0.5:${outside.port}", from: ["127.0.0.5"], health: 0 } }
    outbound: [ { prefix: "+", trunk: out } ]
    numbers: { "+84899199799": { app: lan }, "+84899199700": { app: everybody } }
    apps: { lan: { dial: ["137"], seconds: 3 }, everybody: { dial: ["137", "138"], seconds: 3 } }
    partners: { crm: { dialect: voip24h, secret: "${partnerSecret}" } }
`
    server = await startServer({ config, sipPort })
    lan = await AnsweringPhone.open(place)
    nam = await AnsweringPhone.open(place)
    await lan.register('137')
    await nam.register('138')
  }, 120_000)

  afterAll(async () => {
    await Promise.all([lan, nam, outside].map((phone) => phone?.close()))
    await server?.stop()
    if (server) await removeFolder(server)
  })

  async function ask<Data>(requestType: string, data: object): Promise<Envelope<Data>> {
    const body = JSON.stringify({ requestType, partnerSecret, data })
    const response = await fetch(`${server.httpUrl}/api/v1/partner/voip24h`, { method: 'POST', body })
    return (await response.json()) as Envelope<Data>
  }

  /** A call of a telephone that hangs up after a second. */
  async function call(number: string, extension: string | null): Promise<void> {
    const identity = extension === null ? {} : { identity: { extension, password: `secret-of-${extension}` } }
    await callByPhone({ sipPort: server.sipPort, number, maxSeconds: 1, ...identity })
  }

  /** The newest entry of an extension, once it has that many. */
  async function newest(user: string, count: number): Promise<CallEntry> {
    const lists = await eventually(
      async () => (await ask<readonly CallEntry[]>('getUser', { user })).data ?? [],
      (list) => list.length >= count,
    )
    expect(lists).toHaveLength(count)
    return lists[0] as CallEntry
  }

  it('finds a call between extensions under the one that called, and hears its recording', async () => {
    await call('137', '101')
    const entry = await newest('101', 1)
    expect(entry).toMatchObject({ user: '101', phoneNumber: '137', callType: 'OUTBOUND', callStatus: 'ANSWERED' })
    expect(Object.keys(entry)).toEqual([
      'callId',
      'user',
      'phoneNumber',
      'callType',
      'callStatus',
      'duration',
      'callDate',
    ])
    expect((await ask<CallEntry>('getCallData', { uniqueId: entry.callId })).data).toEqual(entry)
    expect(entry.callDate).toBe(
      new Date(Number(entry.callId.split('.')[0]) * 1000 + 7 * 3_600_000).toISOString().slice(0, 19).replace('T', ' '),
    )

    const { link } = (await ask<{ link: string }>('recordingDownload', { callId: entry.callId })).data ?? { link: '' }
    const { pathname, search } = new URL(link)
    const response = await fetch(`${server.httpUrl}${pathname}${search}`)
    expect(response.headers.get('content-disposition')).toMatch(
      /^attachment; filename="out-137-101-\d{8}-\d{6}-\d+\.\d+\.wav"$/,
    )
    const wav = new DataView(await response.arrayBuffer())
    expect([wav.getUint32(0), wav.getUint16(22, true)]).toEqual([0x52494646, 2])
    expect(wav.byteLength).toBeGreaterThan(4000)
  })

  it('finds calls from outside: to one extension, to a group, not answered, busy', async () => {
    await call('+84899199799', null)
    expect(await newest('137', 1)).toMatchObject({ callType: 'EXTERNAL', callStatus: 'ANSWERED' })
    lan.manner = 'ring'
    await call('+84899199700', null)
    expect(await newest('138', 1)).toMatchObject({ callType: 'INBOUND', callStatus: 'ANSWERED' })
    nam.manner = 'busy'
    await call('+84899199700', null)
    expect(await newest('137', 2)).toMatchObject({ callType: 'INBOUND', callStatus: 'NO ANSWER', duration: 0 })
    await call('138', '101')
    expect(await newest('101', 2)).toMatchObject({ phoneNumber: '138', callType: 'OUTBOUND', callStatus: 'BUSY' })
    await call(mobile, '101')
    expect(await newest('101', 3)).toMatchObject({ phoneNumber: mobile, callType: 'OUTBOUND', callStatus: 'ANSWERED' })
  })

  it('has an extension connected with a phone, the extension first; both outcomes are in the record', async () => {
    lan.manner = 'answer'
    const before = outside.callers.length
    const accepted = await ask<{ extension: string; phone: string; callId: string }>('makeDial', {
      extension: '137',
      phone: mobile,
    })
    expect(accepted).toMatchObject({ respCode: 0, data: { extension: '137', phone: mobile } })
    const { callId } = accepted.data as { callId: string }
    await eventually(
      async () => outside.callers.length,
      (count) => count === before + 1,
    )
    // The number under which 137 alone is called.
    expect(outside.callers.at(-1)).toBe('+84899199799')
    await eventually(
      async () => (await ask<CallEntry>('getCallData', { uniqueId: callId })).data?.callStatus,
      (status) => status === 'ANSWERED',
    )
    outside.hangUp()
    const entry = await newest('137', 3)
    expect(entry).toMatchObject({ callId, phoneNumber: mobile, callType: 'OUTBOUND', callStatus: 'ANSWERED' })
    expect((await ask('recordingListen', { callId })).respCode).toBe(0)
  })

  it('never has the phone dialled when the extension does not take the call, and only once for two clicks', async () => {
    lan.manner = 'ring'
    const before = outside.callers.length
    const click = { extension: '137', phone: mobile }
    const [first, second] = await Promise.all([ask('makeDial', click), ask('makeDial', click)])
    expect(second).toEqual(first)
    const live = await eventually(
      async () => ((await server.get('/api/v1/calls/live')) as { items: { id: string }[] }).items,
      (items) => items.length === 1,
    )
    await fetch(`${server.httpUrl}/api/v1/calls/${live[0]?.id}/hangup`, {
      method: 'POST',
      headers: { authorization: 'Bearer test-admin-token' },
    })
    expect(await newest('137', 4)).toMatchObject({ phoneNumber: mobile, callType: 'OUTBOUND', callStatus: 'NO ANSWER' })
    expect(outside.callers).toHaveLength(before)
    expect(await ask('makeDial', { extension: '101', phone: mobile })).toMatchObject({
      respMsg: 'Extension not available',
    })
    expect(await ask('makeDial', { extension: '137', phone: '113' })).toMatchObject({ respMsg: 'Invalid phone' })
  })
})
