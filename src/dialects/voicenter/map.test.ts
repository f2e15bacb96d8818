import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeAnswer } from './codec.ts'
import { type Kindness, kindnesses } from './kindness.ts'
import { faultOfHangupAnswer, type MappedAnswer, mapAnswer } from './map.ts'
import type { WireStruct } from './wire.ts'

const samplesFolder = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'voicenter')

const map = (struct: WireStruct): MappedAnswer => mapAnswer({ kind: 'struct', struct, slips: [] })
const whole = (action: string, data: WireStruct, envelope: WireStruct = {}): WireStruct => {
  return { STATUS: 0, ACTION: action, LANGUAGE: 'he', DATA: data, ...envelope }
}
const menu = { REC: 'question', LOOP: 3, DELAY: 2, SIZE: 1, MENU: 'A', VALIDATION: 0 }
const call = { TARGET: '137', CALLERID: '0721', CALLERNAME: 'Lan', CALL_MAX_DIAL: 20, CALL_MAX: 60, REC_STATUS: 0 }

function sample(name: string): MappedAnswer {
  const body = new Uint8Array(readFileSync(join(samplesFolder, name)))
  const isXml = name.endsWith('.xml')
  return mapAnswer(decodeAnswer(isXml ? 'xmlrpc' : 'json', body, isXml ? 'text/xml' : 'application/json'))
}

function slipsOf(mapped: MappedAnswer): readonly Kindness[] {
  return [...new Set(mapped.slips.map(({ kindness }) => kindness))]
}

function actionOf(mapped: MappedAnswer) {
  if (mapped.kind === 'fault') throw new Error(mapped.sentence)
  return mapped.instruction.action
}

describe('the published samples', () => {
  it.each([
    ['menu.xml', 'menu.json'],
    ['call-damaged.xml', 'call.xml'],
    ['call-damaged.xml', 'call-loose.json'],
    ['call.xml', 'call.json'],
    ['saydigits-damaged.xml', 'saydigits.xml'],
    ['hangup.xml', 'hangup.json'],
  ])('%s and %s mean the same', (one, other) => {
    expect(actionOf(sample(one))).toEqual(actionOf(sample(other)))
  })

  it('that were corrected need no kindness', () => {
    for (const name of ['menu.xml', 'call.xml', 'call.json', 'saydigits.xml', 'hangup.xml', 'hangup.json']) {
      expect([name, slipsOf(sample(name))]).toEqual([name, []])
    }
  })

  it('that are damaged say which', () => {
    expect(slipsOf(sample('call-damaged.xml'))).toEqual(['xml-damaged', 'trimmed', 'text-for-number'])
    expect(slipsOf(sample('call-loose.json'))).toEqual(['json-loose', 'number-for-text', 'trimmed', 'text-for-number'])
  })

  it('of JSON SAYDIGITS, copied literally, is an error', () => {
    expect(sample('saydigits-damaged.json')).toMatchObject({
      kind: 'fault',
      sentence: expect.stringMatching(/no JSON|DIGITS/),
    })
  })

  it('of the answer to HANGUP_CALL is good, damaged too', () => {
    for (const name of ['hangup-call-response-damaged.xml', 'hangup-call-response.xml']) {
      const body = new Uint8Array(readFileSync(join(samplesFolder, name)))
      expect(faultOfHangupAnswer(decodeAnswer('xmlrpc', body, 'text/xml'))).toBeNull()
    }
  })
})

