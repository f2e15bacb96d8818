import { Fields } from '../fields.ts'
import { isVoiceName, type PromoName, type WireLanguage, type WireObject } from '../wire.ts'

/** What a node needs of the answer to INITLEAVING. */
export interface LeavingAnswer {
  readonly isRecordOn: boolean
  readonly isFull: boolean
  readonly maxIdleMs: number
  readonly maxRecordMs: number
  readonly language: 'id' | 'en'
  /** Of the personal greeting; null: the standard one is played. */
  readonly greeting: string | null
  readonly promos: Readonly<Record<PromoName, string | null>>
  readonly isTariffOn: boolean
}

export interface RetrieveAnswer {
  readonly isAllowed: boolean
  /** Ours: whether the mailbox has a PIN. */
  readonly hasPin: boolean
  readonly language: 'id' | 'en'
  /** Oldest first. */
  readonly unread: readonly ListedMessage[]
  readonly read: readonly ListedMessage[]
  /** Ours: nobody can leave a message any more. */
  readonly isFull: boolean
  readonly promos: Readonly<Record<PromoName, string | null>>
  readonly greeting: { readonly voice: string | null; readonly isActive: boolean }
}

export interface ListedMessage {
  readonly voice: string
  readonly number: string
  /** `yyyy-mm-dd`, and `hh:mm:ss` where it is told. */
  readonly date: string
  readonly time: string | null
}

// Of the original picture, and ours.
const usualMaxIdleSeconds = 2
const usualMaxRecordSeconds = 60

/** Kind to foreign services: what is missing or wrong has its usual value. */
export function readLeavingAnswer(object: WireObject): LeavingAnswer {
  const fields = new Fields(object)
  const record = part(fields, 'record')
  const greeting = part(fields, 'greeting')
  const seconds = (name: string, usual: number, most: number): number =>
    Math.min(most, Math.max(1, quiet(() => record?.count(name)) ?? usual)) * 1000
  return {
    isRecordOn: quiet(() => record?.flag('status')) ?? quiet(() => fields.flag('record_message')) ?? true,
    isFull: isFull(fields),
    maxIdleMs: seconds('max_idle', usualMaxIdleSeconds, 60),
    maxRecordMs: seconds('max_record', usualMaxRecordSeconds, 3600),
    language: languageOf(fields),
    greeting: quiet(() => greeting?.text('type')) === 'personal' ? voiceIn(greeting, 'voice') : null,
    promos: { x: promoVoice(fields, 'play_promo_x'), y: promoVoice(fields, 'play_promo_y') },
    isTariffOn: quiet(() => fields.flag('play_tarif_call')) ?? false,
  }
}

export function readRetrieveAnswer(object: WireObject): RetrieveAnswer {
  const fields = new Fields(object)
  const greeting = part(fields, 'personal_greeting')
  return {
    isAllowed: quiet(() => fields.flag('access')) ?? true,
    hasPin: quiet(() => fields.flag('pin')) ?? false,
    language: languageOf(fields),
    unread: messagesIn(object['message_unread']),
    read: messagesIn(object['message_read']),
    isFull: isFull(fields),
    promos: { x: promoVoice(fields, 'play_promo_x'), y: promoVoice(fields, 'play_promo_y') },
    greeting: { voice: voiceIn(greeting, 'voice'), isActive: quiet(() => greeting?.flag('active')) ?? false },
  }
}

/** Where the service does not say how many there may be, it is not. */
function isFull(fields: Fields): boolean {
  const mailbox = part(fields, 'mailbox')
  const total = quiet(() => mailbox?.count('total'))
  const max = quiet(() => mailbox?.count('max'))
  return total !== undefined && max !== undefined && total >= max
}

/** Both must be on, and there must be something to play. */
function promoVoice(fields: Fields, name: string): string | null {
  const promo = part(fields, name)
  const isOn = (quiet(() => promo?.flag('general')) ?? false) && (quiet(() => promo?.flag('personal')) ?? false)
  return isOn ? voiceIn(promo, 'voice') : null
}

function messagesIn(list: unknown): readonly ListedMessage[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((entry): readonly ListedMessage[] => {
    if (typeof entry !== 'object' || entry === null) return []
    const fields = new Fields(entry as WireObject)
    const voice = voiceIn(fields, 'voice')
    if (voice === null) return []
    const number = quiet(() => fields.number('number')?.written) ?? ''
    const time = quiet(() => fields.text('time')) ?? null
    return [{ voice, number, date: quiet(() => fields.text('date')) ?? '', time }]
  })
}

function voiceIn(fields: Fields | undefined, name: string): string | null {
  const voice = quiet(() => fields?.text(name))
  return voice !== undefined && isVoiceName(voice) ? voice : null
}

function part(fields: Fields, name: string): Fields | undefined {
  return quiet(() => fields.object(name))
}

function languageOf(fields: Fields): 'id' | 'en' {
  const language: WireLanguage = quiet(() => fields.language('language')) ?? 'ina'
  return language === 'eng' ? 'en' : 'id'
}

/** What is wrong in an answer counts as missing. */
function quiet<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
