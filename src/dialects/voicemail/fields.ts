import type { ErrorReply, PromoName, Reason, WireLanguage, WireObject, WireValue } from './wire.ts'

/** Thrown while a request is read; becomes the answer. */
export class Refusal extends Error {
  readonly reply: ErrorReply

  constructor(reason: Reason, message: string, field?: string) {
    super(message)
    this.reply = { status: 'error', reason, message, ...(field === undefined ? {} : { field }) }
  }
}

/** A telephone number as it was sent, and what it may mean. */
export interface SentNumber {
  /** What answers repeat. */
  readonly written: string
  /** Ways to read it, the likeliest first: of a JSON number a leading zero was lost. */
  readonly readings: readonly string[]
}

/** Reads members kindly: "" and null are absent, numbers may be texts, truth values may be many things. */
export class Fields {
  readonly #object: WireObject

  constructor(object: WireObject) {
    this.#object = object
  }

  /** Whether the member is there at all, empty or not. */
  has(name: string): boolean {
    return Object.hasOwn(this.#object, name) && this.#object[name] !== undefined
  }

  /** As it was sent; undefined where it is absent, empty or null. */
  value(name: string): WireValue | undefined {
    const value = Object.hasOwn(this.#object, name) ? this.#object[name] : undefined
    if (value === null || value === undefined) return undefined
    return typeof value === 'string' && value.trim() === '' ? undefined : value
  }

  text(name: string): string | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    if (typeof value === 'string') return value.trim()
    if (typeof value === 'number') return String(value)
    throw bad(name, 'a text')
  }

  neededText(name: string): string {
    return needed(this.text(name), name)
  }

  /** Whole, 0 or more. */
  count(name: string): number | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    const number = typeof value === 'string' ? Number(value.trim()) : value
    if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) throw bad(name, 'a whole number')
    return Math.min(Math.floor(number), 2 ** 31 - 1)
  }

  flag(name: string): boolean | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    if (typeof value === 'object') throw bad(name, 'true or false')
    const word = String(value).trim().toLowerCase()
    if (word === 'true' || word === 'on' || word === '1') return true
    if (word === 'false' || word === 'off' || word === '0') return false
    throw bad(name, 'true or false')
  }

  neededFlag(name: string): boolean {
    return needed(this.flag(name), name)
  }

  number(name: string): SentNumber | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) {
      return { written: String(value), readings: [String(value), `0${value}`] }
    }
    if (typeof value !== 'string' || value.length > 64) throw bad(name, 'a telephone number')
    return { written: value.trim(), readings: [value.trim()] }
  }

  neededNumber(name: string): SentNumber {
    return needed(this.number(name), name)
  }

  /** The members of an object. */
  object(name: string): Fields | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    if (typeof value !== 'object' || Array.isArray(value)) throw bad(name, 'an object')
    return new Fields(value as WireObject)
  }

  neededObject(name: string): Fields {
    return needed(this.object(name), name)
  }

  language(name: string): WireLanguage {
    const word = this.neededText(name).toLowerCase()
    if (['ina', 'id', 'in', 'ind'].includes(word)) return 'ina'
    if (['eng', 'en'].includes(word)) return 'eng'
    throw bad(name, 'ina or eng')
  }

  promo(name: string): PromoName {
    const word = this.neededText(name).toLowerCase()
    if (word === 'x' || word === 'y') return word
    throw bad(name, 'x or y')
  }
}

export function bad(field: string, expected: string): Refusal {
  return new Refusal('BAD_FIELD', `${field} must be ${expected}.`, field)
}

function needed<Value>(value: Value | undefined, field: string): Value {
  if (value === undefined) throw new Refusal('MISSING_FIELD', `${field} is missing.`, field)
  return value
}
