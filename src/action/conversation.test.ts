import { describe, expect, it } from 'vitest'
import { startFlow } from '../../test/support/flow-harness.ts'
import { dialling } from '../../test/support/talking.ts'
import { tone } from './playable.ts'

describe('several telephones', () => {
  it('ring together; the first to answer wins, the others are told that it was taken elsewhere', async () => {
    const harness = await dialling('137', {}, { before: ({ reacher }) => reacher.set('137', 3) })
    const [one, two, three] = ['137-1', '137-2', '137-3'].map((label) => harness.reacher.leg(label))
    two?.peerAnswers()
    // A 2xx that crossed with our CANCEL changes nothing.
    one?.peerAnswers()
    await harness.pass(0)
    expect(one?.lines.at(-1)).toBe('end answered-elsewhere')
    expect(three?.lines).toEqual(['start', 'end answered-elsewhere'])
    expect(harness.mixer.joined).toEqual(['leg_test+leg_137-2'])
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.outcomes[0]?.attempts.map(({ outcome }) => outcome).sort()).toEqual([
      'answered',
      'answered-elsewhere',
      'answered-elsewhere',
    ])
    expect(harness.records.legs.get(three?.id as never)).toMatchObject({ cause: 'answered-elsewhere', label: '137-3' })
    expect(harness.clock.pending).toBe(0)
  })

  it('ring in turn where the flow says so, each for its time', async () => {
    const harness = await dialling(['137', '138', '139'], { mode: 'in-turn', seconds: 10 })
    expect(harness.reacher.legs).toHaveLength(1)
    await harness.pass(10_000)
    expect(harness.reacher.leg('137').lines).toEqual(['start', 'end no-answer'])
    harness.reacher.leg('138').peerRefuses(486)
    await harness.pass(0)
    harness.reacher.leg('139').peerAnswers()
    await harness.pass(0)
    expect(harness.mixer.joined).toEqual(['leg_test+leg_139'])
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.outcomes[0]?.attempts.map(({ outcome }) => outcome)).toEqual(['no-answer', 'busy', 'answered'])
  })

  it.each([
    [[486, 603, 404], 'busy'],
    [[603, 404, 503], 'declined'],
    [[404, 503], 'unreachable'],
    [[403, 503], 'refused'],
  ] as const)('that refuse with %j come to %s', async (statuses, outcome) => {
    const to = statuses.map((_, index) => `13${index}`)
    const harness = await dialling(to)
    for (const [index, status] of statuses.entries()) harness.reacher.leg(`13${index}`).peerRefuses(status)
    await harness.pass(0)
    expect(harness.outcomes).toMatchObject([{ outcome }])
  })

  it('none of which answers are all named', async () => {
    const harness = await dialling(['137', '+6591234567'], { seconds: 20 })
    await harness.pass(20_000)
    expect(harness.outcomes[0]?.sentence).toBe('Nobody answered at 137 and +6591234567 within 20 s.')
  })

  it('one of which is still being looked for do not wait for it', async () => {
    const harness = await dialling(
      ['137', '138'],
      {},
      {
        before: ({ reacher }) => reacher.set('138', () => new Promise(() => {})),
      },
    )
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(0)
    expect(harness.mixer.joined).toEqual(['leg_test+leg_137'])
    harness.leg.hangUp()
    await harness.pass(6000)
    expect(harness.clock.pending).toBe(0)
  })
})

describe('very many telephones', () => {
  it('are not all rung, and the journal says so', async () => {
    const harness = await dialling('all', {}, { before: ({ reacher }) => reacher.set('all', 60) })
    expect(harness.reacher.legs).toHaveLength(40)
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.records.journal.filter(({ what }) => what === 'deviceLeftOut')).toHaveLength(20)
    expect(harness.clock.pending).toBe(0)
  })
})

