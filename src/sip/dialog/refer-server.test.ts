import { describe, expect, it } from 'vitest'
import { RecordingUser, type RequestParts, ScriptedSip, text } from '../../../test/support/scripted-sip.ts'
import { TimeoutError } from '../../base/errors.ts'
import { printUri } from '../message/uri.ts'
import type { IncomingRefer, InviteUsageUser } from './types.ts'

/** A call in which the peer asks us to call Bob. */
class Transfer {
  readonly sip = new ScriptedSip()

  constructor(user?: InviteUsageUser) {
    if (user) this.sip.onInvite = (invite) => invite.attach(user)
    this.sip.established()
  }

  ask(referTo = '<sip:bob@example.net>', headers: RequestParts['headers'] = []) {
    return this.sip.receive('REFER', { headers: [['Refer-To', referTo], ...headers] })
  }

  get refer(): IncomingRefer {
    const refer = this.sip.user.refers.at(-1)
    if (!refer) throw new Error('no REFER was passed on')
    return refer
  }

  /** The NOTIFY that was sent last: event, state and status line. */
  get notified() {
    const sent = this.sip.transactions.last('NOTIFY')
    const { headers, body } = sent.request
    expect(headers.get('Content-Type')).toBe('message/sipfrag;version=2.0')
    return {
      event: headers.get('Event'),
      state: headers.get('Subscription-State'),
      fragment: text(body),
      reply: sent.reply.bind(sent),
      user: sent.user,
    }
  }

  get count(): number {
    return this.sip.transactions.sent.length
  }
}

