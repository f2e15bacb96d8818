import { describe, expect, it } from 'vitest'
import {
  answer,
  hangUp,
  menuOf,
  startVoicenter,
  type VoicenterHarness,
} from '../../../test/support/voicenter-harness.ts'
import type { WireStruct } from './wire.ts'

const menu = (change: WireStruct): WireStruct => menuOf('A', change)

/** Runs a menu and gives what was sent as DTMF, once it has been. */
async function dtmfAfter(harness: VoicenterHarness, ms: number): Promise<string | undefined> {
  await harness.pass(ms)
  return harness.questions[1]?.DTMF
}

describe('the keys of a menu', () => {
  it('are asked for LOOP times with DELAY between and three seconds at least behind the last', async () => {
    const harness = await startVoicenter([menu({ LOOP: 3, DELAY: 1 }), hangUp()])
    // Three questions of a second, a second behind two of them.
    expect(await dtmfAfter(harness, 5000 + 2999)).toBeUndefined()
    expect(harness.heard).toEqual(['question', 'question', 'question'])
    expect(await dtmfAfter(harness, 1)).toBe('')
  })

  it('may come in the last DELAY where that is longer', async () => {
    const harness = await startVoicenter([menu({ DELAY: 10 }), hangUp()])
    expect(await dtmfAfter(harness, 1000 + 9900)).toBeUndefined()
    harness.leg.press('5')
    expect(await dtmfAfter(harness, 0)).toBe('5')
  })

  it('stop the question, and no further one is played', async () => {
    const harness = await startVoicenter([menu({ LOOP: 3, SIZE: 4 }), hangUp()])
    await harness.pass(500)
    harness.leg.press('12')
    expect(harness.leg.lines.at(-1)).toBe('play file:/rec/en/question.wav')
    await harness.pass(0)
    expect(harness.leg.lines.at(-1)).toBe('stopped file:/rec/en/question.wav')
    expect(await dtmfAfter(harness, 2999)).toBeUndefined()
    expect(await dtmfAfter(harness, 1)).toBe('12')
    expect(harness.heard).toEqual(['question'])
  })

  it('end after the pause that interDigitMs says', async () => {
    const harness = await startVoicenter([menu({ SIZE: 4 }), hangUp()], { app: 'interDigitMs: 1500' })
    harness.leg.press('12')
    expect(await dtmfAfter(harness, 1499)).toBeUndefined()
    expect(await dtmfAfter(harness, 1)).toBe('12')
  })

  it('# alone ends the input with nothing, and the question is not put again', async () => {
    const harness = await startVoicenter([menu({ SIZE: 4, LOOP: 3 }), hangUp()], { app: 'noInputDigits: "0"' })
    harness.leg.press('#')
    expect(await dtmfAfter(harness, 0)).toBe('')
    expect(harness.heard).toEqual(['question'])
  })

  it('end with SIZE of them, fewer are sent as they are', async () => {
    const four = await startVoicenter([menu({ SIZE: 4 }), hangUp()])
    four.leg.press('1234')
    expect(await dtmfAfter(four, 0)).toBe('1234')
  })

  it('end with #, which is not sent; where SIZE is 1 it is', async () => {
    const four = await startVoicenter([menu({ SIZE: 4 }), hangUp()])
    four.leg.press('12#')
    expect(await dtmfAfter(four, 0)).toBe('12')
    const one = await startVoicenter([menu({ SIZE: 1 }), hangUp()])
    one.leg.press('#')
    expect(await dtmfAfter(one, 0)).toBe('#')
    const star = await startVoicenter([menu({ SIZE: 2 }), hangUp()])
    star.leg.press('*1')
    expect(await dtmfAfter(star, 0)).toBe('*1')
  })

  it('A to D are as if nobody had pressed them', async () => {
    const harness = await startVoicenter([menu({ SIZE: 2, LOOP: 1 }), hangUp()])
    harness.leg.press('A')
    await harness.pass(500)
    expect(harness.leg.lines.at(-1)).toBe('play file:/rec/en/question.wav')
    harness.leg.press('1B2')
    expect(await dtmfAfter(harness, 0)).toBe('12')
  })

  it('that nobody presses are what noInputDigits says', async () => {
    const harness = await startVoicenter([menu({}), hangUp()], { app: 'noInputDigits: "0"' })
    expect(await dtmfAfter(harness, 4000)).toBe('0')
  })

  it('pressed while the handler thinks count for the next question', async () => {
    const harness = await startVoicenter([menu({ SIZE: 1 }), menuOf('B', { SIZE: 2 }), hangUp()])
    harness.leg.press('123')
    await harness.pass(0)
    expect(harness.questions.map(({ DTMF }) => DTMF)).toEqual(['', '1', '23'])
  })

  it('pressed while the handler thinks are 32 at most', async () => {
    const harness = await startVoicenter([menuOf('A', { SIZE: 32 }), menuOf('B', { SIZE: 32 }), hangUp()])
    harness.leg.press('1'.repeat(32 + 40))
    await harness.pass(0)
    expect(harness.questions[1]?.DTMF).toBe('1'.repeat(32))
    await harness.pass(5000)
    expect(harness.questions[2]?.DTMF).toBe('1'.repeat(32))
  })

  it('are not asked for with SIZE 0: REC is played LOOP times with DELAY between', async () => {
    const harness = await startVoicenter([menu({ SIZE: 0, LOOP: 2, DELAY: 5 }), hangUp()])
    harness.leg.press('1')
    expect(await dtmfAfter(harness, 6999)).toBeUndefined()
    expect(harness.heard).toEqual(['question', 'silence', 'question'])
    expect(await dtmfAfter(harness, 1)).toBe('')
  })

  it('are asked for without a recording that is not there, and the journal says so', async () => {
    const harness = await startVoicenter([menu({ REC: 'unknown_one' }), hangUp()])
    harness.leg.press('1')
    await harness.pass(0)
    expect(harness.questions[1]?.DTMF).toBe('1')
    expect(harness.heard).toEqual([])
    expect(harness.noted('recordingUnknown')).toEqual([{ name: 'unknown_one', language: 'en' }])
  })

  it.each(['../secret', '/etc/passwd', 'a/b', 'x\u0000', 'שלום'])('never come from the file %j', async (name) => {
    const harness = await startVoicenter([menu({ REC: name }), 'silence'])
    await harness.pass(3000)
    expect(harness.heard).toEqual([])
    expect(harness.noted('recordingUnknown')).toHaveLength(1)
    harness.leg.hangUp()
  })

  it('are asked for without a recording whose file is gone', async () => {
    const harness = await startVoicenter([menu({ REC: 'missing' }), hangUp()])
    harness.leg.press('1')
    await harness.pass(0)
    expect(harness.questions[1]?.DTMF).toBe('1')
    expect(harness.noted('soundUnplayable')).toMatchObject([{ code: 'media.file-not-found' }])
  })
})