describe('an answer', () => {
  it('is a menu', () => {
    expect(map(whole('MENU', menu))).toEqual({
      kind: 'instruction',
      slips: [],
      instruction: {
        language: 'he',
        action: {
          kind: 'menu',
          menu: 'A',
          collection: { record: 'question', loops: 3, delaySeconds: 2, size: 1, isValidated: false },
        },
      },
    })
  })

  it('is a call with every field', () => {
    const more = {
      NEXT_MENU: 5,
      NEXT_MENU_RECORD: 'busy',
      DTMF_PLAY: '1w2W',
      MOH_CLASS: 'jazz',
      DIALSTRINGS: 'SIP/1@p',
    }
    expect(actionOf(map(whole('CALL', { ...call, ...more, REC_STATUS: true })))).toEqual({
      kind: 'call',
      target: '137',
      dialStrings: ['SIP/1@p'],
      callerId: '0721',
      callerName: 'Lan',
      callerRecord: null,
      musicClass: 'jazz',
      targetRecord: null,
      maxDialSeconds: 20,
      maxSeconds: 60,
      isRecorded: true,
      digits: '1w2w',
      next: {
        menu: '5',
        collection: { record: 'busy', loops: 1, delaySeconds: 0, size: 1, isValidated: false },
      },
    })
  })

  it('that names a next menu and no record asks at once', () => {
    expect(actionOf(map(whole('CALL', { ...call, NEXT_MENU: 'B' })))).toMatchObject({
      next: { collection: { size: 0 } },
    })
  })

  it('is a recording of an hour where none or 0 is said', () => {
    expect(actionOf(map(whole('SILENTRECORD', {})))).toEqual({ kind: 'silentRecord', record: null, maxSeconds: 3600 })
    expect(actionOf(map(whole('SILENTRECORD', { MAXDURATION: 0 })))).toMatchObject({ maxSeconds: 3600 })
  })

  it('is a layer, and a hang-up of cause 16 where none is said', () => {
    const layer = { LAYER: '7', RECORD: 'blank', LOOP: 1, DELAY: 0 }
    expect(actionOf(map(whole('VO', layer)))).toEqual({
      kind: 'layer',
      layer: 7,
      record: null,
      loops: 1,
      delaySeconds: 0,
    })
    expect(actionOf(map(whole('HANGUP', {})))).toEqual({ kind: 'hangUp', record: null, cause: 16 })
  })

  const kind: readonly (readonly [Kindness, WireStruct])[] = [
    ['status-missing', { ACTION: 'HANGUP', LANGUAGE: 'en', DATA: {} }],
    ['language-missing', { STATUS: 0, ACTION: 'HANGUP', DATA: {} }],
    ['language-unknown', whole('HANGUP', {}, { LANGUAGE: 'AR' })],
    ['trimmed', whole(' HANGUP', {})],
    ['letter-case', whole('hangup', {})],
    ['field-case', { ...whole('HANGUP', {}), DATA: { hangup_rec: 'bye' } }],
    ['text-for-number', whole('HANGUP', {}, { STATUS: '0' })],
    ['number-for-text', whole('MENU', { ...menu, MENU: 16 })],
    ['digits-as-number', whole('SAYDIGITS', { ...menu, SAYDIGITSRECORD: '', DIGITS: 5 })],
    ['digits-dropped', whole('SAYDIGITS', { ...menu, SAYDIGITSRECORD: '', DIGITS: '5-4' })],
    ['field-missing', whole('MENU', { ...menu, LOOP: null })],
    ['not-a-number', whole('MENU', { ...menu, LOOP: 'three' })],
    ['out-of-range', whole('MENU', { ...menu, LOOP: 99 })],
    ['unknown-field', whole('HANGUP', { COLOUR: 'red' })],
    ['cause-invalid', whole('HANGUP', { HANGUP_CAUSE: 128 })],
  ]
  it.each(kind)('is let pass with %s', (kindness, struct) => {
    const mapped = map(struct)
    expect(mapped.kind).toBe('instruction')
    expect(slipsOf(mapped)).toContain(kindness)
  })

  it('has no kindness that is not listed in the README', () => {
    const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
    for (const [name, text] of Object.entries(kindnesses)) expect(readme).toContain(`| \`${name}\` | ${text} |`)
  })

  const faults: readonly (readonly [string, WireStruct, RegExp])[] = [
    ['STATUS 1', whole('MENU', menu, { STATUS: 1 }), /^Its STATUS is 1\.$/],
    ['STATUS "1"', whole('MENU', menu, { STATUS: '1' }), /STATUS is "1"/],
    ['STATUS "failed"', whole('MENU', menu, { STATUS: 'failed' }), /STATUS is "failed"/],
    ['no ACTION', { STATUS: 0, DATA: {} }, /ACTION is missing/],
    ['an empty ACTION', whole('', {}), /ACTION is empty/],
    ['an unknown ACTION', whole('GO_TO_LAYER', {}), /"GO_TO_LAYER", which is none of MENU, SAYDIGITS/],
    ['DATA that is a text', { STATUS: 0, ACTION: 'MENU', LANGUAGE: 'en', DATA: 'A' }, /DATA is no struct/],
    ['no DATA', { STATUS: 0, ACTION: 'MENU', LANGUAGE: 'en' }, /MENU is missing/],
    ['no MENU', whole('MENU', { ...menu, MENU: '' }), /MENU is empty/],
    ['no DIGITS', whole('SAYDIGITS', { ...menu, SAYDIGITSRECORD: '' }), /DIGITS is missing/],
    ['neither TARGET nor DIALSTRINGS', whole('CALL', { ...call, TARGET: '' }), /TARGET is missing/],
    ['no LAYER', whole('VO', { RECORD: '', LOOP: 1, DELAY: 0 }), /LAYER is missing/],
    ['a LAYER that is no number', whole('VO', { LAYER: 'one', RECORD: '', LOOP: 1, DELAY: 0 }), /LAYER is "one"/],
  ]
  it.each(faults)('with %s is an error', (_what, struct, sentence) => {
    expect(map(struct)).toMatchObject({ kind: 'fault', sentence: expect.stringMatching(sentence) })
  })

  it('takes an empty list for DATA without fields, as PHP writes it', () => {
    expect(actionOf(map({ ...whole('HANGUP', {}), DATA: [] }))).toMatchObject({ kind: 'hangUp', cause: 16 })
    expect(map({ ...whole('HANGUP', {}), DATA: [1] }).kind).toBe('fault')
  })

  it('takes numbers of telephones as they are, big ones too', () => {
    expect(actionOf(map(whole('CALL', { ...call, TARGET: 972547000000 })))).toMatchObject({ target: '972547000000' })
  })
})
