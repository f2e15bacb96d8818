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

describe('a call that comes in', () => {
  it('is told with call_state ringing and left ringing until a block answers it', async () => {
    const { leg } = await stage.callIn()
    const { url, fields } = stage.last()
    expect(url).toBe('http://127.0.0.1:9100/in')
    expect(fields).toEqual({
      session: expect.stringMatching(/^S[a-z0-9]{16}$/),
      txn_ref: expect.stringMatching(/^TX-[a-z0-9]{16}$/),
      call_state: 'ringing',
      ivr_block: 'answer',
      from: '+6591110000',
      to: '+6560000001',
    })
    await stage.pass(30_000)
    expect(leg.lines).toEqual(['ring'])
    const answer = await stage.ask('ivr/middle/play', {
      ...desk,
      session: fields['session'] ?? '',
      msg: 'Hello',
      notify_url: `${notifyUrl}?app_state=hello`,
      tag: 'T1',
    })
    expect(answer).toEqual({ status: 'success_ok' })
    await stage.pass(10_000)
    expect(leg.lines).toEqual(['ring', 'answer', 'play say:en:Hello', 'finished say:en:Hello'])
    expect(stage.last().url).toBe(`${notifyUrl}?app_state=hello`)
    expect(stage.last().fields).toEqual({
      session: fields['session'],
      txn_ref: fields['txn_ref'],
      call_state: 'ongoing',
      ivr_block: 'play',
      tag: 'T1',
      from: '+6591110000',
      to: '+6560000001',
      app_state: 'hello',
    })
  })

  it('is rejected without an answer by a hangup without msg', async () => {
    const { leg } = await stage.callIn()
    const { session = '' } = stage.last().fields
    expect(await stage.status('ivr/end/hangup', { ...desk, session, notify_url: notifyUrl })).toBe('success_ok')
    await stage.pass(0)
    expect(leg.lines).toEqual(['ring', 'end rejected 603'])
    expect(stage.last().fields).toMatchObject({ ivr_block: 'hangup', call_state: 'ended', ...bill, duration: '0' })
  })

  it('is answered, told and hung up by a hangup with msg', async () => {
    const { leg } = await stage.callIn()
    const { session = '' } = stage.last().fields
    await stage.ask('ivr/end/hangup', { ...desk, session, msg: 'We are closed.' })
    await stage.pass(10_000)
    expect(leg.lines.at(-1)).toBe('end normal')
    expect(leg.lines).toContain('finished say:en:We are closed.')
    expect(stage.notified).toHaveLength(1)
  })

  it('that its caller gives up while it rings is told as ended, with billing of nothing', async () => {
    const { leg } = await stage.callIn()
    leg.hangUp()
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({ ivr_block: 'answer', call_state: 'ended', ...bill, duration: '0' })
    expect(stage.last().url).toBe('http://127.0.0.1:9100/in')
    const { session = '' } = stage.last().fields
    expect(await stage.status('ivr/middle/play', { ...desk, session })).toBe('error_session_ended')
  })

  it('that nobody takes is refused after three minutes of ringing', async () => {
    const { leg } = await stage.callIn()
    await stage.pass(180_000)
    expect(leg.lines.at(-1)).toBe('end no-answer 480')
    expect(stage.last().fields).toMatchObject({ call_state: 'ended' })
  })
})

