import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { desk, HoiioStage, notifyUrl } from '../../../test/support/hoiio-stage.ts'

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

const bill = { date: '2026-01-01 08:00:00', duration: '1', currency: 'SGD', rate: '0.000', debit: '0.000' }

describe('transfer', () => {
  it('joins the caller with a number and is told when the two have parted', async () => {
    const { leg, session } = await stage.answered()
    const transfer = { ...desk, session, dest: '+6598887777', notify_url: notifyUrl, caller_id: 'private' }
    expect(await stage.ask('ivr/end/transfer', transfer)).toEqual({ status: 'success_ok' })
    await stage.pass(1000)
    expect(stage.reacher.requests.at(-1)).toMatchObject({ destination: '+6598887777', callerId: 'anonymous' })
    stage.reacher.leg('+6598887777').peerAnswers()
    await stage.pass(61_000)
    stage.reacher.leg('+6598887777').hangUp()
    await stage.pass(0)
    expect(leg.ending).not.toBeNull()
    expect(stage.last().fields).toMatchObject({
      ivr_block: 'transfer',
      call_state: 'ended',
      transfer_status: 'answered',
      duration: '2',
      currency: 'SGD',
      rate: '0.020',
      debit: '0.040',
    })
  })

  it.each([
    [486, 'busy'],
    [603, 'unanswered'],
    [404, 'failed'],
  ])('that fails with %i is told as %s, and ends the call', async (status, told) => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/end/transfer', { ...desk, session, dest: '137', notify_url: notifyUrl })
    await stage.pass(0)
    stage.reacher.leg('137').peerRefuses(status)
    await stage.pass(0)
    expect(leg.lines.at(-1)).toBe('end normal')
    expect(stage.last().fields).toMatchObject({ call_state: 'ended', transfer_status: told, ...bill, duration: '0' })
  })

  it('that fails with on_failure=continue leaves the call to the program', async () => {
    const { leg, session } = await stage.answered()
    const transfer = { ...desk, session, dest: '137', on_failure: 'continue', notify_url: notifyUrl }
    await stage.ask('ivr/end/transfer', transfer)
    await stage.pass(0)
    stage.reacher.leg('137').peerRefuses(486)
    await stage.pass(0)
    expect(leg.ending).toBeNull()
    const { fields } = stage.last()
    expect(fields).toMatchObject({ ivr_block: 'transfer', call_state: 'ongoing', transfer_status: 'busy' })
    expect(fields).not.toHaveProperty('debit')
    expect(await stage.status('ivr/middle/gather', { ...desk, session, notify_url: notifyUrl })).toBe('success_ok')
  })

  it('to a room tells its id, and brings callers of the application together', async () => {
    const first = await stage.answered()
    const made = await stage.ask('ivr/end/transfer', { ...desk, session: first.session, dest: 'room:' })
    expect(made).toEqual({ status: 'success_ok', room: expect.stringMatching(/^R[a-z0-9]{12}$/) })
    await stage.pass(0)
    const second = await stage.answered()
    const into = { ...desk, session: second.session, dest: `+1room:${made['room']}`, notify_url: notifyUrl }
    expect(await stage.ask('ivr/end/transfer', into)).toEqual({ status: 'success_ok', room: made['room'] })
    await stage.pass(0)
    expect(stage.rooms.list().map((room) => room.size)).toEqual([2])
    await stage.ask('ivr/end/hangup', { ...desk, session: second.session, notify_url: notifyUrl })
    await stage.pass(0)
    expect(second.leg.lines.at(-1)).toBe('end normal')
    expect(stage.last().fields).toMatchObject({ ivr_block: 'hangup', call_state: 'ended', transfer_status: 'answered' })
    expect(first.leg.ending).toBeNull()
  })
})

describe('dial', () => {
  const dial = { ...desk, dest: '+6598887777', notify_url: notifyUrl, tag: 'D' }

  it('answers with session and txn_ref, plays msg to who answers, and tells it', async () => {
    const answer = await stage.ask('ivr/start/dial', { ...dial, msg: 'Hello', caller_id: '+6560000009' })
    expect(answer).toEqual({
      status: 'success_ok',
      session: expect.stringMatching(/^S/),
      txn_ref: expect.stringMatching(/^TX-/),
    })
    await stage.pass(3000)
    expect(stage.reacher.requests.at(-1)).toMatchObject({ callerId: '+6560000009' })
    const { session = '' } = answer
    expect(await stage.status('ivr/middle/play', { ...desk, session })).toBe('error_session_not_ready')
    stage.reacher.leg('+6598887777').peerAnswers()
    await stage.pass(5000)
    expect(stage.notified).toHaveLength(1)
    expect(stage.last()).toMatchObject({ url: notifyUrl })
    expect(stage.last().fields).toEqual({
      session,
      txn_ref: answer['txn_ref'],
      call_state: 'ongoing',
      ivr_block: 'dial',
      tag: 'D',
      dest: '+6598887777',
      dial_status: 'answered',
    })
    stage.reacher.leg('+6598887777').hangUp()
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({ call_state: 'ended', duration: '1', rate: '0.020', debit: '0.020' })
  })

  it.each([
    [486, 'busy'],
    [480, 'unanswered'],
    [404, 'failed'],
  ])('that is refused with %i is told as %s', async (status, told) => {
    await stage.ask('ivr/start/dial', dial)
    await stage.pass(0)
    stage.reacher.leg('+6598887777').peerRefuses(status)
    await stage.pass(0)
    expect(stage.notified).toHaveLength(1)
    expect(stage.last().fields).toMatchObject({
      call_state: 'ended',
      ivr_block: 'dial',
      dest: '+6598887777',
      dial_status: told,
      tag: 'D',
      ...bill,
      duration: '0',
      rate: '0.020',
    })
  })

  it('that nobody answers ends as unanswered', async () => {
    await stage.ask('ivr/start/dial', dial)
    await stage.pass(46_000)
    expect(stage.last().fields).toMatchObject({ call_state: 'ended', dial_status: 'unanswered' })
  })

  it('is given up by a hangup while it rings', async () => {
    const { session = '' } = await stage.ask('ivr/start/dial', dial)
    await stage.pass(1000)
    expect(await stage.status('ivr/end/hangup', { ...desk, session, notify_url: `${notifyUrl}?s=h` })).toBe(
      'success_ok',
    )
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({
      ivr_block: 'hangup',
      call_state: 'ended',
      s: 'h',
      dial_status: 'unanswered',
    })
  })

  it('hangs up once msg was played where there is no notify_url', async () => {
    await stage.ask('ivr/start/dial', { ...desk, dest: '+6598887777', msg: 'Your car is ready.' })
    await stage.pass(0)
    const leg = stage.reacher.leg('+6598887777')
    leg.peerAnswers()
    await stage.pass(10_000)
    expect(leg.lines.slice(-2)).toEqual(['finished say:en:Your car is ready.', 'end normal'])
    expect(stage.notified).toHaveLength(0)
  })

  it('ends at max_duration, whatever runs', async () => {
    const { session = '' } = await stage.ask('ivr/start/dial', { ...dial, max_duration: '20' })
    await stage.pass(0)
    const leg = stage.reacher.leg('+6598887777')
    leg.peerAnswers()
    await stage.pass(1000)
    await stage.ask('ivr/middle/record', { ...desk, session, notify_url: notifyUrl })
    await stage.pass(18_900)
    expect(leg.ending).toBeNull()
    await stage.pass(200)
    expect(leg.ending).not.toBeNull()
    expect(stage.last().fields).toMatchObject({ call_state: 'ended', ivr_block: 'record' })
  })
})
