import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LegHarness, nothingLeft, peerSdp, uselessSdp } from '../../test/support/leg-harness.ts'
import { countingPrompt, RtpPeer } from '../../test/support/media-harness.ts'
import { LegHold } from './leg-hold.ts'

let harness: LegHarness

beforeEach(async () => {
  harness = await LegHarness.start()
})

afterEach(async () => {
  await harness.close()
})

/** Direction in the body of the last re-INVITE of ours. */
function offered(): string {
  const body = new TextDecoder().decode(harness.sip.transactions.last('INVITE').request.body)
  return /a=(sendrecv|sendonly|recvonly|inactive)/.exec(body)?.[1] ?? 'none'
}

function answerOffer(direction: string): void {
  harness.sip.transactions.last('INVITE').reply(200, {
    toTag: 'theirs',
    headers: [['Contact', '<sip:101@192.0.2.9>']],
    body: peerSdp({ direction }),
    contentType: 'application/sdp',
  })
}

/** The peer's re-INVITE, acknowledged. @returns our answer. */
function peerOffers(body: Uint8Array): string {
  const invite = harness.sip.receive('INVITE', { body })
  harness.sip.ack(invite)
  return new TextDecoder().decode(invite.last.body)
}

const offers = (): number => harness.sip.transactions.methods.filter((method) => method === 'INVITE').length

describe('hold', () => {
  it('offers sendonly, so that the peer can hear music, and sendrecv to take it back', async () => {
    const { leg } = harness.established()
    const peer = new RtpPeer(harness.sip.clock, harness.network)
    const held = leg.hold(true)
    await harness.pass(0)
    expect(offered()).toBe('sendonly')
    answerOffer('recvonly')
    expect(await held).toBe('done')
    void leg.play([countingPrompt('music', 5)])
    await harness.pass(200)
    expect(peer.heard.length).toBe(5)
    const taken = leg.hold(false)
    await harness.pass(0)
    expect(offered()).toBe('sendrecv')
    answerOffer('sendrecv')
    expect(await taken).toBe('done')
    expect(harness.user.lines).toEqual([])
  })

  it('does not run the media time-out while the peer is on hold', async () => {
    const { leg } = harness.established()
    void leg.hold(true)
    await harness.pass(0)
    answerOffer('inactive')
    await harness.pass(120_000)
    expect(leg.state).toBe('answered')
  })

  it('takes an answer of inactive for a peer that wants no music, not for its own hold', async () => {
    const { leg } = harness.established()
    const held = leg.hold(true)
    await harness.pass(0)
    answerOffer('inactive')
    expect(await held).toBe('done')
    expect(harness.user.lines).toEqual([])
  })

  it('keeps the order of several, one re-INVITE at a time, and sends none for what is so already', async () => {
    const { leg } = harness.established()
    const ends: string[] = []
    for (const isHeld of [true, true, false]) void leg.hold(isHeld).then((end) => ends.push(`${isHeld} ${end}`))
    await harness.pass(0)
    expect(offers()).toBe(1)
    answerOffer('recvonly')
    await harness.pass(0)
    expect(ends).toEqual(['true done', 'true done'])
    expect(offers()).toBe(2)
    expect(offered()).toBe('sendrecv')
    answerOffer('sendrecv')
    await harness.pass(0)
    expect(ends).toEqual(['true done', 'true done', 'false done'])
  })

  it('is refused when the peer refuses, and what was agreed stays', async () => {
    const { leg } = harness.established()
    for (const refuse of [
      () => harness.sip.transactions.last('INVITE').reply(488, { toTag: 'theirs' }),
      () =>
        harness.sip.transactions.last('INVITE').reply(200, {
          toTag: 'theirs',
          headers: [['Contact', '<sip:101@192.0.2.9>']],
          body: uselessSdp,
          contentType: 'application/sdp',
        }),
    ]) {
      const held = leg.hold(true)
      await harness.pass(0)
      refuse()
      expect(await held).toBe('refused')
    }
    expect(peerOffers(peerSdp())).toContain('a=sendrecv')
  })

  it('is asked again after 491 when the offers of both sides have crossed', async () => {
    const { leg } = harness.established()
    const held = leg.hold(true)
    await harness.pass(0)
    harness.sip.transactions.last('INVITE').reply(491, { toTag: 'theirs' })
    await harness.pass(100)
    // The peer's own offer comes first now; ours is made anew from what it agreed.
    peerOffers(peerSdp({ port: 4010 }))
    await harness.pass(5000)
    expect(offers()).toBe(2)
    expect(offered()).toBe('sendonly')
    answerOffer('recvonly')
    expect(await held).toBe('done')
  })

  it('is refused before the answer and ended after the end, and while it waits', async () => {
    const { leg, invite } = harness.inbound()
    expect(await leg.hold(true)).toBe('refused')
    leg.answer()
    harness.sip.learn(invite)
    harness.sip.ack(invite)
    const held = leg.hold(true)
    await harness.pass(0)
    harness.sip.receive('BYE')
    expect(await held).toBe('ended')
    expect(await leg.hold(false)).toBe('ended')
    harness.sip.transactions.last('INVITE').reply(487, { toTag: 'theirs' })
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('answers an offer of the peer so that the peer stays on hold', async () => {
    const { leg } = harness.established()
    void leg.hold(true)
    await harness.pass(0)
    answerOffer('recvonly')
    await harness.pass(0)
    expect(peerOffers(peerSdp())).toContain('a=sendonly')
    expect(harness.user.lines).toEqual([])
  })
})

describe("the peer's hold", () => {
  it('is told once per change, in each of its spellings', async () => {
    harness.established()
    expect(peerOffers(peerSdp({ direction: 'sendonly' }))).toContain('a=recvonly')
    expect(peerOffers(peerSdp({ direction: 'inactive' }))).toContain('a=inactive')
    expect(harness.user.lines).toEqual(['held'])
    peerOffers(peerSdp())
    peerOffers(peerSdp({ address: '0.0.0.0' }))
    peerOffers(peerSdp({ direction: 'sendrecv' }))
    expect(harness.user.lines).toEqual(['held', 'taken back', 'held', 'taken back'])
  })

  it('is told with the answer when the call begins that way', async () => {
    const { leg } = harness.inbound({ body: peerSdp({ direction: 'inactive' }) })
    expect(harness.user.lines).toEqual([])
    leg.answer()
    expect(harness.user.lines).toEqual(['held'])
  })

  it('of an outbound leg is told behind its answer', async () => {
    const { invite } = await harness.started()
    invite.reply(200, {
      toTag: 'callee',
      headers: [['Contact', '<sip:137@192.0.2.9>']],
      body: peerSdp({ direction: 'sendonly' }),
      contentType: 'application/sdp',
    })
    expect(harness.user.lines).toEqual(['answered', 'held'])
  })
})

it('that failed for a reason of ours is told to who asked for it, and the next is tried all the same', async () => {
  let offers = 0
  const hold = new LegHold({
    state: 'answered',
    makeOffer: () => {
      if (++offers === 1) throw new Error('no more descriptions')
      return { sdp: new Uint8Array(), accept: () => {} }
    },
    sendOffer: async (sdp) => ({ kind: 'answered', sdp }),
    takeAnswer: () => true,
    peerHolds: () => {},
  })
  const [first, second] = [hold.hold(true), hold.hold(true)]
  await expect(first).rejects.toThrow('no more descriptions')
  expect(await second).toBe('done')
})
