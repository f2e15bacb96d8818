import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { beta, desk, HoiioStage, hoiioConfig, notifyUrl, other } from '../../../test/support/hoiio-stage.ts'

let stage: HoiioStage

beforeEach(async () => {
  stage = await HoiioStage.start()
})

afterEach(async () => {
  for (const call of stage.calls.live()) call.end({ by: 'program', cause: 'normal', sentence: null })
  await stage.pass(0)
  await stage.close()
  expect(stage.clock.pending).toBe(0)
})

const first = '+6591110000'
const second = '+6592220000'

describe('voice/call', () => {
  const call = { ...desk, dest1: first, dest2: second, notify_url: notifyUrl, tag: 'C1' }

  it('joins two numbers and tells what became of both', async () => {
    const answer = await stage.ask('voice/call', { ...call, caller_id: '+6560000009' })
    expect(answer).toEqual({ status: 'success_ok', txn_ref: expect.stringMatching(/^TX-/) })
    const reference = { ...desk, txn_ref: answer['txn_ref'] ?? '' }
    await stage.pass(0)
    const live = await stage.ask('voice/query_status', reference)
    expect(live).toEqual({
      status: 'success_ok',
      txn_ref: answer['txn_ref'],
      tag: 'C1',
      dest1: first,
      dest2: second,
      call_status_dest1: 'ongoing',
      call_status_dest2: 'ongoing',
      call_status_dest_1: 'ongoing',
      call_status_dest_2: 'ongoing',
      date: '2026-01-01 08:00:00',
      currency: 'SGD',
      rate: '0.040',
    })
    stage.reacher.leg(first).peerAnswers()
    await stage.pass(1000)
    // A client takes anything but `ongoing` for the sign that there is a charge.
    const answered = await stage.ask('voice/query_status', reference)
    expect(answered).toMatchObject({ call_status_dest1: 'ongoing', call_status_dest2: 'ongoing' })
    expect(answered).not.toHaveProperty('duration')
    expect(stage.reacher.requests.at(-1)).toMatchObject({ destination: second, callerId: '+6560000009' })
    stage.reacher.leg(second).peerAnswers()
    await stage.pass(70_000)
    stage.reacher.leg(second).hangUp()
    await stage.pass(0)
    expect(stage.reacher.leg(first).ending).not.toBeNull()
    expect(stage.notified).toHaveLength(1)
    expect(stage.last().url).toBe(notifyUrl)
    expect(stage.last().fields).toMatchObject({
      txn_ref: answer['txn_ref'],
      tag: 'C1',
      dest1: first,
      dest2: second,
      call_status_dest1: 'answered',
      call_status_dest2: 'answered',
      date: '2026-01-01 08:00:00',
      duration: '2',
      currency: 'SGD',
      rate: '0.040',
      debit: '0.080',
    })
    expect(await stage.ask('voice/query_status', reference)).toMatchObject({ duration: '2', debit: '0.080' })
  })

  it('shows the first number with whom it is to be joined, where that may be shown', async () => {
    const shownTo = async (): Promise<unknown> => {
      await stage.ask('voice/call', { ...call, caller_id: 'private' })
      await stage.pass(0)
      return stage.reacher.requests.findLast(({ destination }) => destination === first)?.callerId
    }
    expect(await shownTo()).toBe(second)
    // A trunk that lets only numbers of the tenant through.
    const forbidden = { kind: 'unreachable', cause: 'forbidden', sentence: 'Not a number of this tenant.' } as const
    stage.reacher.set(first, async () =>
      stage.reacher.requests.at(-1)?.callerId === second
        ? forbidden
        : { kind: 'reachable', devices: [stage.reacher.device(first)] },
    )
    expect(await shownTo()).toBe('anonymous')
  })

  it('dials the registered number where dest1 is not given', async () => {
    await stage.ask('voice/call', { ...desk, dest2: second })
    await stage.pass(0)
    expect(stage.reacher.requests.at(-1)?.destination).toBe('+6560000001')
    expect(await stage.status('voice/call', { ...other, dest2: second })).toBe('error_dest1_param_missing')
  })

  it('tells a first number that is busy, with no charge', async () => {
    await stage.ask('voice/call', call)
    await stage.pass(0)
    stage.reacher.leg(first).peerRefuses(486)
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({
      call_status_dest1: 'busy',
      call_status_dest2: 'unanswered',
      duration: '0',
      debit: '0.000',
    })
  })

  it('is ended by voice/hangup', async () => {
    const { txn_ref = '' } = await stage.ask('voice/call', call)
    await stage.pass(0)
    expect(await stage.status('voice/hangup', { ...desk, txn_ref })).toBe('success_ok')
    await stage.pass(0)
    expect(stage.reacher.leg(first).ending).not.toBeNull()
    expect(await stage.status('voice/hangup', { ...desk, txn_ref })).toBe('success_ok')
  })

  it('parts the two at max_duration', async () => {
    await stage.ask('voice/call', { ...call, max_duration: '30' })
    await stage.pass(0)
    stage.reacher.leg(first).peerAnswers()
    await stage.pass(0)
    stage.reacher.leg(second).peerAnswers()
    await stage.pass(30_500)
    expect(stage.last().fields).toMatchObject({ call_status_dest2: 'answered', duration: '1' })
  })

  it.each([
    ['error_dest2_param_missing', { ...desk, dest1: first }],
    ['error_dest1_invalid', { ...call, dest1: 'x' }],
    ['error_dest2_invalid', { ...call, dest2: 'x' }],
    ['error_same_dest1_dest2', { ...call, dest2: first }],
    ['error_caller_id_invalid', { ...call, caller_id: '+14155550100' }],
    ['error_max_duration_invalid', { ...call, max_duration: '0' }],
  ])('%s', async (status, parameters) => {
    expect(await stage.ask('voice/call', parameters)).toEqual({ status })
  })

  it.each([
    ['error_dest1_not_supported', first],
    ['error_dest2_not_supported', second],
  ])('%s', async (status, closed) => {
    stage.reacher.set(closed, { kind: 'unreachable', cause: 'forbidden', sentence: 'No rule.' })
    expect(await stage.status('voice/call', call)).toBe(status)
  })
})

