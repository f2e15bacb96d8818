import { bad, Fields, Refusal, type SentNumber } from './fields.ts'
import {
  addedCommands,
  type CommandName,
  isVoiceName,
  originalCommands,
  type PromoName,
  type WireLanguage,
  type WireObject,
} from './wire.ts'

/** A request, understood. `owner` is whose mailbox it is about. */
export type Command =
  | { readonly name: 'INITLEAVING'; readonly caller: SentNumber; readonly owner: SentNumber; readonly access: string }
  | {
      readonly name: 'RECMAIL'
      readonly caller: SentNumber
      readonly owner: SentNumber
      readonly deposit: { readonly voice: string; readonly seconds: number } | null
    }
  | {
      readonly name: 'RECGREETING'
      readonly owner: SentNumber
      /** Null: the file that is stored already. */
      readonly voice: string | null
      readonly isActive: boolean
    }
  | { readonly name: 'CFGLANG'; readonly owner: SentNumber; readonly language: WireLanguage }
  | { readonly name: 'INITRETRIEVE'; readonly owner: SentNumber }
  | { readonly name: 'GETPROMO' | 'SENDPROMO'; readonly number: SentNumber; readonly promo: PromoName }
  | {
      readonly name: 'READMAIL' | 'UNREADMAIL' | 'DELMAIL' | 'UNDELMAIL'
      readonly owner: SentNumber
      readonly voice: string
    }
  | { readonly name: 'FWDMAIL'; readonly owner: SentNumber; readonly voice: string; readonly to: SentNumber }
  | { readonly name: 'AUTHMAIL'; readonly owner: SentNumber; readonly pin: string }
  | { readonly name: 'CFGPIN'; readonly owner: SentNumber; readonly oldPin: string; readonly newPin: string }
  | {
      readonly name: 'PROMOTAKER'
      readonly number: SentNumber
      readonly promo: PromoName
      readonly isTaker: boolean
    }
  | {
      readonly name: 'CFGRECORD'
      readonly owner: SentNumber
      /** Undefined: stays. */
      readonly isOn: boolean | undefined
      readonly maxIdle: number | undefined
      readonly maxRecord: number | undefined
    }

export interface MappedRequest {
  readonly command: Command
  /** Kindnesses that were needed. */
  readonly slips: readonly string[]
}

const commandNames: ReadonlySet<string> = new Set([...originalCommands, ...addedCommands])

/** What a request asks for. Throws Refusal. */
export function toCommand(object: WireObject): MappedRequest {
  const fields = new Fields(object)
  const written = fields.text('command')
  const name = written?.toUpperCase() ?? ''
  const slips = written !== undefined && object['command'] !== name ? ['command is not in plain upper case'] : []
  if (!commandNames.has(name)) {
    const message = written === undefined ? 'command is missing.' : `There is no command ${written.slice(0, 40)}.`
    throw new Refusal('UNKNOWN_COMMAND', message, 'command')
  }
  if (name === 'RECGREETING' && fields.has('language') && !fields.has('filename') && !fields.has('active')) {
    // The published sample of CFGLANG says so. It can mean nothing else, and the greeting is not touched.
    return {
      command: readers.CFGLANG(fields),
      slips: [...slips, 'RECGREETING with a language and nothing else was taken for CFGLANG'],
    }
  }
  return { command: readers[name as CommandName](fields), slips }
}

const readers: Readonly<Record<CommandName, (fields: Fields) => Command>> = {
  INITLEAVING: (fields) => {
    const number = fields.neededObject('number')
    return { name: 'INITLEAVING', ...leavingNumbers(number), access: number.number('c')?.written ?? '' }
  },
  RECMAIL: (fields) => {
    const numbers = leavingNumbers(fields.neededObject('number'))
    if (!fields.neededFlag('deposit')) return { name: 'RECMAIL', ...numbers, deposit: null }
    const deposit = { voice: voiceOf(fields, 'filename'), seconds: fields.count('duration') ?? 0 }
    return { name: 'RECMAIL', ...numbers, deposit }
  },
  RECGREETING: (fields) => {
    // Empty means something here, and absent does not: see the README.
    for (const name of ['filename', 'active']) {
      if (!fields.has(name)) throw new Refusal('MISSING_FIELD', `${name} is missing.`, name)
    }
    const voice = fields.value('filename') === undefined ? null : voiceOf(fields, 'filename')
    const isActive = fields.neededFlag('active')
    return { name: 'RECGREETING', owner: fields.neededNumber('number'), voice, isActive }
  },
  CFGLANG: (fields) => ({
    name: 'CFGLANG',
    owner: fields.neededNumber('number'),
    language: fields.language('language'),
  }),
  INITRETRIEVE: (fields) => ({ name: 'INITRETRIEVE', owner: fields.neededObject('number').neededNumber('a') }),
  GETPROMO: (fields) => ({ name: 'GETPROMO', ...promoOf(fields) }),
  SENDPROMO: (fields) => ({ name: 'SENDPROMO', ...promoOf(fields) }),
  READMAIL: (fields) => ({ name: 'READMAIL', ...messageOf(fields) }),
  UNREADMAIL: (fields) => ({ name: 'UNREADMAIL', ...messageOf(fields) }),
  DELMAIL: (fields) => ({ name: 'DELMAIL', ...messageOf(fields) }),
  UNDELMAIL: (fields) => ({ name: 'UNDELMAIL', ...messageOf(fields) }),
  FWDMAIL: (fields) => ({ name: 'FWDMAIL', ...messageOf(fields), to: fields.neededNumber('to') }),
  AUTHMAIL: (fields) => ({
    name: 'AUTHMAIL',
    owner: fields.neededNumber('number'),
    pin: fields.neededText('pin'),
  }),
  CFGPIN: (fields) => {
    const newPin = fields.neededText('pin_new')
    if (!/^\d{4,12}$/.test(newPin)) throw bad('pin_new', '4 to 12 digits')
    return { name: 'CFGPIN', owner: fields.neededNumber('number'), oldPin: fields.text('pin_old') ?? '', newPin }
  },
  PROMOTAKER: (fields) => ({ name: 'PROMOTAKER', ...promoOf(fields), isTaker: fields.neededFlag('taker') }),
  CFGRECORD: (fields) => {
    const record = fields.neededObject('record')
    return {
      name: 'CFGRECORD',
      owner: fields.neededNumber('number'),
      isOn: record.flag('status'),
      maxIdle: within(record.count('max_idle'), 'max_idle', 1, 60),
      maxRecord: within(record.count('max_record'), 'max_record', 1, 3600),
    }
  },
}

function leavingNumbers(number: Fields): { readonly caller: SentNumber; readonly owner: SentNumber } {
  // A caller that withholds its number has none.
  return { caller: number.number('a') ?? { written: '', readings: [''] }, owner: number.neededNumber('b') }
}

function promoOf(fields: Fields): { readonly number: SentNumber; readonly promo: PromoName } {
  return { number: fields.neededNumber('number'), promo: fields.promo('promo') }
}

function messageOf(fields: Fields): { readonly owner: SentNumber; readonly voice: string } {
  return { owner: fields.neededNumber('number'), voice: voiceOf(fields, 'voice') }
}

function voiceOf(fields: Fields, field: string): string {
  const voice = fields.neededText(field)
  if (!isVoiceName(voice)) throw bad(field, 'a file name of letters, digits, dots, dashes and underscores')
  return voice
}

function within(value: number | undefined, field: string, least: number, most: number): number | undefined {
  if (value !== undefined && (value < least || value > most)) throw bad(field, `${least} to ${most} seconds`)
  return value
}
