import { describe, expect, it } from 'vitest'
import { ScriptedSip, sdp, text } from '../../../test/support/scripted-sip.ts'

const t1Ms = 500
const reliable = [['Supported', '100rel']] as const

describe('a reliable provisional response', () => {
  const prack = (sip: ScriptedSip, rseq: string | undefined, cseq: number, body?: Uint8Array) =>
    sip.receive('PRACK', { headers: [['RAck', `${rseq} ${cseq} INVITE`]], ...(body ? { body } : {}) })

  it('is sent to who requires it, again at doubling intervals until its PRACK, and the 200 has no second answer', () => {
    const sip = new ScriptedSip()
    const invite = sip.call({ headers: [['Require', '100rel']] })
    sip.invite.provisional(183, { sdp: sdp('our answer') })
    sip.learn(invite)
    sip.clock.advance(t1Ms + 2 * t1Ms + 4 * t1Ms)
    expect(invite.statuses).toEqual([183, 183, 183, 183])
    const rseq = invite.last.headers.get('RSeq')
    expect(invite.last.headers.get('Require')).toBe('100rel')
    expect(new Set(invite.responses.map(({ headers }) => headers.get('RSeq')))).toEqual(new Set([rseq]))
    expect(prack(sip, rseq, invite.request.cseq.number).statuses).toEqual([200])
    sip.invite.accept({ sdp: sdp('our answer') })
    expect(invite.last.status).toBe(200)
    expect(invite.last.body.length).toBe(0)
    sip.ack(invite)
    expect(sip.clock.pending).toBe(0)
  })

  it('is sent to who only supports it when that is switched on', () => {
    for (const [reliableProvisional, expected] of [
      ['required-only', false],
      ['when-supported', true],
    ] as const) {
      const sip = new ScriptedSip({ reliableProvisional })
      const invite = sip.call({ headers: reliable })
      sip.invite.provisional(180)
      expect(invite.last.headers.has('RSeq')).toBe(expected)
      sip.invite.reject(480)
      expect(sip.clock.pending).toBe(0)
    }
  })

  it('waits for the PRACK of the one before, whose RSeq it follows', () => {
    const sip = new ScriptedSip({ reliableProvisional: 'when-supported' })
    const invite = sip.call({ headers: reliable })
    sip.invite.provisional(180)
    sip.learn(invite)
    sip.invite.provisional(183)
    expect(invite.statuses).toEqual([180])
    const rseq = Number(invite.last.headers.get('RSeq'))
    prack(sip, String(rseq), invite.request.cseq.number)
    expect(invite.statuses).toEqual([180, 183])
    expect(Number(invite.last.headers.get('RSeq'))).toBe(rseq + 1)
    sip.invite.reject(486)
    expect(sip.clock.pending).toBe(0)
  })

  it('with SDP holds the 200 back until its PRACK', () => {
    const sip = new ScriptedSip({ reliableProvisional: 'when-supported' })
    const invite = sip.call({ headers: reliable })
    sip.invite.provisional(183, { sdp: sdp('our answer') })
    sip.learn(invite)
    sip.invite.accept({ sdp: sdp('our answer') })
    expect(invite.statuses).toEqual([183])
    prack(sip, invite.last.headers.get('RSeq'), invite.request.cseq.number)
    expect(invite.statuses).toEqual([183, 200])
    sip.ack(invite)
    expect(sip.clock.pending).toBe(0)
  })

  it('without SDP does not hold the 200 back, and its late PRACK is still answered 200', () => {
    const sip = new ScriptedSip({ reliableProvisional: 'when-supported' })
    const invite = sip.call({ headers: reliable })
    sip.invite.provisional(180)
    sip.learn(invite)
    const rseq = invite.last.headers.get('RSeq')
    sip.invite.accept({ sdp: sdp('our answer') })
    expect(invite.statuses).toEqual([180, 200])
    expect(prack(sip, rseq, invite.request.cseq.number).statuses).toEqual([200])
    expect(prack(sip, rseq, invite.request.cseq.number).statuses).toEqual([481])
    sip.ack(invite)
    expect(sip.clock.pending).toBe(0)
  })

  it('that is never acknowledged refuses the INVITE with 504 after 64·T1', () => {
    const sip = new ScriptedSip({ reliableProvisional: 'when-supported' })
    const invite = sip.call({ headers: reliable })
    sip.invite.provisional(183, { sdp: sdp('our answer') })
    sip.invite.accept({ sdp: sdp('our answer') })
    sip.clock.advance(64 * t1Ms)
    expect(invite.last.status).toBe(504)
    expect(sip.user.end).toMatchObject({ by: 'network', sentence: expect.stringContaining('PRACK') })
    expect(sip.clock.pending).toBe(0)
  })

  it('is stopped by a CANCEL while its PRACK is on the way', () => {
    const sip = new ScriptedSip({ reliableProvisional: 'when-supported' })
    const invite = sip.call({ headers: reliable })
    sip.invite.provisional(183, { sdp: sdp('our answer') })
    sip.learn(invite)
    const rseq = invite.last.headers.get('RSeq')
    invite.user?.cancelled(sip.build('CANCEL'))
    expect(invite.last.status).toBe(487)
    expect(prack(sip, rseq, invite.request.cseq.number).statuses).toEqual([481])
    expect(sip.clock.pending).toBe(0)
  })

  it('refuses a PRACK for another response with 481, and one without RAck with 400', () => {
    const sip = new ScriptedSip({ reliableProvisional: 'when-supported' })
    const invite = sip.call({ headers: reliable })
    sip.invite.provisional(180)
    sip.learn(invite)
    const rseq = Number(invite.last.headers.get('RSeq'))
    expect(prack(sip, String(rseq + 1), invite.request.cseq.number).statuses).toEqual([481])
    expect(prack(sip, String(rseq), invite.request.cseq.number + 1).statuses).toEqual([481])
    expect(sip.receive('PRACK').statuses).toEqual([400])
    sip.invite.reject(486)
    expect(sip.clock.pending).toBe(0)
  })

  it('carries our offer where the INVITE had none, and its PRACK the answer', () => {
    const sip = new ScriptedSip()
    const invite = sip.receive('INVITE', { headers: reliable })
    sip.invite.provisional(180)
    expect(invite.last.headers.has('RSeq')).toBe(false)
    sip.invite.provisional(183, { sdp: sdp('our offer') })
    sip.learn(invite)
    expect(text(invite.last.body)).toBe('v=0 our offer')
    prack(sip, invite.last.headers.get('RSeq'), invite.request.cseq.number, sdp('their answer'))
    expect(sip.user.heard).toEqual(['answer v=0 their answer'])
    sip.invite.accept({ sdp: sdp('our offer') })
    expect(invite.last.body.length).toBe(0)
    sip.ack(invite)
    expect(sip.user.heard).toEqual(['answer v=0 their answer', 'confirmed'])
    expect(sip.clock.pending).toBe(0)
  })

  it('is withheld where it would have to carry an offer and has none', () => {
    const sip = new ScriptedSip()
    const invite = sip.receive('INVITE', { headers: [['Require', '100rel']] })
    sip.invite.provisional(180)
    expect(invite.statuses).toEqual([])
    sip.invite.accept({ sdp: sdp('our offer') })
    expect(text(invite.last.body)).toBe('v=0 our offer')
    sip.ack(invite, { body: sdp('their answer') })
    expect(sip.clock.pending).toBe(0)
  })

  it('lets the PRACK make a new offer, which is answered in its 200', () => {
    const sip = new ScriptedSip({ reliableProvisional: 'when-supported' })
    const invite = sip.call({ headers: reliable })
    sip.invite.provisional(183, { sdp: sdp('our answer') })
    sip.learn(invite)
    const answered = prack(sip, invite.last.headers.get('RSeq'), invite.request.cseq.number, sdp('second offer'))
    expect(text(answered.last.body)).toBe('v=0 answer to v=0 second offer')
    sip.invite.reject(486)
    expect(sip.clock.pending).toBe(0)
  })

  it('whose PRACK makes an offer that cannot be met is acknowledged, and the call refused with 488', () => {
    const sip = new ScriptedSip({ reliableProvisional: 'when-supported' })
    sip.user.answer = () => null
    const invite = sip.call({ headers: reliable })
    sip.invite.provisional(183, { sdp: sdp('our answer') })
    sip.learn(invite)
    const answered = prack(sip, invite.last.headers.get('RSeq'), invite.request.cseq.number, sdp('second offer'))
    expect(answered.statuses).toEqual([200])
    expect(invite.last.status).toBe(488)
    expect(sip.clock.pending).toBe(0)
  })
})
