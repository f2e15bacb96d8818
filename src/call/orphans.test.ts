import { describe, expect, it } from 'vitest'
import type { FakeLeg } from '../../test/support/fake-leg.ts'
import { type FlowHarness, startFlow } from '../../test/support/flow-harness.ts'
import type { FlowCall } from '../action/flow-call.ts'
import { tone } from '../action/playable.ts'
import { orphanLimitMs } from './call-parts.ts'

/*
 * Whatever dies at whatever moment: who was joined with it is given back to its program or hung up within the bound, every
 * leg ends, every call has one closed record, and nothing waits any more.
 */

interface Scene extends FlowHarness {
  /** Lets the flow go on that waits for it. */
  readonly cue: () => void
  /** The other calls that take part. */
  readonly others: FakeLeg[]
}

interface Step {
  readonly name: string
  readonly flow: (call: FlowCall, signal: AbortSignal, cued: Promise<void>) => Promise<unknown>
  readonly before?: Parameters<typeof startFlow>[1]
  /** Brings the call to the moment at which something is to die. */
  readonly reach?: (scene: Scene) => Promise<void> | void
  /** What leaves a conversation standing, rightly: then its caller hangs up in the end. */
  readonly survives?: readonly TroubleName[]
}

const answerOf = (label: string) => async (scene: Scene) => {
  scene.reacher.leg(label).peerAnswers()
  await scene.pass(500)
}

async function askedTransfer(scene: Scene): Promise<void> {
  await answerOf('137')(scene)
  scene.reacher.leg('137').peerAsksTransfer('sip:140@pbx.example')
  await scene.pass(500)
}

const steps: readonly Step[] = [
  {
    name: 'the search for the telephones',
    flow: (call, signal) => call.dial('137', { signal }),
    before: {
      before: ({ reacher, clock }) => {
        const nobody = { kind: 'unreachable', cause: 'not-registered', sentence: 'Nobody.' } as const
        reacher.set('137', () => new Promise((resolve) => clock.after(1000, () => resolve(nobody))))
      },
    },
  },
  { name: 'ringing', flow: (call, signal) => call.dial('137', { signal }) },
  {
    name: 'several ringing, in turn',
    flow: (call, signal) => call.dial(['137', '138'], { signal, mode: 'in-turn', seconds: 1 }),
  },
  {
    name: 'early media',
    flow: (call, signal) => call.dial('137', { signal }),
    reach: ({ reacher }) => reacher.leg('137').peerProgresses(183, true),
  },
  {
    name: 'ring-back from the flow',
    flow: (call, signal) => call.dial('137', { signal, ringback: tone('music') }),
  },
  {
    name: 'the announcement to the callee',
    flow: (call, signal) => call.dial('137', { signal, announce: 'long.wav' }),
    reach: answerOf('137'),
  },
  {
    name: 'the confirmation by key',
    flow: (call, signal) => call.dial('137', { signal, confirm: { prompt: tone('beep'), seconds: 1 } }),
    reach: answerOf('137'),
  },
  {
    name: 'the conversation',
    flow: (call, signal) => call.dial('137', { signal, record: 'both', limitSeconds: 100, limitWarningSeconds: 10 }),
    reach: answerOf('137'),
  },
  {
    name: 'the callee holding',
    flow: (call, signal) => call.dial('137', { signal }),
    reach: async (scene) => {
      await answerOf('137')(scene)
      scene.reacher.leg('137').peerHolds(true)
      await scene.pass(500)
    },
  },
  {
    name: 'the caller on hold',
    flow: async (call, signal, cued) => {
      const talk = call.dial('137', { signal })
      await cued
      await call.hold()
      await talk
    },
    reach: async (scene) => {
      await answerOf('137')(scene)
      scene.cue()
      await scene.pass(500)
    },
  },
  {
    name: 'a peer that waits for the program',
    flow: async (call, signal) => {
      const { peer } = await call.dial('137', { signal, bridge: false })
      await peer?.gather({ firstDigitTimeoutMs: 1000, signal })
    },
    reach: answerOf('137'),
  },
  {
    name: 'a peer joined by the program',
    flow: async (call, signal) => {
      const { peer } = await call.dial('137', { signal, bridge: false })
      if (peer) await call.bridge(peer, { signal })
    },
    reach: answerOf('137'),
  },
  {
    name: 'a transfer, ringing',
    flow: (call, signal) => call.transfer('137', { signal }),
  },
  {
    name: 'a transfer, done',
    flow: (call, signal) => call.transfer('137', { signal }),
    reach: answerOf('137'),
    survives: ['the program aborts', 'the program throws'],
  },
  {
    name: 'a transfer by REFER of ours',
    flow: async (call, signal) => {
      await call.answer()
      await call.transfer('sip:137@pbx.example', { mode: 'refer', signal })
    },
  },
  {
    name: 'a transfer of the callee, ringing',
    flow: (call, signal) => call.dial('137', { signal }),
    reach: askedTransfer,
    survives: ['the callee leaves', 'the media of the callee fail'],
  },
  {
    name: 'a transfer of the callee, who has gone',
    flow: (call, signal) => call.dial('137', { signal }),
    reach: async (scene) => {
      await askedTransfer(scene)
      scene.reacher.leg('137').hangUp()
      await scene.pass(200)
    },
  },
  {
    name: 'a transfer of the callee, done',
    flow: (call, signal) => call.dial('137', { signal }),
    reach: async (scene) => {
      await askedTransfer(scene)
      await answerOf('140')(scene)
    },
    survives: ['the program aborts', 'the program throws'],
  },
  {
    name: 'an attended transfer, done',
    flow: (call, signal) => call.dial('137', { signal }),
    reach: async (scene) => {
      await answerOf('137')(scene)
      const { leg } = await scene.begin('137b', (call) => call.dial('140'))
      scene.others.push(leg)
      await answerOf('140')(scene)
      scene.reacher.leg('137').peerAsksTransfer('sip:140@x', { replaces: { leg, header: 'x' } })
      await scene.pass(500)
    },
    survives: ['the program aborts', 'the program throws'],
  },
  {
    name: 'two calls joined by their programs',
    flow: async (call, signal, cued) => {
      await cued
      if (otherCall) await call.bridge(otherCall, { signal })
    },
    reach: async (scene) => {
      const { leg } = await scene.begin('102', async (call) => {
        otherCall = call
        await call.gather({ firstDigitTimeoutMs: 1500 })
      })
      scene.others.push(leg)
      scene.cue()
      await scene.pass(500)
    },
  },
]

