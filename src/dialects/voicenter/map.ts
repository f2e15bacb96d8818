import type { Language } from '../../config/settings.ts'
import type { Collection, HangUpAction, Instruction, IvrAction } from './actions.ts'
import type { DecodedAnswer } from './codec.ts'
import { Fields, shown } from './fields.ts'
import { AnswerFault, type Slip, Slips } from './kindness.ts'
import { type ActionName, actionNames, dataFields, responseFields, type WireStruct } from './wire.ts'
import { isStruct } from './xml-rpc.ts'

/** The bounds of the fields, and what is taken where they are missing. */
const loops = { least: 1, most: 10, usual: 1 }
const delay = { least: 0, most: 60, usual: 0 }
const size = { least: 0, most: 32, usual: 1 }
const flag = { least: 0, most: 1, usual: 0 }
const maxDial = { least: 1, most: 300, usual: 30 }
const maxCall = { least: 1, most: 86_400, usual: 7200 }
const maxRecordSeconds = 3600
/** HANGUP_CAUSE where none is given: normal call clearing. */
const usualCause = 16
/** More dial strings than a fail-over needs. */
const maxDialStrings = 20

const languages: readonly Language[] = ['he', 'en', 'id', 'vi']

export type MappedAnswer =
  | { readonly kind: 'instruction'; readonly instruction: Instruction; readonly slips: readonly Slip[] }
  /** @param sentence - what is wrong with it: `Its STATUS is 1.` */
  | { readonly kind: 'fault'; readonly sentence: string; readonly slips: readonly Slip[] }

/** What a handler's answer to GET_IVR_ACTION wants done. Pure; never throws. */
export function mapAnswer(answer: DecodedAnswer): MappedAnswer {
  if (answer.kind === 'unreadable') return { kind: 'fault', sentence: answer.sentence, slips: answer.slips }
  const slips = new Slips()
  for (const { kindness, field, sentence } of answer.slips) slips.add(kindness, field, sentence)
  try {
    const instruction = readInstruction(answer.struct, slips)
    return { kind: 'instruction', instruction, slips: slips.list() }
  } catch (thrown) {
    if (!(thrown instanceof AnswerFault)) throw thrown
    return { kind: 'fault', sentence: thrown.message, slips: slips.list() }
  }
}

/** What is wrong with an answer to HANGUP_CALL, whose only field is STATUS; null: nothing. */
export function faultOfHangupAnswer(answer: DecodedAnswer): string | null {
  if (answer.kind === 'unreadable') return answer.sentence
  const fields = new Fields(answer.struct, ['STATUS'], new Slips())
  if (!fields.has('STATUS')) return 'It has no STATUS.'
  return fields.wholeNumber('STATUS') === 0 ? null : `Its STATUS is ${shown(fields.raw('STATUS'))}.`
}

function readInstruction(struct: WireStruct, slips: Slips): Instruction {
  const fields = new Fields(struct, responseFields, slips)
  const status = fields.wholeNumber('STATUS')
  if (fields.has('STATUS') && status !== 0) throw new AnswerFault(`Its STATUS is ${shown(fields.raw('STATUS'))}.`)
  const name = readActionName(fields, slips)
  if (!fields.has('STATUS')) slips.add('status-missing', 'STATUS', 'STATUS is missing.')
  const language = readLanguage(fields, slips)
  const given = fields.raw('DATA')
  // PHP writes a struct without members as an empty list.
  const raw = Array.isArray(given) && given.length === 0 ? {} : given
  if (raw !== undefined && raw !== null && !isStruct(raw))
    throw new AnswerFault(`Its DATA is no struct but ${shown(raw)}.`)
  const data = new Fields(raw ?? {}, dataFields[name], slips)
  return { action: readers[name](data, slips), language }
}

function readActionName(fields: Fields, slips: Slips): ActionName {
  const text = fields.essentialText('ACTION')
  const name = actionNames.find((one) => one === text.toUpperCase())
  if (!name) throw new AnswerFault(`Its ACTION is ${shown(text)}, which is none of ${actionNames.join(', ')}.`)
  if (name !== text) slips.add('letter-case', 'ACTION', `ACTION is written ${shown(text)}; published is ${name}.`)
  return name
}

/** The published table has he and en, the samples HE: both are as they should be. */
function readLanguage(fields: Fields, slips: Slips): Language | null {
  const text = fields.text('LANGUAGE').toLowerCase()
  const language = languages.find((one) => one === text)
  if (language) return language
  if (text === '') slips.add('language-missing', 'LANGUAGE', 'LANGUAGE is missing.')
  else slips.add('language-unknown', 'LANGUAGE', `LANGUAGE is ${shown(text)}, which Switchhook does not speak.`)
  return null
}

