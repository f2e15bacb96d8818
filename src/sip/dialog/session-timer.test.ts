import { describe, expect, it } from 'vitest'
import { ScriptedSip, sdp, text } from '../../../test/support/scripted-sip.ts'

const sessionTimers = { expiresSeconds: 1800, minSeconds: 120 }
const timed = (...more: (readonly [string, string])[]) => ({ headers: [['Supported', 'timer'] as const, ...more] })
const answer = { body: sdp('their answer'), contentType: 'application/sdp' }

describe('the session interval of an incoming call', () => {
  it.each([
    ['that asks for none and knows timers', timed(), '1800;refresher=uac', 'timer'],
    ['that asks for a shorter one', timed(['Session-Expires', '600;refresher=uas']), '600;refresher=uas', 'timer'],
    ['that asks for a longer one', timed(['Session-Expires', '7200']), '1800;refresher=uac', 'timer'],
    [
      'whose Min-SE is above ours',
      timed(['Session-Expires', '7200'], ['Min-SE', '3600']),
      '3600;refresher=uac',
      'timer',
    ],
    ['that does not know timers', {}, '1800;refresher=uas', null],
  ] as const)('%s', (_, parts, expected, required) => {
    const sip = new ScriptedSip({ sessionTimers })
    const { last } = sip.established(parts)
    expect(last.headers.get('Session-Expires')).toBe(expected)
    expect(last.headers.get('Require') ?? null).toBe(required)
    sip.receive('BYE')
    expect(sip.clock.pending).toBe(0)
  })

  it('that is too small gets 422 with our Min-SE', () => {
    const sip = new ScriptedSip({ sessionTimers })
    const { last } = sip.call(timed(['Session-Expires', '100']))
    expect([last.status, last.headers.get('Min-SE')]).toEqual([422, '120'])
    expect(sip.agent.usageCount).toBe(0)
  })

  it('is not negotiated at all when timers are off', () => {
    const sip = new ScriptedSip()
    const { last } = sip.established(timed(['Session-Expires', '600']))
    expect(last.headers.has('Session-Expires')).toBe(false)
    expect(sip.clock.pending).toBe(0)
  })
})

describe('a session that the peer refreshes', () => {
  it('goes on as long as it does, and ends by BYE 32 s before it would expire', () => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.established(timed(['Session-Expires', '600;refresher=uac']))
    sip.clock.advance(567_000)
    const refresh = sip.receive('UPDATE', timed(['Session-Expires', '600;refresher=uac']))
    expect(refresh.last.headers.get('Session-Expires')).toBe('600;refresher=uac')
    sip.clock.advance(567_999)
    expect(sip.user.end).toBeNull()
    sip.clock.advance(1)
    expect(sip.user.end).toMatchObject({ by: 'network', how: 'session-expired' })
    sip.transactions.last('BYE').reply(200)
    expect(sip.clock.pending).toBe(0)
  })

  it('ends a third before the end when that is less than 32 s', () => {
    const sip = new ScriptedSip({ sessionTimers: { expiresSeconds: 90, minSeconds: 90 } })
    sip.established(timed(['Session-Expires', '90;refresher=uac']))
    sip.clock.advance(59_999)
    expect(sip.user.end).toBeNull()
    sip.clock.advance(1)
    expect(sip.user.end).toMatchObject({ how: 'session-expired' })
  })
})