/** The second call of the last step, as its flow has it. */
let otherCall: FlowCall | null = null

const troubles = {
  'the caller hangs up': ({ leg }) => leg.hangUp(),
  'the callee leaves': (scene) => latestCallee(scene).hangUp(),
  'the media of the caller fail': ({ leg }) => leg.loseConnection('The media worker ended.'),
  'the media of the callee fail': (scene) => latestCallee(scene).loseConnection('The media worker ended.'),
  'the program aborts': (_scene, abort) => abort.abort(),
  'the program throws': (_scene, _abort, fail) => fail(new Error('out of ideas')),
  'the server drains': (scene) => {
    scene.calls.drain(0).catch(() => {})
  },
} as const satisfies Record<string, (scene: Scene, abort: AbortController, fail: (error: Error) => void) => void>
type TroubleName = keyof typeof troubles

/** The caller itself where it is alone. */
function latestCallee({ reacher, others, leg }: Scene): FakeLeg {
  return reacher.legs.findLast(({ state }) => state !== 'ended') ?? others.at(-1) ?? leg
}

async function run(step: Step, trouble: TroubleName): Promise<void> {
  const abort = new AbortController()
  let fail: (error: Error) => void = () => {}
  const thrown = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  thrown.catch(() => {})
  otherCall = null
  let cue: () => void = () => {}
  const cued = new Promise<void>((resolve) => {
    cue = resolve
  })
  const harness = await startFlow((call) => Promise.race([step.flow(call, abort.signal, cued), thrown]), step.before)
  const scene: Scene = Object.assign(harness, { cue, others: [] as FakeLeg[] })
  await step.reach?.(scene)
  troubles[trouble](scene, abort, fail)
  await scene.pass(orphanLimitMs)
  const legs = (): readonly FakeLeg[] => [scene.leg, ...scene.others, ...scene.reacher.legs]
  const alive = (): readonly string[] => legs().flatMap((leg) => (leg.state === 'ended' ? [] : [leg.id]))
  if (step.survives?.includes(trouble)) {
    expect(scene.mixer.joined).toHaveLength(1)
    scene.leg.hangUp()
    await scene.pass(orphanLimitMs)
  }
  expect(alive()).toEqual([])
  const rows = [...scene.records.calls.values()]
  expect(rows.filter(({ endedAt, sentence }) => endedAt === null || sentence === null)).toEqual([])
  expect(rows).toHaveLength(1 + scene.others.length)
  expect([...scene.records.legs.values()].filter(({ endedAt }) => endedAt === null)).toEqual([])
  expect(scene.records.legs.size).toBe(legs().length)
  expect(scene.mixer.joined).toEqual([])
  expect(scene.calls.count).toBe(0)
  expect(scene.clock.pending).toBe(0)
}

describe.each(steps)('during $name', (step) => {
  it.each(Object.keys(troubles) as TroubleName[])('%s: nobody is left behind', (trouble) => run(step, trouble))
})