describe('conferences', () => {
  const both = `${first},${second}`

  it('voice/conference calls all and joins them; its references are one string', async () => {
    const answer = await stage.ask('voice/conference', { ...desk, dest: both, room: 'R1', notify_url: notifyUrl })
    expect(answer).toEqual({ status: 'success_ok', room: 'R1', txn_refs: expect.stringMatching(/^TX-\w+,TX-\w+$/) })
    await stage.pass(0)
    for (const number of [first, second]) stage.reacher.leg(number).peerAnswers()
    await stage.pass(0)
    expect(stage.rooms.list().map((room) => room.size)).toEqual([2])
    await stage.pass(10_000)
    stage.reacher.leg(first).hangUp()
    await stage.pass(0)
    const [reference] = (answer['txn_refs'] ?? '').split(',')
    expect(stage.last().fields).toMatchObject({ txn_ref: reference, room: 'R1', dest1: first, duration: '1' })
  })

  it('conference/call gives its references as a list, and finds a room for itself', async () => {
    const answer = await stage.ask('conference/call', { ...desk, dest: first })
    expect(answer).toMatchObject({
      room: expect.stringMatching(/^R\w{12}$/),
      txn_refs: [expect.stringMatching(/^TX-/)],
    })
  })

  it('bring a session and a conference of one room together', async () => {
    await stage.ask('conference/call', { ...desk, dest: first, room: 'R1' })
    await stage.pass(0)
    stage.reacher.leg(first).peerAnswers()
    const { session } = await stage.answered()
    await stage.ask('ivr/end/transfer', { ...desk, session, dest: 'room:R1' })
    await stage.pass(0)
    expect(stage.rooms.list().map((room) => room.size)).toEqual([2])
  })

  it('conference/moderate mutes, unmutes and kicks a member, but not that of another application', async () => {
    const { txn_refs } = await stage.ask('voice/conference', { ...desk, dest: both, room: 'R1' })
    await stage.pass(0)
    for (const number of [first, second]) stage.reacher.leg(number).peerAnswers()
    await stage.pass(0)
    const [txn_ref = ''] = (txn_refs ?? '').split(',')
    const members = (): readonly boolean[] =>
      stage.rooms
        .list()[0]
        ?.view()
        .members.map(({ isMuted }) => isMuted) ?? []
    const moderate = (action: string, by = desk): Promise<string> =>
      stage.status('conference/moderate', { ...by, txn_ref, action })
    expect(await moderate('mute', other)).toBe('error_txn_ref_access_denied')
    expect(await moderate('mute')).toBe('success_ok')
    expect(members()).toEqual([true, false])
    expect(await moderate('unmute')).toBe('success_ok')
    expect(members()).toEqual([false, false])
    expect(await moderate('dance')).toBe('error_malformed_params')
    expect(await moderate('kick')).toBe('success_ok')
    await stage.pass(0)
    expect(members()).toEqual([false])
    expect(stage.reacher.leg(first).ending).not.toBeNull()
    expect(await moderate('kick')).toBe('error_txn_ref_invalid')
  })

  it('moderate reaches a session that was transferred to the room', async () => {
    const { leg, session } = await stage.answered()
    const { txn_ref = '' } = stage.last().fields
    await stage.ask('ivr/end/transfer', { ...desk, session, dest: 'room:R1' })
    await stage.pass(0)
    expect(await stage.status('conference/moderate', { ...desk, txn_ref, action: 'kick' })).toBe('success_ok')
    await stage.pass(0)
    expect(leg.ending).not.toBeNull()
  })

  it.each([
    ['error_dest_param_missing', {}],
    ['error_dest_invalid', { dest: `${first},x` }],
    ['error_dest_invalid', { dest: `${first},${first}` }],
    ['error_dest_too_many', { dest: Array.from({ length: 9 }, (_, i) => `+659111000${i}`).join(',') }],
    ['error_invalid_room', { dest: first, room: 'a b' }],
  ])('%s', async (status, parameters) => {
    expect(await stage.ask('voice/conference', { ...desk, ...parameters })).toEqual({ status })
  })
})