const readers: Readonly<Record<ActionName, (data: Fields, slips: Slips) => IvrAction>> = {
  MENU: (data) => ({ kind: 'menu', menu: data.essentialText('MENU'), collection: readCollection(data) }),
  SAYDIGITS: (data, slips) => ({
    kind: 'sayDigits',
    menu: data.essentialText('MENU'),
    collection: readCollection(data),
    record: data.record('SAYDIGITSRECORD', true),
    digits: readDigits(data, slips),
  }),
  CALL: readCall,
  SILENTRECORD: (data) => {
    const seconds = data.integer('MAXDURATION', {
      least: 0,
      most: maxRecordSeconds,
      usual: maxRecordSeconds,
      isOptional: true,
    })
    return { kind: 'silentRecord', record: data.record('REC'), maxSeconds: seconds === 0 ? maxRecordSeconds : seconds }
  },
  VO: (data) => {
    const layer = data.wholeNumber('LAYER')
    if (layer === null)
      throw new AnswerFault(data.has('LAYER') ? `Its LAYER is ${shown(data.raw('LAYER'))}.` : 'Its LAYER is missing.')
    const record = data.record('RECORD', true)
    return {
      kind: 'layer',
      layer,
      record,
      loops: data.integer('LOOP', loops),
      delaySeconds: data.integer('DELAY', delay),
    }
  },
  HANGUP: readHangUp,
}

function readCollection(data: Fields): Collection {
  return {
    record: data.record('REC', true),
    loops: data.integer('LOOP', loops),
    delaySeconds: data.integer('DELAY', delay),
    size: data.integer('SIZE', size),
    isValidated: data.integer('VALIDATION', flag) === 1,
  }
}

function readDigits(data: Fields, slips: Slips): string {
  const raw = data.raw('DIGITS')
  if (raw === undefined || raw === null) throw new AnswerFault('Its DIGITS is missing.')
  if (typeof raw === 'number')
    slips.add('digits-as-number', 'DIGITS', 'DIGITS is a number and loses zeros at its beginning.')
  const text = data.text('DIGITS')
  const digits = text.replace(/[^0-9]/g, '').slice(0, 64)
  if (digits !== text) slips.add('digits-dropped', 'DIGITS', 'DIGITS holds more than digits; only those are said.')
  return digits
}

function readCall(data: Fields, slips: Slips): IvrAction {
  const target = data.text('TARGET')
  const dialStrings = data.list('DIALSTRINGS').slice(0, maxDialStrings)
  if (target === '' && dialStrings.length === 0) throw new AnswerFault('Its TARGET is missing.')
  if (target === '') slips.add('field-missing', 'TARGET', 'TARGET is missing; HANGUP_CALL will have none.')
  const nextMenu = data.text('NEXT_MENU')
  const nextRecord = data.record('NEXT_MENU_RECORD')
  const optional = { isOptional: true }
  return {
    kind: 'call',
    target,
    dialStrings,
    callerId: data.mandatoryText('CALLERID'),
    callerName: data.mandatoryText('CALLERNAME'),
    callerRecord: data.record('CALLER_REC'),
    musicClass: data.text('MOH_CLASS') || null,
    targetRecord: data.record('TARGET_REC'),
    maxDialSeconds: data.integer('CALL_MAX_DIAL', maxDial),
    maxSeconds: data.integer('CALL_MAX', maxCall),
    isRecorded: data.integer('REC_STATUS', flag) === 1,
    digits: readKeys(data, slips),
    next:
      nextMenu === ''
        ? null
        : {
            menu: nextMenu,
            collection: {
              record: nextRecord,
              loops: data.integer('NEXT_MENU_LOOP', { ...loops, ...optional }),
              delaySeconds: data.integer('NEXT_MENU_WAIT', { ...delay, ...optional }),
              size: data.integer('NEXT_MENU_SIZE', { ...size, usual: nextRecord === null ? 0 : 1, ...optional }),
              isValidated: false,
            },
          },
  }
}

function readKeys(data: Fields, slips: Slips): string {
  const text = data.text('DTMF_PLAY').toUpperCase().replaceAll('W', 'w')
  const keys = text.replace(/[^0-9A-D*#w]/g, '').slice(0, 64)
  if (keys !== text)
    slips.add('digits-dropped', 'DTMF_PLAY', 'DTMF_PLAY holds more than keys and w; only those are sent.')
  return keys
}

function readHangUp(data: Fields, slips: Slips): HangUpAction {
  const record = data.record('HANGUP_REC')
  const raw = data.raw('HANGUP_CAUSE') ?? ''
  if (typeof raw === 'string' && raw.trim() === '') return { kind: 'hangUp', record, cause: usualCause }
  const cause = data.wholeNumber('HANGUP_CAUSE')
  if (cause !== null && cause >= 1 && cause <= 127) return { kind: 'hangUp', record, cause }
  slips.add('cause-invalid', 'HANGUP_CAUSE', `HANGUP_CAUSE is ${shown(raw)}; 1 to 127 are causes.`)
  return { kind: 'hangUp', record, cause: usualCause }
}
