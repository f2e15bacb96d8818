import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { startFlow } from '../../test/support/flow-harness.ts'
import { dialling } from '../../test/support/talking.ts'
import { LimitError } from '../base/errors.ts'
import { tone } from './playable.ts'

describe('dialling one telephone', () => {
  it('passes its ringing on, answers the caller with it, joins the two, and says who hung up', async () => {
    const harness = await dialling('137')
    const callee = harness.reacher.leg('137')
    expect(callee.lines).toEqual(['start'])
    callee.peerProgresses(180)
    await harness.pass(3000)
    expect(harness.leg.lines).toEqual(['ring'])
    callee.peerAnswers()
    await harness.pass(0)
    expect(harness.leg.lines).toEqual(['ring', 'answer'])
    expect(harness.mixer.joined).toEqual(['leg_test+leg_137'])
    await harness.pass(12_000)
    callee.hangUp()
    await harness.pass(0)
    expect(harness.outcomes).toMatchObject([
      {
        outcome: 'completed',
        answeredBy: '137',
        endedBy: 'callee',
        talkSeconds: 12,
        sentence: 'The callee hung up after 12 s.',
        attempts: [{ destination: '137', label: '137', outcome: 'answered', seconds: 3 }],
      },
    ])
    expect(harness.record).toMatchObject({
      answeredBy: '137',
      endedBy: 'callee',
      sentence: 'The callee hung up after 12 s.',
      answeredAt: harness.record.startedAt + 3000,
    })
    expect(harness.records.legs.get(callee.id)).toMatchObject({
      role: 'callee',
      label: '137',
      dialled: '137',
      cause: 'normal',
      answeredAt: harness.record.startedAt + 3000,
      packetsReceived: 2,
    })
    expect(harness.clock.pending).toBe(0)
  })

  it('leaves nothing on the call, however often a program dials in it', async () => {
    const harness = await startFlow(
      async (call) => {
        for (let i = 0; i < 20; i++) await call.dial(['137', '138', '139'])
        await call.echo()
      },
      {
        before: ({ reacher }) => {
          const nobody = { kind: 'unreachable', cause: 'not-registered', sentence: 'There is nobody.' } as const
          for (const number of ['137', '138', '139']) reacher.set(number, nobody)
        },
      },
    )
    await harness.pass(1000)
    expect(harness.leg.lines).toContain('echo on')
    expect(getEventListeners(harness.call.gone, 'abort').length).toBeLessThan(5)
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.clock.pending).toBe(0)
  })

  it('gives the caller back to the flow when the callee has hung up', async () => {
    const harness = await startFlow(async (call) => {
      await call.dial('137')
      await call.say('How was it?')
      await call.hangUp()
    })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(1000)
    harness.reacher.leg('137').hangUp()
    await harness.pass(2000)
    expect(harness.leg.lines).toEqual([
      'answer',
      'play say:en:How was it?',
      'finished say:en:How was it?',
      'end normal',
    ])
    expect(harness.record.sentence).toBe('The program hung up after 2 s.')
  })

  it('hangs up the callee when the caller hangs up, and the record says so', async () => {
    const harness = await dialling('137')
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(20_000)
    harness.leg.hangUp()
    expect(harness.reacher.leg('137').lines.at(-1)).toBe('end normal')
    await harness.pass(0)
    expect(harness.outcomes).toMatchObject([{ outcome: 'completed', endedBy: 'caller', talkSeconds: 20 }])
    expect(harness.record.sentence).toBe('The caller hung up after 20 s while it was talking with 137.')
    expect(harness.clock.pending).toBe(0)
  })

  it('cancels the ringing when the caller gives up', async () => {
    const harness = await dialling('137')
    await harness.pass(4000)
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.reacher.leg('137').lines).toEqual(['start', 'end cancelled'])
    expect(harness.outcomes).toMatchObject([{ outcome: 'ended', attempts: [{ outcome: 'stopped', seconds: 4 }] }])
    expect(harness.record).toMatchObject({ cause: 'cancelled', endedBy: 'caller' })
    expect(harness.clock.pending).toBe(0)
  })

  it.each([
    [486, 'busy', '137 was busy.'],
    [600, 'busy', '137 was busy.'],
    [603, 'declined', '137 declined the call.'],
    [404, 'unreachable', '137 could not be reached (404, Unallocated number).'],
    [408, 'unreachable', '137 could not be reached (408, Recovery on timer expiry).'],
    [403, 'refused', 'The call to 137 was not allowed (403, Not allowed).'],
    [503, 'failed', 'The call to 137 failed (503, No circuit available).'],
  ])('a refusal with %i is %s', async (status, outcome, sentence) => {
    const harness = await dialling('137')
    harness.reacher.leg('137').peerRefuses(status)
    await harness.pass(0)
    expect(harness.outcomes).toMatchObject([{ outcome, sentence, peer: null, answeredBy: null }])
    expect(harness.record.sentence).toContain(sentence)
    expect(harness.clock.pending).toBe(0)
  })

  it('a telephone that rang and then gave 480 was not answered', async () => {
    const harness = await dialling('137')
    harness.reacher.leg('137').peerProgresses(180)
    harness.reacher.leg('137').peerRefuses(480)
    await harness.pass(0)
    expect(harness.outcomes).toMatchObject([{ outcome: 'no-answer' }])
  })

  it('gives up at the ring limit', async () => {
    const harness = await dialling('137', { seconds: 20 })
    await harness.pass(20_000)
    expect(harness.reacher.leg('137').lines).toEqual(['start', 'end no-answer'])
    expect(harness.outcomes).toMatchObject([{ outcome: 'no-answer', sentence: 'Nobody answered at 137 within 20 s.' }])
    expect(harness.record.sentence).toBe(
      'Nobody answered at 137 within 20 s. The program refused the call (480, Normal call clearing).',
    )
  })

  it.each([
    ['not-registered', 'not-registered'],
    ['do-not-disturb', 'do-not-disturb'],
    ['forbidden', 'refused'],
    ['limit-exceeded', 'refused'],
    ['number-unknown', 'unreachable'],
  ] as const)('a destination that cannot ring for %s is %s', async (cause, outcome) => {
    const harness = await dialling(
      '137',
      {},
      {
        before: ({ reacher }) => reacher.set('137', { kind: 'unreachable', cause, sentence: 'There is nobody.' }),
      },
    )
    expect(harness.outcomes).toMatchObject([{ outcome, sentence: 'There is nobody.' }])
  })

  it('a reacher that never comes back, or throws, fails the attempt', async () => {
    const hangs = await dialling(
      '137',
      {},
      { before: ({ reacher }) => reacher.set('137', () => new Promise(() => {})) },
    )
    await hangs.pass(5000)
    expect(hangs.outcomes).toMatchObject([
      { outcome: 'failed', sentence: 'Where 137 is to be reached could not be found out within 5 s.' },
    ])
    expect(hangs.clock.pending).toBe(0)
    const throws = await dialling(
      '137',
      {},
      {
        before: ({ reacher }) =>
          reacher.set('137', async () => {
            throw new Error('no database')
          }),
      },
    )
    expect(throws.outcomes).toMatchObject([{ outcome: 'failed', sentence: 'The call to 137 failed: no database' }])
  })

  it('a leg that cannot be made fails its attempt only; the other telephone rings', async () => {
    const harness = await dialling(
      '137',
      {},
      {
        before: ({ reacher }) => {
          const makeLeg = (): never => {
            throw new LimitError('media.no-ports', 'All ports are in use.')
          }
          reacher.set('137', { kind: 'reachable', devices: [{ label: 'broken', makeLeg }, reacher.device('sound')] })
        },
      },
    )
    harness.reacher.leg('sound').peerAnswers()
    await harness.pass(0)
    expect(harness.mixer.joined).toEqual(['leg_test+leg_sound'])
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.outcomes[0]?.attempts).toMatchObject([
      { label: 'broken', outcome: 'refused', sentence: 'The call to 137 failed: All ports are in use.' },
      { label: 'sound', outcome: 'answered' },
    ])
  })

  it('refuses what cannot be dialled, and a second conversation at the same time', async () => {
    const codes: unknown[] = []
    const harness = await startFlow(async (call) => {
      for (const to of ['', [], Array.from({ length: 21 }, () => '137'), 'x'.repeat(129)]) {
        await call.dial(to).catch((thrown: { code: string }) => codes.push(thrown.code))
      }
      await call.dial('137', { seconds: 0 }).catch((thrown: { code: string }) => codes.push(thrown.code))
      const first = call.dial('137')
      await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()))
      await first
    })
    expect(codes).toEqual(Array.from({ length: 5 }, () => 'action.dial-invalid'))
    harness.leg.hangUp()
    await harness.pass(0)
  })
})

