import { describe, expect, it } from 'vitest'
import { ScriptedSip, sdp, text } from '../../../test/support/scripted-sip.ts'

const offer = { body: sdp('new offer') }

describe('a re-INVITE of the peer', () => {
  it('is answered by the user, and its ACK awaited', () => {
    const sip = new ScriptedSip()
    sip.established()
    const reInvite = sip.receive('INVITE', offer)
    expect(reInvite.statuses).toEqual([200])
    expect(text(reInvite.last.body)).toBe('v=0 answer to v=0 new offer')
    expect(reInvite.last.headers.get('Contact')).toBe('<sip:1000@192.0.2.1:5060>')
    sip.clock.advance(500)
    expect(reInvite.statuses).toEqual([200, 200])
    sip.ack(reInvite)
    expect(sip.clock.pending).toBe(0)
    expect(sip.user.heard).toEqual(['confirmed', 'offer v=0 new offer'])
  })

  it('that the user cannot meet gets 488, and what was agreed stays', () => {
    const sip = new ScriptedSip()
    sip.established()
    sip.user.answer = () => null
    expect(sip.receive('INVITE', offer).statuses).toEqual([488])
    sip.user.answer = () => {
      throw new Error('no')
    }
    expect(sip.receive('INVITE', offer).statuses).toEqual([500])
    sip.user.answer = () => sdp('fine')
    expect(sip.receive('INVITE', offer).statuses).toEqual([200])
  })

  it('without an offer gets ours, and answers it in the ACK', () => {
    const sip = new ScriptedSip()
    sip.established()
    const reInvite = sip.receive('INVITE')
    expect(text(reInvite.last.body)).toBe('v=0 our fresh offer')
    sip.ack(reInvite, { body: sdp('their answer') })
    expect(sip.user.heard).toEqual(['confirmed', 'offerWanted', 'answer v=0 their answer'])
    expect(sip.clock.pending).toBe(0)
  })

  it('gets 500 with Retry-After before the first INVITE has its final response', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.provisional(180)
    sip.learn(invite)
    const { last } = sip.receive('INVITE', offer)
    expect(last.status).toBe(500)
    expect(Number(last.headers.get('Retry-After'))).toBeLessThanOrEqual(10)
  })

  it('gets 491 while an offer of ours in a 200 waits for its answer', () => {
    const sip = new ScriptedSip()
    sip.established()
    sip.receive('INVITE')
    expect(sip.receive('INVITE', offer).statuses).toEqual([491])
  })

  it('is answered even before the ACK of the first INVITE', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.accept({ sdp: sdp('our answer') })
    sip.learn(invite)
    const reInvite = sip.receive('INVITE', offer)
    expect(reInvite.statuses).toEqual([200])
    sip.ack(reInvite)
    sip.ack(invite)
    expect(sip.user.heard).toEqual(['offer v=0 new offer', 'confirmed'])
    expect(sip.clock.pending).toBe(0)
  })

  it('that is never acknowledged ends the call', () => {
    const sip = new ScriptedSip()
    sip.established()
    sip.receive('INVITE', offer)
    sip.clock.advance(32_000)
    expect(sip.user.end).toMatchObject({ by: 'network', how: 'ack-missing' })
    sip.transactions.last('BYE').reply(200)
    expect(sip.clock.pending).toBe(0)
    expect(sip.agent.usageCount).toBe(0)
  })

  it('gets 500 when too many before it were never acknowledged', () => {
    const sip = new ScriptedSip()
    sip.established()
    const statuses = Array.from({ length: 5 }, () => sip.receive('INVITE', offer).last.status)
    expect(statuses).toEqual([200, 200, 200, 200, 500])
  })
})

describe('an offer during which the user ends the call', () => {
  it.each(['INVITE', 'UPDATE'])('by %s leaves nothing running', (method) => {
    const sip = new ScriptedSip({ sessionTimers: { expiresSeconds: 1800, minSeconds: 90 } })
    sip.established()
    sip.user.answer = () => {
      sip.invite.usage.end()
      return sdp('late')
    }
    sip.receive(method, offer)
    sip.transactions.last('BYE').reply(200)
    expect(sip.user.heard.at(-1)).toBe('ended local')
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })
})

describe('an UPDATE of the peer', () => {
  it('with an offer is answered, early or later', () => {
    const sip = new ScriptedSip({ reliableProvisional: 'when-supported' })
    const invite = sip.call({ headers: [['Supported', '100rel']] })
    sip.invite.provisional(183, { sdp: sdp('our answer') })
    sip.learn(invite)
    sip.receive('PRACK', {
      headers: [['RAck', `${invite.last.headers.get('RSeq')} ${invite.request.cseq.number} INVITE`]],
    })
    const update = sip.receive('UPDATE', offer)
    expect(text(update.last.body)).toBe('v=0 answer to v=0 new offer')
    sip.invite.accept({ sdp: sdp('our answer') })
    sip.ack(invite)
    expect(sip.receive('UPDATE', offer).statuses).toEqual([200])
    expect(sip.clock.pending).toBe(0)
  })

  it('gets 500 with Retry-After while the offer of the INVITE has no answer', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.provisional(180)
    sip.learn(invite)
    const { last } = sip.receive('UPDATE', offer)
    expect([last.status, last.headers.has('Retry-After')]).toEqual([500, true])
  })

  it('gets 491 while an offer of ours has no answer', () => {
    const sip = new ScriptedSip()
    sip.established()
    void sip.invite.usage.offer(sdp('hold'))
    expect(sip.receive('UPDATE', offer).statuses).toEqual([491])
  })

  it('without an offer only refreshes', () => {
    const sip = new ScriptedSip()
    sip.established()
    const update = sip.receive('UPDATE')
    expect(update.statuses).toEqual([200])
    expect(update.last.body.length).toBe(0)
    expect(sip.user.heard).toEqual(['confirmed'])
  })
})
