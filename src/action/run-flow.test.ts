import { describe, expect, it } from 'vitest'
import { fakeSpeech } from '../../test/support/fake-sounds.ts'
import { startFlow } from '../../test/support/flow-harness.ts'
import { LimitError } from '../base/errors.ts'

describe('a flow that goes wrong', () => {
  it('that throws apologises, hangs up, and leaves its error in the record', async () => {
    const harness = await startFlow(async (call) => {
      await call.answer()
      throw new TypeError('order is undefined.')
    })
    await harness.pass(2000)
    expect(harness.leg.lines).toEqual([
      'answer',
      expect.stringMatching(/^play say:en:/),
      expect.stringMatching(/^finished say:en:/),
      'end flow-failed',
    ])
    expect(harness.record).toMatchObject({ cause: 'flow-failed', endedBy: 'server' })
    expect(harness.record.sentence).toBe(
      'The flow failed: order is undefined; the caller heard an apology and was hung up.',
    )
    expect(harness.clock.pending).toBe(0)
  })

  it('that throws before answering refuses the call with 500', async () => {
    const harness = await startFlow(() => {
      throw new Error('no database')
    })
    await harness.pass(0)
    expect(harness.leg.lines).toEqual(['end flow-failed 500'])
    expect(harness.record.sentence).toBe('The flow failed: no database.')
  })

  it('that has no voice for the apology gives the congestion tone', async () => {
    const speak = async (): Promise<never> => {
      throw new LimitError('speech.unavailable', 'There is no voice.')
    }
    const harness = await startFlow(
      async (call) => {
        await call.answer()
        await call.say('Hello')
      },
      { speech: { ...fakeSpeech, speak } },
    )
    await harness.pass(2000)
    expect(harness.leg.lines).toContain('finished tone:congestion')
    expect(harness.record.sentence).toContain('There is no voice')
  })

  it('that hangs is given up after the idle limit, and not while a verb runs', async () => {
    const harness = await startFlow(
      async (call) => {
        await call.answer()
        await call.gather({ firstDigitTimeoutMs: 90_000 })
        await new Promise(() => {})
      },
      { idleLimitMs: 10_000 },
    )
    await harness.pass(90_000)
    expect(harness.call.isEnded).toBe(false)
    await harness.pass(12_000)
    expect(harness.record.sentence).toBe('The flow did nothing for 10 s; the caller heard an apology and was hung up.')
    expect(harness.clock.pending).toBe(0)
  })

  it('that forgets to hang up is hung up for, and that forgets to answer is refused for', async () => {
    const answered = await startFlow(async (call) => {
      await call.answer()
    })
    expect(answered.record.sentence).toBe('The flow was done without hanging up, so Switchhook did.')
    const unanswered = await startFlow(() => {})
    expect(unanswered.leg.lines).toEqual(['end normal 480'])
  })

  it('that goes on with its verbs after the end of its call is stopped, and lets go of the thread', async () => {
    let verbs = 0
    const harness = await startFlow(async (call) => {
      await call.answer()
      for (;;) {
        await call.gather({ firstDigitTimeoutMs: 100 })
        verbs++
      }
    })
    harness.leg.hangUp()
    await harness.pass(1000)
    const before = verbs
    await harness.pass(1000)
    expect(verbs).toBe(before)
    expect(harness.record).toMatchObject({ cause: 'normal', endedBy: 'caller' })
    expect(harness.clock.pending).toBe(0)
  })

  it('whose record cannot be opened never runs', async () => {
    let hasRun = false
    const harness = await startFlow(
      () => {
        hasRun = true
      },
      { before: ({ records }) => Object.assign(records, { failOpening: new Error('disk full') }) },
    )
    await harness.pass(0)
    expect(hasRun).toBe(false)
    expect(harness.leg.lines).toEqual(['end server-error 503'])
  })
})

describe('a flow whose caller goes away', () => {
  it('has each verb end at once and keeps the sentence of what was going on', async () => {
    const outcomes: unknown[] = []
    const harness = await startFlow(async (call) => {
      await call.answer()
      outcomes.push(await call.say('A very long story'))
      outcomes.push(await call.gather({ maxDigits: 1 }))
      outcomes.push(await call.record())
      outcomes.push(await call.sendDigits('12'))
    })
    await harness.pass(400)
    harness.leg.hangUp()
    await harness.pass(0)
    expect(outcomes).toMatchObject([
      { outcome: 'ended', playedMs: 400 },
      { outcome: 'ended' },
      { outcome: 'ended' },
      { outcome: 'ended' },
    ])
    expect(harness.record.sentence).toBe(
      'The caller hung up after 0.4 s while the prompt “say:en:A very long story” was playing.',
    )
    expect(harness.clock.pending).toBe(0)
    expect(harness.calls.count).toBe(0)
  })

  it('keeps the recording made so far, and closes the call only behind it', async () => {
    const harness = await startFlow(async (call) => {
      await call.answer()
      await call.record({ beep: false })
    })
    await harness.pass(1500)
    harness.leg.hangUp()
    await harness.pass(0)
    expect([...harness.records.recordings.values()]).toMatchObject([
      { state: 'saved', durationMs: 1500, callId: harness.call.id },
    ])
    expect(harness.record.endedAt).not.toBeNull()
  })

  it('before the answer is recorded as given up', async () => {
    const harness = await startFlow((call) => {
      call.ring()
      return new Promise(() => {})
    })
    await harness.pass(3000)
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.record).toMatchObject({ cause: 'cancelled', endedBy: 'caller', answeredAt: null })
    expect(harness.record.sentence).toBe('The caller gave up after 3 s, before it was answered.')
  })
})

describe('record', () => {
  it('ends at its end key, which is not left behind for the next question', async () => {
    const outcomes: unknown[] = []
    const harness = await startFlow(async (call) => {
      await call.answer()
      outcomes.push(await call.record({ maxDurationMs: 60_000 }))
      outcomes.push(await call.gather({ firstDigitTimeoutMs: 100 }))
    })
    harness.leg.press('#')
    await harness.pass(1200)
    harness.leg.press('1')
    await harness.pass(500)
    harness.leg.press('#')
    await harness.pass(200)
    expect(outcomes).toMatchObject([
      { outcome: 'recorded', endedBy: 'end-key', durationMs: 1500 },
      { outcome: 'no-input' },
    ])
  })
})
