import type { InjectOptions } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  beta,
  desk,
  type Fields,
  HoiioStage,
  hoiioConfig,
  notifyUrl,
  other,
} from '../../../test/support/hoiio-stage.ts'

let stage: HoiioStage

beforeEach(async () => {
  stage = await HoiioStage.start()
})

afterEach(() => end())

async function end(): Promise<void> {
  for (const call of stage.calls.live()) call.end({ by: 'program', cause: 'normal', sentence: null })
  await stage.pass(0)
  await stage.close()
  expect(stage.clock.pending).toBe(0)
}

async function restart(text: string): Promise<void> {
  await end()
  stage = await HoiioStage.start({ text })
}

const { app_id, access_token } = desk
const dest = '+6598887777'

describe('the quirks of clients', () => {
  const inject = async (request: InjectOptions): Promise<Fields> => {
    const answer = await stage.server.inject(request)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    return JSON.parse(answer.body) as Fields
  }

  it('GET with a query, as hoiiopie sends', async () => {
    const query = new URLSearchParams({ ...desk, dest, notify_url: notifyUrl })
    const answer = await inject({ method: 'GET', url: `/open/ivr/start/dial?${query.toString()}` })
    expect(answer).toMatchObject({ status: 'success_ok', session: expect.any(String), txn_ref: expect.any(String) })
  })

  it('unencoded form text that is called JSON, as hoiio-js sends', async () => {
    const answer = await inject({
      method: 'POST',
      url: '/open/ivr/start/dial',
      headers: { 'content-type': 'application/json' },
      payload: `app_id=${app_id}&access_token=${access_token}&dest=${dest}&msg=Hello there`,
    })
    expect(answer['status']).toBe('success_ok')
    await stage.pass(0)
    expect(stage.reacher.requests.at(-1)?.destination).toBe(dest)
  })

  it('a form without any content type', async () => {
    const payload = Buffer.from(new URLSearchParams({ ...desk, dest }).toString())
    expect((await inject({ method: 'POST', url: '/open/ivr/start/dial', payload }))['status']).toBe('success_ok')
  })

  it('optional parameters sent empty, as HoiioSDK.NET and go-hoiio send', async () => {
    const empty = { msg: '', caller_id: '', max_duration: '', tag: '', notify_url: '' }
    expect(await stage.status('ivr/start/dial', { ...desk, dest, ...empty })).toBe('success_ok')
  })

  it('callerID, which an early PHP client sends, is ignored', async () => {
    expect(await stage.status('ivr/start/dial', { ...desk, dest, callerID: 'nonsense' })).toBe('success_ok')
  })

  it.each(['room:R1', '+1room:R1', '+room:R1', ' 1room:R1'])('the room %j', async (room) => {
    const { session } = await stage.answered()
    const answer = await stage.ask('ivr/end/transfer', { ...desk, session, dest: room })
    expect(answer).toEqual({ status: 'success_ok', room: 'R1' })
  })

  it('gather, record and monitor without a notify_url hang up when they are done', async () => {
    const { leg, session } = await stage.answered()
    expect(await stage.status('ivr/middle/record', { ...desk, session })).toBe('success_ok')
    await stage.pass(2000)
    leg.press('#')
    await stage.pass(0)
    expect(leg.lines.at(-1)).toBe('end normal')
  })
})

