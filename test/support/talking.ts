import { expect } from 'vitest'
import type { DialOutcome } from '../../src/action/dial.ts'
import type { DialOptions } from '../../src/action/dial-options.ts'
import type { FakeLeg } from './fake-leg.ts'
import { type FlowHarness, startFlow } from './flow-harness.ts'

export interface Talk extends FlowHarness {
  readonly callee: FakeLeg
  readonly outcomes: DialOutcome[]
}

/** A caller (101) who talks with 137 by a flow that would go on behind it. */
export async function talking(): Promise<Talk> {
  const outcomes: DialOutcome[] = []
  const harness = await startFlow(async (call) => {
    outcomes.push(await call.dial('137'))
    await call.say('Are you still there?')
  })
  const callee = harness.reacher.leg('137')
  callee.peerAnswers()
  await harness.pass(1000)
  return Object.assign(harness, { callee, outcomes })
}

/** A flow that dials, and keeps what came of it. */
export async function dialling(
  to: string | readonly string[],
  options: DialOptions & { answerFirst?: boolean } = {},
  before?: Parameters<typeof startFlow>[1],
): Promise<FlowHarness & { readonly outcomes: DialOutcome[] }> {
  const outcomes: DialOutcome[] = []
  const harness = await startFlow(async (call) => {
    const { answerFirst, ...rest } = options
    if (answerFirst) await call.answer()
    outcomes.push(await call.dial(to, rest))
    await call.hangUp()
  }, before)
  return Object.assign(harness, { outcomes })
}

/** All legs ended, every record closed, nothing waits any more. */
export function expectTidy(harness: FlowHarness, ...others: readonly FakeLeg[]): void {
  const legs = [harness.leg, ...others, ...harness.reacher.legs]
  expect(legs.filter((leg) => leg.state !== 'ended').map(({ id }) => id)).toEqual([])
  expect([...harness.records.calls.values()].filter((row) => row.endedAt === null)).toEqual([])
  expect([...harness.records.legs.values()].filter((row) => row.endedAt === null)).toEqual([])
  expect(harness.calls.count).toBe(0)
  expect(harness.clock.pending).toBe(0)
}
