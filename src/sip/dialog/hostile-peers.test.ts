import { describe, expect, it } from 'vitest'
import { ScriptedSip, sdp } from '../../../test/support/scripted-sip.ts'
import { createResponse } from '../message/build.ts'
import { parseUri } from '../message/uri.ts'

const contact = ['Contact', '<sip:101@192.0.2.9:5060>'] as const
const answered = { headers: [contact], body: sdp('answer'), contentType: 'application/sdp' }

/** A call of ours that was answered by the fork `theirs`. */
function answeredCall(sip: ScriptedSip) {
  const usage = sip.place()
  const sent = sip.transactions.last('INVITE')
  sent.reply(200, { toTag: 'theirs', ...answered })
  const parts = { sipCallId: usage.sipCallId as string, toTag: usage.localTag as string, fromTag: 'theirs' }
  return { usage, sent, parts }
}

describe('a storm of 2xx to one INVITE', () => {
  it('of the same tag is acknowledged as often as makes sense, with the transaction and without', () => {
    const sip = new ScriptedSip()
    const { sent, usage } = answeredCall(sip)
    for (let i = 0; i < 500; i++) sent.reply(200, { toTag: 'theirs', ...answered })
    const stray = createResponse(sent.request, 200, { toTag: 'theirs', ...answered })
    for (let i = 0; i < 500; i++) sip.agent.strayResponseReceived(stray)
    expect(sip.transactions.acks.length).toBeGreaterThan(20)
    expect(sip.transactions.acks.length).toBeLessThan(50)
    expect(sip.transactions.methods).toEqual(['INVITE'])
    expect(usage.state).toBe('confirmed')
    expect(sip.user.seen.length).toBeLessThan(300)
  })

  it('of hundreds of tags has one winner, ends a few others, and passes over the rest', () => {
    const sip = new ScriptedSip()
    const { sent, usage } = answeredCall(sip)
    for (let i = 0; i < 500; i++) sent.reply(200, { toTag: `fork${i}`, ...answered })
    expect(usage.remoteTag).toBe('theirs')
    expect(sip.transactions.acks.length).toBe(17)
    expect(sip.transactions.methods.filter((method) => method === 'BYE').length).toBe(16)
    expect(sip.user.heard).toEqual(['accepted v=0 answer', 'confirmed'])
    expect(sip.agent.usageCount).toBe(1)
  })

  it('after our CANCEL ends each once, and leaves nothing behind', () => {
    const sip = new ScriptedSip()
    const usage = sip.place()
    const sent = sip.transactions.last('INVITE')
    sent.reply(180, { toTag: 'fork0' })
    usage.end()
    for (let i = 0; i < 500; i++) sent.reply(200, { toTag: `fork${i % 3}`, ...answered })
    const byes = sip.transactions.sent.filter(({ request }) => request.method === 'BYE')
    expect(byes.length).toBe(3)
    for (const bye of byes) bye.reply(200)
    expect(sip.transactions.acks.length).toBeLessThan(110)
    expect(sip.user.heard).toEqual(['180', 'ended local'])
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('to a re-INVITE is acknowledged as often as makes sense', () => {
    const sip = new ScriptedSip()
    sip.established()
    void sip.invite.usage.offer(sdp('hold'))
    const sent = sip.transactions.last('INVITE')
    for (let i = 0; i < 500; i++) sent.reply(200, answered)
    expect(sip.transactions.acks.length).toBeLessThan(50)
  })
})

describe('a storm of provisional responses', () => {
  it('with new tags is heard up to a bound, and the answer is taken all the same', () => {
    const sip = new ScriptedSip()
    const usage = sip.place()
    const sent = sip.transactions.last('INVITE')
    for (let i = 0; i < 5000; i++) sent.reply(183, { toTag: `fork${i}`, ...answered })
    expect(sip.user.heard.length).toBe(200)
    expect(sip.user.seen.length).toBeLessThan(250)
    sent.reply(200, { toTag: 'fork4999', ...answered })
    expect(usage.state).toBe('confirmed')
    expect(usage.remoteTag).toBe('fork4999')
    usage.end()
    sip.transactions.last('BYE').reply(200)
    expect(sip.clock.pending).toBe(0)
  })

  it('that all want a PRACK gets as many as there are dialogs followed', () => {
    const sip = new ScriptedSip()
    sip.place()
    const sent = sip.transactions.last('INVITE')
    const headers = [contact, ['Require', '100rel'], ['RSeq', '1']] as const
    for (let i = 0; i < 1000; i++) sent.reply(183, { toTag: `fork${i}`, headers })
    expect(sip.transactions.methods.filter((method) => method === 'PRACK').length).toBe(16)
  })
})

describe('a peer that asks for credentials for ever', () => {
  const credentials = { username: 'u', password: 'p' }
  let nonces = 0
  const challenge = () => {
    nonces++
    return ['WWW-Authenticate', `Digest realm="r${nonces}", nonce="${nonces}", qop="auth", stale=true`] as const
  }

  it('before the call is asked a few times', () => {
    const sip = new ScriptedSip()
    sip.place({ credentials })
    for (let i = 0; i < 50 && !sip.user.end; i++) {
      sip.transactions.last('INVITE').reply(401, { headers: [challenge()] })
    }
    expect(sip.transactions.sent.length).toBe(5)
    expect(sip.user.end).toMatchObject({ by: 'peer-refused', status: 401 })
    expect(sip.agent.usageCount).toBe(0)
  })

  it.each([
    ['INFO', 401],
    ['INVITE', 401],
    ['REFER', 401],
  ])('within it is asked a few times by %s, and the call goes on', async (method, status) => {
    const sip = new ScriptedSip()
    const usage = sip.place({ credentials })
    sip.transactions.last('INVITE').reply(200, { toTag: 'theirs', ...answered })
    const outcome =
      method === 'INFO'
        ? usage.info('application/dtmf-relay', sdp('Signal=1'))
        : method === 'INVITE'
          ? usage.offer(sdp('hold'))
          : usage.refer({ target: parseUri('sip:b@x'), referredBy: null, limitMs: 1000 })
    const before = sip.transactions.sent.length
    for (let count = 0; count !== sip.transactions.sent.length && count < 50; ) {
      count = sip.transactions.sent.length
      sip.transactions.last(method).reply(status, { headers: [challenge()] })
    }
    expect(sip.transactions.sent.length - before).toBe(4)
    expect(await outcome).toEqual(method === 'INFO' ? status : { kind: 'refused', status })
    expect(sip.user.end).toBeNull()
  })

  it('to our BYE is left after a few times', () => {
    const sip = new ScriptedSip()
    const usage = sip.place({ credentials })
    sip.transactions.last('INVITE').reply(200, { toTag: 'theirs', ...answered })
    usage.end()
    for (let i = 0; i < 50 && sip.agent.usageCount > 0; i++) {
      sip.transactions.last('BYE').reply(401, { headers: [challenge()] })
    }
    expect(sip.transactions.sent.length).toBe(6)
    expect(sip.agent.usageCount).toBe(0)
  })
})

describe('who knows the Call-ID and not the tags', () => {
  const referTo = ['Refer-To', '<sip:premium@example.net>'] as const
  const event = ['Event', 'refer'] as const

  it.each([
    ['BYE', {}],
    ['INFO', { body: sdp('Signal=1'), contentType: 'application/dtmf-relay' }],
    ['REFER', { headers: [referTo] }],
    ['NOTIFY', { headers: [event], body: sdp('x'), contentType: 'message/sipfrag' }],
    ['INVITE', { body: sdp('offer') }],
    ['UPDATE', { body: sdp('offer') }],
    ['OPTIONS', {}],
  ] as const)('gets 481 for %s, on calls of both directions, and nothing happens', (method, parts) => {
    const sip = new ScriptedSip()
    const { parts: ours } = answeredCall(sip)
    sip.established()
    const theirs = { sipCallId: 'call@example.net', toTag: sip.ourTag, fromTag: 'theirs' }
    const before = sip.user.heard.length
    for (const dialog of [ours, theirs]) {
      for (const wrong of [{ fromTag: 'forged' }, { toTag: 'forged' }, { fromTag: 'forged', toTag: 'forged' }]) {
        expect(sip.receive(method, { ...parts, ...dialog, ...wrong, cseq: 5000 }).statuses).toEqual([481])
      }
    }
    expect(sip.user.heard.length).toBe(before)
    expect(sip.user.refers).toEqual([])
    expect(sip.transactions.acks.length).toBe(1)
    // Nor did it move the sequence numbers.
    expect(sip.receive('BYE', { ...theirs, cseq: 200 }).statuses).toEqual([200])
  })

  it('gets nothing out of a 200 of his own making', () => {
    const sip = new ScriptedSip()
    const { sent, usage } = answeredCall(sip)
    const forged = { ...answered, headers: [['Contact', '<sip:evil@203.0.113.66>']] as const }
    sip.agent.strayResponseReceived(createResponse(sent.request, 200, { toTag: 'forged', ...forged }))
    expect(sip.transactions.acks.length).toBe(1)
    usage.end()
    expect(sip.transactions.last('BYE').request.uri).toMatchObject({ host: '192.0.2.9' })
  })

  it('acknowledges nothing by an ACK of his own making', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.accept({ sdp: sdp('answer') })
    sip.ack(invite, { fromTag: 'forged' })
    expect(sip.user.heard).toEqual([])
    sip.ack(invite)
    expect(sip.user.heard).toEqual(['confirmed'])
  })
})

describe('a peer out of order', () => {
  it('whose numbers go backwards gets 500 for every method', () => {
    const sip = new ScriptedSip()
    sip.established({ cseq: 1000 })
    for (const method of ['INFO', 'INVITE', 'UPDATE', 'REFER', 'NOTIFY', 'BYE', 'OPTIONS']) {
      expect(sip.receive(method, { cseq: 999 }).statuses).toEqual([500])
    }
    expect(sip.user.end).toBeNull()
  })

  it.each([
    ['no SDP', undefined, undefined],
    ['an SDP that cannot be used', sdp('nonsense'), 'application/sdp'],
    ['a body that is no SDP', sdp('nonsense'), 'text/plain'],
  ])('whose ACK brings %s as the answer to the offer in our 200 is left by BYE', (_, body, contentType) => {
    const sip = new ScriptedSip()
    sip.established()
    sip.user.isAnswerUsable = false
    const reInvite = sip.receive('INVITE')
    expect(reInvite.statuses).toEqual([200])
    sip.ack(reInvite, { ...(body ? { body } : {}), ...(contentType ? { contentType } : {}) })
    sip.transactions.last('BYE').reply(200)
    expect(sip.user.end).toMatchObject({ by: 'local', how: 'bye' })
    expect(sip.clock.pending).toBe(0)
  })

  it('that sends BYE before its ACK ends the call, and its ACK is nothing then', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.accept({ sdp: sdp('answer') })
    sip.learn(invite)
    expect(sip.receive('BYE').statuses).toEqual([200])
    sip.ack(invite)
    expect(sip.user.heard).toEqual(['ended remote'])
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('that answers a re-INVITE with 100 and then nothing is sent CANCEL after 64·T1', async () => {
    const sip = new ScriptedSip()
    sip.established()
    const outcome = sip.invite.usage.offer(sdp('hold'))
    const sent = sip.transactions.last('INVITE')
    sent.reply(100)
    sip.clock.advance(31_999)
    expect(sent.cancelledWith).toBeNull()
    sip.clock.advance(1)
    expect(sent.cancelledWith).not.toBeNull()
    sent.reply(487)
    expect(await outcome).toEqual({ kind: 'refused', status: 487 })
    expect(sip.user.end).toBeNull()
    expect(sip.clock.pending).toBe(0)
  })

  it('whose call ends while our re-INVITE is unanswered is sent CANCEL for it', () => {
    const sip = new ScriptedSip()
    sip.established()
    void sip.invite.usage.offer(sdp('hold'))
    const sent = sip.transactions.last('INVITE')
    sip.receive('BYE')
    expect(sent.cancelledWith).not.toBeNull()
    expect(sip.clock.pending).toBe(0)
  })
})