describe('status codes', () => {
  const dial = { ...desk, dest }

  it('error_invalid_http_method', async () => {
    const answer = await stage.server.inject({ method: 'PUT', url: '/open/ivr/start/dial' })
    expect([answer.statusCode, answer.body]).toEqual([200, '{"status":"error_invalid_http_method"}'])
  })

  it('error_malformed_params, for two values and for a body without end', async () => {
    const twice = await stage.server.inject({ method: 'POST', url: '/open/ivr/start/dial?dest=1', payload: 'dest=2' })
    expect(twice.json()).toEqual({ status: 'error_malformed_params' })
    const payload = `msg=${'x'.repeat(70_000)}`
    const long = await stage.server.inject({ method: 'POST', url: '/open/ivr/start/dial', payload })
    expect([long.statusCode, long.json()]).toEqual([200, { status: 'error_malformed_params' }])
  })

  it.each<[string, string, Fields]>([
    ['error_app_id_param_missing', 'ivr/start/dial', { access_token, dest }],
    ['error_access_token_param_missing', 'ivr/start/dial', { app_id, dest }],
    ['error_invalid_app_id', 'ivr/start/dial', { ...dial, app_id: 'NOBODY' }],
    ['error_invalid_access_token', 'ivr/start/dial', { ...dial, access_token: 'wrong' }],
    ['error_dest_param_missing', 'ivr/start/dial', desk],
    ['error_session_param_missing', 'ivr/middle/play', desk],
    ['error_session_param_missing', 'ivr/end/transfer', desk],
    ['error_invalid_session', 'ivr/middle/play', { ...desk, session: 'S1' }],
    ['error_dest_invalid', 'ivr/start/dial', { ...desk, dest: '98887777' }],
    ['error_dest_invalid', 'ivr/start/dial', { ...desk, dest: 'sip:evil@example.com' }],
    ['error_dest_invalid', 'ivr/start/dial', { ...desk, dest: 'room:R1' }],
    ['error_caller_id_invalid', 'ivr/start/dial', { ...dial, caller_id: '+14155550100' }],
    ['error_caller_id_invalid', 'ivr/start/dial', { ...dial, caller_id: '+6560000002' }],
    ['error_max_duration_invalid', 'ivr/start/dial', { ...dial, max_duration: '0' }],
    ['error_max_duration_invalid', 'ivr/start/dial', { ...dial, max_duration: 'long' }],
    ['error_tag_invalid_length', 'ivr/start/dial', { ...dial, tag: 'x'.repeat(257) }],
    ['error_invalid_notify_url', 'ivr/start/dial', { ...dial, notify_url: 'ftp://client.example/' }],
    ['error_invalid_notify_url', 'ivr/start/dial', { ...dial, notify_url: '/next' }],
    ['error_invalid_notify_url', 'ivr/start/dial', { ...dial, notify_url: `https://x.example/${'a'.repeat(4000)}` }],
    ['error_invalid_notify_url', 'ivr/start/dial', { ...dial, notify_url: 'http://169.254.169.254/latest' }],
    ['error_invalid_notify_url', 'ivr/start/dial', { ...dial, notify_url: 'http://127.0.0.1:9999/' }],
    ['error_msg_invalid_length', 'ivr/start/dial', { ...dial, msg: 'x'.repeat(1001) }],
    ['error_msg_invalid_language', 'ivr/start/dial', { ...dial, msg: '<speech language="xx">a</speech>' }],
    ['error_msg_invalid_gender', 'ivr/start/dial', { ...dial, msg: '<speech gender="x">a</speech>' }],
    ['error_msg_invalid_xml', 'ivr/start/dial', { ...dial, msg: '<speech>a' }],
    ['error_msg_invalid_url', 'ivr/start/dial', { ...dial, msg: '<url>file:///etc/passwd</url>' }],
    ['error_msg_download_failed', 'ivr/start/dial', { ...dial, msg: '<url>http://nobody.example/a</url>' }],
  ])('%s by %s', async (status, path, parameters) => {
    expect(await stage.ask(path, parameters)).toEqual({ status })
  })

  it.each<[string, string, Fields]>([
    ['error_dest_param_missing', 'ivr/end/transfer', {}],
    ['error_dest_invalid', 'ivr/end/transfer', { dest: '999' }],
    ['error_invalid_room', 'ivr/end/transfer', { dest: 'room:a b' }],
    ['error_invalid_room', 'ivr/end/transfer', { dest: `room:${'a'.repeat(33)}` }],
    ['error_on_failure_invalid', 'ivr/end/transfer', { dest: '137', on_failure: 'cry' }],
    ['error_caller_id_invalid', 'ivr/end/transfer', { dest: '137', caller_id: '+14155550100' }],
    ['error_invalid_max_digits', 'ivr/middle/gather', { max_digits: '256' }],
    ['error_invalid_timeout', 'ivr/middle/gather', { timeout: '0' }],
    ['error_invalid_attempts', 'ivr/middle/gather', { attempts: '0' }],
    ['error_invalid_max_duration', 'ivr/middle/record', { max_duration: '-1' }],
    ['error_session_not_on_hold', 'ivr/middle/unhold', {}],
    ['error_invalid_notify_url', 'ivr/middle/monitor', { monitor_notify_url: 'x' }],
    ['error_tag_invalid_length', 'ivr/middle/play', { tag: 'x'.repeat(257) }],
  ])('%s by %s leaves the session as it was', async (status, path, parameters) => {
    const { session } = await stage.answered()
    expect(await stage.ask(path, { ...desk, session, ...parameters })).toEqual({ status })
    expect(await stage.status('ivr/middle/play', { ...desk, session, notify_url: notifyUrl })).toBe('success_ok')
  })

  it('error_session_not_ready, error_monitor_in_progress and error_session_ended', async () => {
    const { leg, session } = await stage.answered()
    const asked = { ...desk, session, notify_url: notifyUrl }
    await stage.ask('ivr/middle/monitor', asked)
    await stage.pass(0)
    expect(await stage.status('ivr/middle/monitor', asked)).toBe('error_monitor_in_progress')
    await stage.ask('ivr/middle/gather', asked)
    expect(await stage.status('ivr/middle/play', asked)).toBe('error_session_not_ready')
    leg.hangUp()
    await stage.pass(0)
    expect(await stage.status('ivr/middle/play', asked)).toBe('error_session_ended')
    expect(await stage.status('ivr/end/hangup', asked)).toBe('error_session_ended')
  })

  it('error_dest_not_supported, where the rules of the tenant let nobody call the number', async () => {
    stage.reacher.set(dest, { kind: 'unreachable', cause: 'forbidden', sentence: 'No rule lets it out.' })
    expect(await stage.status('ivr/start/dial', dial)).toBe('error_dest_not_supported')
    expect(stage.calls.count).toBe(0)
  })

  it('error_unable_to_resolve_notify_url', async () => {
    stage.unknownHosts.add('nowhere.example')
    const parameters = { ...dial, notify_url: 'https://nowhere.example/n' }
    expect(await stage.status('ivr/start/dial', parameters)).toBe('error_unable_to_resolve_notify_url')
  })

  it('error_msg_cannot_convert_text, where there is no voice', async () => {
    stage.hasVoice = false
    expect(await stage.status('ivr/start/dial', { ...dial, msg: 'Hello' })).toBe('error_msg_cannot_convert_text')
  })

  it('error_concurrent_call_limit_reached, by the limit of the application and of the tenant', async () => {
    await restart(hoiioConfig.replace('appId: DESK,', 'appId: DESK, concurrentCalls: 1,'))
    expect(await stage.status('ivr/start/dial', dial)).toBe('success_ok')
    expect(await stage.status('ivr/start/dial', dial)).toBe('error_concurrent_call_limit_reached')
    await restart(
      hoiioConfig.replace('domain: acme.example', 'domain: acme.example\n    limits: { concurrentCalls: 1 }'),
    )
    expect(await stage.status('ivr/start/dial', dial)).toBe('success_ok')
    expect(await stage.status('ivr/start/dial', dial)).toBe('error_concurrent_call_limit_reached')
  })

  it('error_rate_limit_exceeded, by the requests of the application within a minute', async () => {
    await restart(hoiioConfig.replace('appId: DESK,', 'appId: DESK, requestsPerMinute: 2,'))
    const ask = (): Promise<string> => stage.status('ivr/middle/play', { ...desk, session: 'S1' })
    expect([await ask(), await ask(), await ask()]).toEqual([
      'error_invalid_session',
      'error_invalid_session',
      'error_rate_limit_exceeded',
    ])
    await stage.pass(60_000)
    expect(await ask()).toBe('error_invalid_session')
  })

  it('error_rate_limit_exceeded for an address that guesses, whatever it sends then', async () => {
    const from = { ip: '203.0.113.9' }
    for (let i = 0; i < 20; i++) {
      expect(await stage.status('ivr/start/dial', { ...dial, access_token: `guess${i}` }, from)).toBe(
        'error_invalid_access_token',
      )
    }
    expect(await stage.status('ivr/start/dial', dial, from)).toBe('error_rate_limit_exceeded')
    expect(await stage.status('ivr/start/dial', dial)).toBe('success_ok')
  })

  it('error_internal_server_error, where something of ours fails', async () => {
    stage.reacher.set(dest, () => Promise.reject(new Error('broken')))
    expect(await stage.status('ivr/start/dial', dial)).toBe('error_internal_server_error')
  })

  it('are checked in this order: method, credentials, missing parameters, session, values', async () => {
    const wrongAll = { app_id: 'NOBODY', session: 'S1', dest: 'x', on_failure: 'x' }
    expect(await stage.status('ivr/end/transfer', wrongAll)).toBe('error_access_token_param_missing')
    expect(await stage.status('ivr/end/transfer', { ...wrongAll, access_token: 'x' })).toBe('error_invalid_app_id')
    expect(await stage.status('ivr/end/transfer', { ...desk, session: 'S1' })).toBe('error_dest_param_missing')
    expect(await stage.status('ivr/end/transfer', { ...wrongAll, ...desk })).toBe('error_invalid_session')
  })
})

