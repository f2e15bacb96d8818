import { describe, expect, it } from 'vitest'
import { startFlow } from '../../test/support/flow-harness.ts'
import { expectTidy, talking } from '../../test/support/talking.ts'

describe('a blind transfer by the callee', () => {
  it('rings the target on its behalf, joins it with the caller, and goes on without the program', async () => {
    const pair = await talking()
    const asked = pair.callee.peerAsksTransfer('sip:140@pbx.example')
    await pair.pass(0)
    expect(pair.mixer.bridges.at(-1)?.muted.size).toBe(2)
    expect(pair.leg.lines.at(-1)).toBe('play tone:music')
    expect(pair.reacher.requests.at(-1)).toMatchObject({ destination: '140', onBehalfOf: pair.callee })
    const target = pair.reacher.leg('140')
    target.peerProgresses(180)
    await pair.pass(2000)
    expect(pair.leg.lines.at(-1)).toBe('play tone:ringback')
    target.peerAnswers()
    await pair.pass(0)
    expect(asked.answers).toEqual(['accepted', 'progress 180', 'progress 200'])
    expect(pair.mixer.joined).toEqual(['leg_test+leg_140'])
    expect(pair.leg.lines.at(-1)).toBe('stopped tone:ringback')
    expect(pair.outcomes).toMatchObject([{ outcome: 'transferred' }])
    // A telephone that does not hang up by itself is helped.
    await pair.pass(5000)
    expect(pair.callee.lines.at(-1)).toBe('end transferred')
    await pair.pass(7000)
    target.hangUp()
    await pair.pass(0)
    expect(pair.record).toMatchObject({
      cause: 'normal',
      endedBy: 'callee',
      answeredBy: '140',
      transferredTo: '140',
      sentence: '137 transferred the call to 140. 140 hung up after 15 s.',
    })
    expectTidy(pair)
  })

  it('goes on when it hangs up right behind its 202', async () => {
    const pair = await talking()
    pair.callee.peerAsksTransfer('sip:140@pbx.example')
    pair.callee.hangUp()
    await pair.pass(1000)
    expect(pair.leg.state).toBe('answered')
    pair.reacher.leg('140').peerAnswers()
    await pair.pass(1000)
    expect(pair.mixer.joined).toEqual(['leg_test+leg_140'])
    pair.leg.hangUp()
    await pair.pass(0)
    expect(pair.record).toMatchObject({ transferredTo: '140', endedBy: 'caller' })
    expectTidy(pair)
  })

  it('to somebody who is busy comes back: both are joined again and the flow still waits', async () => {
    const pair = await talking()
    const asked = pair.callee.peerAsksTransfer('sip:140@pbx.example')
    await pair.pass(100)
    pair.reacher.leg('140').peerRefuses(486)
    await pair.pass(0)
    expect(asked.answers).toEqual(['accepted', 'progress 486'])
    expect(pair.mixer.joined).toEqual(['leg_test+leg_137'])
    expect(pair.mixer.bridges.at(-1)?.muted.size).toBe(0)
    expect(pair.outcomes).toEqual([])
    pair.callee.hangUp()
    await pair.pass(1000)
    expect(pair.outcomes).toMatchObject([{ outcome: 'completed', endedBy: 'callee' }])
    expect(pair.leg.lines).toContain('play say:en:Are you still there?')
    expect(pair.record.transferredTo).toBeNull()
    expectTidy(pair)
  })

  it('that fails when it has gone: the caller hears so and is hung up with a sentence', async () => {
    const pair = await talking()
    pair.callee.peerAsksTransfer('sip:140@pbx.example')
    pair.callee.hangUp()
    await pair.pass(100)
    pair.reacher.leg('140').peerRefuses(486)
    await pair.pass(0)
    expect(pair.leg.lines.at(-1)).toMatch(/^play say:en:The person you are calling/)
    await pair.pass(1000)
    expect(pair.leg.lines.at(-1)).toBe('end busy')
    expect(pair.record).toMatchObject({
      cause: 'busy',
      sentence: '137 transferred the call to 140 and hung up. 140 was busy.',
    })
    expectTidy(pair)
  })

  it('ends with the caller: the target is no longer rung, and the transferor is told and hung up', async () => {
    const pair = await talking()
    const asked = pair.callee.peerAsksTransfer('sip:140@pbx.example')
    await pair.pass(100)
    pair.leg.hangUp()
    await pair.pass(0)
    expect(pair.reacher.leg('140').lines.at(-1)).toBe('end cancelled')
    expect(asked.answers).toEqual(['accepted', 'progress 487'])
    expectTidy(pair)
  })

  it('is given up when the program parts the two; the caller stays with the program', async () => {
    const stop = new AbortController()
    const harness = await startFlow(async (call) => {
      await call.dial('137', { signal: stop.signal })
      await call.gather({ firstDigitTimeoutMs: 60_000 })
    })
    const callee = harness.reacher.leg('137')
    callee.peerAnswers()
    await harness.pass(0)
    const asked = callee.peerAsksTransfer('sip:140@pbx.example')
    await harness.pass(100)
    stop.abort()
    await harness.pass(100)
    expect(harness.reacher.leg('140').lines.at(-1)).toBe('end cancelled')
    expect(asked.answers.at(-1)).toBe('progress 487')
    expect(callee.lines.at(-1)).toBe('end normal')
    expect(harness.leg.state).toBe('answered')
    harness.leg.hangUp()
    await harness.pass(0)
    expectTidy(harness)
  })

  it('gives up on a target that nobody answers', async () => {
    const pair = await talking()
    const asked = pair.callee.peerAsksTransfer('sip:140@pbx.example')
    await pair.pass(30_000)
    expect(asked.answers).toEqual(['accepted', 'progress 480'])
    expect(pair.mixer.joined).toEqual(['leg_test+leg_137'])
    pair.leg.hangUp()
    await pair.pass(0)
    expectTidy(pair)
  })

  it('does not lengthen the conversation: its limit holds for the target, too', async () => {
    const harness = await startFlow((call) => call.dial('137', { limitSeconds: 60 }))
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(10_000)
    harness.reacher.leg('137').peerAsksTransfer('sip:140@pbx.example')
    await harness.pass(0)
    harness.reacher.leg('140').peerAnswers()
    await harness.pass(50_000)
    expect(harness.record.sentence).toBe('137 transferred the call to 140. Its time of 1 min 0 s was up.')
    expectTidy(harness)
  })

  it('passes a Replaces that is not ours on to the target', async () => {
    const pair = await talking()
    pair.callee.peerAsksTransfer('sip:140@pbx.example', { replaces: { leg: null, header: 'x@y;to-tag=a;from-tag=b' } })
    await pair.pass(0)
    expect(pair.reacher.requests.at(-1)).toMatchObject({ destination: '140', replaces: 'x@y;to-tag=a;from-tag=b' })
    pair.leg.hangUp()
    await pair.pass(0)
    expectTidy(pair)
  })
})