describe('a session that we refresh', () => {
  const ours = (allow: string) => timed(['Session-Expires', '600;refresher=uas'], ['Allow', allow])

  it('gets an UPDATE without SDP at half time from a peer that knows UPDATE', () => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.established(ours('INVITE, UPDATE'))
    sip.clock.advance(300_000)
    const update = sip.transactions.last('UPDATE')
    expect(update.request.body.length).toBe(0)
    expect(update.request.headers.get('Session-Expires')).toBe('600;refresher=uac')
    update.reply(200, { headers: [['Session-Expires', '600;refresher=uac']] })
    sip.clock.advance(299_999)
    expect(sip.transactions.sent.length).toBe(1)
    sip.clock.advance(1)
    expect(sip.transactions.sent.length).toBe(2)
    sip.receive('BYE')
    expect(sip.clock.pending).toBe(0)
  })

  it('gets a re-INVITE with what stands from a peer that does not', () => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.established(ours('INVITE'))
    sip.clock.advance(300_000)
    const reInvite = sip.transactions.last('INVITE')
    expect(text(reInvite.request.body)).toBe('v=0 our answer')
    reInvite.reply(200, { ...answer, headers: [['Session-Expires', '600;refresher=uac']] })
    expect(sip.transactions.acks.length).toBe(1)
    expect(sip.user.heard).toEqual(['confirmed', 'answer v=0 their answer'])
  })

  it.each([405, 501, 504])('falls back to re-INVITE when UPDATE is answered %i after all', (status) => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.established(ours('INVITE, UPDATE'))
    sip.clock.advance(300_000)
    sip.transactions.last('UPDATE').reply(status)
    expect(sip.transactions.methods).toEqual(['UPDATE', 'INVITE'])
  })

  it('asks for a longer one when told 422', () => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.established(ours('INVITE, UPDATE'))
    sip.clock.advance(300_000)
    sip.transactions.last('UPDATE').reply(422, { headers: [['Min-SE', '900']] })
    const { request } = sip.transactions.last('UPDATE')
    expect(request.headers.get('Session-Expires')).toBe('900;refresher=uac')
    expect(request.headers.get('Min-SE')).toBe('900')
  })

  it('ends when no refresh gets through before it expires', () => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.established(ours('INVITE, UPDATE'))
    sip.clock.advance(300_000)
    sip.transactions.last('UPDATE').reply(500)
    sip.clock.advance(134_000)
    expect(sip.transactions.sent.length).toBe(2)
    sip.transactions.last('UPDATE').reply(500)
    sip.clock.advance(134_000)
    expect(sip.user.end).toMatchObject({ by: 'network', how: 'session-expired' })
  })

  it('ends at once when the refresh is answered 481', () => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.established(ours('INVITE, UPDATE'))
    sip.clock.advance(300_000)
    sip.transactions.last('UPDATE').reply(481)
    expect(sip.user.end).toMatchObject({ by: 'network', how: 'dialog-gone' })
    sip.transactions.last('BYE').reply(481)
    expect(sip.clock.pending).toBe(0)
    expect(sip.agent.usageCount).toBe(0)
  })
})

describe('the session interval of an outgoing call', () => {
  it('is what the 2xx says, with its refresher', () => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.place()
    const invite = sip.transactions.last('INVITE')
    expect(invite.request.headers.get('Session-Expires')).toBe('1800')
    invite.reply(200, { toTag: 'theirs', ...answer, headers: [['Session-Expires', '600;refresher=uas']] })
    sip.clock.advance(568_000)
    expect(sip.user.end).toMatchObject({ how: 'session-expired' })
  })

  it('is kept by our refreshes when the 2xx says nothing', () => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.place()
    sip.transactions.last('INVITE').reply(200, { toTag: 'theirs', ...answer })
    sip.clock.advance(900_000)
    expect(sip.transactions.methods).toEqual(['INVITE', 'INVITE'])
  })

  it('is asked for anew, longer, after 422', () => {
    const sip = new ScriptedSip({ sessionTimers })
    sip.place()
    const first = sip.transactions.last('INVITE')
    first.reply(422, { headers: [['Min-SE', '3600']] })
    const second = sip.transactions.last('INVITE')
    expect(second.request.headers.get('Session-Expires')).toBe('3600')
    expect(second.request.headers.get('Min-SE')).toBe('3600')
    expect(second.request.cseq.number).toBe(first.request.cseq.number + 1)
    expect(second.request.sipCallId).toBe(first.request.sipCallId)
  })
})
