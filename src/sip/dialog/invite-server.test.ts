import { describe, expect, it } from 'vitest'
import { RecordingUser, ScriptedSip, sdp, text } from '../../../test/support/scripted-sip.ts'
import { TransportError } from '../../base/errors.ts'
import { contactOf, tagOf } from '../message/addresses.ts'

const t1Ms = 500

describe('an incoming INVITE', () => {
  it('is answered with 180 and 200 of one tag, with Contact, Allow, Supported and the Record-Route it came with', () => {
    const sip = new ScriptedSip()
    const invite = sip.call({ headers: [['Record-Route', '<sip:192.0.2.77;lr>']] })
    sip.invite.provisional(180)
    sip.invite.accept({ sdp: sdp('our answer'), headers: [['X-Extra', 'yes']] })
    expect(invite.statuses).toEqual([180, 200])
    const [ringing, ok] = invite.responses
    expect(ringing && tagOf(ringing.to)).toBe(sip.invite.usage.localTag)
    expect(ok && tagOf(ok.to)).toBe(sip.invite.usage.localTag)
    expect(ok?.headers.get('Record-Route')).toBe('<sip:192.0.2.77;lr>')
    expect(ok?.headers.get('Contact')).toBe('<sip:1000@192.0.2.1:5060>')
    expect(ok?.headers.get('Allow')).toContain('UPDATE')
    expect(ok?.headers.get('Supported')).toBe('100rel, replaces, norefersub')
    expect(ok?.headers.get('Server')).toBe('Switchhook test')
    expect(ok?.headers.get('X-Extra')).toBe('yes')
    expect(text(ok?.body ?? null)).toBe('v=0 our answer')
    sip.ack(invite)
    expect(sip.user.heard).toEqual(['confirmed'])
    expect(sip.invite.usage.state).toBe('confirmed')
    expect(sip.clock.pending).toBe(0)
  })

  it('that is cancelled gets 487, and the reasons of the CANCEL are passed on', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.provisional(180)
    const cancel = sip.build('CANCEL', { headers: [['Reason', 'SIP;cause=200;text="Call completed elsewhere"']] })
    invite.user?.cancelled(cancel)
    expect(invite.statuses).toEqual([180, 487])
    expect(sip.user.end).toEqual({
      by: 'remote',
      how: 'cancel',
      reasons: [{ protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' }],
    })
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('that is cancelled before anybody is attached tells its user as soon as there is one', () => {
    const sip = new ScriptedSip()
    sip.onInvite = () => {}
    const invite = sip.call()
    invite.user?.cancelled(sip.build('CANCEL'))
    expect(invite.statuses).toEqual([487])
    sip.invite.attach(sip.user)
    expect(sip.user.end).toMatchObject({ by: 'remote', how: 'cancel' })
    sip.invite.accept({ sdp: sdp('too late') })
    expect(invite.statuses).toEqual([487])
    expect(sip.clock.pending).toBe(0)
  })

  it('that was answered is not touched by a CANCEL that crossed the 200', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.accept({ sdp: sdp('our answer') })
    invite.user?.cancelled(sip.build('CANCEL'))
    expect(invite.statuses).toEqual([200])
    expect(sip.user.end).toBeNull()
    sip.ack(invite)
    expect(sip.user.heard).toEqual(['confirmed'])
    expect(sip.clock.pending).toBe(0)
  })

  it('is refused with the given status, reason phrase, header fields and reasons', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.reject(486, {
      reason: 'On the Phone',
      headers: [['Retry-After', '60']],
      reasons: [{ protocol: 'Q.850', cause: 17, text: 'User busy' }],
    })
    expect(invite.last.reason).toBe('On the Phone')
    expect(invite.last.headers.get('Reason')).toBe('Q.850;cause=17;text="User busy"')
    expect(invite.last.headers.get('Retry-After')).toBe('60')
    expect(sip.user.end).toEqual({ by: 'local', how: 'refused', status: 486 })
    expect(sip.agent.usageCount).toBe(0)
  })

  it('that is ended unanswered is refused with 480, or as asked', () => {
    for (const [refusal, expected] of [
      [undefined, 480],
      [603, 603],
    ] as const) {
      const sip = new ScriptedSip()
      const invite = sip.call()
      sip.invite.usage.end(refusal === undefined ? {} : { refusal })
      sip.invite.usage.end()
      expect(invite.statuses).toEqual([expected])
    }
  })

  it('ends with 487 when the caller gives up by BYE', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.provisional(180)
    sip.learn(invite)
    const bye = sip.receive('BYE')
    expect(bye.statuses).toEqual([200])
    expect(invite.statuses).toEqual([180, 487])
    expect(sip.user.end).toMatchObject({ by: 'remote', how: 'bye' })
    expect(sip.clock.pending).toBe(0)
  })

  it('ends with 487 when the time in its Expires is over', () => {
    const sip = new ScriptedSip()
    const invite = sip.call({ headers: [['Expires', '20']] })
    sip.clock.advance(19_999)
    expect(invite.statuses).toEqual([])
    sip.clock.advance(1)
    expect(invite.statuses).toEqual([487])
    expect(sip.user.end).toMatchObject({ by: 'network', how: 'no-response' })
    expect(sip.clock.pending).toBe(0)
  })

  it('that cannot be rung ends as lost', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.provisional(180)
    invite.user?.transportFailed(new TransportError('defect.assertion', 'gone'))
    expect(sip.user.end).toMatchObject({ by: 'network', how: 'transport-lost' })
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('whose answer cannot be sent is answered again, and ends as lost when no ACK comes', () => {
    for (const isAcknowledged of [true, false]) {
      const sip = new ScriptedSip()
      const invite = sip.call()
      sip.invite.accept({ sdp: sdp('our answer') })
      invite.user?.transportFailed(new TransportError('defect.assertion', 'gone'))
      sip.clock.advance(500)
      expect(invite.statuses).toEqual([200, 200])
      if (isAcknowledged) sip.ack(invite)
      sip.clock.advance(32_000)
      if (isAcknowledged) expect(sip.user.heard).toEqual(['confirmed'])
      else expect(sip.user.end).toMatchObject({ by: 'network', how: 'transport-lost' })
      expect(sip.clock.pending).toBe(0)
    }
  })

  it('repeats an unreliable 180 every minute, lest a proxy give up', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.provisional(180)
    sip.clock.advance(180_000)
    expect(invite.statuses).toEqual([180, 180, 180, 180])
    sip.invite.reject(480)
    expect(sip.clock.pending).toBe(0)
  })

  it('of a user that throws gets 500', () => {
    const sip = new ScriptedSip()
    sip.onInvite = () => {
      throw new Error('no')
    }
    expect(sip.call().statuses).toEqual([500])
    expect(sip.agent.usageCount).toBe(0)
  })

  it('gets 503 with Retry-After when there are too many calls', () => {
    const sip = new ScriptedSip({ maxUsages: 1 })
    sip.call()
    sip.ourTag = null
    const second = sip.call({ sipCallId: 'other@example.net' })
    expect(second.last.status).toBe(503)
    expect(second.last.headers.has('Retry-After')).toBe(true)
  })
})