describe('a REFER of the peer', () => {
  it('is handed up, accepted, and told how the call to its target goes', () => {
    const transfer = new Transfer()
    const referredBy = ['Referred-By', '<sip:101@example.net>'] as const
    const transaction = transfer.ask('<sip:bob@example.net;method=INVITE?Subject=x>', [referredBy])
    expect(transaction.statuses).toEqual([])
    const { refer } = transfer
    expect(printUri(refer.target.uri)).toBe('sip:bob@example.net')
    expect(refer.replaces).toBeNull()
    expect(refer.referredBy && printUri(refer.referredBy.uri)).toBe('sip:101@example.net')

    refer.accept()
    expect(transaction.statuses).toEqual([202])
    expect(transaction.last.headers.get('Contact')).toBe('<sip:1000@192.0.2.1:5060>')
    expect(transfer.notified).toMatchObject({
      event: 'refer',
      state: 'active;expires=300',
      fragment: 'SIP/2.0 100 Trying\r\n',
    })
    refer.notify(180)
    // Each waits for the answer to the one before.
    expect(transfer.count).toBe(1)
    transfer.notified.reply(200)
    expect(transfer.notified.fragment).toBe('SIP/2.0 180 Ringing\r\n')
    transfer.sip.clock.advance(10_000)
    refer.notify(180)
    refer.notify(200)
    transfer.notified.reply(200)
    expect(transfer.notified).toMatchObject({
      state: 'terminated;reason=noresource',
      fragment: 'SIP/2.0 200 OK\r\n',
    })
    expect(transfer.count).toBe(3)
    transfer.notified.reply(200)
    refer.notify(486)
    expect(transfer.count).toBe(3)
    expect(transfer.sip.clock.pending).toBe(0)
    expect(transfer.sip.user.end).toBeNull()
  })

  it('says in its Replaces whose place is to be taken', () => {
    const transfer = new Transfer()
    transfer.ask('<sip:1000@192.0.2.1?Replaces=other%40example.net%3Bto-tag%3Dx%3Bfrom-tag%3Dtheirs>')
    expect(transfer.refer.replaces).toEqual({
      sipCallId: 'other@example.net',
      toTag: 'x',
      fromTag: 'theirs',
      isEarlyOnly: false,
    })
  })

  it('hands a tel URI through, and itself as any other target', () => {
    const transfer = new Transfer()
    transfer.ask('<tel:+6560000001;phone-context=x>')
    expect(printUri(transfer.refer.target.uri)).toBe('tel:+6560000001;phone-context=x')
    transfer.refer.reject(486)
    transfer.ask('<sip:101@192.0.2.9>')
    expect(printUri(transfer.refer.target.uri)).toBe('sip:101@192.0.2.9')
  })

  it.each([
    ['without Refer-To', null, 400],
    ['with several targets', '<sip:a@b>, <sip:c@d>', 400],
    ['with a target that is none', '<sip:>', 400],
    ['with a damaged Replaces', '<sip:a@b?Replaces=x>', 400],
    ['to a web page', '<https://example.net/>', 416],
    ['for another method', '<sip:a@b;method=BYE>', 603],
  ])('%s is refused', (_, referTo, status) => {
    const transfer = new Transfer()
    const headers = referTo === null ? [] : [['Refer-To', referTo] as const]
    expect(transfer.sip.receive('REFER', { headers }).statuses).toEqual([status])
    expect(transfer.sip.user.refers).toEqual([])
    expect(transfer.sip.clock.pending).toBe(0)
  })

  it('gets 491 while another is going on, and is taken once that is over', () => {
    const transfer = new Transfer()
    transfer.ask()
    expect(transfer.ask('<sip:carol@example.net>').statuses).toEqual([491])
    transfer.refer.accept()
    expect(transfer.ask('<sip:carol@example.net>').statuses).toEqual([491])
    transfer.notified.reply(200)
    transfer.refer.notify(603)
    // Its last NOTIFY is still unanswered: that is no reason to turn the next one away.
    const second = transfer.ask('<sip:carol@example.net>')
    transfer.refer.accept()
    expect(second.statuses).toEqual([202])
    expect(transfer.notified.event).toBe(`refer;id=${second.request.cseq.number}`)
    expect(transfer.sip.user.refers.length).toBe(2)
  })

  it('gets 491 before the call is answered', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.provisional(180)
    sip.learn(invite)
    expect(sip.receive('REFER', { headers: [['Refer-To', '<sip:a@b>']] }).statuses).toEqual([491])
  })

  it.each([
    [486, 486],
    [603, 603],
    [200, 603],
    [12, 603],
  ])('that is rejected with %i gets %i, and nothing after that', (given, status) => {
    const transfer = new Transfer()
    const transaction = transfer.ask()
    transfer.refer.reject(given)
    transfer.refer.accept()
    transfer.refer.notify(200)
    expect(transaction.statuses).toEqual([status])
    expect(transfer.count).toBe(0)
    expect(transfer.sip.clock.pending).toBe(0)
  })

  it('that nobody takes is refused: 603 without such a user, 500 when that throws, 603 when it forgets', () => {
    class Deaf extends RecordingUser {
      override readonly referReceived = undefined as never
    }
    expect(new Transfer(new Deaf()).ask().statuses).toEqual([603])
    const throwing = new Transfer()
    throwing.sip.user.onRefer = () => {
      throw new Error('no')
    }
    expect(throwing.ask().statuses).toEqual([500])
    const forgetful = new Transfer()
    const transaction = forgetful.ask()
    forgetful.sip.clock.advance(15_999)
    expect(transaction.statuses).toEqual([])
    forgetful.sip.clock.advance(1)
    expect(transaction.statuses).toEqual([603])
    expect(forgetful.sip.clock.pending).toBe(0)
  })

  it.each([
    ['Refer-Sub', 'false'],
    ['Refer-Sub', 'FALSE ;x=y'],
  ])('that wants no subscription (%s: %s) gets none', (...header) => {
    const transfer = new Transfer()
    const transaction = transfer.ask('<sip:bob@example.net>', [header, ['Require', 'norefersub']])
    transfer.refer.accept()
    expect(transaction.last.headers.get('Refer-Sub')).toBe('false')
    transfer.refer.notify(180)
    transfer.refer.notify(200)
    expect(transfer.count).toBe(0)
    expect(transfer.sip.clock.pending).toBe(0)
    transfer.ask()
    expect(transfer.sip.user.refers.length).toBe(2)
  })

  it.each([405, 481, 489, 501])('whose NOTIFY is answered %i is told no more; the call goes on', (status) => {
    const transfer = new Transfer()
    transfer.ask()
    transfer.refer.accept()
    transfer.notified.reply(status)
    transfer.refer.notify(180)
    transfer.refer.notify(200)
    expect(transfer.count).toBe(1)
    expect(transfer.sip.user.end).toBeNull()
    expect(transfer.sip.clock.pending).toBe(0)
  })

  it('whose NOTIFY nobody answers is told no more; the call goes on', () => {
    const transfer = new Transfer()
    transfer.ask()
    transfer.refer.accept()
    transfer.refer.notify(200)
    transfer.notified.user.failed(new TimeoutError('defect.assertion', 'Timer F'))
    expect(transfer.count).toBe(1)
    expect(transfer.sip.user.end).toBeNull()
    expect(transfer.sip.clock.pending).toBe(0)
  })

  it('whose NOTIFY fails once hears the next one', () => {
    const transfer = new Transfer()
    transfer.ask()
    transfer.refer.accept()
    transfer.notified.reply(503)
    transfer.refer.notify(200)
    expect(transfer.notified.fragment).toBe('SIP/2.0 200 OK\r\n')
  })

  it('is told the last word however much was said before it', () => {
    const transfer = new Transfer()
    transfer.ask()
    transfer.refer.accept()
    for (let i = 0; i < 100; i++) transfer.refer.notify(101 + (i % 90))
    transfer.refer.notify(486)
    while (transfer.notified.state?.startsWith('active')) transfer.notified.reply(200)
    expect(transfer.notified.fragment).toBe('SIP/2.0 486 Busy Here\r\n')
    expect(transfer.count).toBeLessThan(12)
  })

  it('whose call never comes to an end is told that its time is over', () => {
    const transfer = new Transfer()
    transfer.ask()
    transfer.refer.accept()
    transfer.refer.notify(180)
    transfer.notified.reply(200)
    transfer.notified.reply(200)
    transfer.sip.clock.advance(300_000)
    expect(transfer.notified).toMatchObject({
      state: 'terminated;reason=timeout',
      fragment: 'SIP/2.0 180 Ringing\r\n',
    })
  })

  it('whose peer hangs up right after our 202 is told nothing more', () => {
    const transfer = new Transfer()
    transfer.ask()
    transfer.refer.accept()
    expect(transfer.sip.receive('BYE').statuses).toEqual([200])
    transfer.notified.reply(481)
    transfer.refer.notify(200)
    expect(transfer.count).toBe(1)
    expect(transfer.sip.user.end).toMatchObject({ by: 'remote', how: 'bye' })
    expect(transfer.sip.clock.pending).toBe(0)
    expect(transfer.sip.agent.usageCount).toBe(0)
  })

  it('that is undecided when the call ends is answered all the same', () => {
    const transfer = new Transfer()
    const transaction = transfer.ask()
    transfer.sip.receive('BYE')
    expect(transaction.statuses).toEqual([481])
    expect(transfer.sip.clock.pending).toBe(0)
  })

  it('with forged tags gets 481, and nobody hears of it', () => {
    const transfer = new Transfer()
    const headers = [['Refer-To', '<sip:premium@example.net>']] as const
    expect(transfer.sip.receive('REFER', { headers, fromTag: 'forged' }).statuses).toEqual([481])
    expect(transfer.sip.receive('REFER', { headers, toTag: 'forged' }).statuses).toEqual([481])
    expect(transfer.sip.user.refers).toEqual([])
  })
})
