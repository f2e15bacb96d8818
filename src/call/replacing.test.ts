import { describe, expect, it } from 'vitest'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { type FlowHarness, startFlow } from '../../test/support/flow-harness.ts'
import { expectTidy, type Talk, talking } from '../../test/support/talking.ts'

describe('an attended transfer', () => {
  /** 137 talks with the caller 101; from a second leg it has called 140 and talks with that, too. */
  async function consulting(): Promise<Talk & { readonly second: FakeLeg; readonly target: FakeLeg }> {
    const pair = await talking()
    const { leg: second } = await pair.begin('137b', (call) => call.dial('140'), { to: '140' })
    const target = pair.reacher.leg('140')
    target.peerAnswers()
    await pair.pass(3000)
    expect(pair.mixer.joined).toEqual(['leg_test+leg_137', 'leg_137b+leg_140'])
    return Object.assign(pair, { second, target })
  }

  it('joins the other two, ends both legs of the transferor, and leaves two true records', async () => {
    const all = await consulting()
    const consultation = [...all.records.calls.values()][1]
    const asked = all.callee.peerAsksTransfer('sip:140@pbx.example', { replaces: { leg: all.second, header: 'x' } })
    await all.pass(0)
    expect(asked.answers).toEqual(['accepted', 'progress 200'])
    expect(all.mixer.joined).toEqual(['leg_test+leg_140'])
    expect(all.second.lines.at(-1)).toBe('end transferred')
    all.callee.hangUp()
    await all.pass(6000)
    const { id } = all.call
    expect(all.records.calls.get(consultation?.id as never)).toMatchObject({
      cause: 'transferred',
      sentence: `Joined into call ${id} when 137 transferred it.`,
    })
    // The leg to 140 is now one of the first call's.
    expect(all.records.legs.get(all.target.id)).toMatchObject({ callId: id })
    all.target.hangUp()
    await all.pass(0)
    expect(all.record).toMatchObject({
      transferredTo: '140',
      answeredBy: '140',
      sentence: '137 transferred the call to 140. 140 hung up after 10 s.',
    })
    expect(all.records.legs.get(all.target.id)).toMatchObject({ callId: id, cause: 'normal' })
    expectTidy(all, all.second)
  })

  it('by the caller of the first call leaves its callee with the target', async () => {
    const pair = await talking()
    const { leg: second } = await pair.begin('101b', (call) => call.dial('140'))
    const target = pair.reacher.leg('140')
    target.peerAnswers()
    await pair.pass(0)
    pair.leg.peerAsksTransfer('sip:140@pbx.example', { replaces: { leg: second, header: 'x' } })
    pair.leg.hangUp()
    await pair.pass(0)
    expect(pair.mixer.joined).toEqual(['leg_140+leg_137'])
    pair.callee.hangUp()
    await pair.pass(0)
    expect(target.state).toBe('ended')
    expectTidy(pair)
  })

  it('into a program brings the caller there', async () => {
    const pair = await talking()
    const { leg: second, call } = await pair.begin('137b', async (menu) => {
      await menu.answer()
      await menu.gather({ maxDigits: 1, firstDigitTimeoutMs: 60_000 })
      await menu.say('Thank you')
    })
    pair.callee.peerAsksTransfer('sip:1001@pbx.example', { replaces: { leg: second, header: 'x' } })
    await pair.pass(0)
    expect(second.state).toBe('ended')
    expect(pair.record).toMatchObject({
      cause: 'transferred',
      sentence: `Joined into call ${call.id} when 137 transferred it.`,
    })
    pair.leg.press('1')
    await pair.pass(100)
    expect(pair.leg.lines.at(-1)).toBe('play say:en:Thank you')
    await pair.pass(6000)
    expect(pair.records.calls.get(call.id)?.endedAt).not.toBeNull()
    expectTidy(pair)
  })

  it('while the target still rings leaves the caller ringing it', async () => {
    const talk = await talking()
    const { leg: second, call } = await talk.begin('137b', (consultation) => consultation.dial('140'))
    const target = talk.reacher.leg('140')
    target.peerProgresses(180)
    expect(second.lines).toEqual(['ring'])
    talk.callee.peerAsksTransfer('sip:140@pbx.example', { replaces: { leg: second, header: 'x' } })
    await talk.pass(100)
    expect(second.state).toBe('ended')
    expect(talk.leg.lines.at(-1)).toBe('play tone:ringback')
    target.peerAnswers()
    await talk.pass(3000)
    expect(talk.mixer.joined).toEqual(['leg_test+leg_140'])
    target.hangUp()
    await talk.pass(6000)
    expect(talk.records.calls.get(call.id)).toMatchObject({ answeredBy: '140', endedBy: 'callee' })
    expectTidy(talk, second)
  })

  it('is refused across tenants, with itself, and where nobody is at either end', async () => {
    const pair = await talking()
    const other = await pair.begin('999', (call) => call.dial('998'), { target: { tenant: 'other' } })
    pair.reacher.leg('998').peerAnswers()
    const menu = await pair.begin('102', async (call) => {
      await call.answer()
      await call.gather({ firstDigitTimeoutMs: 60_000 })
    })
    const ivr = await pair.begin('102b', async (call) => {
      await call.answer()
      await call.gather({ firstDigitTimeoutMs: 60_000 })
    })
    await pair.pass(0)
    const ask = (from: FakeLeg, leg: FakeLeg): readonly string[] =>
      from.peerAsksTransfer('sip:1@x', { replaces: { leg, header: 'x' } }).answers
    expect(ask(pair.callee, other.leg)).toEqual(['rejected 603'])
    expect(ask(pair.callee, pair.callee)).toEqual(['rejected 603'])
    expect(ask(pair.callee, pair.leg)).toEqual(['rejected 603'])
    expect(ask(menu.leg, ivr.leg)).toEqual(['rejected 603'])
    for (const leg of [pair.leg, other.leg, menu.leg, ivr.leg]) leg.hangUp()
    expect(ask(pair.callee, other.leg)).toEqual([])
    await pair.pass(0)
    expectTidy(pair)
  })
})