describe('files in msg', () => {
  const url = 'https://files.example/hello.mp3'
  const play = { msg: `<url>${url}</url>`, notify_url: notifyUrl }

  it('are fetched, and fetched again only when they have changed', async () => {
    stage.files.set(url, ({ headers }) =>
      headers?.['if-modified-since'] === 'Mon, 01 Jan 2024 00:00:00 GMT'
        ? { status: 304 }
        : { text: 'sound', headers: new Map([['last-modified', 'Mon, 01 Jan 2024 00:00:00 GMT']]) },
    )
    const { leg, session } = await stage.answered()
    expect(await stage.status('ivr/middle/play', { ...desk, session, ...play })).toBe('success_ok')
    await stage.pass(5000)
    expect(await stage.status('ivr/middle/play', { ...desk, session, ...play })).toBe('success_ok')
    await stage.pass(5000)
    expect(leg.lines.filter((line) => line.startsWith('play'))).toHaveLength(2)
    expect(stage.fetched).toHaveLength(2)
    expect(stage.fetched[0]?.isTrusted).toBe(false)
  })

  it.each([
    ['error_msg_download_failed', { status: 404 }],
    ['error_msg_invalid_file_size', { text: 'x', isTruncated: true }],
    [
      'error_msg_invalid_url',
      {
        kind: 'failure',
        code: 'outgoing.address-refused',
        reached: 'nothing',
        status: null,
        sentence: '',
        durationMs: 0,
      },
    ],
  ])('%s', async (status, outcome) => {
    stage.files.set(url, () => outcome as object)
    const { session } = await stage.answered()
    expect(await stage.status('ivr/middle/play', { ...desk, session, ...play })).toBe(status)
    expect(await stage.status('ivr/middle/play', { ...desk, session, notify_url: notifyUrl })).toBe('success_ok')
  })

  it('error_msg_invalid_file_format, for what is no sound', async () => {
    await end()
    stage = await HoiioStage.start({ badSounds: true })
    stage.files.set(url, () => ({ text: '<html>' }))
    const { session } = await stage.answered()
    expect(await stage.status('ivr/middle/play', { ...desk, session, ...play })).toBe('error_msg_invalid_file_format')
  })
})