describe('queries', () => {
  it('get_history shows what the application has had, newest first, and nobody else', async () => {
    await stage.ask('voice/call', { ...desk, dest1: first, dest2: second, tag: 'old' })
    await stage.pass(60_000)
    const { leg } = await stage.callIn()
    leg.hangUp()
    await stage.pass(0)
    const history = await stage.ask('voice/get_history', desk)
    expect(history).toMatchObject({ status: 'success_ok', total_entries_count: '2', entries_count: '2' })
    expect(history['entries']).toMatchObject([
      { dest1: '+6591110000', dest2: '+6560000001', call_status_dest1: 'unanswered', duration: '0' },
      { tag: 'old', dest1: first },
    ])
    expect(await stage.ask('voice/get_history', beta)).toMatchObject({ total_entries_count: '0', entries: [] })
    const period = { from: '2026-01-01 08:00:30', to: '2026-01-01 08:02:00' }
    expect(await stage.ask('voice/get_history', { ...desk, ...period })).toMatchObject({ total_entries_count: '1' })
    expect(await stage.ask('voice/get_history', { ...desk, page: '2' })).toMatchObject({ entries_count: '0' })
  })

  it.each([
    ['error_from_invalid', { from: 'x' }],
    ['error_to_invalid', { to: 'x' }],
    ['error_to_before_from', { from: '2026-01-02', to: '2026-01-01' }],
    ['error_page_invalid', { page: '0' }],
  ])('get_history: %s', async (status, parameters) => {
    expect(await stage.ask('voice/get_history', { ...desk, ...parameters })).toEqual({ status })
  })

  it('query_status knows sessions, and not those of others', async () => {
    await stage.callIn()
    const { txn_ref = '' } = stage.last().fields
    expect(await stage.ask('voice/query_status', { ...desk, txn_ref })).toMatchObject({ call_status_dest1: 'ongoing' })
    expect(await stage.status('voice/query_status', { ...other, txn_ref })).toBe('error_txn_ref_access_denied')
    expect(await stage.status('voice/query_status', { ...desk, txn_ref: 'TX-1' })).toBe('error_txn_ref_invalid')
    expect(await stage.status('voice/query_status', desk)).toBe('error_txn_ref_param_missing')
    expect(await stage.status('voice/hangup', { ...other, txn_ref })).toBe('error_txn_ref_access_denied')
  })

  it('voice/hangup ends a session and tells it where its end is told', async () => {
    const { leg } = await stage.answered()
    const { txn_ref = '' } = stage.last().fields
    expect(await stage.status('voice/hangup', { ...desk, txn_ref })).toBe('success_ok')
    await stage.pass(0)
    expect(leg.lines.at(-1)).toBe('end normal')
    expect(stage.last()).toMatchObject({ url: notifyUrl, fields: { call_state: 'ended' } })
  })

  it('get_rate, get_balance and get_info', async () => {
    expect(await stage.ask('voice/get_rate', { ...desk, dest1: first, dest2: '+14155550100' })).toEqual({
      status: 'success_ok',
      currency: 'SGD',
      rate: '0.120',
      talktime: '0',
    })
    expect(await stage.ask('user/get_balance', desk)).toEqual({
      status: 'success_ok',
      currency: 'SGD',
      balance: '0.000',
      points: '0.000',
      bonus: '0.000',
    })
    expect(await stage.ask('user/get_info', desk)).toMatchObject({
      uid: 'DESK',
      name: 'desk',
      mobile_number: '+6560000001',
      caller_ids: ['+6560000001', 'private'],
      currency: 'SGD',
    })
  })

  it('are limited by the minute, blocks are not', async () => {
    await stage.close()
    stage = await HoiioStage.start({ text: hoiioConfig.replace('appId: DESK,', 'appId: DESK, queriesPerMinute: 1,') })
    expect(await stage.status('user/get_balance', desk)).toBe('success_ok')
    expect(await stage.status('user/get_info', desk)).toBe('error_rate_limit_exceeded')
    expect(await stage.status('ivr/middle/play', { ...desk, session: 'S1' })).toBe('error_invalid_session')
  })
})