describe('a blind transfer by the caller', () => {
  it('leaves the callee with the target, though the caller hangs up at once', async () => {
    const pair = await talking()
    pair.leg.peerAsksTransfer('sip:140@pbx.example')
    pair.leg.hangUp()
    await pair.pass(100)
    expect(pair.callee.state).toBe('answered')
    expect(pair.outcomes).toMatchObject([{ outcome: 'transferred' }])
    pair.reacher.leg('140').peerAnswers()
    await pair.pass(4000)
    expect(pair.mixer.joined).toEqual(['leg_140+leg_137'])
    pair.callee.hangUp()
    await pair.pass(0)
    expect(pair.reacher.leg('140').lines.at(-1)).toBe('end normal')
    expect(pair.record.sentence).toBe('The caller transferred the call to 140. 137 hung up after 5.1 s.')
    expectTidy(pair)
  })

  it('that fails when the caller has gone ends the callee with a sentence', async () => {
    const pair = await talking()
    pair.leg.peerAsksTransfer('sip:140@pbx.example')
    pair.leg.hangUp()
    await pair.pass(100)
    pair.reacher.leg('140').peerRefuses(404)
    await pair.pass(1500)
    expect(pair.callee.lines.at(-1)).toMatch(/^end/)
    expect(pair.record.sentence).toBe(
      'The caller transferred the call to 140 and hung up. 140 could not be reached (404, Unallocated number).',
    )
    expectTidy(pair)
  })

  it('alone with a program puts the target in its place, and the program goes on with it', async () => {
    const heard: string[] = []
    const harness = await startFlow(async (call) => {
      await call.answer()
      heard.push((await call.gather({ firstDigitTimeoutMs: 60_000 })).outcome)
      heard.push((await call.gather({ prompt: 'welcome.wav', maxDigits: 1 })).digits)
      await call.hangUp()
    })
    harness.leg.peerAsksTransfer('sip:140@pbx.example')
    harness.leg.hangUp()
    await harness.pass(3000)
    expect(heard).toEqual(['stopped'])
    const target = harness.reacher.leg('140')
    target.peerAnswers()
    await harness.pass(100)
    expect(target.lines.at(-1)).toMatch(/^play file:/)
    target.press('7')
    await harness.pass(0)
    expect(heard).toEqual(['stopped', '7'])
    expect(target.lines.at(-1)).toBe('end normal')
    expectTidy(harness)
  })

  it('alone with a program, gone and failed, ends the call', async () => {
    const harness = await startFlow(async (call) => {
      await call.answer()
      for (;;) await call.gather({ firstDigitTimeoutMs: 60_000 })
    })
    harness.leg.peerAsksTransfer('sip:140@pbx.example')
    harness.leg.hangUp()
    await harness.pass(1000)
    harness.reacher.leg('140').peerRefuses(486)
    await harness.pass(0)
    expect(harness.record).toMatchObject({ endedBy: 'caller' })
    expectTidy(harness)
  })
})