describe('two applications', () => {
  it('steer only their own sessions', async () => {
    const mine = await stage.answered()
    for (const stranger of [other, beta]) {
      const asked = { ...stranger, session: mine.session }
      expect(await stage.status('ivr/middle/play', asked)).toBe('error_session_access_denied')
      expect(await stage.status('ivr/end/hangup', { ...asked, force: 'enabled' })).toBe('error_session_access_denied')
      expect(await stage.status('ivr/end/transfer', { ...asked, dest: 'room:' })).toBe('error_session_access_denied')
    }
    mine.leg.hangUp()
    await stage.pass(0)
    expect(await stage.status('ivr/middle/play', { ...other, session: mine.session })).toBe(
      'error_session_access_denied',
    )
  })

  it('have rooms of one name apart', async () => {
    const mine = await stage.answered()
    const theirs = await stage.answered('+6560000002', other)
    await stage.ask('ivr/end/transfer', { ...desk, session: mine.session, dest: 'room:R1' })
    await stage.ask('ivr/end/transfer', { ...other, session: theirs.session, dest: 'room:R1' })
    await stage.pass(0)
    expect(stage.rooms.list().map((room) => room.size)).toEqual([1, 1])
  })

  it('are told of their own calls alone', async () => {
    await stage.callIn('+6560000002')
    expect(stage.last().url).toBe('http://127.0.0.1:9200/in')
    await stage.callIn('+6570000001')
    expect(stage.last()).toMatchObject({ url: 'http://127.0.0.1:9300/in', event: { tenant: 'beta' } })
  })

  it('have links to recordings that nobody can guess', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/record', { ...desk, session, notify_url: notifyUrl })
    await stage.pass(1000)
    leg.press('#')
    await stage.pass(0)
    const path = new URL(stage.last().fields['record_url'] ?? '').pathname
    const forged = path.replace(/-([0-9a-f])/, (_, digit: string) => `-${digit === '0' ? '1' : '0'}`)
    for (const url of [forged, path.replace('.mp3', '.ogg'), path.replace(/-.*/, '.mp3'), '/open/recording/rec_x']) {
      expect((await stage.server.inject({ url })).statusCode).toBe(404)
    }
  })
})

describe('Idempotency-Key', () => {
  const dial = { ...desk, dest, notify_url: notifyUrl }

  it('dials once, however often the request comes, at once too', async () => {
    const headers = { 'idempotency-key': 'K1' }
    const ask = (): Promise<Fields> => stage.ask('ivr/start/dial', dial, { headers })
    const [first, second] = await Promise.all([ask(), ask()])
    expect(second).toEqual(first)
    expect(await ask()).toEqual(first)
    expect(stage.calls.count).toBe(1)
    const another = await stage.ask('ivr/start/dial', dial, { headers: { 'idempotency-key': 'K2' } })
    expect(another['session']).not.toBe(first['session'])
  })

  it('of another application is another key', async () => {
    const headers = { 'idempotency-key': 'K1' }
    const first = await stage.ask('ivr/start/dial', dial, { headers })
    const second = await stage.ask('ivr/start/dial', { ...dial, ...other }, { headers })
    expect([second['status'], second['session'] === first['session']]).toEqual(['success_ok', false])
  })

  it('of a request that was refused may be used again', async () => {
    const headers = { 'idempotency-key': 'K1' }
    expect(await stage.status('ivr/start/dial', desk, { headers })).toBe('error_dest_param_missing')
    expect(await stage.status('ivr/start/dial', dial, { headers })).toBe('success_ok')
  })
})
