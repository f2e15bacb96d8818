import { AnswerFault, type Slips } from './kindness.ts'
import { blankRecord, type WireStruct, type WireValue } from './wire.ts'

interface IntegerBounds {
  readonly least: number
  readonly most: number
  readonly usual: number
  /** Not published as mandatory: nothing is said of its absence. */
  readonly isOptional?: boolean
}

/** Reads the fields of one struct, as kindly as it goes. What was let pass is noted. */
export class Fields {
  readonly #byName = new Map<string, WireValue>()
  readonly #slips: Slips

  /** @param known - the published names; others are noted and passed over. */
  constructor(struct: WireStruct, known: readonly string[], slips: Slips) {
    this.#slips = slips
    const names = new Set(known)
    const others: [string, WireValue][] = []
    for (const [name, value] of Object.entries(struct)) {
      if (names.has(name)) this.#byName.set(name, value)
      else others.push([name, value])
    }
    for (const [name, value] of others) {
      const meant = name.trim().toUpperCase()
      const shown = name.slice(0, 40)
      if (!names.has(meant)) slips.add('unknown-field', shown, `There is no field ${JSON.stringify(shown)} here.`)
      else if (!this.#byName.has(meant)) {
        this.#byName.set(meant, value)
        slips.add('field-case', meant, `${meant} is written ${JSON.stringify(shown)}.`)
      }
    }
  }

  has(name: string): boolean {
    const value = this.#byName.get(name)
    return value !== undefined && value !== null
  }

  raw(name: string): WireValue | undefined {
    return this.#byName.get(name)
  }

  /** Trimmed; empty where it is missing or no text. */
  text(name: string): string {
    const value = this.#byName.get(name)
    return this.#textOf(name, value)
  }

  /** As `text`; its absence is noted. */
  mandatoryText(name: string): string {
    if (!this.has(name)) this.#slips.add('field-missing', name, `${name} is missing; it was taken for empty.`)
    return this.text(name)
  }

  /** As `text`. Throws AnswerFault where it is missing or empty. */
  essentialText(name: string): string {
    const text = this.text(name)
    if (text === '') throw new AnswerFault(`Its ${name} is ${this.has(name) ? 'empty' : 'missing'}.`)
    return text
  }

  /** The name of a recording; null for those that mean none. */
  record(name: string, isMandatory = false): string | null {
    const text = isMandatory ? this.mandatoryText(name) : this.text(name)
    return text === '' || text.toLowerCase() === blankRecord ? null : text
  }

  list(name: string): readonly string[] {
    const value = this.#byName.get(name)
    const items: readonly WireValue[] = Array.isArray(value) ? value : [value ?? '']
    return items.map((item) => this.#textOf(name, item)).filter((item) => item !== '')
  }

  integer(name: string, bounds: IntegerBounds): number {
    const { least, most, usual, isOptional = false } = bounds
    const value = this.#byName.get(name)
    const isAbsent = value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
    if (isAbsent) {
      if (!isOptional) this.#slips.add('field-missing', name, `${name} is missing; it was taken for ${usual}.`)
      return usual
    }
    const read = this.#integerIn(name, value)
    if (read === null) {
      this.#slips.add('not-a-number', name, `${name} is ${shown(value)}, no whole number; it was taken for ${usual}.`)
      return usual
    }
    if (read >= least && read <= most) return read
    const nearest = Math.min(most, Math.max(least, read))
    this.#slips.add(
      'out-of-range',
      name,
      `${name} is ${read}; ${least} to ${most} is possible, and ${nearest} was taken.`,
    )
    return nearest
  }

  /** Null where it is missing or no whole number. */
  wholeNumber(name: string): number | null {
    const value = this.#byName.get(name)
    return value === undefined ? null : this.#integerIn(name, value)
  }

  #integerIn(name: string, value: WireValue): number | null {
    if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null
    const number = typeof value === 'boolean' ? Number(value) : typeof value === 'string' ? numberIn(value) : null
    if (number !== null) this.#slips.add('text-for-number', name, `${name} is ${shown(value)} and not a number.`)
    return number
  }

  #textOf(name: string, value: WireValue | undefined): string {
    if (typeof value === 'string') {
      const trimmed = value.trim()
      if (trimmed !== value) this.#slips.add('trimmed', name, `${name} has blanks or line breaks around it.`)
      return trimmed
    }
    if (typeof value === 'number' || typeof value === 'boolean') {
      this.#slips.add('number-for-text', name, `${name} is ${shown(value)} and not a text.`)
      return typeof value === 'number' && Number.isInteger(value) ? BigInt(value).toString() : String(value)
    }
    return ''
  }
}

/** A whole number written as a text, `3200` or `3.0`. */
function numberIn(text: string): number | null {
  const trimmed = text.trim()
  return /^[+-]?\d{1,15}(\.0*)?$/.test(trimmed) ? Number(trimmed) : null
}

/** A value as a sentence shows it. */
export function shown(value: WireValue | undefined): string {
  const text = JSON.stringify(value ?? null)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
