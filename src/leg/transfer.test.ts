import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LegHarness, NotingLegUser, nothingLeft } from '../../test/support/leg-harness.ts'
import type { ReferOutcome } from '../sip/dialog/types.ts'
import { tagOf } from '../sip/message/addresses.ts'
import type { Leg } from './leg.ts'
import { referEndOf } from './transfer.ts'

let harness: LegHarness

beforeEach(async () => {
  harness = await LegHarness.start()
})

afterEach(async () => {
  await harness.close()
})

/** The peer tells how its call goes. */
function notify(status: string, state = 'active;expires=60'): number {
  return harness.sip.receive('NOTIFY', {
    headers: [
      ['Event', 'refer'],
      ['Subscription-State', state],
    ],
    body: new TextEncoder().encode(`SIP/2.0 ${status}\r\n`),
    contentType: 'message/sipfrag;version=2.0',
  }).last.status
}

describe('asking the peer to call somebody else', () => {
  it('is transferred when the peer says that it was answered, and the leg stays up', async () => {
    const { leg } = harness.established()
    const end = leg.refer('sip:137@pbx.example', { limitMs: 60_000 })
    const refer = harness.sip.transactions.last('REFER')
    expect(refer.request.headers.get('Refer-To')).toBe('<sip:137@pbx.example>')
    expect(refer.request.headers.get('Referred-By')).toBe('<sip:1000@example.net>')
    refer.reply(202, { toTag: 'theirs' })
    expect(notify('180 Ringing')).toBe(200)
    expect(notify('200 OK', 'terminated;reason=noresource')).toBe(200)
    expect(await end).toEqual({ outcome: 'transferred' })
    expect(harness.user.noted('transferProgress')).toEqual([{ status: 180 }, { status: 200 }])
    expect(leg.state).toBe('answered')
  })

  it('fails when the target is busy, and the leg stays up', async () => {
    const { leg } = harness.established()
    const end = leg.refer('tel:+6560000001', { limitMs: 60_000 })
    harness.sip.transactions.last('REFER').reply(202, { toTag: 'theirs' })
    notify('486 Busy Here', 'terminated;reason=noresource')
    expect(await end).toEqual({ outcome: 'failed', status: 486 })
    expect(leg.state).toBe('answered')
  })

  it('is refused by a telephone that does not do it, and for what is no address', async () => {
    const { leg } = harness.established()
    const end = leg.refer('sip:137@pbx.example', { limitMs: 60_000 })
    harness.sip.transactions.last('REFER').reply(501, { toTag: 'theirs' })
    expect(await end).toEqual({ outcome: 'refused', status: 501 })
    expect(await leg.refer('137 or so', { limitMs: 60_000 })).toEqual({ outcome: 'refused', status: 400 })
  })

  it('is transferred when the peer hangs up right behind its 202', async () => {
    const { leg } = harness.established()
    const end = leg.refer('sip:137@pbx.example', { limitMs: 60_000 })
    harness.sip.transactions.last('REFER').reply(202, { toTag: 'theirs' })
    harness.sip.receive('BYE')
    expect(await end).toEqual({ outcome: 'transferred' })
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('has only ended when it was we who hung up, and is a time-out without a last word', async () => {
    const { leg } = harness.established()
    const late = leg.refer('sip:137@pbx.example', { limitMs: 20_000 })
    harness.sip.transactions.last('REFER').reply(202, { toTag: 'theirs' })
    notify('100 Trying')
    await harness.pass(20_000)
    expect(await late).toEqual({ outcome: 'timeout' })
    const end = leg.refer('sip:138@pbx.example', { limitMs: 20_000 })
    harness.sip.transactions.last('REFER').reply(202, { toTag: 'theirs' })
    leg.end('normal')
    expect(await end).toEqual({ outcome: 'ended' })
    expect(await leg.refer('sip:138@pbx.example', { limitMs: 20_000 })).toEqual({ outcome: 'ended' })
  })

  it('names the dialog of the other leg as its peer knows it', async () => {
    const { leg } = harness.established()
    const other = await harness.talking(undefined, { user: new NotingLegUser() })
    void leg.refer('sip:137@192.0.2.9', { limitMs: 60_000, replaces: other.leg })
    const to = harness.sip.transactions.last('REFER').request.headers.get('Refer-To') ?? ''
    const ourTag = tagOf(other.invite.request.from)
    const replaces = decodeURIComponent(/Replaces=([^>]*)/.exec(to)?.[1] ?? '')
    expect(replaces).toBe(`${other.leg.sipCallId};to-tag=callee;from-tag=${ourTag}`)
  })

  it('is refused when the other leg has no dialog', async () => {
    const { leg } = harness.established()
    const other = harness.outbound([])
    const end = await leg.refer('sip:137@192.0.2.9', { limitMs: 60_000, replaces: other })
    expect(end).toEqual({ outcome: 'refused', status: 481 })
  })

  it('counts every ending of the dialog layer as one of ours', () => {
    const outcomes: readonly [ReferOutcome, 'remote' | 'local' | 'network', unknown][] = [
      [{ kind: 'done', status: 202 }, 'remote', { outcome: 'transferred' }],
      [{ kind: 'done', status: 302 }, 'remote', { outcome: 'failed', status: 302 }],
      [{ kind: 'ended' }, 'network', { outcome: 'ended' }],
      [{ kind: 'timeout' }, 'remote', { outcome: 'timeout' }],
    ]
    for (const [outcome, by, end] of outcomes) expect(referEndOf(outcome, by)).toEqual(end)
  })
})

describe('a peer that asks to be connected elsewhere', () => {
  const refer = (to: string, headers: readonly (readonly [string, string])[] = []) =>
    harness.sip.receive('REFER', { headers: [['Refer-To', to], ...headers] })
  const told = (): readonly string[] =>
    harness.sip.transactions.sent
      .filter(({ request }) => request.method === 'NOTIFY')
      .map(({ request }) => new TextDecoder().decode(request.body).split('\r\n')[0] ?? '')
  const acceptNotify = (): void => harness.sip.transactions.last('NOTIFY').reply(200, { toTag: 'theirs' })

  it('is told of as a request with what would be dialled, and hears how it goes', () => {
    harness.established()
    const transaction = refer('"The boss" <sip:13%37@pbx.example;transport=tcp>', [
      ['Referred-By', '<sip:101@example.net>'],
    ])
    const [request] = harness.user.transfers
    expect(request).toMatchObject({
      target: 'sip:137@pbx.example;transport=tcp',
      dialled: '137',
      replaces: null,
      referredBy: '<sip:101@example.net>',
    })
    request?.accept()
    request?.reject(603)
    expect(transaction.statuses).toEqual([202])
    acceptNotify()
    request?.progress(180)
    acceptNotify()
    request?.progress(200)
    acceptNotify()
    request?.progress(486)
    expect(told()).toEqual(['SIP/2.0 100 Trying', 'SIP/2.0 180 Ringing', 'SIP/2.0 200 OK'])
  })

  it('can be refused, once, and then hears nothing', () => {
    harness.established()
    const transaction = refer('<tel:+6560000001;phone-context=x>')
    const [request] = harness.user.transfers
    expect(request?.dialled).toBe('+6560000001')
    request?.reject(403)
    request?.accept()
    request?.progress(200)
    expect(transaction.statuses).toEqual([403])
    expect(told()).toEqual([])
  })

  it('names a leg of ours by the dialog that it has with us, whichever direction that has', async () => {
    const { leg: first, invite } = harness.established()
    const second = await harness.talking(undefined, { user: new NotingLegUser() })
    const name = (leg: Leg, ours: string | null, theirs: string): string =>
      encodeURIComponent(`${leg.sipCallId};to-tag=${ours};from-tag=${theirs}`)
    harness.sip.learn(invite)
    const names: readonly [string, Leg | null][] = [
      [name(second.leg, tagOf(second.invite.request.from), 'callee'), second.leg],
      [name(first, harness.sip.ourTag, 'theirs'), first],
      [name(first, harness.sip.ourTag, 'stranger'), null],
      [name(first, 'unknown', 'theirs'), null],
    ]
    for (const [replaces, leg] of names) {
      refer(`<sip:137@pbx.example?Replaces=${replaces}>`)
      const request = harness.user.transfers.at(-1)
      expect(request?.replaces).toEqual({ leg, header: decodeURIComponent(replaces) })
      expect(request?.target).toBe('sip:137@pbx.example')
      request?.reject(603)
    }
  })

  it('is refused before the answer', () => {
    const { leg, invite } = harness.inbound()
    leg.ring()
    harness.sip.learn(invite)
    expect(refer('<sip:137@pbx.example>').last.status).toBeGreaterThanOrEqual(400)
    expect(harness.user.transfers).toEqual([])
  })
})