describe('a transfer that cannot be', () => {
  it.each([
    ['to the transferor itself', 'sip:137@pbx.example', 'rejected 603'],
    ['to the one it talks with', 'sip:101@pbx.example', 'rejected 603'],
    ['without a user part', 'sip:pbx.example', 'rejected 404'],
  ])('%s is refused, and leaves a line in the journal', async (_what, target, answer) => {
    const pair = await talking()
    const asked = pair.callee.peerAsksTransfer(target, target === 'sip:pbx.example' ? { dialled: '' } : {})
    expect(asked.answers).toEqual([answer])
    expect(pair.reacher.legs).toHaveLength(1)
    expect(pair.mixer.joined).toEqual(['leg_test+leg_137'])
    pair.leg.hangUp()
    await pair.pass(0)
    expect(pair.records.journal.map(({ what }) => what)).toContain('transferRefused')
    expectTidy(pair)
  })

  it('come while one is going on is refused with 491', async () => {
    const pair = await talking()
    pair.callee.peerAsksTransfer('sip:140@pbx.example')
    expect(pair.leg.peerAsksTransfer('sip:141@pbx.example').answers).toEqual(['rejected 491'])
    expect(pair.callee.peerAsksTransfer('sip:141@pbx.example').answers).toEqual(['rejected 491'])
    pair.leg.hangUp()
    await pair.pass(0)
    expectTidy(pair)
  })

  it('come on a call that is over or not answered is refused', async () => {
    const harness = await startFlow(async (call) => {
      await call.dial('137')
    })
    expect(harness.leg.peerAsksTransfer('sip:140@pbx.example').answers).toEqual(['rejected 603'])
    harness.leg.hangUp()
    await harness.pass(0)
    expectTidy(harness)
  })
})
