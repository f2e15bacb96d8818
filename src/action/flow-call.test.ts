import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { startFlow } from '../../test/support/flow-harness.ts'
import { monitorOf } from './monitor.ts'

it('a flow that asks for recording by policy before each of its dials has one that listens, and *1 begins it', async () => {
  const numbers = Array.from({ length: 20 }, (_, index) => `${200 + index}`)
  const { call, leg, reacher, pass } = await startFlow(
    async (flowCall) => {
      for (const number of numbers) {
        flowCall.recordByPolicy()
        await flowCall.dial(number)
      }
    },
    { recordingPolicy: 'on-demand', leg: (clock) => new FakeLeg(clock, { extension: '101' }) },
  )
  const listeners = getEventListeners(call.gone, 'abort').length
  for (const number of numbers.slice(0, -1)) {
    reacher.leg(number).peerRefuses(486)
    await pass(0)
  }
  expect(getEventListeners(call.gone, 'abort')).toHaveLength(listeners)
  reacher.leg('219').peerAnswers()
  await pass(0)
  leg.press('*1')
  await pass(0)
  expect(monitorOf(call)?.isPaused).toBe(false)
  leg.hangUp()
})
