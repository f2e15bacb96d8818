import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  answer,
  LegHarness,
  NotingLegUser,
  nothingLeft,
  peerSdp,
  progress,
  uselessSdp,
} from '../../test/support/leg-harness.ts'
import { ourAddress, RtpPeer } from '../../test/support/media-harness.ts'
import { tagOf } from '../sip/message/addresses.ts'
import { parseUri } from '../sip/message/uri.ts'
import { ForkLeg } from './fork-leg.ts'
import type { Way } from './way.ts'

let harness: LegHarness

beforeEach(async () => {
  harness = await LegHarness.start()
})

afterEach(async () => {
  await harness.close()
})

/** The peer answers the last request that went out. */
function accept(method: string): void {
  harness.sip.transactions.last(method).reply(200, { toTag: 'callee' })
}

describe('an outbound leg', () => {
  it('sends nothing before it is started, and then what its way says', async () => {
    const { sip } = harness
    const way = harness.way({ headers: [['P-Test', 'yes']], maxForwards: 12, route: [parseUri('sip:192.0.2.77;lr')] })
    const leg = harness.outbound([way])
    await harness.pass(100)
    expect(sip.transactions.sent).toEqual([])
    leg.start()
    leg.start()
    await harness.pass(0)
    expect(sip.transactions.methods).toEqual(['INVITE'])
    const { request } = sip.transactions.last('INVITE')
    expect(request.maxForwards).toBe(12)
    expect(request.headers.get('P-Test')).toBe('yes')
    expect(request.headers.get('Route')).toContain('192.0.2.77')
    expect(new TextDecoder().decode(request.body)).toContain(`c=IN IP4 ${ourAddress}`)
    expect(leg.sipCallId).toBe(request.sipCallId)
    expect(leg.state).toBe('ringing')
  })

  it('rings, is answered, and ends with the BYE of the called party', async () => {
    const { sip, user } = harness
    const { leg, invite } = await harness.started()
    progress(invite, 180)
    progress(invite, 180)
    answer(invite)
    expect(user.lines).toEqual(['progressed 180', 'answered'])
    expect(sip.transactions.acks.length).toBe(1)
    expect(leg).toMatchObject({ state: 'answered', codec: 'PCMU' })
    expect(harness.directory.size).toBe(1)
    const bye = harness.fromCallee(invite, 'BYE')
    expect(bye.statuses).toEqual([200])
    expect(user.end).toMatchObject({ by: 'remote', cause: 'normal' })
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('is heard from 183 on, and again from the answer on', async () => {
    const { user, sip } = harness
    const peer = new RtpPeer(sip.clock, harness.network)
    const { leg, invite } = await harness.started()
    const recording = leg.record(harness.recordOptions())
    progress(invite, 183, { sdp: peerSdp() })
    expect(user.lines).toEqual(['progressed 183 with media'])
    const port = harness.sdpPort(invite)
    await peer.speak(port, new Int16Array(1600).fill(8000))
    answer(invite)
    expect(user.lines).toEqual(['progressed 183 with media', 'answered'])
    recording.stop()
    await harness.pass(500)
    expect((await recording.ended).heardSound).toBe(true)
    leg.end('normal')
    accept('BYE')
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('does not call early media without sound a lost call, and an answered call without sound one', async () => {
    const { user } = harness
    const { invite } = await harness.started()
    progress(invite, 183, { sdp: peerSdp() })
    await harness.pass(40_000)
    expect(user.end).toBeNull()
    answer(invite)
    await harness.pass(29_000)
    expect(user.end).toBeNull()
    await harness.pass(3_000)
    expect(user.end).toMatchObject({ by: 'network', cause: 'media-timeout' })
    expect(user.end?.sentence).toContain('from the called party')
  })

  it('connects to the fork that was heard last, and in the end to the one that answered', async () => {
    const { user } = harness
    const { leg, invite } = await harness.started()
    progress(invite, 183, { sdp: peerSdp({ port: 4000 }), tag: 'one' })
    progress(invite, 183, { sdp: peerSdp({ port: 5000, formats: '8' }), tag: 'two' })
    expect(leg.codec).toBe('PCMA')
    answer(invite, { sdp: peerSdp({ port: 4000 }), tag: 'one' })
    expect(leg.codec).toBe('PCMU')
    expect(user.noted('answerReceived').map(({ remote }) => remote)).toEqual([
      '198.51.100.7:4000',
      '198.51.100.7:5000',
      '198.51.100.7:4000',
    ])
  })

  it('tells each kind of refusal apart, and leaves nothing behind', async () => {
    const refusals = [
      [486, {}, 'busy'],
      [600, {}, 'busy'],
      [603, {}, 'rejected'],
      [486, { reason: 'Do Not Disturb' }, 'do-not-disturb'],
      [480, { reason: 'DND' }, 'do-not-disturb'],
      [480, {}, 'temporarily-unavailable'],
      [480, { headers: [['Reason', 'Q.850;cause=20']] }, 'not-registered'],
      [480, { headers: [['Reason', 'Q.850;cause=19;text="no answer"']] }, 'no-answer'],
      [500, { headers: [['Reason', 'SIP;cause=500, Q.850;cause=34']] }, 'congestion'],
      [480, { headers: [['Reason', 'Q.850;cause=16']] }, 'temporarily-unavailable'],
      [480, { headers: [['Reason', 'broken;;=']] }, 'temporarily-unavailable'],
      [404, {}, 'number-unknown'],
      [488, {}, 'not-acceptable'],
      [408, {}, 'timeout'],
      [302, {}, 'rejected'],
    ] as const
    for (const [status, options, cause] of refusals) {
      const one = await LegHarness.start()
      const way = one.way()
      const { invite } = await one.started([way, one.way()])
      invite.reply(status, { toTag: 'callee', ...options })
      await one.pass(0)
      expect([status, one.user.end?.cause, one.user.end?.sipStatus]).toEqual([status, cause, status])
      expect(one.sip.transactions.methods).toEqual(['INVITE'])
      expect(way.told).toEqual([{ kind: 'alive', status }, 'released'])
      expect(one.left).toEqual(nothingLeft)
      await one.close()
    }
  })

  it('ends with not-acceptable and BYE when the 200 has an SDP of no use', async () => {
    const { sip, user } = harness
    const { invite } = await harness.started()
    answer(invite, { sdp: uselessSdp })
    expect(user.end).toMatchObject({ by: 'local', cause: 'not-acceptable' })
    expect(sip.transactions.last('BYE').request.headers.get('Reason')).toContain('cause=88')
    accept('BYE')
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('ends with not-acceptable and BYE when the 200 has no SDP at all', async () => {
    const { user } = harness
    const { invite } = await harness.started()
    answer(invite, { sdp: null })
    expect(user.end).toMatchObject({ by: 'local', cause: 'not-acceptable' })
    accept('BYE')
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('lives on with early media of no use when the answer is good', async () => {
    const { user } = harness
    const { invite } = await harness.started()
    progress(invite, 183, { sdp: uselessSdp })
    answer(invite)
    expect(user.lines).toEqual(['progressed 183', 'answered'])
  })

  it('ends with server-error and CANCEL or BYE when its media worker dies', async () => {
    const { user } = harness
    const ringing = await harness.started()
    progress(ringing.invite, 180)
    harness.loseMediaWorker('A media worker has ended.')
    expect(user.end).toMatchObject({ by: 'network', cause: 'server-error' })
    expect(ringing.invite.cancelledWith).toContain('Q.850;cause=41')
    ringing.invite.reply(487, { toTag: 'callee' })
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
    await harness.talking(undefined, { user: harness.silentUser })
    harness.loseMediaWorker('A media worker has ended.')
    accept('BYE')
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })
})

describe('a leg that is given up', () => {
  it('says in its CANCEL that the call was completed elsewhere', async () => {
    const { user } = harness
    const way = harness.way()
    const { leg, invite } = await harness.started([way])
    progress(invite, 180)
    leg.end('answered-elsewhere')
    expect(invite.cancelledWith).toBe('SIP;cause=200;text="Call completed elsewhere"')
    expect(user.end).toEqual({ by: 'local', cause: 'answered-elsewhere', sipStatus: null, q850: null, sentence: null })
    expect(way.told).toEqual([{ kind: 'alive', status: 180 }, 'released'])
    invite.reply(487, { toTag: 'callee' })
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('acknowledges and ends a 200 that crossed its CANCEL, with the same reason', async () => {
    const { sip, user } = harness
    const { leg, invite } = await harness.started()
    progress(invite, 180)
    leg.end('answered-elsewhere')
    answer(invite)
    expect(sip.transactions.acks.length).toBe(1)
    expect(sip.transactions.last('BYE').request.headers.get('Reason')).toContain('SIP;cause=200')
    accept('BYE')
    await harness.pass(0)
    expect(user.lines).toEqual(['progressed 180', 'ended local answered-elsewhere'])
    expect(harness.left).toEqual(nothingLeft)
  })

  it('sends nothing when it is ended before it was started, or before its first way is known', async () => {
    const { sip } = harness
    const early = harness.outbound()
    early.end('cancelled')
    early.start()
    await harness.pass(0)
    let found: (way: Way) => void = () => {}
    const way = harness.way()
    const leg = harness.outbound(() => new Promise((resolve) => (found = resolve)), {
      user: { ...harness.silentUser },
    })
    leg.start()
    leg.end('cancelled')
    found(way)
    await harness.pass(0)
    expect(sip.transactions.sent).toEqual([])
    expect(way.told).toEqual(['released'])
    expect(harness.left).toEqual(nothingLeft)
  })

  it('can be ended by whoever hears that it was answered', async () => {
    const { sip } = harness
    const user = { ...harness.silentUser, legAnswered: () => leg.end('normal') }
    const { leg, invite } = await harness.started(undefined, { user })
    answer(invite)
    expect(sip.transactions.methods).toEqual(['INVITE', 'BYE'])
    accept('BYE')
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })
})

describe('a second leg', () => {
  it('stays in the media worker of the first, and is found by the name of its dialog', async () => {
    const { leg: caller } = harness.established()
    const { leg, invite } = await harness.talking(undefined, { near: caller })
    const fromTag = 'callee'
    const toTag = tagOf(invite.request.from) ?? ''
    const { sipCallId } = leg
    const name = { sipCallId, toTag, fromTag, isEarlyOnly: false }
    expect(harness.directory.find(name)).toBe(leg)
    expect(harness.directory.find({ ...name, fromTag: 'stranger' })).toBeNull()
    expect(harness.directory.find({ ...name, isEarlyOnly: true })).toBeNull()
    expect(harness.directory.nameFor(leg)).toEqual({ sipCallId, toTag: fromTag, fromTag: toTag, isEarlyOnly: false })
    expect(leg.id).not.toBe(caller.id)
    leg.end('normal')
    expect(harness.directory.find(name)).toBeNull()
  })
})

describe('telephones that ring as one leg', () => {
  it('are found by the dialog of the one that answered, and named by it', async () => {
    const user = new NotingLegUser()
    const legs = [harness.outbound(), harness.outbound()] as const
    const fork = new ForkLeg(legs)
    fork.attach(user)
    fork.start()
    await harness.pass(0)
    const [first, second] = harness.sip.transactions.sent
    if (!first || !second) throw new Error('not both were rung')
    answer(second)
    expect(first.cancelledWith).toContain('SIP;cause=200')
    const toTag = tagOf(second.request.from) ?? ''
    const name = { sipCallId: second.request.sipCallId, toTag, fromTag: 'callee', isEarlyOnly: false }
    expect(harness.directory.find(name)).toBe(fork)
    expect(harness.directory.nameFor(fork)).toMatchObject({ sipCallId: second.request.sipCallId, toTag: 'callee' })
    expect(user.lines).toEqual(['answered'])
    fork.end('normal')
    accept('BYE')
    first.reply(487, { toTag: 'callee' })
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })
})
