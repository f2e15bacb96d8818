import { describe, expect, it } from 'vitest'
import { ScriptedSip, settled } from '../../../test/support/scripted-sip.ts'
import { TimeoutError } from '../../base/errors.ts'
import { parseNameAddress } from '../message/name-address.ts'
import { parseUri } from '../message/uri.ts'
import { nameWrittenByUs } from './dialog-name.ts'
import type { ReferOptions } from './types.ts'

const toBob: ReferOptions = { target: parseUri('sip:bob@example.net'), referredBy: null, limitMs: 60_000 }

/** A call whose peer was asked to call Bob, and the peer's answers to that. */
class Transfer {
  readonly sip = new ScriptedSip()
  readonly heard: number[] = []

  constructor() {
    this.sip.established()
  }

  start(options: Partial<ReferOptions> = {}) {
    const outcome = this.sip.invite.usage.refer({ ...toBob, ...options }, (status) => this.heard.push(status))
    return { outcome, sent: this.sip.transactions.last('REFER') }
  }

  notify(fragment: string, options: { state?: string; event?: string; type?: string } = {}): readonly number[] {
    const { state = 'active;expires=60', event = 'refer', type = 'message/sipfrag;version=2.0' } = options
    return this.sip.receive('NOTIFY', {
      headers: [
        ['Event', event],
        ['Subscription-State', state],
      ],
      body: new TextEncoder().encode(fragment),
      contentType: type,
    }).statuses
  }

  expectQuiet(): void {
    expect(this.sip.clock.pending).toBe(0)
    expect(this.sip.user.end).toBeNull()
  }
}

const terminated = { state: 'terminated;reason=noresource' }

