import { describe, expect, it } from 'vitest'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { LiveCalls } from '../../test/support/live-calls.ts'
import type { RecordingPolicy } from '../config/settings.ts'
import { monitor, monitorOf } from './monitor.ts'
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

  describe('when somebody else comes to talk', () => {
    /** 137 talks with somebody from outside, unless it calls itself; 138 can be rung. */
    async function startPair(policies: Readonly<Record<string, RecordingPolicy>>, caller: string | null = null) {
      const live = new LiveCalls()
      const leg = new FakeLeg(live.clock, {
        id: 'leg_caller',
        user: caller ?? 'ann',
        ...(caller === null ? {} : { extension: caller }),
      })
      const target = { tenant: 'acme', to: '137', app: 'flow' }
      const call = live.calls.begin(leg, target, async (begun) => begun.answer())
      await live.pass(0)
      recordConversation(call, {
        ids: live.ids,
        dataFolder: '/data',
        recordingPolicyOf: (_tenant, parties) => {
          const wanted = parties.map((party) => policies[party ?? ''] ?? 'off')
          return (['on', 'on-demand'] as const).find((policy) => wanted.includes(policy)) ?? 'off'
        },
      })
      const telephoneOf = (extension: string): FakeLeg => {
        const id = `leg_${extension}`
        return new FakeLeg(live.clock, { id, role: 'callee', direction: 'outbound', user: extension, extension })
      }
      const [first, second] = [telephoneOf('137'), telephoneOf('138')]
      live.telephones.set('138', [second])
      const other = call.add(first, { label: '137', dialled: '137' })
      first.peerAnswers()
      call.join(call.party, other)
      await live.pass(1000)
      const states = (): readonly string[] => [...live.records.recordings.values()].map(({ state }) => state)
      /** 137, or the caller, asks for it by REFER, and 138 takes the call. */
      const transfer = async (by: FakeLeg): Promise<void> => {
        by.peerAsksTransfer('sip:138@pbx.example')
        await live.pass(100)
        second.peerAnswers()
        await live.pass(100)
      }
      const expectTidy = async (): Promise<void> => {
        for (const one of [leg, first, second]) if (one.state !== 'ended') one.hangUp()
        await live.pass(10_000)
        expect([live.calls.count, live.clock.pending]).toEqual([0, 0])
        expect([leg, first, second].map(({ isCollecting }) => isCollecting)).toEqual([false, false, false])
        expect(states()).not.toContain('recording')
      }
      return { live, call, leg, first, second, states, transfer, expectTidy }
    }

    it('a transfer to an extension that is always recorded begins the recording', async () => {
      const { live, call, first, second, states, transfer, expectTidy } = await startPair({ '138': 'on' })
      expect(states()).toEqual([])
      await transfer(first)
      expect(states()).toEqual(['recording'])
      expect(call.isTransferred).toBe(true)
      second.press('*1')
      await live.pass(0)
      expect(monitorOf(call)?.isPaused).toBe(true)
      await expectTidy()
    })

    it('a transfer away from the one that wanted it ends the recording, and its keys', async () => {
      const { call, first, second, states, transfer, expectTidy } = await startPair({ '137': 'on' })
      expect(states()).toEqual(['recording'])
      await transfer(first)
      expect(states()).toEqual(['saved'])
      second.press('*1')
      expect(monitorOf(call)).toBeNull()
      await expectTidy()
    })

    it('between two who want it goes on as one, and is no longer paused by who has left', async () => {
      const { live, call, first, states, transfer, expectTidy } = await startPair({ '137': 'on', '138': 'on' })
      first.press('*1')
      await live.pass(0)
      const running = monitorOf(call)
      expect(running?.isPaused).toBe(true)
      await transfer(first)
      expect(monitorOf(call)).toBe(running)
      expect(running?.isPaused).toBe(false)
      expect(states()).toEqual(['recording'])
      await expectTidy()
    })

    it('what an extension has asked for by keys ends when it leaves; the next may ask for it again', async () => {
      const policies = { '137': 'on-demand', '138': 'on-demand' } as const
      const { live, first, second, states, transfer, expectTidy } = await startPair(policies)
      first.press('*1')
      await live.pass(0)
      await transfer(first)
      expect(states()).toEqual(['saved'])
      second.press('*1')
      await live.pass(0)
      expect(states()).toEqual(['saved', 'recording'])
      await expectTidy()
    })

    it('a transfer by the caller goes on in a recording of the leg that took its place', async () => {
      const { leg, second, states, transfer, expectTidy } = await startPair({ '137': 'on' }, '101')
      await transfer(leg)
      expect(states()).toEqual(['saved', 'recording'])
      expect(second.lines).toContain('record')
      await expectTidy()
    })

    it('the keys of both are still heard behind a transfer, whose caller or callee they are', async () => {
      for (const by of ['caller', 'callee'] as const) {
        const { live, call, leg, first, second, transfer, expectTidy } = await startPair({ '138': 'on' }, '101')
        await transfer(by === 'caller' ? leg : first)
        const stayed = by === 'caller' ? first : leg
        for (const telephone of [stayed, second]) {
          telephone.press('*1')
          await live.pass(0)
          expect(monitorOf(call)?.isPaused, by).toBe(true)
          telephone.press('*1')
          await live.pass(0)
          expect(monitorOf(call)?.isPaused, by).toBe(false)
        }
        await expectTidy()
      }
    })

    it('so it does when the caller hangs up right behind its REFER', async () => {
      const { live, leg, second, states, expectTidy } = await startPair({ '138': 'on' }, '101')
      leg.peerAsksTransfer('sip:138@pbx.example')
      leg.hangUp()
      await live.pass(100)
      second.peerAnswers()
      await live.pass(100)
      expect(states()).toEqual(['recording'])
      await expectTidy()
    })

    it('a transfer that fails changes nothing', async () => {
      const { live, first, second, states, expectTidy } = await startPair({ '137': 'on', '138': 'on' })
      first.peerAsksTransfer('sip:138@pbx.example')
      await live.pass(100)
      second.peerRefuses(486)
      await live.pass(100)
      expect(states()).toEqual(['recording'])
      await expectTidy()
    })

    it('a telephone that takes over by INVITE with Replaces counts as the extension that it is', async () => {
      const { live, call, first, states, expectTidy } = await startPair({ '138': 'on' })
      const taker = new FakeLeg(live.clock, { id: 'leg_taker', user: '138', extension: '138' })
      expect(call.replaceLeg(first, taker)).toBe(true)
      await live.pass(0)
      expect(states()).toEqual(['recording'])
      taker.hangUp()
      await live.pass(0)
      await expectTidy()
    })

    it('leaves alone what the flow or the operator has begun, and follows it on the next leg', async () => {
      const { live, call, leg, first, states, transfer, expectTidy } = await startPair({ '138': 'on' }, '101')
      monitor(call, { ids: live.ids, dataFolder: '/data' })
      first.peerAsksTransfer('sip:140@pbx.example')
      await live.pass(100)
      expect(states()).toEqual(['recording'])
      await transfer(leg)
      leg.hangUp()
      await live.pass(100)
      expect(states()).toEqual(['saved', 'recording'])
      await expectTidy()
    })

    it('is over when the conversation is, though the program goes on with the caller', async () => {
      const { live, call, leg, first, states, expectTidy } = await startPair({ '137': 'on' })
      first.hangUp()
      await live.pass(100)
      expect([leg.state, call.isGone]).toEqual(['answered', false])
      expect(states()).toEqual(['saved'])
      await expectTidy()
    })
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
