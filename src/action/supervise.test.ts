import { describe, expect, it } from 'vitest'
import { LiveCalls } from '../../test/support/live-calls.ts'
import type { FlowCall } from './flow-call.ts'
import type { SuperviseOutcome } from './supervise.ts'

async function supervisor(
  live: LiveCalls,
  callId: string,
  request: Parameters<FlowCall['supervise']>[1] = {},
): Promise<{ leg: Awaited<ReturnType<LiveCalls['flow']>>['leg']; outcomes: SuperviseOutcome[] }> {
  const outcomes: SuperviseOutcome[] = []
  const { leg } = await live.flow('boss', async (call) => {
    outcomes.push(await call.supervise(callId, request))
    await call.hangUp()
  })
  return { leg, outcomes }
}

describe('supervise', () => {
  it('listens, whispers and barges by the keys 4, 5 and 6, and leaves by #', async () => {
    const live = new LiveCalls()
    const { leg, otherLeg, call } = await live.pair('ann')
    const boss = await supervisor(live, call.id)
    const room = live.mixer.rooms.at(-1)
    expect(room?.audienceOf(boss.leg)).toEqual([])
    boss.leg.press('5')
    await live.pass(1000)
    expect(room?.audienceOf(boss.leg)).toEqual([otherLeg.id])
    boss.leg.press('6')
    await live.pass(0)
    expect(room?.audienceOf(boss.leg)).toEqual([leg.id, otherLeg.id])
    boss.leg.press('4')
    await live.pass(0)
    expect(room?.audienceOf(boss.leg)).toEqual([])
    boss.leg.press('#')
    await live.pass(0)
    expect(boss.outcomes).toEqual([{ outcome: 'left', seconds: 1, sentence: null }])
    expect(live.mixer.joined).toEqual([`${leg.id}+${otherLeg.id}`])
  })

  it('ends with the supervised call, with its own, and by the signal', async () => {
    const live = new LiveCalls()
    const first = await live.pair('ann')
    const one = await supervisor(live, first.call.id)
    first.leg.hangUp()
    await live.pass(0)
    expect(one.outcomes).toMatchObject([{ outcome: 'ended' }])
    const second = await live.pair('bob')
    const two = await supervisor(live, second.call.id)
    two.leg.hangUp()
    await live.pass(0)
    expect(two.outcomes).toMatchObject([{ outcome: 'ended' }])
    const abort = new AbortController()
    const three = await supervisor(live, second.call.id, { signal: abort.signal })
    abort.abort()
    await live.pass(0)
    expect(three.outcomes).toMatchObject([{ outcome: 'stopped' }])
    expect(live.mixer.joined).toEqual(['leg_bob+leg_bob-desk'])
  })

  it('finds no call of another tenant, and says why one of its own cannot be heard', async () => {
    const live = new LiveCalls()
    const eve = await live.begin('eve', { tenant: 'other' })
    const ringing = await live.begin('bob', { program: async () => new Promise(() => {}) })
    const outcomes: SuperviseOutcome[] = []
    const boss = await live.flow('boss', async (call) => {
      outcomes.push(await call.supervise(eve.call.id), await call.supervise('call_nobody'))
      outcomes.push(await call.supervise(call.id), await call.supervise(ringing.call.id))
    })
    await boss.call.ended
    expect(outcomes).toMatchObject([
      { outcome: 'not-found' },
      { outcome: 'not-found' },
      { outcome: 'unavailable', sentence: 'A call cannot supervise itself.' },
      { outcome: 'unavailable', sentence: `The call ${ringing.call.id} is not answered yet.` },
    ])
  })
})