describe('a REFER of ours', () => {
  it('asks the peer to call somebody, and hears how that goes', async () => {
    const transfer = new Transfer()
    const referredBy = parseNameAddress('<sip:1000@example.net>')
    const { outcome, sent } = transfer.start({ referredBy })
    const { headers } = sent.request
    expect(headers.get('Refer-To')).toBe('<sip:bob@example.net>')
    expect(headers.get('Referred-By')).toBe('<sip:1000@example.net>')
    expect(headers.get('Contact')).toBe('<sip:1000@192.0.2.1:5060>')
    expect(headers.get('Allow')).toContain('NOTIFY')
    sent.reply(202)
    expect(transfer.notify('SIP/2.0 100 Trying\r\n')).toEqual([200])
    expect(transfer.notify('SIP/2.0 180 Ringing\r\n')).toEqual([200])
    expect(await settled(outcome)).toBe('pending')
    expect(transfer.notify('SIP/2.0 200 OK\r\n', terminated)).toEqual([200])
    expect(await outcome).toEqual({ kind: 'done', status: 200 })
    expect(transfer.heard).toEqual([100, 180, 200])
    transfer.expectQuiet()
    // It is over: nobody subscribed to more.
    expect(transfer.notify('SIP/2.0 200 OK\r\n', terminated)).toEqual([481])
  })

  it('names the dialog of ours to be replaced as its peer knows it', () => {
    const transfer = new Transfer()
    const consultation = transfer.sip.place()
    transfer.sip.transactions.last('INVITE').reply(180, { toTag: 'bobs' })
    const name = nameWrittenByUs(consultation)
    if (!name) throw new Error('no name')
    const { sent } = transfer.start({ replaces: name })
    const { sipCallId, localTag } = consultation
    expect(sent.request.headers.get('Refer-To')).toBe(
      `<sip:bob@example.net?Replaces=${sipCallId}%3Bto-tag%3Dbobs%3Bfrom-tag%3D${localTag}>`,
    )
  })

  it.each([
    [486, 'SIP/2.0 486 Busy Here'],
    [603, 'SIP/2.0 603 Decline'],
  ])('tells that the peer was refused with %i, and the call is still there', async (status, fragment) => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start()
    sent.reply(202)
    transfer.notify(fragment, terminated)
    expect(await outcome).toEqual({ kind: 'done', status })
    expect(transfer.sip.invite.usage.state).toBe('confirmed')
    transfer.expectQuiet()
  })

  it.each([405, 420, 488, 501, 603])('that is answered %i is refused, and the call goes on', async (status) => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start()
    sent.reply(status)
    expect(await outcome).toEqual({ kind: 'refused', status })
    transfer.expectQuiet()
  })

  it('that nobody answers is refused with 408, and the call goes on', async () => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start()
    sent.user.failed(new TimeoutError('defect.assertion', 'Timer F'))
    expect(await outcome).toEqual({ kind: 'refused', status: 408 })
    transfer.expectQuiet()
  })

  it('that is answered 481 ends the call: the peer knows nothing of it', async () => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start()
    sent.reply(481)
    expect(await outcome).toEqual({ kind: 'refused', status: 481 })
    expect(transfer.sip.user.end).toMatchObject({ by: 'network', how: 'dialog-gone' })
  })

  it('ends with the peer that hangs up right after its 202', async () => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start()
    sent.reply(202)
    expect(transfer.sip.receive('BYE').statuses).toEqual([200])
    expect(await outcome).toEqual({ kind: 'ended' })
    expect(transfer.sip.clock.pending).toBe(0)
    expect(transfer.notify('SIP/2.0 200 OK', terminated)).toEqual([481])
  })

  it('whose 202 is overtaken by the first NOTIFY takes both', async () => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start()
    expect(transfer.notify('SIP/2.0 100 Trying')).toEqual([200])
    sent.reply(202)
    expect(transfer.notify('SIP/2.0 200 OK', terminated)).toEqual([200])
    expect(await outcome).toEqual({ kind: 'done', status: 200 })
  })

  it('without a last word is given up after its time', async () => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start({ limitMs: 20_000 })
    sent.reply(202)
    transfer.sip.clock.advance(19_999)
    expect(await settled(outcome)).toBe('pending')
    transfer.sip.clock.advance(1)
    expect(await outcome).toEqual({ kind: 'timeout' })
    transfer.expectQuiet()
  })

  it('whose subscription ends without a final status has no outcome but the end of time', async () => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start()
    sent.reply(202)
    transfer.notify('SIP/2.0 100 Trying', terminated)
    expect(await outcome).toEqual({ kind: 'timeout' })
    transfer.expectQuiet()
  })

  it('with a final status in a subscription that goes on is done, and still answers the NOTIFY that ends it', async () => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start()
    sent.reply(202)
    transfer.notify('SIP/2.0 200 OK')
    expect(await outcome).toEqual({ kind: 'done', status: 200 })
    expect(transfer.notify('SIP/2.0 200 OK', terminated)).toEqual([200])
    transfer.expectQuiet()
  })

  it('takes no other beside it, and the next one afterwards', async () => {
    const transfer = new Transfer()
    const { sent } = transfer.start()
    expect(await transfer.sip.invite.usage.refer(toBob)).toEqual({ kind: 'refused', status: 491 })
    sent.reply(603)
    expect(transfer.start().sent.request.cseq.number).toBe(sent.request.cseq.number + 1)
  })

  it('takes only NOTIFYs that are its own when they say whose they are', async () => {
    const transfer = new Transfer()
    transfer.start().sent.reply(603)
    const { outcome, sent } = transfer.start()
    sent.reply(202)
    const { number } = sent.request.cseq
    expect(transfer.notify('SIP/2.0 200 OK', { ...terminated, event: `refer;id=${number - 1}` })).toEqual([481])
    expect(await settled(outcome)).toBe('pending')
    expect(transfer.notify('SIP/2.0 200 OK', { ...terminated, event: `refer;id=${number}` })).toEqual([200])
    expect(await outcome).toEqual({ kind: 'done', status: 200 })
  })

  it('is not sent before the call is answered, nor after its end', async () => {
    const sip = new ScriptedSip()
    sip.call()
    expect(await sip.invite.usage.refer(toBob)).toEqual({ kind: 'refused', status: 491 })
    sip.invite.reject(486)
    expect(await sip.invite.usage.refer(toBob)).toEqual({ kind: 'ended' })
    expect(sip.transactions.sent).toEqual([])
  })

  it('is answered with credentials when it is challenged, and its NOTIFYs know the repetition', async () => {
    const sip = new ScriptedSip()
    const usage = sip.place({ credentials: { username: 'u', password: 'p' } })
    const { request, user, reply } = bind(sip)
    expect(user).toBeDefined()
    const contact = ['Contact', '<sip:101@192.0.2.9>'] as const
    reply(200, { toTag: 'theirs', headers: [contact], body: 'v=0 answer', contentType: 'application/sdp' })
    const outcome = usage.refer(toBob)
    const first = sip.transactions.last('REFER')
    first.reply(401, { headers: [['WWW-Authenticate', 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"']] })
    const second = sip.transactions.last('REFER')
    expect(second.request.headers.get('Authorization')).toContain('algorithm=SHA-256')
    second.reply(202)
    const notify = {
      sipCallId: request.sipCallId,
      toTag: usage.localTag,
      cseq: 1,
      headers: [
        ['Event', `refer;id=${second.request.cseq.number}`],
        ['Subscription-State', 'terminated'],
      ],
      body: new TextEncoder().encode('SIP/2.0 200 OK'),
      contentType: 'message/sipfrag',
    } as const
    expect(sip.receive('NOTIFY', notify).statuses).toEqual([200])
    expect(await outcome).toEqual({ kind: 'done', status: 200 })
  })

  it('whose user throws over its progress comes to its end all the same', async () => {
    const transfer = new Transfer()
    const outcome = transfer.sip.invite.usage.refer(toBob, () => {
      throw new Error('no')
    })
    transfer.sip.transactions.last('REFER').reply(202)
    expect(transfer.notify('SIP/2.0 200 OK', terminated)).toEqual([200])
    expect(await outcome).toEqual({ kind: 'done', status: 200 })
  })
})

describe('a NOTIFY', () => {
  it.each([
    ['that nobody subscribed to', { event: 'refer' }, 481],
    ['of another package', { event: 'presence' }, 489],
    ['of the dialog package', { event: 'dialog;sla' }, 489],
    ['with a damaged Event', { event: ';;' }, 400],
  ])('%s is refused, and nothing happens', (_, options, status) => {
    const transfer = new Transfer()
    expect(transfer.notify('SIP/2.0 200 OK', options)).toEqual([status])
    transfer.expectQuiet()
  })

  it('with a body that is no fragment gets 415, and one without a status line says nothing', async () => {
    const transfer = new Transfer()
    const { outcome, sent } = transfer.start()
    sent.reply(202)
    expect(transfer.notify('<xml/>', { type: 'application/pidf+xml' })).toEqual([415])
    expect(transfer.notify('nonsense')).toEqual([200])
    expect(transfer.notify('SIP/2.0 180 Ringing', { state: ';;;' })).toEqual([200])
    expect(await settled(outcome)).toBe('pending')
    expect(transfer.heard).toEqual([180])
  })
})

/** The INVITE that was sent last, taken hold of: later requests do not take its place. */
function bind(sip: ScriptedSip) {
  const sent = sip.transactions.last('INVITE')
  return { request: sent.request, user: sent.user, reply: sent.reply.bind(sent) }
}
