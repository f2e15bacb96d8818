import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { desk, type Fields, HoiioStage, hoiioConfig, notifyUrl, other } from '../../../test/support/hoiio-stage.ts'
import type { StatusCode } from './wire.ts'

type Method = 'GET' | 'POST'

/** What causes a code: it is given the method, and gives back the status that it was answered. */
type Cause = (method: Method) => Promise<string | undefined>

const dest = '+6598887777'
let stage: HoiioStage
let folder: string | null = null

afterEach(async () => {
  for (const call of stage.calls.live()) call.end({ by: 'program', cause: 'normal', sentence: null })
  await stage.pass(0)
  await stage.close()
  expect(stage.clock.pending).toBe(0)
  if (folder !== null) await rm(folder, { recursive: true, force: true })
  folder = null
})

async function open(options: Parameters<typeof HoiioStage.start>[0] = {}): Promise<void> {
  stage = await HoiioStage.start(options)
  await stage.server.listen({ port: 0, host: '127.0.0.1' })
}

async function ask(method: Method | 'PUT' | 'DELETE', path: string, parameters: Fields): Promise<string | undefined> {
  const form = new URLSearchParams(parameters).toString()
  const { port } = stage.server.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/open/${path}`
  const answer =
    method === 'GET' ? await fetch(`${url}?${form}`) : await fetch(url, { method, body: new URLSearchParams(form) })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8'])
  const fields = (await answer.json()) as Fields
  // Nothing beside the status: clients turn every key into something.
  if (fields['status'] !== 'success_ok') expect(Object.keys(fields)).toEqual(['status'])
  return fields['status']
}

const asking =
  (path: string, parameters: Fields): Cause =>
  async (method) => {
    await open()
    return await ask(method, path, parameters)
  }

const dialling = (parameters: Fields): Cause => asking('ivr/start/dial', { ...desk, dest, ...parameters })

/** Of a session that was answered and has nothing to do. */
const inSession =
  (path: string, parameters: Fields = {}): Cause =>
  async (method) => {
    await open()
    const { session } = await stage.answered()
    return await ask(method, path, { ...desk, session, ...parameters })
  }

const voiceCall = { ...desk, dest1: '+6591110000', dest2: dest }

const naming =
  (file: Partial<ReturnType<Parameters<HoiioStage['files']['set']>[1]>>, badSounds = false): Cause =>
  async (method) => {
    folder = await mkdtemp(join(tmpdir(), 'switchhook-status-'))
    await open({ dataFolder: folder, badSounds })
    const url = 'http://files.example/a.wav'
    stage.files.set(url, () => file)
    return await ask(method, 'ivr/start/dial', { ...desk, dest, msg: `<url>${url}</url>` })
  }

/** Every code there is, each with what causes it: the compiler misses one that has none. */
const causes: Readonly<Record<StatusCode, Cause>> = {
  success_ok: dialling({}),
  error_invalid_http_method: async (method) => {
    await open()
    return await ask(method === 'GET' ? 'DELETE' : 'PUT', 'ivr/start/dial', { ...desk, dest })
  },
  error_malformed_params: async (method) => {
    await open()
    // The same name with two values.
    return await ask(method, `ivr/start/dial${method === 'POST' ? '?dest=1' : '?dest=1&x='}`, { ...desk, dest })
  },
  error_app_id_param_missing: asking('ivr/start/dial', { access_token: desk.access_token, dest }),
  error_access_token_param_missing: asking('ivr/start/dial', { app_id: desk.app_id, dest }),
  error_session_param_missing: asking('ivr/middle/play', desk),
  error_dest_param_missing: asking('ivr/start/dial', desk),
  error_dest1_param_missing: asking('voice/call', { ...other, dest2: dest }),
  error_dest2_param_missing: asking('voice/call', { ...desk, dest1: dest }),
  error_txn_ref_param_missing: asking('voice/hangup', desk),
  error_action_param_missing: asking('conference/moderate', { ...desk, txn_ref: 'TX-1' }),
  error_number_param_missing: asking('number/update_forwarding', desk),
  error_invalid_access_token: asking('user/get_balance', { ...desk, access_token: 'wrong' }),
  error_invalid_app_id: asking('user/get_balance', { ...desk, app_id: 'NOBODY' }),
  error_rate_limit_exceeded: async (method) => {
    await open({ text: hoiioConfig.replace('appId: DESK,', 'appId: DESK, requestsPerMinute: 1,') })
    expect(await ask(method, 'user/get_balance', desk)).toBe('success_ok')
    return await ask(method, 'user/get_balance', desk)
  },
  error_internal_server_error: async (method) => {
    await open()
    stage.reacher.set(dest, async () => {
      throw new Error('a defect')
    })
    return await ask(method, 'ivr/start/dial', { ...desk, dest })
  },
  error_invalid_session: asking('ivr/middle/play', { ...desk, session: 'S4643' }),
  error_session_access_denied: inSession('ivr/middle/play', other),
  error_session_ended: async (method) => {
    await open()
    const { session, leg } = await stage.answered()
    leg.hangUp()
    await stage.pass(0)
    return await ask(method, 'ivr/middle/play', { ...desk, session })
  },
  error_session_not_ready: async (method) => {
    await open()
    const { session } = await stage.answered()
    const block = { ...desk, session, notify_url: notifyUrl }
    expect(await ask(method, 'ivr/middle/hold', { ...desk, session })).toBe('success_ok')
    await stage.pass(0)
    return await ask(method, 'ivr/middle/gather', block)
  },
  error_session_not_on_hold: inSession('ivr/middle/unhold'),
  error_monitor_in_progress: async (method) => {
    await open()
    const { session } = await stage.answered()
    const block = { ...desk, session, notify_url: notifyUrl }
    expect(await ask(method, 'ivr/middle/monitor', block)).toBe('success_ok')
    await stage.pass(0)
    return await ask(method, 'ivr/middle/monitor', block)
  },
  error_dest_invalid: dialling({ dest: '98887777' }),
  error_dest_not_supported: async (method) => {
    await open()
    stage.reacher.set(dest, { kind: 'unreachable', cause: 'forbidden', sentence: 'No rule.' })
    return await ask(method, 'ivr/start/dial', { ...desk, dest })
  },
  error_invalid_room: inSession('ivr/end/transfer', { dest: `room:${'a'.repeat(33)}` }),
  error_caller_id_invalid: dialling({ caller_id: '+14155550100' }),
  error_invalid_max_digits: inSession('ivr/middle/gather', { max_digits: '256' }),
  error_invalid_timeout: inSession('ivr/middle/gather', { timeout: 'soon' }),
  error_invalid_attempts: inSession('ivr/middle/gather', { attempts: '0' }),
  error_invalid_max_duration: inSession('ivr/middle/record', { max_duration: '0' }),
  error_max_duration_invalid: dialling({ max_duration: '-1' }),
  error_on_failure_invalid: inSession('ivr/end/transfer', { dest, on_failure: 'cry' }),
  error_tag_invalid_length: dialling({ tag: 'x'.repeat(257) }),
  error_invalid_notify_url: dialling({ notify_url: 'ftp://client.example/' }),
  error_unable_to_resolve_notify_url: async (method) => {
    await open()
    stage.unknownHosts.add('nowhere.example')
    return await ask(method, 'ivr/start/dial', { ...desk, dest, notify_url: 'http://nowhere.example/' })
  },
  error_msg_invalid_length: dialling({ msg: '你'.repeat(1001) }),
  error_msg_cannot_convert_text: async (method) => {
    await open()
    stage.hasVoice = false
    return await ask(method, 'ivr/start/dial', { ...desk, dest, msg: 'Hello' })
  },
  error_msg_invalid_language: dialling({ msg: '<speech language="xx">a</speech>' }),
  error_msg_invalid_gender: dialling({ msg: '<speech gender="x">a</speech>' }),
  error_msg_invalid_xml: dialling({ msg: '<speech>a' }),
  error_msg_download_failed: naming({ status: 404 }),
  error_msg_invalid_file_format: naming({ text: 'no sound' }, true),
  error_msg_invalid_file_size: naming({ text: 'x', isTruncated: true }),
  error_msg_invalid_url: dialling({ msg: '<url>file:///etc/passwd</url>' }),
  error_concurrent_call_limit_reached: async (method) => {
    await open({ text: hoiioConfig.replace('appId: DESK,', 'appId: DESK, concurrentCalls: 1,') })
    expect(await ask(method, 'ivr/start/dial', { ...desk, dest })).toBe('success_ok')
    return await ask(method, 'ivr/start/dial', { ...desk, dest })
  },
  error_dest1_invalid: asking('voice/get_rate', { ...voiceCall, dest1: 'x' }),
  error_dest2_invalid: asking('voice/get_rate', { ...voiceCall, dest2: 'x' }),
  error_dest1_not_supported: async (method) => {
    await open()
    stage.reacher.set(voiceCall.dest1, { kind: 'unreachable', cause: 'forbidden', sentence: 'No rule.' })
    return await ask(method, 'voice/call', voiceCall)
  },
  error_dest2_not_supported: async (method) => {
    await open()
    stage.reacher.set(voiceCall.dest2, { kind: 'unreachable', cause: 'forbidden', sentence: 'No rule.' })
    return await ask(method, 'voice/call', voiceCall)
  },
  error_same_dest1_dest2: asking('voice/call', { ...voiceCall, dest1: dest }),
  error_dest_too_many: asking('voice/conference', {
    ...desk,
    dest: Array.from({ length: 9 }, (_, index) => `+659111000${index}`).join(','),
  }),
  error_txn_ref_invalid: asking('voice/query_status', { ...desk, txn_ref: 'TX-1234' }),
  error_txn_ref_access_denied: async (method) => {
    await open()
    const { txn_ref = '' } = await stage.ask('voice/call', voiceCall)
    return await ask(method, 'voice/query_status', { ...other, txn_ref })
  },
  error_from_invalid: asking('voice/get_history', { ...desk, from: 'yesterday' }),
  error_to_invalid: asking('voice/get_history', { ...desk, to: '2026-13-01 00:00:00' }),
  error_to_before_from: asking('voice/get_history', {
    ...desk,
    from: '2026-01-02 00:00:00',
    to: '2026-01-01 00:00:00',
  }),
  error_page_invalid: asking('voice/get_history', { ...desk, page: '0' }),
  error_number_invalid: asking('number/update_forwarding', { ...desk, number: 'x' }),
  error_number_not_assigned: asking('number/update_forwarding', { ...desk, number: '+6560000002' }),
  error_forward_to_invalid: asking('number/update_forwarding', { ...desk, number: '+6560000001', forward_to: 'x' }),
  error_unable_to_resolve_forward_to: async (method) => {
    await open()
    stage.unknownHosts.add('nowhere.example')
    const forward = { number: '+6560000001', forward_to: 'http://nowhere.example/' }
    return await ask(method, 'number/update_forwarding', { ...desk, ...forward })
  },
}

describe.each<Method>(['GET', 'POST'])('status codes by %s, over a socket', (method) => {
  it.each(Object.entries(causes))('%s', async (status, cause) => {
    expect(await cause(method)).toBe(status)
  })
})

describe('requests that are formed strangely', () => {
  /** The bytes as they are, over a socket. @returns the answer's status code of HTTP and of the API. */
  async function raw(head: readonly string[], body: Uint8Array | string): Promise<readonly [number, string]> {
    await open()
    const bytes = Buffer.from(body as string)
    const socket = connect((stage.server.server.address() as AddressInfo).port, '127.0.0.1')
    const parts: Buffer[] = []
    socket.on('data', (part: Buffer) => parts.push(part))
    const fields = [...head, 'Host: x', `Content-Length: ${bytes.length}`, 'Connection: close', '', '']
    socket.write(Buffer.concat([Buffer.from(fields.join('\r\n'), 'latin1'), bytes]))
    await once(socket, 'close')
    const [first = '', answer = ''] = Buffer.concat(parts).toString().split('\r\n\r\n')
    return [Number(first.split(' ')[1]), (JSON.parse(answer) as Fields)['status'] ?? '']
  }

  const credentials = new URLSearchParams(desk).toString()
  const good = `${credentials}&dest=%2B6598887777&msg=Hello`
  const post = 'POST /open/ivr/start/dial HTTP/1.1'

  it.each([
    ['a form', 'application/x-www-form-urlencoded'],
    ['a form with a charset', 'application/x-www-form-urlencoded; charset=UTF-8'],
    ['JSON', 'application/json'],
    ['JSON with a charset', 'application/json;charset=UTF-8'],
    ['text', 'text/plain'],
    ['a form of several parts', 'multipart/form-data; boundary=x'],
    ['XML', 'text/xml'],
    ['nonsense', 'nonsense'],
    ['nothing', ''],
  ])('form text that is labelled as %s is a form', async (_, type) => {
    expect(await raw([post, `Content-Type: ${type}`], good)).toEqual([200, 'success_ok'])
  })

  it.each<[string, string, string | Uint8Array, string]>([
    [
      'a thousand characters',
      '',
      `${credentials}&dest=%2B6598887777&msg=${encodeURIComponent('請'.repeat(1000))}`,
      'success_ok',
    ],
    [
      'one more',
      '',
      `${credentials}&dest=%2B6598887777&msg=${encodeURIComponent('請'.repeat(1001))}`,
      'error_msg_invalid_length',
    ],
    [
      'a thousand of those that take two places',
      '',
      `${credentials}&dest=%2B6598887777&msg=${encodeURIComponent('\u{1F4DE}a'.repeat(500))}`,
      'success_ok',
    ],
    ['UTF-8 without percent signs', '', `${credentials}&dest=+6598887777&msg=請稍等`, 'success_ok'],
    ['a number with an unencoded plus', '', `${credentials}&dest=+6598887777`, 'success_ok'],
    [
      'every optional parameter empty',
      '',
      `${credentials}&dest=%2B6598887777&msg=&caller_id=&max_duration=&tag=&notify_url=`,
      'success_ok',
    ],
    ['a required parameter empty', '', `${credentials}&dest=`, 'error_dest_param_missing'],
    ['credentials in the query, the rest in the body', `?${credentials}`, 'dest=%2B6598887777', 'success_ok'],
    ['Latin-1', '', Buffer.from(`${good}&tag=caf\xE9`, 'latin1'), 'error_malformed_params'],
    ['Latin-1 by percent signs', '', `${good}&tag=caf%E9`, 'error_malformed_params'],
    ['a percent sign that is none', '', `${credentials}&dest=%2B6598887777&msg=100% sure`, 'success_ok'],
    ['JSON in earnest', '', JSON.stringify({ ...desk, dest }), 'error_app_id_param_missing'],
    ['no body at all', '', '', 'error_app_id_param_missing'],
  ])('%s', async (_, query, body, status) => {
    expect(await raw([`POST /open/ivr/start/dial${query} HTTP/1.1`], body)).toEqual([200, status])
  })

  it('a body that is too long is malformed', async () => {
    expect(await raw([post], `${good}&tag=${'x'.repeat(70_000)}`)).toEqual([200, 'error_malformed_params'])
  })
})
