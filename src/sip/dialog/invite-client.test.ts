import { describe, expect, it } from 'vitest'
import { makeFlow, ScriptedSip, sdp, text } from '../../../test/support/scripted-sip.ts'
import { TimeoutError, TransportError } from '../../base/errors.ts'
import { tagOf } from '../message/addresses.ts'

const answer = { body: sdp('their answer'), contentType: 'application/sdp' }
const contact = ['Contact', '<sip:101@192.0.2.9:5060>'] as const

describe('an INVITE of ours', () => {
  it('rings, is answered and acknowledged, and ends by BYE', () => {
    const sip = new ScriptedSip()
    const usage = sip.place({ headers: [['X-Extra', 'yes']] })
    const { request, reply } = bind(sip)
    expect(request.headers.get('Contact')).toBe('<sip:1000@192.0.2.1:5060>')
    expect(request.headers.get('X-Extra')).toBe('yes')
    expect(text(request.body)).toBe('v=0 our offer')
    expect(usage.remoteTag).toBeNull()
    reply(100)
    reply(180, { toTag: 'theirs' })
    expect(usage.state).toBe('early')
    expect(usage.remoteTag).toBe('theirs')
    reply(200, { toTag: 'theirs', headers: [contact, ['Record-Route', '<sip:192.0.2.77;lr>']], ...answer })
    expect(sip.user.heard).toEqual(['180', 'accepted v=0 their answer', 'confirmed'])
    const [acked] = sip.transactions.acks
    expect(acked?.ack.cseq).toEqual({ number: request.cseq.number, method: 'ACK' })
    expect(acked?.ack.headers.getAll('Route')).toEqual(['<sip:192.0.2.77;lr>'])
    expect(acked?.target.destination?.remote.address).toBe('192.0.2.77')
    usage.end()
    const bye = sip.transactions.last('BYE')
    expect(bye.request.cseq.number).toBe(request.cseq.number + 1)
    expect(bye.request.headers.getAll('Route')).toEqual(['<sip:192.0.2.77;lr>'])
    bye.reply(200)
    expect(sip.user.end).toEqual({ by: 'local', how: 'bye', status: null })
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.clock.pending).toBe(0)
  })

  it('that is refused ends with the response', () => {
    const sip = new ScriptedSip()
    sip.place()
    bind(sip).reply(486, { toTag: 'theirs' })
    expect(sip.user.end).toMatchObject({ by: 'peer-refused', status: 486 })
    expect(sip.agent.usageCount).toBe(0)
  })

  it.each([
    ['nobody answers', new TimeoutError('defect.assertion', 'Timer B'), 'no-response'],
    ['cannot be sent', new TransportError('defect.assertion', 'refused'), 'transport-lost'],
  ])('that %s ends as such', (_, error, how) => {
    const sip = new ScriptedSip()
    sip.place()
    sip.transactions.last('INVITE').user.failed(error)
    expect(sip.user.end).toMatchObject({ by: 'network', how })
    expect(sip.agent.usageCount).toBe(0)
  })

  it('that is ended unanswered is cancelled with our reason; its 487 changes nothing more', () => {
    const sip = new ScriptedSip()
    const usage = sip.place()
    const { reply } = bind(sip)
    reply(180, { toTag: 'theirs' })
    usage.end({ reasons: [{ protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' }] })
    expect(sip.transactions.last('INVITE').cancelledWith).toBe('SIP;cause=200;text="Call completed elsewhere"')
    expect(sip.user.end).toEqual({ by: 'local', how: 'cancel', status: null })
    reply(487, { toTag: 'theirs' })
    expect(sip.agent.usageCount).toBe(0)
  })

  it('whose 200 crosses our CANCEL is acknowledged and ended by BYE', () => {
    const sip = new ScriptedSip()
    const usage = sip.place()
    const { reply } = bind(sip)
    usage.end()
    reply(200, { toTag: 'theirs', headers: [contact], ...answer })
    expect(sip.transactions.acks.length).toBe(1)
    sip.transactions.last('BYE').reply(200)
    expect(sip.user.heard).toEqual(['ended local'])
    expect(sip.agent.usageCount).toBe(0)
  })

  it('acknowledges its 2xx each time it comes, with its transaction or without', () => {
    const sip = new ScriptedSip()
    sip.place()
    const { reply, user, request } = bind(sip)
    const options = { toTag: 'theirs', headers: [contact], ...answer }
    reply(200, options)
    reply(200, options)
    expect(sip.transactions.acks.length).toBe(2)
    let again: Parameters<typeof user.responseReceived>[0] | null = null
    const stray = { responseReceived: (r: typeof again) => (again = r), failed: () => {} }
    Object.assign(sip.transactions.last('INVITE'), { user: stray }).reply(200, options)
    if (again) sip.agent.strayResponseReceived(again)
    expect(sip.transactions.acks.length).toBe(3)
    expect(sip.transactions.acks.every(({ ack }) => ack.cseq.number === request.cseq.number)).toBe(true)
    expect(sip.user.heard).toEqual(['accepted v=0 their answer', 'confirmed'])
  })

  it('takes the first of several forks that answer, and ends each other once', () => {
    const sip = new ScriptedSip()
    const usage = sip.place()
    const { reply } = bind(sip)
    reply(180, { toTag: 'first' })
    reply(180, { toTag: 'second' })
    reply(200, { toTag: 'second', headers: [contact], ...answer })
    reply(200, { toTag: 'first', headers: [contact], ...answer })
    reply(200, { toTag: 'first', headers: [contact], ...answer })
    expect(usage.remoteTag).toBe('second')
    expect(sip.transactions.acks.map(({ ack }) => tagOf(ack.to))).toEqual(['second', 'first', 'first'])
    expect(sip.transactions.methods).toEqual(['INVITE', 'BYE'])
    expect(tagOf(sip.transactions.last('BYE').request.to)).toBe('first')
    expect(usage.state).toBe('confirmed')
  })

  it('without an answer in its 200 is acknowledged and ended by BYE', () => {
    const sip = new ScriptedSip()
    sip.place()
    bind(sip).reply(200, { toTag: 'theirs', headers: [contact] })
    expect(sip.transactions.acks.length).toBe(1)
    sip.transactions.last('BYE').reply(200)
    expect(sip.user.end).toMatchObject({ by: 'local', how: 'bye' })
  })

  it('answers a challenge with its credentials, in a new INVITE, its ACK and its BYE', () => {
    const sip = new ScriptedSip()
    const usage = sip.place({ credentials: { username: 'u', password: 'p' } })
    const first = bind(sip)
    const challenge = ['Proxy-Authenticate', 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'] as const
    first.reply(407, { toTag: 'proxy', headers: [challenge] })
    const second = bind(sip)
    expect(second.request.cseq.number).toBe(first.request.cseq.number + 1)
    expect(tagOf(second.request.to)).toBeNull()
    expect(second.request.headers.get('Proxy-Authorization')).toContain('nc=00000001')
    second.reply(200, { toTag: 'theirs', headers: [contact], ...answer })
    expect(sip.transactions.acks[0]?.ack.headers.get('Proxy-Authorization')).toBe(
      second.request.headers.get('Proxy-Authorization'),
    )
    usage.end()
    expect(sip.transactions.last('BYE').request.headers.get('Proxy-Authorization')).toContain('nc=00000002')
  })

  it('gives up when its credentials are refused', () => {
    const sip = new ScriptedSip()
    sip.place({ credentials: { username: 'u', password: 'wrong' } })
    const challenge = (nonce: string) => ['WWW-Authenticate', `Digest realm="r", nonce="${nonce}", qop="auth"`] as const
    bind(sip).reply(401, { headers: [challenge('a')] })
    bind(sip).reply(401, { headers: [challenge('b')] })
    expect(sip.transactions.methods).toEqual(['INVITE', 'INVITE'])
    expect(sip.user.end).toMatchObject({ by: 'peer-refused', status: 401 })
  })

  it('acknowledges reliable provisional responses in their order, and hears their answer', () => {
    const sip = new ScriptedSip()
    sip.place()
    const { reply, request } = bind(sip)
    const reliable = (rseq: number) => ({
      toTag: 'theirs',
      headers: [contact, ['Require', '100rel'] as const, ['RSeq', String(rseq)] as const],
    })
    reply(183, { ...reliable(7), ...answer })
    reply(183, { ...reliable(7), ...answer })
    reply(180, reliable(9))
    expect(sip.transactions.methods).toEqual(['INVITE', 'PRACK'])
    expect(sip.transactions.last('PRACK').request.headers.get('RAck')).toBe(`7 ${request.cseq.number} INVITE`)
    reply(180, reliable(8))
    expect(sip.transactions.methods).toEqual(['INVITE', 'PRACK', 'PRACK'])
    reply(200, { toTag: 'theirs', headers: [contact] })
    expect(sip.user.heard).toEqual(['183 v=0 their answer', '180', 'accepted null', 'confirmed'])
  })

  it('is told the answer again when another fork’s was heard since', () => {
    const sip = new ScriptedSip()
    sip.place()
    const { reply } = bind(sip)
    const reliable = (toTag: string, name: string) => ({
      toTag,
      headers: [contact, ['Require', '100rel'] as const, ['RSeq', '1'] as const],
      body: sdp(name),
      contentType: 'application/sdp',
    })
    reply(183, reliable('first', 'first answer'))
    reply(183, reliable('second', 'second answer'))
    reply(200, { toTag: 'first', headers: [contact] })
    expect(sip.user.heard.at(-2)).toBe('accepted v=0 first answer')
  })

  it('serves the peer once it is answered: BYE, INFO, re-INVITE', () => {
    const sip = new ScriptedSip()
    const usage = sip.place()
    const { request, reply } = bind(sip)
    reply(200, { toTag: 'theirs', headers: [contact], ...answer })
    const from = { sipCallId: request.sipCallId, toTag: usage.localTag, fromTag: 'theirs', cseq: 1 }
    expect(sip.receive('INFO', from).statuses).toEqual([200])
    const reInvite = sip.receive('INVITE', { ...from, cseq: 2, body: sdp('hold') })
    expect(reInvite.statuses).toEqual([200])
    expect(sip.receive('BYE', { ...from, fromTag: 'forged', cseq: 3 }).statuses).toEqual([481])
    expect(sip.receive('BYE', { ...from, cseq: 3 }).statuses).toEqual([200])
    expect(sip.user.end).toMatchObject({ by: 'remote', how: 'bye' })
    expect(sip.clock.pending).toBe(0)
  })

  it('may be placed to an address without a flow', () => {
    const sip = new ScriptedSip()
    const destination = { protocol: 'tcp', remote: { address: '192.0.2.50', port: 5060 } } as const
    sip.place({ target: { destination } })
    const sent = sip.transactions.last('INVITE')
    expect(sent.target).toEqual({ destination })
    expect(sent.request.headers.get('Contact')).toBe('<sip:1000@192.0.2.1:5060;transport=tcp>')
    expect(makeFlow().remote.port).toBe(5060)
  })
})

/** The INVITE that was sent last, taken hold of: later requests do not take its place. */
function bind(sip: ScriptedSip) {
  const sent = sip.transactions.last('INVITE')
  return { request: sent.request, user: sent.user, reply: sent.reply.bind(sent) }
}
