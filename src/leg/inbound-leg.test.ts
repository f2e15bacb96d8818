import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LegHarness, nothingLeft, peerSdp, uselessSdp } from '../../test/support/leg-harness.ts'

let harness: LegHarness

beforeEach(async () => {
  harness = await LegHarness.start()
})

afterEach(async () => {
  await harness.close()
  expect(harness.sip.clock.pending).toBe(0)
})

describe('an inbound leg', () => {
  it('rings, is answered, and ends with the BYE of the caller', async () => {
    const { leg, invite } = harness.inbound()
    leg.ring()
    leg.answer()
    leg.answer()
    expect(invite.statuses).toEqual([180, 200])
    expect(leg.state).toBe('answered')
    harness.sip.learn(invite)
    harness.sip.ack(invite)
    expect(harness.directory.size).toBe(1)
    expect(harness.sip.receive('BYE').statuses).toEqual([200])
    expect(harness.user.lines).toEqual(['ended remote normal'])
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('is refused with the status of its cause, or another that is asked for', async () => {
    const busy = harness.inbound()
    busy.leg.end('busy')
    expect(busy.invite.statuses).toEqual([486])
    const user = harness.silentUser
    const other = harness.inbound({ sipCallId: 'two@example.net', toTag: null, user })
    other.leg.end('congestion', { status: 503 })
    expect(other.invite.last.status).toBe(503)
    expect(other.invite.last.headers.get('Retry-After')).toBe('5')
    await harness.pass(33_000)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('does not count silence before the answer as lost media', async () => {
    const { leg } = harness.inbound()
    leg.openEarlyMedia()
    await harness.pass(40_000)
    expect(harness.user.end).toBeNull()
    leg.end('no-answer')
    await harness.pass(33_000)
  })

  it('takes the answer to its own offer from the ACK, and ends when it is of no use', async () => {
    const good = harness.inbound({ body: null })
    good.leg.answer()
    harness.sip.learn(good.invite)
    harness.sip.ack(good.invite, { body: peerSdp({ formats: '8' }) })
    expect(good.leg.codec).toBe('PCMA')
    good.leg.end('normal')
    harness.sip.transactions.last('BYE').reply(200)

    const two = await LegHarness.start()
    const bad = two.inbound({ body: null })
    bad.leg.answer()
    two.sip.learn(bad.invite)
    two.sip.ack(bad.invite, { body: uselessSdp })
    expect(two.user.end).toMatchObject({ by: 'local', cause: 'not-acceptable' })
    two.sip.transactions.last('BYE').reply(200)
    await two.pass(0)
    expect(two.left).toEqual(nothingLeft)
    await two.close()
  })

  it('gives its ports back when there is nothing in common', async () => {
    expect(() => harness.inbound({ body: uselessSdp })).toThrow('no leg was made')
    await harness.pass(33_000)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('hangs up when its media worker dies', async () => {
    const { leg } = harness.established()
    harness.loseMediaWorker('A media worker has ended.')
    expect(leg.ending).toMatchObject({ by: 'network', cause: 'server-error', sentence: 'A media worker has ended.' })
    harness.sip.transactions.last('BYE').reply(200)
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('refuses with 500 when its media worker dies before the answer', async () => {
    const { invite } = harness.inbound()
    harness.loseMediaWorker('A media worker has ended.')
    expect(invite.statuses).toEqual([500])
    await harness.pass(33_000)
    expect(harness.left).toEqual(nothingLeft)
  })
})

describe('keys', () => {
  const press = (signal: string): number =>
    harness.sip.receive('INFO', {
      body: new TextEncoder().encode(`Signal=${signal}\r\nDuration=100\r\n`),
      contentType: 'application/dtmf-relay',
    }).last.status

  it('are heard by INFO, and other bodies are refused', async () => {
    const { leg } = harness.established()
    expect(press('5')).toBe(200)
    const other = harness.sip.receive('INFO', {
      body: new Uint8Array([1]),
      contentType: 'application/media_control+xml',
    })
    expect(other.last.status).toBe(415)
    expect(harness.user.lines).toEqual(['digit 5 info'])
    leg.end('normal')
    harness.sip.transactions.last('BYE').reply(200)
    await harness.pass(0)
  })

  it('are told to nobody after the end', async () => {
    const { leg } = harness.established()
    leg.end('normal')
    expect(press('5')).toBe(481)
    harness.sip.transactions.last('BYE').reply(200)
    await harness.pass(0)
    expect(harness.user.lines).toEqual(['ended local normal'])
  })
})