describe('who answered', () => {
  it('must press the key where the flow says so; voicemail does not, and the others ring on meanwhile', async () => {
    const confirm = { prompt: tone('beep'), seconds: 5 } as const
    const harness = await dialling(['+65', '137'], { confirm, seconds: 60 })
    const [mobile, desk] = [harness.reacher.leg('+65'), harness.reacher.leg('137')]
    mobile.peerAnswers()
    await harness.pass(5200)
    expect(mobile.lines.at(-1)).toBe('end normal')
    expect(desk.lines).toEqual(['start'])
    desk.peerAnswers()
    await harness.pass(100)
    desk.press('1')
    await harness.pass(0)
    expect(harness.mixer.joined).toEqual(['leg_test+leg_137'])
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.outcomes[0]?.attempts).toMatchObject([
      { destination: '+65', outcome: 'no-answer', sentence: '+65 answered, but did not take the call.' },
      { destination: '137', outcome: 'answered' },
    ])
    expect(harness.clock.pending).toBe(0)
  })

  it('is sent the digits of the extension behind it', async () => {
    const harness = await dialling('+65', { digits: '22#' })
    harness.reacher.leg('+65').peerAnswers()
    await harness.pass(1000)
    expect(harness.reacher.leg('+65').lines).toEqual(['start', 'peer answered', 'send 22#'])
    expect(harness.mixer.joined).toEqual(['leg_test+leg_+65'])
    harness.leg.hangUp()
    await harness.pass(0)
  })

  it('is hung up when the flow gives up during the announcement, and the caller stays', async () => {
    const stop = new AbortController()
    const harness = await startFlow(async (call) => {
      const { outcome } = await call.dial('137', { announce: tone('beep'), signal: stop.signal })
      await call.answer()
      await call.say(outcome)
    })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(100)
    stop.abort()
    await harness.pass(0)
    expect(harness.reacher.leg('137').lines.at(-1)).toBe('end normal')
    expect(harness.leg.lines.at(-1)).toBe('play say:en:stopped')
    await harness.pass(1000)
    expect(harness.clock.pending).toBe(0)
  })

  it('and hangs up during the announcement leaves the caller ringing no more, with a sentence', async () => {
    const harness = await dialling('137', { announce: tone('beep') })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(100)
    harness.reacher.leg('137').hangUp()
    await harness.pass(0)
    expect(harness.outcomes).toMatchObject([
      { outcome: 'no-answer', sentence: '137 answered, and hung up before the two were joined.' },
    ])
    expect(harness.leg.lines).toEqual(['end normal 480'])
  })
})

describe('a conversation', () => {
  it('ends at its limit, with a beep for both before', async () => {
    const harness = await dialling('137', { limitSeconds: 60, limitWarningSeconds: 10 })
    const callee = harness.reacher.leg('137')
    callee.peerAnswers()
    await harness.pass(50_000)
    expect(callee.lines.at(-1)).toBe('play tone:beep')
    expect(harness.leg.lines.at(-1)).toBe('play tone:beep')
    await harness.pass(10_000)
    expect(callee.lines.at(-1)).toBe('end normal')
    expect(harness.outcomes).toMatchObject([{ outcome: 'completed', endedBy: 'limit', talkSeconds: 60 }])
    expect(harness.clock.pending).toBe(0)
  })

  it('is recorded on two channels where the flow says so, and the row is closed with it', async () => {
    const harness = await dialling('137', { record: 'both' })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(3000)
    harness.reacher.leg('137').hangUp()
    await harness.pass(0)
    const [row] = [...harness.records.recordings.values()]
    expect(row).toMatchObject({ channels: 2, state: 'saved', durationMs: 3000 })
    expect(harness.outcomes[0]?.recordingId).toBe(row?.id)
  })

  it('whose flow throws is over for the callee before the caller hears the apology', async () => {
    const harness = await startFlow(async (call) => {
      const talk = call.dial('137')
      await call.gather({ firstDigitTimeoutMs: 1000 })
      if (harness.call.bridge) throw new Error('out of ideas')
      await talk
    })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(1500)
    expect(harness.leg.lines.at(-1)).toMatch(/^play say:en:We are sorry/)
    expect(harness.reacher.leg('137').lines.at(-1)).toBe('end normal')
    await harness.pass(1000)
    expect(harness.record.cause).toBe('flow-failed')
    expect(harness.clock.pending).toBe(0)
  })

  it('stops by the signal; the callee is hung up and the caller stays', async () => {
    const stop = new AbortController()
    const harness = await startFlow(async (call) => {
      const { outcome, sentence } = await call.dial('137', { signal: stop.signal })
      call.note('came back', { outcome, sentence })
      await call.say('Bye')
    })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(3000)
    stop.abort()
    await harness.pass(0)
    expect(harness.reacher.leg('137').lines.at(-1)).toBe('end normal')
    expect(harness.leg.lines.at(-1)).toBe('play say:en:Bye')
    await harness.pass(1000)
    expect(harness.clock.pending).toBe(0)
  })

  it('leaves no keys behind for the next question', async () => {
    const digits: string[] = []
    const harness = await startFlow(async (call) => {
      await call.dial('137')
      digits.push((await call.gather({ firstDigitTimeoutMs: 100 })).digits)
    })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(0)
    harness.leg.press('42')
    harness.reacher.leg('137').hangUp()
    await harness.pass(200)
    expect(digits).toEqual([''])
  })

  it('lets the other hear music while a telephone holds', async () => {
    const harness = await dialling('137')
    const callee = harness.reacher.leg('137')
    callee.peerAnswers()
    await harness.pass(0)
    callee.peerHolds(true)
    await harness.pass(0)
    expect(harness.leg.lines.at(-1)).toBe('play tone:music')
    callee.peerHolds(false)
    await harness.pass(0)
    expect(harness.leg.lines.at(-1)).toBe('stopped tone:music')
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.clock.pending).toBe(0)
  })
})
