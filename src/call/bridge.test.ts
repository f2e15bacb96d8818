import { describe, expect, it } from 'vitest'
import { LiveCalls } from '../../test/support/live-calls.ts'
import { expectTidy, talking } from '../../test/support/talking.ts'

describe('a bridge', () => {
  it('tells who left first and how long they talked', async () => {
    const live = new LiveCalls()
    const { otherLeg, bridge, call } = await live.pair('ann')
    await live.pass(3000)
    const [, other] = bridge.parties
    otherLeg.hangUp()
    expect(await bridge.ended).toEqual({ by: other, why: 'left', talkMs: 3000 })
    expect(call.bridge).toBeNull()
  })

  it('with one who has gone never begins', async () => {
    const live = new LiveCalls()
    const { otherLeg, bridge, call } = await live.pair('ann')
    const [caller, other] = bridge.parties
    otherLeg.hangUp()
    const again = call.join(caller, other)
    expect(again.end).toMatchObject({ by: other, why: 'left', talkMs: 0 })
    expect(live.mixer.joined).toEqual([])
  })

  it('that the media cannot join ends as failed, and nobody stays in it', async () => {
    const live = new LiveCalls()
    const { bridge, call } = await live.pair('ann')
    const [caller, other] = bridge.parties
    bridge.close()
    live.mixer.bridge = () => {
      throw new Error('The worker is gone.')
    }
    expect(call.join(caller, other).end).toMatchObject({ by: null, why: 'failed' })
    expect(call.bridge).toBeNull()
    expect(caller.places).toEqual([])
  })

  it('plays music to who waits for the other, and to nobody while both hold', async () => {
    const talk = await talking()
    const latest = () => [talk.leg.lines.at(-1), talk.callee.lines.at(-1)]
    talk.callee.peerHolds(true)
    await talk.pass(0)
    expect(latest()).toEqual(['play tone:music', 'peer answered'])
    talk.leg.peerHolds(true)
    await talk.pass(0)
    expect(latest()).toEqual(['stopped tone:music', 'peer answered'])
    talk.callee.peerHolds(false)
    await talk.pass(0)
    expect(latest()).toEqual(['stopped tone:music', 'play tone:music'])
    talk.leg.hangUp()
    await talk.pass(0)
    expectTidy(talk)
  })

  it('ends for all though somebody who listens to it throws', async () => {
    const live = new LiveCalls()
    const { leg, otherLeg, bridge, call } = await live.pair('ann')
    bridge.onChanged(() => {
      throw new Error('faulty listener')
    })
    call.party.on('ended', () => {
      throw new Error('faulty listener')
    })
    leg.hangUp()
    await live.pass(0)
    expect(otherLeg.state).toBe('ended')
    expect(live.calls.count).toBe(0)
    expect(live.records.journal.filter(({ what }) => what === 'listenerThrew')).toHaveLength(2)
  })
})