describe('a telephone that takes over', () => {
  it('a talk takes the place of the old leg, which is ended', async () => {
    const pair = await talking()
    const { leg: mobile } = ringing(pair, '137m')
    expect(pair.call.replaceLeg(pair.callee, mobile)).toBe(true)
    expect(mobile.lines).toEqual(['answer'])
    expect(pair.callee.lines.at(-1)).toBe('end transferred')
    expect(pair.mixer.joined).toEqual(['leg_test+leg_137m'])
    mobile.hangUp()
    await pair.pass(1000)
    expect(pair.outcomes).toMatchObject([{ outcome: 'completed', endedBy: 'callee' }])
    expectTidy(pair)
  })

  it("the caller's place goes on with the flow, its digits too", async () => {
    const digits: string[] = []
    const harness = await startFlow(async (call) => {
      await call.answer()
      digits.push((await call.gather({ maxDigits: 2 })).digits)
    })
    harness.leg.press('1')
    const { leg: mobile } = ringing(harness, '101m')
    expect(harness.call.replaceLeg(harness.leg, mobile)).toBe(true)
    expect(harness.leg.lines.at(-1)).toBe('end transferred')
    mobile.press('2')
    await harness.pass(0)
    expect(digits).toEqual(['12'])
    expect(mobile.lines.at(-1)).toBe('end normal')
    expectTidy(harness)
  })

  it('a ringing telephone picks the call up', async () => {
    const harness = await startFlow((call) => call.dial('137'))
    const { leg: desk } = ringing(harness, '102')
    expect(harness.call.replaceLeg(harness.reacher.leg('137'), desk)).toBe(true)
    await harness.pass(0)
    expect(harness.reacher.leg('137').lines.at(-1)).toBe('end answered-elsewhere')
    expect(harness.mixer.joined).toEqual(['leg_test+leg_102'])
    harness.leg.hangUp()
    await harness.pass(0)
    expectTidy(harness)
  })

  it('one that has gone is refused', async () => {
    const pair = await talking()
    pair.callee.hangUp()
    const { leg: mobile } = ringing(pair, '137m')
    expect(pair.call.replaceLeg(pair.callee, mobile)).toBe(false)
    expect(mobile.lines).toEqual([])
    await pair.pass(1000)
    expectTidy(pair)
  })

  function ringing(harness: FlowHarness, user: string): { readonly leg: FakeLeg } {
    return { leg: new FakeLeg(harness.clock, { id: `leg_${user}`, user }) }
  }
})