describe('gather', () => {
  it('tells the digits without the hash', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/gather', { ...desk, session, msg: 'Number?', notify_url: notifyUrl, tag: 'G' })
    await stage.pass(200)
    leg.press('12#')
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({ ivr_block: 'gather', call_state: 'ongoing', digits: '12', tag: 'G' })
    expect(leg.lines.at(-1)).toBe('stopped say:en:Number?')
  })

  it('ends when max_digits are there', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/gather', { ...desk, session, max_digits: '2', notify_url: notifyUrl })
    await stage.pass(0)
    leg.press('345')
    await stage.pass(0)
    expect(stage.last().fields['digits']).toBe('34')
  })

  it('gives the prompt as often as attempts say, and tells empty digits when nothing is keyed', async () => {
    const { leg, session } = await stage.answered()
    const request = { ...desk, session, msg: 'Number?', timeout: '5', attempts: '3', notify_url: notifyUrl }
    await stage.ask('ivr/middle/gather', request)
    await stage.pass(60_000)
    expect(leg.lines.filter((line) => line === 'play say:en:Number?')).toHaveLength(3)
    expect(stage.last().fields).toMatchObject({ ivr_block: 'gather', call_state: 'ongoing', digits: '' })
  })

  it('takes what was keyed when the time of the whole input is up, counted from the end of the prompt', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/gather', { ...desk, session, timeout: '10', notify_url: notifyUrl })
    await stage.pass(6000)
    leg.press('1')
    await stage.pass(3000)
    leg.press('2')
    await stage.pass(900)
    expect(stage.last().fields['ivr_block']).toBe('play')
    await stage.pass(200)
    expect(stage.last().fields).toMatchObject({ ivr_block: 'gather', digits: '12' })
  })

  it('cut short by the caller tells what was keyed with the end of the call', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/gather', { ...desk, session, notify_url: `${notifyUrl}?s=g` })
    await stage.pass(0)
    leg.press('7')
    await stage.pass(500)
    leg.hangUp()
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({
      ivr_block: 'gather',
      call_state: 'ended',
      digits: '7',
      s: 'g',
      ...bill,
    })
  })
})

describe('record', () => {
  it('ends at the hash and tells a signed link', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/record', { ...desk, session, notify_url: notifyUrl })
    await stage.pass(5000)
    leg.press('#')
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({ ivr_block: 'record', call_state: 'ongoing' })
    expect(stage.last().fields['record_url']).toMatch(
      /^https:\/\/voice\.example\/open\/recording\/rec_[0-9a-z]+-[0-9a-f]{32}\.mp3$/,
    )
  })

  it('ends at max_duration', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/record', { ...desk, session, max_duration: '3', notify_url: notifyUrl })
    await stage.pass(5000)
    expect(leg.lines.at(-1)).toBe('recorded max-duration')
    expect(stage.last().fields).toMatchObject({ ivr_block: 'record' })
  })

  it('leaves what was said when the caller hangs up midway', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/record', { ...desk, session, notify_url: notifyUrl })
    await stage.pass(3000)
    leg.hangUp()
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({ ivr_block: 'record', call_state: 'ended', ...bill })
    expect(stage.last().fields['record_url']).toContain('/open/recording/rec_')
  })
})

describe('monitor', () => {
  it('goes on beside other blocks and tells its link once the call is over', async () => {
    const { leg, session } = await stage.answered()
    const monitor = {
      ...desk,
      session,
      notify_url: notifyUrl,
      monitor_notify_url: 'https://client.example/file',
      tag: 'M',
    }
    expect(await stage.status('ivr/middle/monitor', monitor)).toBe('success_ok')
    await stage.pass(0)
    expect(stage.last().fields).toMatchObject({ ivr_block: 'monitor', call_state: 'ongoing', tag: 'M' })
    expect(await stage.status('ivr/middle/monitor', monitor)).toBe('error_monitor_in_progress')
    await stage.ask('ivr/middle/play', { ...desk, session, msg: 'Hello', notify_url: `${notifyUrl}?s=p` })
    await stage.pass(5000)
    leg.hangUp()
    await stage.pass(0)
    const [ended, file] = stage.notified.slice(-2)
    expect(ended).toMatchObject({
      url: `${notifyUrl}?s=p`,
      fields: { call_state: 'ended', ivr_block: 'play', ...bill },
    })
    expect(ended?.fields).not.toHaveProperty('monitor_url')
    expect(file).toMatchObject({
      url: 'https://client.example/file',
      fields: { call_state: 'ended', ivr_block: 'monitor', tag: 'M', ...bill },
    })
    expect(file?.fields['monitor_url']).toContain('/open/recording/rec_')
  })

  it('tells its link to notify_url where there is no monitor_notify_url', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/monitor', { ...desk, session, notify_url: `${notifyUrl}?s=m` })
    await stage.pass(0)
    leg.hangUp()
    await stage.pass(0)
    expect(stage.notified.slice(-2).map(({ url }) => url)).toEqual([`${notifyUrl}?s=m`, `${notifyUrl}?s=m`])
  })
})

