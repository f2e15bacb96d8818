import { describe, expect, it } from 'vitest'
import { ScriptedSip, sdp } from '../../../test/support/scripted-sip.ts'
import { TimeoutError } from '../../base/errors.ts'
import { tagOf } from '../message/addresses.ts'
import { parseUri } from '../message/uri.ts'
import type { OutgoingInviteOptions } from './types.ts'

const contact = ['Contact', '<sip:101@192.0.2.9:5060>'] as const
const answered = (name = 'their answer') => ({ headers: [contact], body: sdp(name), contentType: 'application/sdp' })

/** A call of ours, and the telephones that answer it. */
class Call {
  readonly sip = new ScriptedSip()
  readonly usage
  readonly sent

  constructor(options: Partial<OutgoingInviteOptions> = {}) {
    this.usage = this.sip.place(options)
    this.sent = this.sip.transactions.last('INVITE')
  }

  /** A telephone of ours that answers has sent a request in the dialog of its own. */
  receive(method: string, fromTag: string, parts: { cseq?: number; body?: Uint8Array } = {}) {
    const { sipCallId } = this.sent.request
    return this.sip.receive(method, { sipCallId, fromTag, toTag: this.usage.localTag, cseq: 1, ...parts })
  }
}

describe('an INVITE of ours that rings several telephones', () => {
  it('tells the early media of each, the latest last, and takes its answer from who answers', () => {
    const { sip, sent, usage } = new Call()
    sent.reply(183, { toTag: 'a', ...answered('media of a') })
    sent.reply(183, { toTag: 'b', ...answered('media of b') })
    expect(usage.remoteTag).toBe('b')
    sent.reply(180, { toTag: 'a' })
    expect(usage.remoteTag).toBe('a')
    sent.reply(200, { toTag: 'a', ...answered('media of a') })
    expect(sip.user.heard).toEqual([
      '183 v=0 media of a',
      '183 v=0 media of b',
      '180',
      'accepted v=0 media of a',
      'confirmed',
    ])
  })

  it('ends each other that answers, and tells it why', () => {
    const { sip, sent } = new Call()
    sent.reply(200, { toTag: 'a', ...answered() })
    sent.reply(200, { toTag: 'b', ...answered() })
    const bye = sip.transactions.last('BYE')
    expect(tagOf(bye.request.to)).toBe('b')
    expect(bye.request.headers.get('Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
  })

  it('serves each while it rings: a fork that hangs up leaves the others ringing', () => {
    const call = new Call()
    const { sip, sent } = call
    sent.reply(180, { toTag: 'a', headers: [contact] })
    sent.reply(180, { toTag: 'b', headers: [contact] })
    expect(call.receive('INFO', 'a').statuses).toEqual([200])
    expect(call.receive('INFO', 'a', { cseq: 0 }).statuses).toEqual([500])
    expect(call.receive('UPDATE', 'a', { cseq: 2 }).statuses).toEqual([200])
    expect(call.receive('UPDATE', 'a', { cseq: 3, body: sdp('new media') }).last.headers.has('Retry-After')).toBe(true)
    expect(call.receive('BYE', 'a', { cseq: 4 }).statuses).toEqual([200])
    expect(call.receive('BYE', 'a', { cseq: 5 }).statuses).toEqual([481])
    expect(sip.user.end).toBeNull()
    sent.reply(200, { toTag: 'b', ...answered() })
    expect(call.usage.state).toBe('confirmed')
    // Once one has answered, the others are gone.
    expect(call.receive('INFO', 'a', { cseq: 6 }).statuses).toEqual([481])
  })

  it('ends as a whole when the telephone that is heard hangs up before it answers', () => {
    const call = new Call()
    call.sent.reply(180, { toTag: 'a', headers: [contact] })
    expect(call.receive('BYE', 'a').statuses).toEqual([200])
    expect(call.sip.user.end).toMatchObject({ by: 'remote', how: 'bye' })
    expect(call.sent.cancelledWith).not.toBeNull()
    call.sent.reply(487, { toTag: 'a' })
    expect(call.sip.agent.usageCount).toBe(0)
  })

  it('acknowledges reliable responses in each dialog by its own numbers', () => {
    const { sip, sent } = new Call()
    const reliable = (rseq: number) => [contact, ['Require', '100rel'], ['RSeq', String(rseq)]] as const
    sent.reply(183, { toTag: 'a', headers: reliable(10) })
    sent.reply(183, { toTag: 'b', headers: reliable(10) })
    sent.reply(180, { toTag: 'a', headers: reliable(11) })
    const pracks = sip.transactions.sent.slice(1).map(({ request }) => [tagOf(request.to), request.headers.get('RAck')])
    const { number } = sent.request.cseq
    expect(pracks).toEqual([
      ['a', `10 ${number} INVITE`],
      ['b', `10 ${number} INVITE`],
      ['a', `11 ${number} INVITE`],
    ])
    // A PRACK that nobody answers takes nothing from the call.
    sip.transactions.last('PRACK').user.failed(new TimeoutError('defect.assertion', 'Timer F'))
    expect(sip.user.end).toBeNull()
  })
})

describe('an INVITE of ours that is given up', () => {
  const elsewhere = [{ protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' }] as const
  const reasons = [...elsewhere, { protocol: 'Q.850', cause: 26, text: '' }] as const

  it('says why in CANCEL, with every reason', () => {
    const { usage, sent } = new Call()
    sent.reply(180, { toTag: 'a' })
    usage.end({ reasons })
    expect(sent.cancelledWith).toBe('SIP;cause=200;text="Call completed elsewhere", Q.850;cause=26')
  })

  it('by its user the moment it hears of the answer is ended by BYE', () => {
    const { sip, usage, sent } = new Call()
    sip.user.accepted = () => usage.end({ reasons: elsewhere })
    sent.reply(200, { toTag: 'a', ...answered() })
    sip.transactions.last('BYE').reply(200)
    expect(sip.user.heard).toEqual(['ended local'])
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('for its caller’s reasons gives these to all who answer too late, and none where there is none', () => {
    const { sip, usage, sent } = new Call()
    usage.end()
    sent.reply(200, { toTag: 'a', ...answered() })
    sent.reply(200, { toTag: 'b', ...answered() })
    const byes = sip.transactions.sent.slice(1).map(({ request }) => request.headers.get('Reason'))
    expect(byes).toEqual([undefined, undefined])
  })

  it('says it in BYE where the 200 crossed the CANCEL, to each that answers', () => {
    const { sip, usage, sent } = new Call()
    usage.end({ reasons: elsewhere })
    sent.reply(200, { toTag: 'a', ...answered() })
    sent.reply(200, { toTag: 'b', ...answered() })
    sent.reply(200, { toTag: 'a', ...answered() })
    expect(sip.transactions.methods).toEqual(['INVITE', 'BYE', 'BYE'])
    for (const { request } of sip.transactions.sent.slice(1)) {
      expect(request.headers.get('Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
    }
    expect(sip.transactions.acks.map(({ ack }) => tagOf(ack.to))).toEqual(['a', 'b', 'a'])
    expect(sip.user.heard).toEqual(['ended local'])
  })
})

describe('an INVITE of ours to which nobody responds', () => {
  it('is given up after its time; what comes later is cancelled', () => {
    const { sip, sent } = new Call({ firstResponseMs: 2500 })
    sip.clock.advance(2499)
    expect(sip.user.end).toBeNull()
    sip.clock.advance(1)
    expect(sip.user.end).toMatchObject({
      by: 'network',
      how: 'no-response',
      sentence: expect.stringContaining('2500 ms'),
    })
    expect(sip.user.responsesSeen).toBe(0)
    expect(sent.cancelledWith).not.toBeNull()
    sent.reply(180, { toTag: 'late' })
    sent.reply(487, { toTag: 'late' })
    expect(sip.user.heard).toEqual(['ended network'])
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('is given up after its time; an answer that comes later is acknowledged and ended', () => {
    const { sip, sent } = new Call({ firstResponseMs: 2500 })
    sip.clock.advance(2500)
    sent.reply(200, { toTag: 'late', ...answered() })
    expect(sip.transactions.acks.length).toBe(1)
    sip.transactions.last('BYE').reply(200)
    expect(sip.agent.usageCount).toBe(0)
  })

  it.each([100, 180])('waits on once a %i has come, and tells of the first response once', (status) => {
    const { sip, sent } = new Call({ firstResponseMs: 2500 })
    sip.clock.advance(2000)
    sent.reply(status)
    sent.reply(180, { toTag: 'a' })
    expect(sip.user.responsesSeen).toBe(1)
    sip.clock.advance(100_000)
    expect(sip.user.end).toBeNull()
    expect(sip.clock.pending).toBe(0)
  })

  it('waits as long again when it is repeated with credentials', () => {
    const { sip, sent } = new Call({ firstResponseMs: 2500, credentials: { username: 'u', password: 'p' } })
    sip.clock.advance(2000)
    sent.reply(401, { headers: [['WWW-Authenticate', 'Digest realm="r", nonce="n"']] })
    sip.clock.advance(2499)
    expect(sip.user.end).toBeNull()
    sip.clock.advance(1)
    expect(sip.user.end).toMatchObject({ how: 'no-response' })
    expect(sip.user.responsesSeen).toBe(1)
  })

  it('leaves no timer when it is ended before', () => {
    const { sip, usage } = new Call({ firstResponseMs: 2500 })
    usage.end()
    expect(sip.clock.pending).toBe(0)
  })
})

describe('the way of an INVITE of ours', () => {
  it('is by the outbound proxy, loosely, and as many hops as are left', () => {
    const { sip, sent, usage } = new Call({
      route: [parseUri('sip:proxy.example.net;transport=tcp'), parseUri('sip:second.example.net;lr')],
      maxForwards: 12,
    })
    expect(sent.request.headers.getAll('Route')).toEqual([
      '<sip:proxy.example.net;transport=tcp;lr>',
      '<sip:second.example.net;lr>',
    ])
    expect(sent.request.uri).toMatchObject({ host: '192.0.2.9' })
    expect(sent.request.maxForwards).toBe(12)
    // Within the dialog its own route set counts (RFC 3261 §12.2.1.1): that proxy did not ask to stay.
    sent.reply(200, { toTag: 'a', ...answered() })
    usage.end()
    expect(sip.transactions.last('BYE').request.headers.has('Route')).toBe(false)
  })

  it('is kept when it is repeated with credentials, and followed by its CANCEL', () => {
    const { sip, sent } = new Call({
      route: [parseUri('sip:proxy.example.net;lr')],
      credentials: { username: 'u', password: 'p' },
    })
    sent.reply(407, { headers: [['Proxy-Authenticate', 'Digest realm="r", nonce="n"']] })
    expect(sip.transactions.last('INVITE').request.headers.getAll('Route')).toEqual(['<sip:proxy.example.net;lr>'])
  })
})

describe('a challenge within a call of ours', () => {
  const credentials = { username: 'u', password: 'p' }
  const challenge = (nonce: string) => ['WWW-Authenticate', `Digest realm="r", nonce="${nonce}", qop="auth"`] as const

  it.each([
    ['BYE', (call: Call) => call.usage.end()],
    ['INFO', (call: Call) => void call.usage.info('application/dtmf-relay', sdp('Signal=1'))],
    ['INVITE', (call: Call) => void call.usage.offer(sdp('hold'))],
    ['REFER', (call: Call) => void call.usage.refer({ target: parseUri('sip:b@x'), referredBy: null, limitMs: 1000 })],
  ])('to %s is answered once, with the next CSeq', (method, act) => {
    const call = new Call({ credentials })
    const { sip, sent } = call
    sent.reply(200, { toTag: 'a', ...answered() })
    act(call)
    const first = sip.transactions.last(method)
    expect(first.request.headers.has('Authorization')).toBe(false)
    first.reply(401, { headers: [challenge('n')] })
    const second = sip.transactions.last(method)
    expect(second.request.cseq.number).toBe(first.request.cseq.number + 1)
    expect(second.request.headers.get('Authorization')).toContain('nc=00000001')
    const before = sip.transactions.sent.filter(({ request }) => request.method === method).length
    second.reply(401, { headers: [challenge('again')] })
    expect(sip.transactions.sent.filter(({ request }) => request.method === method).length).toBe(before)
  })

  it('to PRACK and UPDATE is answered too', () => {
    const call = new Call({ credentials })
    const { sip, sent, usage } = call
    const reliable = [contact, ['Require', '100rel'], ['RSeq', '1'], ['Allow', 'UPDATE']] as const
    sent.reply(183, { toTag: 'a', ...answered(), headers: reliable })
    sip.transactions.last('PRACK').reply(401, { headers: [challenge('n')] })
    expect(sip.transactions.last('PRACK').request.headers.get('Authorization')).toContain('nc=00000001')
    void usage.offer(sdp('hold'))
    expect(sip.transactions.last('UPDATE').request.headers.get('Authorization')).toContain('nc=00000002')
    sip.transactions.last('UPDATE').reply(401, { headers: [challenge('m')] })
    expect(sip.transactions.last('UPDATE').request.headers.get('Authorization')).toContain('nonce="m"')
  })

  it('after the end is answered for BYE alone', () => {
    const call = new Call({ credentials })
    const { sip, sent, usage } = call
    sent.reply(200, { toTag: 'a', ...answered() })
    void usage.info('application/dtmf-relay', sdp('Signal=1'))
    const info = sip.transactions.last('INFO')
    usage.end()
    info.reply(401, { headers: [challenge('n')] })
    sip.transactions.last('BYE').reply(401, { headers: [challenge('n')] })
    expect(sip.transactions.methods).toEqual(['INVITE', 'INFO', 'BYE', 'BYE'])
    sip.transactions.last('BYE').reply(200)
    expect(sip.agent.usageCount).toBe(0)
  })
})
