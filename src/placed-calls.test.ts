import { describe, expect, it } from 'vitest'
import { type PlaceHarness, startPlacing } from '../test/support/place-harness.ts'
import { settle } from '../test/support/test-clock.ts'
import type { Flow } from './action/run-flow.ts'

function start(limits = ''): Promise<PlaceHarness> {
  return startPlacing(
    `tenants: { acme: { domain: acme.example, limits: { ${limits} } }, umbra: { domain: umbra.example } }`,
  )
}

const talk: Flow = async (call) => {
  await call.say('Hello')
  await call.hangUp()
}

describe('a call that a program places', () => {
  it('rings, and runs its flow once it is answered', async () => {
    const { clock, reacher, placed } = await start()
    let hasRun = false
    const call = await placed.place({ tenant: 'acme', to: '137' }, async (flowCall) => {
      hasRun = true
      await talk(flowCall)
    })
    await settle()
    expect(reacher.leg('137').lines).toContain('start')
    expect(hasRun).toBe(false)
    reacher.leg('137').peerAnswers()
    expect(await call.answered).toBe(true)
    await clock.advanceAsync(60_000)
    expect(await call.ended).toMatchObject({ direction: 'outbound', to: '137', cause: 'normal', endedBy: 'program' })
    expect(hasRun).toBe(true)
  })

  it('that nobody answers ends at the ring limit, and its flow never runs', async () => {
    const { clock, placed } = await start()
    const call = await placed.place({ tenant: 'acme', to: '137', seconds: 20 }, () => {
      throw new Error('it ran')
    })
    await clock.advanceAsync(20_000)
    expect(await call.answered).toBe(false)
    expect(await call.ended).toMatchObject({ cause: 'no-answer', answeredAt: null })
  })

  it('to somebody who cannot be reached has a record that says why', async () => {
    const { reacher, placed } = await start()
    const sentence = 'Extension 137 is not registered.'
    reacher.set('137', { kind: 'unreachable', cause: 'not-registered', sentence })
    const call = await placed.place({ tenant: 'acme', to: '137' }, talk)
    expect(await call.ended).toMatchObject({ cause: 'not-registered', sentence: expect.stringContaining(sentence) })
  })

  it('to an extension with two telephones is taken by the first that answers', async () => {
    const { clock, reacher, placed } = await start()
    reacher.set('137', 2)
    const call = await placed.place({ tenant: 'acme', to: '137' }, talk)
    await settle()
    reacher.leg('137-2').peerAnswers()
    expect(reacher.leg('137-1').lines).toContain('end answered-elsewhere')
    await clock.advanceAsync(60_000)
    expect(await call.ended).toMatchObject({ cause: 'normal' })
    expect(reacher.leg('137-2').state).toBe('ended')
  })

  it('can be given up while it rings', async () => {
    const { reacher, placed } = await start()
    const call = await placed.place({ tenant: 'acme', to: '137' }, talk)
    await settle()
    call.hangUp()
    expect(reacher.leg('137').state).toBe('ended')
    expect((await call.ended).answeredAt).toBeNull()
  })

  it('is refused over the limits of the tenant, and where it is not said which tenant is meant', async () => {
    const { placed } = await start('concurrentCalls: 1')
    await placed.place({ tenant: 'acme', to: '137' }, talk)
    await expect(placed.place({ tenant: 'acme', to: '137' }, talk)).rejects.toMatchObject({ code: 'call.refused' })
    await expect(placed.place({ to: '137' }, talk)).rejects.toMatchObject({ code: 'tenant.unknown' })
    await expect(placed.place({ tenant: 'nobody', to: '137' }, talk)).rejects.toMatchObject({ code: 'tenant.unknown' })
  })
})
