import { describe, expect, it } from 'vitest'
import { startFlow } from '../../test/support/flow-harness.ts'

describe('a flow that ends its call', () => {
  it('may say which cause of the telephone network the peer is told, and why in the record', async () => {
    const harness = await startFlow(async (call) => {
      await call.answer()
      await call.hangUp('busy', { q850: 42, text: 'All agents talk', sentence: 'The queue was full.' })
    })
    await harness.pass(0)
    expect(harness.leg.lines.at(-1)).toBe('end busy Q.850 42')
    expect(harness.record).toMatchObject({ cause: 'busy', q850: 42, sentence: 'The queue was full.' })
  })

  it('by a refusal may besides choose the status', async () => {
    const harness = await startFlow((call) => call.reject('number-unknown', { status: 410, q850: 22 }))
    await harness.pass(0)
    expect(harness.leg.lines.at(-1)).toBe('end number-unknown 410 Q.850 22')
    expect(harness.record).toMatchObject({ sipStatus: 410, q850: 22 })
  })
})
