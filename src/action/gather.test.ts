import { describe, expect, it } from 'vitest'
import { startFlow } from '../../test/support/flow-harness.ts'
import type { FlowCall } from './flow-call.ts'
import type { GatherOutcome } from './gather.ts'
import { say } from './playable.ts'

type Request = Parameters<FlowCall['gather']>[0]

/** Gathers once on an answered call and keeps the outcome. */
async function gathering(
  request: Request,
): Promise<Awaited<ReturnType<typeof startFlow>> & { outcome: () => GatherOutcome | null }> {
  let outcome: GatherOutcome | null = null
  const harness = await startFlow(async (call) => {
    await call.answer()
    outcome = await call.gather(request)
    await call.hangUp()
  })
  return Object.assign(harness, { outcome: () => outcome })
}

describe('gather', () => {
  it('ends at the last of maxDigits and stops the prompt at the first', async () => {
    const { leg, pass, outcome } = await gathering({ prompt: say('Your number?'), maxDigits: 2 })
    await pass(300)
    leg.press('4')
    await pass(200)
    leg.press('2')
    await pass(0)
    expect(outcome()).toEqual({ outcome: 'digits', digits: '42', endedBy: 'max-digits', attempts: 1 })
    expect(leg.happened.find(({ what }) => what.startsWith('stopped'))?.atMs).toBe(300)
  })

  it('is not touched by keys that are to be ignored, nor its time-out', async () => {
    const { leg, pass, outcome } = await gathering({
      prompt: say('Your number?'),
      maxDigits: 2,
      firstDigitTimeoutMs: 2000,
      ignoredKeys: 'ABCD',
    })
    leg.press('A')
    await pass(500)
    expect(leg.lines.some((line) => line.startsWith('stopped'))).toBe(false)
    await pass(1500)
    leg.press('B')
    await pass(999)
    expect(outcome()).toBeNull()
    await pass(1)
    expect(outcome()).toMatchObject({ outcome: 'no-input', digits: '' })
  })

  it('takes the first of what was typed ahead where only so many count', async () => {
    let outcome: GatherOutcome | null = null
    const { leg, pass } = await startFlow(async (call) => {
      await call.answer()
      await call.say('Welcome.')
      outcome = await call.gather({ maxTypedAhead: 2, interDigitTimeoutMs: 1000 })
    })
    leg.press('1234')
    await pass(2000)
    expect(outcome).toMatchObject({ digits: '12' })
  })

  it('starts the first-digit time-out behind the prompt and gives the prompt again for each attempt', async () => {
    const { leg, pass, outcome } = await gathering({ prompt: say('Hello'), attempts: 2, firstDigitTimeoutMs: 2000 })
    await pass(2999)
    expect(leg.lines.filter((line) => line.startsWith('play'))).toHaveLength(1)
    await pass(1)
    expect(leg.lines.filter((line) => line.startsWith('play'))).toHaveLength(2)
    await pass(3000)
    expect(outcome()).toEqual({ outcome: 'no-input', digits: '', endedBy: 'timeout', attempts: 2 })
  })

  it('starts the inter-digit time-out anew with each digit', async () => {
    const { leg, pass, outcome } = await gathering({ interDigitTimeoutMs: 1000 })
    for (const digit of '123') {
      leg.press(digit)
      await pass(900)
    }
    expect(outcome()).toBeNull()
    await pass(100)
    expect(outcome()).toMatchObject({ digits: '123', endedBy: 'timeout' })
  })

  it('takes the end key as the end of the input, and alone as an empty one', async () => {
    const first = await gathering({ prompt: say('Hello') })
    first.leg.press('12#')
    await first.pass(0)
    expect(first.outcome()).toMatchObject({ outcome: 'digits', digits: '12', endedBy: 'end-key' })
    const second = await gathering({})
    second.leg.press('#')
    await second.pass(0)
    expect(second.outcome()).toMatchObject({ outcome: 'digits', digits: '', endedBy: 'end-key' })
  })

  it('counts every key where there is no end key', async () => {
    const { leg, pass, outcome } = await gathering({ endKey: null, maxDigits: 3 })
    leg.press('1#*')
    await pass(0)
    expect(outcome()).toMatchObject({ digits: '1#*' })
  })

  it('keeps digits typed before anybody asked, unless told not to', async () => {
    let digits = ''
    const harness = await startFlow(async (call) => {
      await call.answer()
      await call.say('First of all, a long announcement.')
      digits += (await call.gather({ maxDigits: 2 })).digits
      digits += ` ${(await call.gather({ maxDigits: 1, keepTypedAhead: false, firstDigitTimeoutMs: 500 })).outcome}`
    })
    harness.leg.press('789')
    await harness.pass(2000)
    expect(digits).toBe('78 no-input')
  })

  it('hears a key at every offset from the end of the prompt', async () => {
    for (let offsetMs = 990; offsetMs <= 1010; offsetMs++) {
      const { leg, pass, outcome } = await gathering({
        prompt: say('One second'),
        maxDigits: 1,
        firstDigitTimeoutMs: 100,
      })
      await pass(offsetMs)
      leg.press('5')
      await pass(200)
      expect(outcome(), `at ${offsetMs} ms`).toMatchObject({ outcome: 'digits', digits: '5' })
    }
  })

  it('without barge-in plays to the end and then takes what was pressed meanwhile', async () => {
    const { leg, pass, outcome } = await gathering({ prompt: say('Listen'), maxDigits: 1, bargeIn: false })
    await pass(100)
    leg.press('3')
    await pass(800)
    expect(outcome()).toBeNull()
    await pass(100)
    expect(outcome()).toMatchObject({ digits: '3' })
  })

  it('ends at once when the caller hangs up, with what was keyed, and disarms the in-band detector', async () => {
    const { leg, pass, outcome, clock, record } = await gathering({ prompt: say('Hello') }).then(async (harness) => {
      harness.leg.press('12')
      await harness.pass(10)
      harness.leg.hangUp()
      await harness.pass(0)
      return harness
    })
    expect(outcome()).toEqual({ outcome: 'ended', digits: '12', endedBy: null, attempts: 1 })
    expect(leg.isCollecting).toBe(false)
    expect(record.endedBy).toBe('caller')
    await pass(0)
    expect(clock.pending).toBe(0)
  })

  it('stops at its signal and leaves the call up', async () => {
    const stop = new AbortController()
    const { pass, outcome, leg, call } = await gathering({ prompt: say('Hello'), signal: stop.signal })
    await pass(500)
    leg.press('1')
    await pass(100)
    stop.abort()
    await pass(0)
    expect(outcome()).toMatchObject({ outcome: 'stopped', digits: '1' })
    expect(call.isAnswered).toBe(true)
  })
})
