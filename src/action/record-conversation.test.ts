import { describe, expect, it } from 'vitest'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { LiveCalls } from '../../test/support/live-calls.ts'
import type { RecordingPolicy } from '../config/settings.ts'
import { monitorOf } from './monitor.ts'
import { recordConversation } from './record-conversation.ts'

/** A call whose policy is asked for, on which somebody may be joined with the caller. */
async function start(policy: RecordingPolicy) {
  const live = new LiveCalls()
  const { call, leg } = await live.begin('ann')
  const asked: (readonly (string | null)[])[] = []
  recordConversation(call, {
    ids: live.ids,
    dataFolder: '/data',
    recordingPolicyOf: (_tenant, parties) => {
      asked.push(parties)
      return policy
    },
  })
  const telephone = new FakeLeg(live.clock, {
    id: 'leg_137',
    role: 'callee',
    direction: 'outbound',
    user: '137',
    extension: '137',
  })
  const join = async (): Promise<void> => {
    const other = call.add(telephone, { label: '137', dialled: '137' })
    telephone.peerAnswers()
    call.join(call.party, other)
    await live.pass(0)
  }
  return { live, call, leg, telephone, asked, join }
}

describe('the policy of recording', () => {
  it('records on two channels from when two are joined, where either wants it', async () => {
    const { live, asked, join } = await start('on')
    await live.pass(5000)
    expect(live.records.recordings.size).toBe(0)
    await join()
    expect([...live.records.recordings.values()]).toMatchObject([{ channels: 2, state: 'recording' }])
    expect(asked).toEqual([[null, '137']])
  })

  it('begins nothing when it is off, and leaves it to the operator when it is on demand', async () => {
    for (const policy of ['off', 'on-demand'] as const) {
      const { live, join } = await start(policy)
      await join()
      expect(live.records.recordings.size).toBe(0)
    }
  })

  it('on demand begins when the extension presses *1, which pauses and resumes it then', async () => {
    const { live, call, leg, telephone, join } = await start('on-demand')
    await join()
    // Whoever is no extension has no say.
    leg.press('*1')
    await live.pass(0)
    expect(monitorOf(call)).toBeNull()
    telephone.press('*1')
    await live.pass(0)
    expect(monitorOf(call)?.isPaused).toBe(false)
    telephone.press('5*')
    telephone.press('1')
    await live.pass(0)
    expect(monitorOf(call)?.isPaused).toBe(true)
    telephone.press('*1')
    await live.pass(0)
    expect(monitorOf(call)?.isPaused).toBe(false)
    expect(live.records.recordings.size).toBe(1)
    telephone.hangUp()
    await live.pass(0)
    leg.hangUp()
    await call.ended
    await live.pass(0)
    expect([telephone.isCollecting, live.clock.pending]).toEqual([false, 0])
  })

  it('is not asked for a call that ends before anybody joins it', async () => {
    const { live, call, leg, asked } = await start('on')
    leg.hangUp()
    await call.ended
    await live.pass(0)
    expect(asked).toEqual([])
    expect(live.clock.pending).toBe(0)
  })
})
