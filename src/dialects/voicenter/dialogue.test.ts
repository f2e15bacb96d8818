import { describe, expect, it } from 'vitest'
import { fakeSpeech } from '../../../test/support/fake-sounds.ts'
import {
  answer,
  hangUp,
  httpAnswer,
  httpFailure,
  menuOf,
  startVoicenter,
} from '../../../test/support/voicenter-harness.ts'
import { LimitError } from '../../base/errors.ts'

describe('a call of a Voicenter handler', () => {
  it('rings, asks first, and tells the caller, the number and the id in all seven fields', async () => {
    const { leg, questions, announced, call } = await startVoicenter(['silence'])
    expect(leg.lines).toEqual(['ring'])
    expect(questions).toEqual([
      {
        CALLER_ID: '0541234567',
        CALLER_NAME: '0541234567',
        DID: '0721234567',
        MENU: '-1',
        PREVIOUS_MENU: '-1',
        DTMF: '',
        IVR_UNIQUE_ID: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    ])
    expect(announced).toMatchObject([{ kind: 'voicenter.hangup', subject: call.id }])
    leg.hangUp()
  })

  it('keeps MENU and PREVIOUS_MENU: A, A, B and hang-up, then one HANGUP_CALL', async () => {
    const { leg, questions, pass, events, clock } = await startVoicenter([
      menuOf('A'),
      menuOf('A'),
      menuOf('B'),
      hangUp(),
    ])
    for (const key of '123') {
      leg.press(key)
      await pass(0)
    }
    expect(questions.map(({ MENU, PREVIOUS_MENU, DTMF }) => [MENU, PREVIOUS_MENU, DTMF])).toEqual([
      ['-1', '-1', ''],
      ['A', '-1', '1'],
      ['A', 'A', '2'],
      ['B', 'A', '3'],
    ])
    expect(leg.lines.at(-1)).toBe('end normal Q.850 16')
    await pass(0)
    expect(events).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  it('says SAYDIGITS kindly read: the digits alone, and menu 7 is "7"', async () => {
    const data = {
      REC: 'blank',
      LOOP: '1',
      DELAY: 0,
      SIZE: 1,
      MENU: 7,
      VALIDATION: '0',
      SAYDIGITSRECORD: '',
      DIGITS: '05-47',
    }
    const harness = await startVoicenter([answer(' saydigits ', data, { STATUS: '0', LANGUAGE: 'HE' }), hangUp()])
    expect(harness.heard).toEqual(['he/digits/0+he/digits/5+he/digits/4+he/digits/7'])
    await harness.pass(4000 + 3000)
    expect(harness.questions[1]).toMatchObject({ MENU: '7', PREVIOUS_MENU: '-1', DTMF: '' })
  })

  it('a key during the digits of SAYDIGITS stops them and is the first of the input', async () => {
    const data = {
      REC: 'question',
      LOOP: 2,
      DELAY: 1,
      SIZE: 2,
      MENU: 'A',
      VALIDATION: 0,
      SAYDIGITSRECORD: 'intro',
      DIGITS: '12',
    }
    const { leg, questions, pass, heard } = await startVoicenter([answer('SAYDIGITS', data), hangUp()])
    leg.press('4')
    await pass(100)
    leg.press('2')
    await pass(0)
    expect(heard).toEqual(['intro+digits/1+digits/2'])
    expect(questions[1]?.DTMF).toBe('42')
  })

  it('HANGUP before the answer refuses with the mapped status and Reason, after it says so in BYE', async () => {
    const before = await startVoicenter([hangUp({ HANGUP_CAUSE: 17 })])
    expect(before.leg.lines).toEqual(['ring', 'end busy 486 Q.850 17'])
    await before.pass(0)
    expect(before.hangup).toMatchObject({ CALL_STATUS: 'CONGESTION', CALL_DAILTIME: 0, TARGET: '' })
    const after = await startVoicenter([hangUp({ HANGUP_CAUSE: '21', HANGUP_REC: 'sorry' })])
    await after.pass(1000)
    expect(after.heard).toEqual(['sorry'])
    expect(after.leg.lines.at(-1)).toBe('end rejected Q.850 21')
  })

  it('answerFirst answers before asking', async () => {
    const { leg } = await startVoicenter(['silence'], { app: 'answerFirst: true' })
    expect(leg.lines).toEqual(['answer'])
    leg.hangUp()
  })

  it('SILENTRECORD plays, records without a beep until MAXDURATION, and hangs up without asking again', async () => {
    const harness = await startVoicenter([answer('SILENTRECORD', { REC: 'intro', MAXDURATION: 5 })])
    await harness.pass(1000)
    harness.leg.press('#')
    await harness.pass(5000)
    expect(harness.heard).toEqual(['intro'])
    expect(harness.leg.lines.slice(-3)).toEqual(['record', 'recorded max-duration', 'end normal'])
    expect(harness.questions).toHaveLength(1)
    const [recording] = [...harness.records.recordings.values()]
    expect(recording?.file).toContain(`/${harness.questions[0]?.IVR_UNIQUE_ID}-rec_`)
    expect(harness.hangup).toMatchObject({ CALL_STATUS: 'ANSWER', CALL_DURATION: 6 })
  })

  it('the caller who hangs up while the handler thinks is told in HANGUP_CALL, and nothing is asked again', async () => {
    const harness = await startVoicenter(['silence'])
    await harness.pass(2500)
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.requests).toHaveLength(1)
    expect(harness.requests[0]?.signal?.aborted).toBe(true)
    expect(harness.hangup).toMatchObject({ CALL_STATUS: 'CANCEL', CALL_DURATION: 2 })
    expect(harness.leg.lines).toEqual(['ring', 'cancelled'])
  })

  it('a circle of answers with nothing to be heard and no key ends with the eleventh', async () => {
    const empty = menuOf('A', { REC: 'blank', SIZE: 0 })
    const harness = await startVoicenter(Array.from({ length: 12 }, () => empty))
    await harness.pass(60_000)
    expect(harness.questions).toHaveLength(11)
    expect(harness.record.sentence).toMatch(/goes round in a circle/)
  })

  it('agents who are rung one after the other are no circle, as long as the caller hears it ring', async () => {
    const call = (next: string) =>
      answer('CALL', {
        TARGET: '0501111111',
        CALLERID: '',
        CALLERNAME: '',
        MOH_CLASS: 'jazz',
        CALL_MAX_DIAL: 15,
        CALL_MAX: 60,
        REC_STATUS: 0,
        NEXT_MENU: next,
      })
    const harness = await startVoicenter([...Array.from({ length: 30 }, (_, i) => call(`agent${i}`)), hangUp()])
    await harness.pass(30 * 15_000)
    expect(harness.questions).toHaveLength(31)
    expect(harness.record).toMatchObject({ cause: 'normal' })
  })

  it('calls that fail at once and go on to the next menu unheard are a circle', async () => {
    const call = answer('CALL', {
      TARGET: 'x'.repeat(500),
      CALLERID: '',
      CALLERNAME: '',
      CALL_MAX_DIAL: 15,
      CALL_MAX: 60,
      REC_STATUS: 0,
      NEXT_MENU: 'again',
    })
    const harness = await startVoicenter(Array.from({ length: 30 }, () => call))
    await harness.pass(60_000)
    expect(harness.questions).toHaveLength(11)
    expect(harness.record.sentence).toMatch(/goes round in a circle/)
  })

  it('more than a hundred answers are a circle, too', async () => {
    const harness = await startVoicenter(Array.from({ length: 102 }, () => menuOf('A', { SIZE: 0 })))
    await harness.pass(200_000)
    expect(harness.questions).toHaveLength(101)
    expect(harness.record.sentence).toMatch(/more than 100 answers/)
  })
})

describe('a Voicenter handler in trouble', () => {
  const troubles = [
    [
      'is down',
      httpFailure({ code: 'outgoing.connection-lost', sentence: 'http://handler/ivr hung up.' }),
      /hung up/,
      1,
    ],
    ['is slow', httpFailure(), /did not answer within 5 s/, 1],
    ['answers 500', httpAnswer('oops', { status: 500 }), /answered 500/, 1],
    ['redirects', httpAnswer('', { status: 302 }), /answered 302; redirects are not followed/, 1],
    ['answers nothing', httpAnswer(''), /It is empty/, 1],
    ['answers 10 MB', httpAnswer('x', { isTruncated: true }), /more than 64 KiB/, 1],
    ['answers HTML', httpAnswer('<html></html>'), /It is no JSON/, 1],
    ['answers an unknown action', answer('TRANSFER'), /Its ACTION is "TRANSFER", which is none of MENU/, 1],
    ['answers without its menu', answer('MENU', {}), /Its MENU is missing/, 1],
    ['answers STATUS 1', answer('MENU', {}, { STATUS: 1 }), /Its STATUS is 1/, 1],
    [
      'cannot be reached',
      httpFailure({ code: 'outgoing.connect-failed', reached: 'nothing', sentence: 'Nobody listens.' }),
      /Nobody listens/,
      2,
    ],
  ] as const

  it.each(troubles)(
    'that %s: the caller is refused with 503 and cause 41, and HANGUP_CALL is sent',
    async (_what, trouble, sentence, asked) => {
      const harness = await startVoicenter([trouble, trouble])
      await harness.pass(0)
      expect(harness.leg.lines).toEqual(['ring', 'end flow-failed 503 Q.850 41'])
      expect(harness.record.sentence).toMatch(sentence)
      expect(harness.record).toMatchObject({ q850: 41, sipStatus: 503 })
      expect(harness.requests).toHaveLength(asked)
      expect(harness.hangup).toMatchObject({ CALL_STATUS: 'CONGESTION' })
      expect(harness.clock.pending).toBe(0)
    },
  )

  it('on an answered call an apology is heard; the journal has the first 2 KiB of the answer', async () => {
    const harness = await startVoicenter([menuOf('A'), httpAnswer('z'.repeat(5000))])
    harness.leg.press('1')
    await harness.pass(0)
    expect(harness.heard.at(-1)).toMatch(/^say:en:We are sorry/)
    await harness.pass(2000)
    expect(harness.leg.lines.at(-1)).toBe('end flow-failed Q.850 41')
    expect(harness.record.sentence).toMatch(/It is no JSON.* The caller heard an apology/)
    expect(harness.noted('handlerFailed')).toEqual([
      { why: expect.stringMatching(/cannot be used/), answer: 'z'.repeat(2048) },
    ])
  })

  it('has the time for its connection and for its answer that the app gives it', async () => {
    const usual = await startVoicenter([hangUp()])
    expect(usual.requests[0]).toMatchObject({ connectTimeoutMs: 2000, timeoutMs: 5000 })
    const patient = await startVoicenter([hangUp()], { app: 'connectTimeoutMs: 9000, timeoutMs: 20000' })
    expect(patient.requests[0]).toMatchObject({ connectTimeoutMs: 9000, timeoutMs: 20_000 })
    const hasty = await startVoicenter([hangUp()], { app: 'timeoutMs: 500' })
    expect(hasty.requests[0]).toMatchObject({ connectTimeoutMs: 500 })
  })

  it('is told of the end also where the database would not take that at first', async () => {
    const harness = await startVoicenter([hangUp()], { outboxRefusals: 3 })
    await harness.pass(20_999)
    expect(harness.events).toEqual([])
    await harness.pass(1)
    expect(harness.hangup).toMatchObject({ CALL_STATUS: 'CONGESTION' })
    expect(harness.clock.pending).toBe(0)
  })

  it('is asked when it stands in the database that it is owed HANGUP_CALL, or that has taken a second', async () => {
    let write = (): void => {}
    const written = new Promise<void>((resolve) => (write = resolve))
    const slow = await startVoicenter([menuOf('A')], { announcing: written })
    await slow.pass(500)
    expect(slow.questions).toEqual([])
    write()
    await slow.pass(0)
    expect(slow.questions).toHaveLength(1)
    const never = await startVoicenter([menuOf('A')], { announcing: new Promise(() => {}) })
    await never.pass(999)
    expect(never.questions).toEqual([])
    await never.pass(1)
    expect(never.questions).toHaveLength(1)
  })

  it('that was not asked, because the caller had gone, is told nothing', async () => {
    const harness = await startVoicenter([], { announcing: new Promise(() => {}) })
    harness.leg.hangUp()
    await harness.pass(2000)
    expect(harness.questions).toEqual([])
    expect(harness.events).toEqual([])
    expect(harness.withdrawn).toHaveLength(1)
    expect(harness.clock.pending).toBe(0)
  })

  it('is asked once more only where nothing had reached it', async () => {
    const refused = httpFailure({ code: 'outgoing.connect-failed', reached: 'nothing' })
    const { leg, requests } = await startVoicenter([refused, hangUp({ HANGUP_CAUSE: 1 })])
    expect(requests).toHaveLength(2)
    expect(leg.lines.at(-1)).toBe('end number-unknown 404 Q.850 1')
  })

  it('hands the call to its fallback: a recording', async () => {
    const harness = await startVoicenter([httpFailure()], {
      app: 'fallback: { recording: "closed" }',
      tenant: ['recordings: { closed: "test/fixtures/media/mono-8000-ima.wav" }'],
    })
    await harness.pass(1000)
    expect(harness.heard).toEqual(['closed'])
    expect(harness.record.sentence).toMatch(/did not answer.*Its fallback recording was played/)
  })

  it('hands the call to its fallback: a number', async () => {
    const harness = await startVoicenter([httpFailure()], { app: 'fallback: { number: "0501111111" }' })
    await harness.pass(0)
    harness.reacher.leg('+972501111111').peerAnswers()
    await harness.pass(0)
    expect(harness.leg.lines).toContain('answer')
    harness.leg.hangUp()
  })

  it('whose fallback number does not answer either refuses the caller, and says both', async () => {
    const harness = await startVoicenter([httpFailure()], { app: 'fallback: { number: "0501111111" }' })
    harness.reacher.leg('+972501111111').peerRefuses(486)
    await harness.pass(0)
    expect(harness.leg.lines.at(-1)).toBe('end flow-failed 503 Q.850 41')
    expect(harness.record.sentence).toMatch(/did not answer within 5 s\. \+972501111111 was busy\./)
  })

  it('without a voice still asks the question of a menu, and gives a tone for the apology', async () => {
    const speak = async (): Promise<never> => {
      throw new LimitError('speech.unavailable', 'There is no voice.')
    }
    const bad = menuOf('A', { VALIDATION: 1, LOOP: 2 })
    const harness = await startVoicenter([bad, httpFailure()], { speech: { ...fakeSpeech, speak } })
    harness.leg.press('*')
    await harness.pass(0)
    expect(harness.heard).toEqual(['question', 'question'])
    harness.leg.press('1')
    await harness.pass(1000)
    expect(harness.heard.at(-1)).toBe('tone:congestion')
    expect(harness.record).toMatchObject({ cause: 'flow-failed' })
  })

  it('is not asked again in a call where it failed: a fallback that leads back to it ends the call', async () => {
    const failing = Array.from({ length: 30 }, () => httpFailure())
    const harness = await startVoicenter(failing, {
      app: 'fallback: { layer: 1 }',
      tenant: ['layers: { "1": "ivr" }'],
    })
    await harness.pass(0)
    expect(harness.requests).toHaveLength(1)
    expect(harness.leg.lines.at(-1)).toBe('end flow-failed 503 Q.850 41')
    expect(harness.record.sentence).toMatch(/came back to app ivr, whose handler had failed/)
    expect(harness.events).toHaveLength(1)
  })

  it('hands the call to its fallback: another handler, which is asked', async () => {
    const harness = await startVoicenter([httpFailure(), hangUp({ HANGUP_CAUSE: 17 })], {
      app: 'fallback: { layer: 1 }',
      tenant: [
        'layers: { "1": "other" }',
        'apps:',
        '  other: { dialect: voicenter, url: "http://other/ivr", format: json }',
      ],
    })
    await harness.pass(0)
    expect(harness.questions).toHaveLength(2)
    expect(harness.leg.lines.at(-1)).toBe('end busy 486 Q.850 17')
  })

  it('that sends the call from layer to layer in a circle is stopped', async () => {
    const circle = answer('VO', { LAYER: 1, RECORD: 'blank', LOOP: 1, DELAY: 0 })
    const harness = await startVoicenter(
      Array.from({ length: 30 }, () => circle),
      { tenant: ['layers: { "1": "ivr" }'] },
    )
    await harness.pass(0)
    expect(harness.record.sentence).toMatch(/circle/)
    expect(harness.questions.length).toBeLessThan(25)
  })
})