describe('what the caller hears meanwhile', () => {
  it('is a ring-back tone where it is answered, to the end of the announcement', async () => {
    const harness = await dialling('137', { answerFirst: true, announce: tone('beep') })
    const callee = harness.reacher.leg('137')
    callee.peerProgresses(180)
    await harness.pass(1000)
    expect(harness.leg.lines).toEqual(['answer', 'play tone:ringback'])
    callee.peerAnswers()
    await harness.pass(100)
    expect(callee.lines.at(-1)).toBe('play tone:beep')
    expect(harness.mixer.joined).toEqual([])
    await harness.pass(100)
    expect(harness.leg.lines.at(-1)).toBe('stopped tone:ringback')
    expect(harness.mixer.joined).toEqual(['leg_test+leg_137'])
    harness.leg.hangUp()
    await harness.pass(0)
  })

  it('is what a single device lets hear before its answer, without the caller being answered', async () => {
    const harness = await dialling('137')
    harness.reacher.leg('137').peerProgresses(183, true)
    expect(harness.leg.lines).toEqual(['early media'])
    expect(harness.mixer.joined).toEqual(['leg_test+leg_137'])
    harness.reacher.leg('137').peerRefuses(486)
    await harness.pass(0)
    expect(harness.mixer.joined).toEqual([])
    expect(harness.leg.lines).toEqual(['early media', 'end normal 480'])
  })

  it('is a ring-back tone again while who was heard early is told something', async () => {
    const harness = await dialling('137', { announce: tone('beep') })
    harness.reacher.leg('137').peerProgresses(183, true)
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(100)
    expect(harness.mixer.joined).toEqual([])
    expect(harness.leg.lines).toEqual(['early media', 'play tone:ringback'])
    await harness.pass(100)
    expect(harness.mixer.joined).toEqual(['leg_test+leg_137'])
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.clock.pending).toBe(0)
  })

  it('is ringing where one of several has early media', async () => {
    const harness = await dialling(['137', '138'])
    harness.reacher.leg('137').peerProgresses(183, true)
    expect(harness.leg.lines).toEqual(['ring'])
    expect(harness.mixer.joined).toEqual([])
    harness.leg.hangUp()
    await harness.pass(0)
  })

  it('is music in early media where the flow says so', async () => {
    const harness = await dialling('137', { ringback: tone('music') })
    harness.reacher.leg('137').peerProgresses(180)
    await harness.pass(500)
    expect(harness.leg.lines).toEqual(['early media', 'play tone:music'])
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(0)
    expect(harness.leg.lines).toEqual(['early media', 'play tone:music', 'stopped tone:music', 'answer'])
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.clock.pending).toBe(0)
  })

  it('is nothing where the flow says so', async () => {
    const harness = await dialling('137', { ringback: 'none' })
    harness.reacher.leg('137').peerProgresses(180)
    expect(harness.leg.lines).toEqual([])
    harness.leg.hangUp()
    await harness.pass(0)
  })
})