describe('hold', () => {
  it('plays music until unhold, and takes no other block meanwhile', async () => {
    const { leg, session } = await stage.answered()
    const told = stage.notified.length
    expect(await stage.status('ivr/middle/unhold', { ...desk, session })).toBe('error_session_not_on_hold')
    expect(await stage.status('ivr/middle/hold', { ...desk, session })).toBe('success_ok')
    await stage.pass(120_000)
    expect(leg.lines.slice(-2).sort()).toEqual(['hold', 'play tone:music'])
    expect(stage.notified).toHaveLength(told)
    expect(await stage.status('ivr/middle/play', { ...desk, session })).toBe('error_session_not_ready')
    expect(await stage.status('ivr/end/transfer', { ...desk, session, dest: '137' })).toBe('error_session_not_ready')
    expect(await stage.status('ivr/middle/unhold', { ...desk, session, notify_url: notifyUrl })).toBe('success_ok')
    await stage.pass(0)
    expect(leg.lines).toContain('unhold')
    expect(stage.last().fields).toMatchObject({ ivr_block: 'unhold', call_state: 'ongoing' })
  })
})

describe('the end of a session', () => {
  it('comes when the program names no next block within the idle limit', async () => {
    const { leg } = await stage.answered()
    await stage.pass(59_900)
    expect(leg.ending).toBeNull()
    await stage.pass(200)
    expect(leg.lines.at(-1)).toBe('end normal')
    expect(stage.last().fields).toMatchObject({ ivr_block: 'play', call_state: 'ended' })
  })

  it('comes with the end of a block that has no notify_url, and is told to nobody', async () => {
    const { leg, session } = await stage.answered()
    const told = stage.notified.length
    await stage.ask('ivr/middle/play', { ...desk, session, msg: 'Goodbye' })
    await stage.pass(10_000)
    expect(leg.lines.slice(-2)).toEqual(['finished say:en:Goodbye', 'end normal'])
    expect(stage.notified).toHaveLength(told)
  })

  it('is told to the latest known address when the caller hangs up in a block without one', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/play', { ...desk, session, msg: 'Goodbye' })
    await stage.pass(100)
    leg.hangUp()
    await stage.pass(0)
    expect(stage.last()).toMatchObject({ url: notifyUrl, fields: { call_state: 'ended' } })
  })

  it('cuts the running block when hangup comes meanwhile, without its message', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/play', { ...desk, session, msg: 'A long text', notify_url: notifyUrl })
    await stage.pass(100)
    expect(await stage.status('ivr/middle/play', { ...desk, session })).toBe('error_session_not_ready')
    const hangup = { ...desk, session, msg: 'never heard', notify_url: `${notifyUrl}?s=h`, tag: 'H' }
    expect(await stage.status('ivr/end/hangup', hangup)).toBe('success_ok')
    await stage.pass(0)
    expect(leg.lines.slice(-2).sort()).toEqual(['end normal', 'stopped say:en:A long text'])
    expect(stage.last().fields).toMatchObject({ ivr_block: 'hangup', call_state: 'ended', tag: 'H', s: 'h', ...bill })
    expect(stage.notified.filter(({ fields }) => fields['call_state'] === 'ended')).toHaveLength(1)
  })

  it('comes at once with force, between blocks too and without the message', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/end/hangup', { ...desk, session, msg: 'never heard', force: 'enabled', notify_url: notifyUrl })
    await stage.pass(0)
    expect(leg.lines.at(-1)).toBe('end normal')
    expect(leg.lines.join()).not.toContain('never heard')
    expect(stage.last().fields).toMatchObject({ ivr_block: 'hangup', call_state: 'ended' })
  })
})