describe('number/update_forwarding', () => {
  const number = '+6560000001'

  it('sets where calls to a number are told, and back', async () => {
    const forward = { ...desk, number, forward_to: 'https://client.example/incoming' }
    expect(await stage.status('number/update_forwarding', forward)).toBe('success_ok')
    await stage.callIn()
    expect(stage.last().url).toBe('https://client.example/incoming')
    expect(await stage.status('number/update_forwarding', { ...desk, number })).toBe('success_ok')
    await stage.callIn()
    expect(stage.last().url).toBe('http://127.0.0.1:9100/in')
  })

  it.each([
    ['error_number_param_missing', {}],
    ['error_number_invalid', { number: 'x' }],
    ['error_number_not_assigned', { number: '+6560000002' }],
    ['error_number_not_assigned', { number: '+6570000001' }],
    ['error_forward_to_invalid', { number, forward_to: 'http://10.0.0.1/' }],
    ['error_forward_to_invalid', { number, forward_to: 'x' }],
    ['error_unable_to_resolve_forward_to', { number, forward_to: 'https://nowhere.example/' }],
  ])('%s', async (status, parameters) => {
    stage.unknownHosts.add('nowhere.example')
    expect(await stage.ask('number/update_forwarding', { ...desk, ...parameters })).toEqual({ status })
  })
})

describe('after a restart', () => {
  it('the end of a session that was cut off is told once, with its billing', async () => {
    await stage.answered()
    const { session, txn_ref } = stage.last().fields
    const entries = [...stage.ledger.entries.values()]
    expect(entries).toMatchObject([{ ref: txn_ref, endedAt: null }])
    const told = stage.notified.length
    // The same ledger under a service that has not begun anything: as if this were the next server.
    const next = await HoiioStage.start()
    for (const entry of entries) await next.ledger.put(entry)
    await next.service.recover()
    expect(next.notified).toMatchObject([
      { url: notifyUrl, fields: { session, txn_ref, call_state: 'ended', ivr_block: 'play', debit: '0.000' } },
    ])
    await next.service.recover()
    expect(next.notified).toHaveLength(1)
    await next.close()
    expect(stage.notified).toHaveLength(told)
  })

  it('what a block that was cut off has brought is told with the end', async () => {
    const dialled = await stage.ask('ivr/start/dial', { ...desk, dest: first, notify_url: notifyUrl })
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/record', { ...desk, session, notify_url: notifyUrl })
    await stage.pass(1000)
    const [recording] = stage.records.recordings.values()
    if (!recording) throw new Error('nothing is recorded')
    const next = await HoiioStage.start()
    for (const entry of stage.ledger.entries.values()) await next.ledger.put(entry)
    for (const call of stage.records.calls.values()) next.records.calls.set(call.id, call)
    next.records.recordings.set(recording.id, { ...recording, state: 'interrupted' })
    await next.service.recover()
    const fieldsOf = (one: unknown) => next.notified.find(({ fields }) => fields['session'] === one)?.fields
    expect(fieldsOf(dialled['session'])).toMatchObject({
      call_state: 'ended',
      ivr_block: 'dial',
      dial_status: 'failed',
    })
    expect(fieldsOf(session)).toMatchObject({
      call_state: 'ended',
      ivr_block: 'record',
      record_url: expect.stringContaining(recording.id) as string,
    })
    await next.close()
    leg.hangUp()
    await stage.pass(0)
  })

  it('a key that has dialled does not dial again', async () => {
    const headers = { 'idempotency-key': 'K1' }
    const dial = { ...desk, dest: first }
    const answer = await stage.ask('ivr/start/dial', dial, { headers })
    const next = await HoiioStage.start()
    for (const entry of stage.ledger.entries.values()) await next.ledger.put(entry)
    expect(await next.ask('ivr/start/dial', dial, { headers })).toEqual(answer)
    expect(next.calls.count).toBe(0)
    await next.close()
  })
})