describe('VALIDATION 1', () => {
  it('digits: what is no digit is told to the caller and uses up a LOOP', async () => {
    const harness = await startVoicenter([menu({ VALIDATION: 1, LOOP: 2, SIZE: 2 }), hangUp()])
    harness.leg.press('*1')
    await harness.pass(0)
    expect(harness.heard.at(-1)).toMatch(/^say:en:That entry is not valid\.\+question$/)
    harness.leg.press('42')
    await harness.pass(0)
    expect(harness.questions[1]?.DTMF).toBe('42')
  })

  it('in the end the caller hears that it was not valid, and DTMF is empty', async () => {
    const harness = await startVoicenter([menu({ VALIDATION: 1 }), hangUp()], { app: 'noInputDigits: "0"' })
    harness.leg.press('#')
    await harness.pass(0)
    expect(harness.heard.at(-1)).toMatch(/^say:en:That entry is not valid\.$/)
    expect(await dtmfAfter(harness, 1000)).toBe('')
  })

  it('exact: fewer than SIZE are not enough', async () => {
    const harness = await startVoicenter([menu({ VALIDATION: 1, LOOP: 2, SIZE: 4 }), hangUp()], {
      app: 'validationMode: "exact"',
    })
    harness.leg.press('12#')
    await harness.pass(0)
    harness.leg.press('1234')
    await harness.pass(0)
    expect(harness.questions[1]?.DTMF).toBe('1234')
  })

  it('confirm: the digits are read back, 2 takes them back and 1 takes them', async () => {
    const harness = await startVoicenter([menu({ VALIDATION: 1, SIZE: 2 }), hangUp()], {
      app: 'validationMode: "confirm"',
    })
    harness.leg.press('12')
    await harness.pass(0)
    expect(harness.heard.at(-1)).toMatch(/^say:en:You pressed:\+digits\/1\+digits\/2\+say:en:If that is right/)
    harness.leg.press('2')
    await harness.pass(0)
    expect(harness.heard.at(-1)).toBe('question')
    harness.leg.press('34')
    await harness.pass(0)
    harness.leg.press('1')
    await harness.pass(0)
    expect(harness.questions[1]?.DTMF).toBe('34')
  })
})

describe('SAYDIGITS', () => {
  const fields = {
    REC: 'question',
    LOOP: 2,
    DELAY: 0,
    SIZE: 1,
    MENU: 'A',
    VALIDATION: 0,
    SAYDIGITSRECORD: 'intro',
    DIGITS: '12',
  }

  it('says the digits once, then asks', async () => {
    const harness = await startVoicenter([answer('SAYDIGITS', fields), hangUp()])
    expect(await dtmfAfter(harness, 3000 + 1000 + 1000 + 3000)).toBe('')
    expect(harness.heard).toEqual(['intro+digits/1+digits/2', 'question', 'question'])
  })

  it('says them before each further question with sayDigitsEachLoop', async () => {
    const harness = await startVoicenter([answer('SAYDIGITS', fields), hangUp()], { app: 'sayDigitsEachLoop: true' })
    await harness.pass(10_000)
    expect(harness.heard).toEqual(['intro+digits/1+digits/2', 'question', 'digits/1+digits/2+question'])
  })

  it('with SIZE 0 says all and asks the handler again', async () => {
    const harness = await startVoicenter([answer('SAYDIGITS', { ...fields, SIZE: 0, LOOP: 1 }), hangUp()])
    harness.leg.press('1')
    expect(await dtmfAfter(harness, 4000)).toBe('')
    expect(harness.heard).toEqual(['intro+digits/1+digits/2', 'question'])
  })
})
