import { describe, expect, it } from 'vitest'
import { ScriptedSip, sdp, settled, text } from '../../../test/support/scripted-sip.ts'
import { TimeoutError, TransportError } from '../../base/errors.ts'

const answer = { body: sdp('their answer'), contentType: 'application/sdp' }
const knowsUpdate = { headers: [['Allow', 'INVITE, ACK, BYE, UPDATE']] } as const

describe('an offer of ours', () => {
  it('goes out by re-INVITE; the 200 is acknowledged each time it comes, and its answer handed over', async () => {
    const sip = new ScriptedSip()
    sip.established()
    const outcome = sip.invite.usage.offer(sdp('hold'))
    const sent = sip.transactions.last('INVITE')
    expect(text(sent.request.body)).toBe('v=0 hold')
    expect(sent.request.headers.get('Contact')).toBe('<sip:1000@192.0.2.1:5060>')
    sent.reply(200, answer)
    sent.reply(200, answer)
    expect(sip.transactions.acks.map(({ ack }) => ack.cseq.number)).toEqual(
      Array.from({ length: 2 }, () => sent.request.cseq.number),
    )
    const result = await outcome
    expect(result.kind === 'answered' && text(result.sdp)).toBe('v=0 their answer')
    expect(sip.clock.pending).toBe(0)
  })

  it('made before the ACK waits for it', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.accept({ sdp: sdp('our answer') })
    void sip.invite.usage.offer(sdp('hold'))
    expect(sip.transactions.methods).toEqual([])
    sip.ack(invite)
    expect(sip.transactions.methods).toEqual(['INVITE'])
  })

  it('waits for the one before it', async () => {
    const sip = new ScriptedSip()
    sip.established()
    const first = sip.invite.usage.offer(sdp('hold'))
    const second = sip.invite.usage.offer(sdp('resume'))
    expect(sip.transactions.methods).toEqual(['INVITE'])
    sip.transactions.last('INVITE').reply(488)
    expect(await first).toEqual({ kind: 'refused', status: 488 })
    expect(text(sip.transactions.last('INVITE').request.body)).toBe('v=0 resume')
    sip.transactions.last('INVITE').reply(200, answer)
    expect(await second).toMatchObject({ kind: 'answered' })
  })

  it('that collides with the peer’s is tried again after 0 to 2 s by the called side', () => {
    const sip = new ScriptedSip()
    sip.established()
    void sip.invite.usage.offer(sdp('hold'))
    expect(sip.receive('INVITE', { body: sdp('offer') }).statuses).toEqual([491])
    sip.transactions.last('INVITE').reply(491)
    expect(sip.transactions.sent.length).toBe(1)
    sip.clock.advance(2000)
    expect(sip.transactions.sent.length).toBe(2)
    sip.transactions.last('INVITE').reply(200, answer)
    expect(sip.clock.pending).toBe(0)
  })

  it('that collides with the peer’s is tried again after 2.1 to 4 s by the calling side', () => {
    const sip = new ScriptedSip()
    const usage = sip.place()
    sip.transactions.last('INVITE').reply(200, { toTag: 'theirs', ...answer })
    void usage.offer(sdp('hold'))
    sip.transactions.last('INVITE').reply(491)
    sip.clock.advance(2099)
    expect(sip.transactions.sent.length).toBe(2)
    sip.clock.advance(1901)
    expect(sip.transactions.sent.length).toBe(3)
  })

  it('that the peer’s has overtaken is given back: it was made from what no longer holds', async () => {
    const sip = new ScriptedSip()
    sip.established()
    const outcome = sip.invite.usage.offer(sdp('hold'))
    sip.transactions.last('INVITE').reply(491)
    sip.ack(sip.receive('INVITE', { body: sdp('offer') }))
    sip.clock.advance(2000)
    expect(await outcome).toEqual({ kind: 'refused', status: 491 })
    expect(sip.transactions.sent.length).toBe(1)
    expect(sip.clock.pending).toBe(0)
  })

  it('gives up after colliding again and again', async () => {
    const sip = new ScriptedSip()
    sip.established()
    const outcome = sip.invite.usage.offer(sdp('hold'))
    for (let i = 0; i < 6; i++) {
      sip.transactions.last('INVITE').reply(491)
      sip.clock.advance(4000)
    }
    expect(await outcome).toEqual({ kind: 'refused', status: 491 })
    expect(sip.clock.pending).toBe(0)
  })

  it('that is told to come back is tried again then: the peer has an INVITE of its own under way', async () => {
    const sip = new ScriptedSip()
    sip.established()
    const outcome = sip.invite.usage.offer(sdp('hold'))
    sip.transactions.last('INVITE').reply(500, { headers: [['Retry-After', '4']] })
    sip.clock.advance(3999)
    expect(sip.transactions.sent.length).toBe(1)
    sip.clock.advance(1)
    sip.transactions.last('INVITE').reply(200, answer)
    expect(await outcome).toMatchObject({ kind: 'answered' })
    expect(sip.clock.pending).toBe(0)
  })

  it.each([
    ['400', []],
    ['403', []],
    ['488', []],
    ['500', []],
    ['500', [['Retry-After', '3600']]],
    ['500', [['Retry-After', 'soon']]],
    ['503', []],
    ['504', []],
    ['603', []],
  ] as const)('that gets %s %j is refused, and the session stays as it was', async (status, headers) => {
    const sip = new ScriptedSip()
    sip.established()
    const outcome = sip.invite.usage.offer(sdp('hold'))
    sip.transactions.last('INVITE').reply(Number(status), { headers })
    expect(await outcome).toEqual({ kind: 'refused', status: Number(status) })
    expect(sip.invite.usage.state).toBe('confirmed')
    expect(sip.user.end).toBeNull()
    expect(sip.clock.pending).toBe(0)
  })

  it('goes by UPDATE while early, and only to a peer that allows it and has its first answer', async () => {
    const sip = new ScriptedSip()
    const headers = [...knowsUpdate.headers, ['Require', '100rel']] as const
    const invite = sip.call({ headers })
    expect(await sip.invite.usage.offer(sdp('too early'))).toEqual({ kind: 'refused', status: 491 })
    sip.invite.provisional(183, { sdp: sdp('our answer') })
    sip.learn(invite)
    const outcome = sip.invite.usage.offer(sdp('change'))
    sip.transactions.last('UPDATE').reply(200, answer)
    expect(await outcome).toMatchObject({ kind: 'answered' })
    sip.invite.reject(480)
    expect(sip.clock.pending).toBe(0)
  })

  it('that shows while early that the dialog is gone refuses the INVITE, for an early dialog has no BYE of ours', async () => {
    const sip = new ScriptedSip()
    const invite = sip.call({ headers: [...knowsUpdate.headers, ['Require', '100rel']] })
    sip.invite.provisional(183, { sdp: sdp('our answer') })
    const outcome = sip.invite.usage.offer(sdp('change'))
    sip.transactions.last('UPDATE').reply(481)
    expect(await outcome).toEqual({ kind: 'ended' })
    expect(invite.last.status).toBe(500)
    expect(sip.transactions.methods).toEqual(['UPDATE'])
    expect(sip.user.end).toMatchObject({ by: 'network', how: 'dialog-gone' })
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('resolves as ended when the call ends first, and its late 200 is still acknowledged', async () => {
    const sip = new ScriptedSip()
    sip.established()
    const outcome = sip.invite.usage.offer(sdp('hold'))
    const sent = sip.transactions.last('INVITE')
    expect(await settled(outcome)).toBe('pending')
    sip.receive('BYE')
    expect(await outcome).toEqual({ kind: 'ended' })
    sent.reply(200, answer)
    expect(sip.transactions.acks.length).toBe(1)
    expect(await sip.invite.usage.offer(sdp('more'))).toEqual({ kind: 'ended' })
  })

  it.each([
    ['481', 'dialog-gone'],
    ['408', 'no-response'],
  ])('that gets %s ends the call by BYE', async (status, how) => {
    const sip = new ScriptedSip()
    sip.established()
    const outcome = sip.invite.usage.offer(sdp('hold'))
    sip.transactions.last('INVITE').reply(Number(status))
    expect(await outcome).toEqual({ kind: 'ended' })
    expect(sip.user.end).toMatchObject({ by: 'network', how })
    expect(sip.transactions.methods).toEqual(['INVITE', 'BYE'])
  })

  it('that nobody answers ends the call; one that could not be sent does not', async () => {
    const silent = new ScriptedSip()
    silent.established()
    void silent.invite.usage.offer(sdp('hold'))
    silent.transactions.last('INVITE').user.failed(new TimeoutError('defect.assertion', 'Timer B'))
    expect(silent.user.end).toMatchObject({ by: 'network', how: 'no-response' })

    const cut = new ScriptedSip()
    cut.established()
    const outcome = cut.invite.usage.offer(sdp('hold'))
    cut.transactions.last('INVITE').user.failed(new TransportError('defect.assertion', 'refused'))
    expect(await outcome).toEqual({ kind: 'refused', status: 503 })
    expect(cut.user.end).toBeNull()
  })

  it('does not pile up without bound', async () => {
    const sip = new ScriptedSip()
    sip.established()
    const outcomes = Array.from({ length: 12 }, () => sip.invite.usage.offer(sdp('more')))
    const last = outcomes.at(-1)
    expect(last && (await settled(last))).toEqual({ kind: 'refused', status: 491 })
  })
})