describe('the 200 to an INVITE', () => {
  it('is sent again at T1, doubling up to T2, until the ACK comes', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.accept({ sdp: sdp('our answer') })
    const times: number[] = []
    for (let ms = 0; ms < 20_000; ms += 100) {
      const before = invite.responses.length
      sip.clock.advance(100)
      if (invite.responses.length > before) times.push(sip.clock.now())
    }
    expect(times).toEqual([500, 1500, 3500, 7500, 11_500, 15_500, 19_500])
    sip.ack(invite)
    sip.ack(invite)
    expect(sip.clock.pending).toBe(0)
    expect(sip.user.heard).toEqual(['confirmed'])
  })

  it('that is never acknowledged ends the call by BYE after 64·T1, and the sentence says so', () => {
    const sip = new ScriptedSip()
    sip.call()
    sip.invite.accept({ sdp: sdp('our answer') })
    sip.clock.advance(64 * t1Ms - 1)
    expect(sip.transactions.methods).toEqual([])
    sip.clock.advance(1)
    expect(sip.transactions.methods).toEqual(['BYE'])
    expect(sip.user.end).toMatchObject({ by: 'network', how: 'ack-missing', sentence: expect.stringContaining('ACK') })
    sip.transactions.last('BYE').reply(481)
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('makes a BYE of ours wait for the ACK; the user hears of the end at once', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.accept({ sdp: sdp('our answer') })
    sip.invite.usage.end({ reasons: [{ protocol: 'Q.850', cause: 16, text: '' }] })
    expect(sip.user.end).toMatchObject({ by: 'local', how: 'bye' })
    expect(sip.transactions.methods).toEqual([])
    sip.ack(invite)
    const bye = sip.transactions.last('BYE')
    expect(bye.request.headers.get('Reason')).toBe('Q.850;cause=16')
    bye.reply(200)
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('is stopped by a BYE of the peer that overtook the ACK', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.accept({ sdp: sdp('our answer') })
    sip.learn(invite)
    expect(sip.receive('BYE').statuses).toEqual([200])
    sip.ack(invite)
    expect(sip.user.heard).toEqual(['ended remote'])
    expect(sip.clock.pending).toBe(0)
    expect(sip.agent.usageCount).toBe(0)
  })
})

describe('an INVITE without an offer', () => {
  it('gets ours in the 200 and gives its answer in the ACK', () => {
    const sip = new ScriptedSip()
    const invite = sip.receive('INVITE')
    expect(sip.invite.offer).toBeNull()
    sip.invite.provisional(183, { sdp: sdp('may not go this way') })
    sip.invite.accept({ sdp: sdp('our offer') })
    expect(invite.responses.map(({ body }) => text(body))).toEqual(['', 'v=0 our offer'])
    sip.ack(invite, { body: sdp('their answer') })
    expect(sip.user.heard).toEqual(['answer v=0 their answer', 'confirmed'])
    expect(sip.clock.pending).toBe(0)
  })

  it.each([
    ['has no answer', true, {}],
    ['has an answer that cannot be used', false, { body: sdp('their answer') }],
  ] as const)('is ended by BYE when the ACK %s', (_, isUsable, parts) => {
    const sip = new ScriptedSip()
    sip.user.isAnswerUsable = isUsable
    const invite = sip.receive('INVITE')
    sip.invite.accept({ sdp: sdp('our offer') })
    sip.ack(invite, parts)
    sip.transactions.last('BYE').reply(200)
    expect(sip.user.end).toMatchObject({ by: 'local', how: 'bye' })
    expect(sip.clock.pending).toBe(0)
  })
})

describe('the user of a usage', () => {
  it('that throws does no harm, and hears its news one at a time', () => {
    const sip = new ScriptedSip()
    const user = new RecordingUser()
    const order: string[] = []
    user.infoReceived = () => {
      order.push('info begins')
      sip.invite.usage.end()
      order.push('info ends')
      return 200
    }
    user.ended = () => {
      order.push('ended')
      throw new Error('no')
    }
    sip.onInvite = (invite) => invite.attach(user)
    const invite = sip.established()
    expect(contactOf(invite.last)).not.toBeNull()
    expect(sip.receive('INFO').statuses).toEqual([200])
    expect(order).toEqual(['info begins', 'info ends', 'ended'])
    sip.transactions.last('BYE').reply(200)
    expect(sip.agent.usageCount).toBe(0)
  })

  it('sees every message once, in order', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.provisional(180)
    sip.invite.accept({ sdp: sdp('our answer') })
    sip.clock.advance(1500)
    sip.ack(invite)
    sip.learn(invite)
    sip.receive('BYE')
    expect(sip.user.seen).toEqual(['-> INVITE', '<- 180 INVITE', '<- 200 INVITE', '-> ACK', '-> BYE', '<- 200 BYE'])
  })
})
