import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Answer,
  type HoiioClient,
  hoiioClients,
  type Parameters,
  send,
} from '../../../test/support/hoiio-clients.ts'
import { desk, HoiioStage, notifyUrl } from '../../../test/support/hoiio-stage.ts'

let stage: HoiioStage
let port: number

beforeEach(async () => {
  stage = await HoiioStage.start()
  await stage.server.listen({ port: 0, host: '127.0.0.1' })
  port = (stage.server.server.address() as AddressInfo).port
})

afterEach(async () => {
  for (const call of stage.calls.live()) call.end({ by: 'program', cause: 'normal', sentence: null })
  await stage.pass(0)
  await stage.close()
  expect(stage.clock.pending).toBe(0)
})

const dest = '+6598887777'
const longText = `Hello. ${'This is an automated message, 100 percent. '.repeat(23)}`.slice(0, 1000)

describe.each(hoiioClients)('$name', (client: HoiioClient) => {
  const ask = async (path: string, parameters: Parameters): Promise<Answer> =>
    client.read(await send(port, client, path, { ...desk, ...parameters }))

  it('starts a session and takes it to a room', async () => {
    const answer = await ask('ivr/start/dial', {
      dest,
      msg: longText,
      max_duration: '60',
      tag: 'myapp',
      notify_url: notifyUrl,
    })
    expect(answer).toEqual({ status: 'success_ok', session: expect.any(String), txn_ref: expect.any(String) })
    await stage.pass(0)
    expect(stage.reacher.requests.at(-1)?.destination).toBe(dest)
    const leg = stage.reacher.leg(dest)
    leg.peerAnswers()
    await stage.pass(60_000 - 1)
    expect(stage.last().fields).toMatchObject({ call_state: 'ongoing', dial_status: 'answered', tag: 'myapp', dest })

    const session = String(answer['session'])
    const gather = {
      session,
      notify_url: `${notifyUrl}?app_state=gather`,
      max_digits: '1',
      timeout: '15',
      attempts: '1',
    }
    expect(await ask('ivr/middle/gather', gather)).toEqual({ status: 'success_ok' })
    await stage.pass(0)
    leg.press('7')
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({ ivr_block: 'gather', digits: '7', app_state: 'gather' })
    const room = await ask('ivr/end/transfer', { session, dest: 'room:R1' })
    expect(room).toEqual({ status: 'success_ok', room: 'R1' })
    expect(await ask('ivr/end/hangup', { session, notify_url: notifyUrl })).toEqual({ status: 'success_ok' })
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({ call_state: 'ended', duration: '1' })
  })

  it('reads what is known of calls, on their way and over', async () => {
    const { txn_ref } = await ask('voice/call', { dest1: '+6591110000', dest2: dest, tag: 'C1' })
    const reference = { txn_ref: String(txn_ref) }
    await stage.pass(0)
    stage.reacher.leg('+6591110000').peerAnswers()
    await stage.pass(1000)
    expect(await ask('voice/query_status', reference)).toMatchObject({ call_status_dest1: 'ongoing', tag: 'C1' })
    expect(await ask('voice/get_history', { page: '1' })).toMatchObject({ entries: [{ ...reference, dest2: dest }] })
    expect(await ask('voice/hangup', reference)).toEqual({ status: 'success_ok' })
    await stage.pass(0)
    const over = await ask('voice/query_status', reference)
    expect(over).toMatchObject({ call_status_dest1: 'answered', call_status_dest2: 'unanswered', currency: 'SGD' })
    expect(over).toHaveProperty('duration')
    const history = { from: '0001-01-01 00:00:00', to: '2036-01-01 00:00:00', page: '1' }
    expect(await ask('voice/get_history', history)).toMatchObject({ entries: [reference] })
  })

  it('reads rates, its account, and the references of a conference', async () => {
    const conference = await ask('voice/conference', { dest: '+6591110000,+6592220000', room: 'R2' })
    expect(conference).toMatchObject({ room: 'R2' })
    const references = conference['txn_refs']
    expect(Array.isArray(references) ? references : String(references).split(',')).toHaveLength(2)
    const rate = await ask('voice/get_rate', { dest1: '+6591110000', dest2: '+14155550100' })
    expect(Number(rate['rate'])).toBe(0.12)
    expect(Number((await ask('user/get_balance', {}))['balance'])).toBe(0)
    expect(await ask('user/get_info', {})).toMatchObject({ mobile_number: '+6560000001', currency: 'SGD' })
    expect(
      await ask('number/update_forwarding', { number: '+6560000001', forward_to: 'https://client.example/in' }),
    ).toEqual({
      status: 'success_ok',
    })
  })

  it('reads why it was refused', async () => {
    const refused = await ask('ivr/middle/play', { session: 'S4643', msg: 'Hello' }).then(
      ({ status }) => status,
      (thrown: unknown) => (thrown as Error).message,
    )
    expect(refused).toBe('error_invalid_session')
  })
})

/** What programs read of `$_POST`, of a servlet's parameters, of a parsed body. */
describe('notifications as clients read them', () => {
  it('hoiio-php and HoiioSDK.NET: these three are always there, and the charge is a number', async () => {
    const { leg } = await stage.callIn()
    leg.hangUp()
    await stage.pass(0)
    for (const { fields, event } of stage.notified) {
      expect(event.contentType).toBe('application/x-www-form-urlencoded')
      for (const name of ['call_state', 'session', 'txn_ref']) expect(fields[name]).toMatch(/./)
      if (fields['call_state'] !== 'ended') continue
      expect(fields['duration']).toMatch(/^\d+$/)
      for (const name of ['rate', 'debit']) expect(fields[name]).toMatch(/^\d+\.\d+$/)
      expect(fields['date']).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
    }
    expect(stage.notified.map(({ fields }) => fields['call_state'])).toEqual(['ringing', 'ended'])
  })

  it('hoiio-php of a voice call: all of its fields, unconditionally', async () => {
    await stage.ask('voice/call', { ...desk, dest1: '+6591110000', dest2: dest, notify_url: notifyUrl })
    await stage.pass(0)
    stage.reacher.leg('+6591110000').peerRefuses(486)
    await stage.pass(0)
    const names = [
      'txn_ref',
      'call_status_dest1',
      'call_status_dest2',
      'date',
      'dest1',
      'dest2',
      'duration',
      'currency',
      'rate',
      'debit',
    ]
    expect(Object.keys(stage.last().fields)).toEqual(expect.arrayContaining(names))
  })
})
