import type { Language } from '../types.ts'
import { english } from './english.ts'
import { type Gender, type Grammar, largestNumber, type SpokenPart } from './grammar.ts'
import { hebrew } from './hebrew.ts'
import { indonesian } from './indonesian.ts'
import { vietnamese } from './vietnamese.ts'

const grammars: Readonly<Record<Language, Grammar>> = { en: english, id: indonesian, he: hebrew, vi: vietnamese }

const characterNames: Readonly<Record<string, string>> = { '*': 'star', '#': 'hash', '+': 'plus' }

/** Digits behind the point that are said; more would be noise of binary fractions. */
const fractionDigits = 6

/**
 * Digits one by one, each with a short pause: 0 to 9, `*`, `#`, `+`, and the letters of a keypad as they are. Anything
 * else is left out.
 */
export function spokenDigits(digits: string, language: Language): readonly SpokenPart[] {
  return digits.split('').flatMap((character) => {
    const part = characterPart(character, language)
    return part ? [{ ...part, pause: true as const }] : []
  })
}

/**
 * A number as it is counted: 21, -3, 1.5. Beyond 999,999,999,999,999 digit by digit; NaN and infinity say nothing.
 * @param gender - for languages that have it; counting is feminine in Hebrew.
 */
export function spokenNumber(value: number, language: Language, gender: Gender = 'feminine'): readonly SpokenPart[] {
  if (!Number.isFinite(value)) return []
  const grammar = grammars[language]
  const sign = value < 0 ? [grammar.minus] : []
  const size = Math.abs(value)
  if (size > largestNumber) return [...sign, ...spokenDigits(BigInt(Math.round(size)).toString(), language)]
  const [whole = '0', fraction = ''] = size.toFixed(fractionDigits).split('.')
  const behind = fraction.replace(/0+$/, '')
  const tail = behind === '' ? [] : [grammar.point, ...spokenDigits(behind, language)]
  return [...sign, ...grammar.cardinal(Number(whole), gender), ...tail]
}

/** The first, the twenty-first. @param value - whole, from 1; what is not is said as a number. */
export function spokenOrdinal(value: number, language: Language): readonly SpokenPart[] {
  const isOrdinal = Number.isInteger(value) && value >= 1 && value <= largestNumber
  return isOrdinal ? grammars[language].ordinal(value) : spokenNumber(value, language)
}

/** Day, month and year in a time zone (IANA name). An invalid date says nothing. */
export function spokenDate(date: Date, language: Language, timeZone: string): readonly SpokenPart[] {
  const fields = fieldsOf(date, timeZone)
  return fields ? grammars[language].date(fields) : []
}

/** The time of day in a time zone (IANA name): twelve hours in English, twenty-four elsewhere. */
export function spokenTime(date: Date, language: Language, timeZone: string): readonly SpokenPart[] {
  const fields = fieldsOf(date, timeZone)
  return fields ? grammars[language].time(fields) : []
}

/** Hours, minutes and seconds, those that are zero left out. @param seconds - rounded down; below zero is zero. */
export function spokenDuration(seconds: number, language: Language): readonly SpokenPart[] {
  if (!Number.isFinite(seconds) || seconds > largestNumber) return []
  const whole = Math.max(0, Math.floor(seconds))
  const grammar = grammars[language]
  if (whole === 0) {
    // Zero has no unit of its own in the grammars: nought seconds, in the plural of many.
    const unit = grammar.duration({ hours: 0, minutes: 0, seconds: 20 }).at(-1)
    return unit ? [...grammar.cardinal(0, 'feminine'), unit] : []
  }
  return grammar.duration({
    hours: Math.floor(whole / 3600),
    minutes: Math.floor(whole / 60) % 60,
    seconds: whole % 60,
  })
}

/**
 * A telephone number, digit by digit in groups of three with a pause behind each; the last group has two to four.
 * Separators are left out, the plus is said.
 */
export function spokenTelephone(number: string, language: Language): readonly SpokenPart[] {
  const parts = number.split('').flatMap((character) => characterPart(character, language) ?? [])
  const digits = parts.filter((part) => part.name !== 'digits/plus').length
  const offset = parts.length - digits
  return parts.map((part, i) => {
    const said = i + 1 - offset
    const left = digits - said
    return said > 0 && said % 3 === 0 && left >= 2 ? { ...part, pause: true } : part
  })
}

/** The parts as one text for the voice, commas for the pauses between them. */
export function spokenText(parts: readonly SpokenPart[]): string {
  return parts.map((part, i) => part.text + (part.pause && i < parts.length - 1 ? ',' : '')).join(' ')
}

function characterPart(character: string, language: Language): SpokenPart | undefined {
  const text = grammars[language].digits[character]
  if (text !== undefined) return { name: `digits/${characterNames[character] ?? character}`, text }
  const isKey = /^[A-D]$/i.test(character)
  return isKey ? { name: `digits/${character.toUpperCase()}`, text: character.toUpperCase() } : undefined
}

interface Fields {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
}

/** Formatters are dear to make and few: one per time zone. */
const formatters = new Map<string, Intl.DateTimeFormat>()
const maxFormatters = 64

function fieldsOf(date: Date, timeZone: string): Fields | null {
  if (Number.isNaN(date.getTime())) return null
  let formatter = formatters.get(timeZone)
  if (!formatter) {
    const numeric = 'numeric'
    const options = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric } as const
    formatter = new Intl.DateTimeFormat('en-GB', { ...options, timeZone, hourCycle: 'h23', calendar: 'gregory' })
    if (formatters.size >= maxFormatters) formatters.clear()
    formatters.set(timeZone, formatter)
  }
  const field = new Map(formatter.formatToParts(date).map(({ type, value }) => [type as string, Number(value)]))
  const at = (name: string): number => field.get(name) ?? 0
  return { year: at('year'), month: at('month'), day: at('day'), hour: at('hour'), minute: at('minute') }
}
