/** One piece of something spoken: played from a tenant's recording of that name, or said by the voice. */
export interface SpokenPart {
  /** The recording's name, the same in every language where the pieces are: `digits/1`, `numbers/20`, `months/3`. */
  readonly name: string
  /** What the voice says. Hebrew with vowel points. */
  readonly text: string
  /** A short pause follows: digits must not run into one number, and telephone numbers have groups. */
  readonly pause?: true
}

/** A number's gender where the language has it. Hebrew counts, and says digits, in the feminine. */
export type Gender = 'feminine' | 'masculine'

export interface DateParts {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  /** 1 to 31. */
  readonly day: number
}

export interface TimeParts {
  /** 0 to 23. */
  readonly hour: number
  readonly minute: number
}

export interface DurationParts {
  readonly hours: number
  readonly minutes: number
  readonly seconds: number
}

/** How one language says what menus and voicemail need. All functions are pure. */
export interface Grammar {
  /** By character: 0 to 9, `*`, `#`, `+`. */
  readonly digits: Readonly<Record<string, string>>
  readonly minus: SpokenPart
  readonly point: SpokenPart
  /** @param value - whole, 0 to `largestNumber`. */
  cardinal(value: number, gender: Gender): SpokenPart[]
  /** @param value - whole, 1 to `largestNumber`. */
  ordinal(value: number): SpokenPart[]
  date(date: DateParts): SpokenPart[]
  time(time: TimeParts): SpokenPart[]
  /** At least one of the three is not zero. */
  duration(duration: DurationParts): SpokenPart[]
}

/** Larger numbers are said digit by digit. */
export const largestNumber = 999_999_999_999_999

/** `numbers/…` with its text. */
export function numberPart(name: string | number, text: string): SpokenPart {
  return { name: `numbers/${name}`, text }
}

/** Groups of three digits, the highest first, each with its power of a thousand; groups of zero are left out. */
export function thousandGroups(value: number): readonly { readonly group: number; readonly power: number }[] {
  const groups: { group: number; power: number }[] = []
  for (let rest = value, power = 0; rest > 0; rest = Math.floor(rest / 1000), power++) {
    const group = rest % 1000
    if (group > 0) groups.unshift({ group, power })
  }
  return groups
}

/** The word at an index that the caller has bounded. */
export function wordAt(words: readonly string[], index: number): string {
  return words[index] ?? ''
}
