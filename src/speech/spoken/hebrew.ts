import { type Gender, type Grammar, numberPart, type SpokenPart, thousandGroups, wordAt } from './grammar.ts'
import {
  hundreds,
  inMonth,
  largePowers,
  ordinals,
  teens,
  tens,
  thousands,
  twoOf,
  units,
  withAnd,
} from './hebrew-words.ts'

const powerNames = ['', 'thousand', 'million', 'billion', 'trillion']

/** Recordings of the feminine, in which one counts, have the plain names. */
function nameOf(value: number, gender: Gender): string {
  return gender === 'feminine' ? `${value}` : `${value}m`
}

/** The pieces of 1 to 999; `and` goes before the last of them, and is put there by the caller. */
function pieces(value: number, gender: Gender): SpokenPart[] {
  const [hundred, rest] = [Math.floor(value / 100), value % 100]
  const parts = hundred === 0 ? [] : [numberPart(hundred * 100, wordAt(hundreds, hundred))]
  if (rest === 0) return parts
  if (rest <= 10) return [...parts, numberPart(nameOf(rest, gender), wordAt(units[gender], rest))]
  if (rest < 20) return [...parts, numberPart(nameOf(rest, gender), wordAt(teens[gender], rest - 10))]
  const ten = numberPart(rest - (rest % 10), wordAt(tens, Math.floor(rest / 10)))
  const unit = rest % 10
  return [...parts, ten, ...(unit === 0 ? [] : [numberPart(nameOf(unit, gender), wordAt(units[gender], unit))])]
}

/** Puts `and` before the last of several. It is a prefix, so it becomes one part with its word. */
function joined(parts: readonly SpokenPart[]): SpokenPart[] {
  const last = parts.at(-1)
  if (!last || parts.length < 2) return [...parts]
  return [...parts.slice(0, -1), { name: last.name.replace('/', '/and-'), text: withAnd(last.text) }]
}

/** Thousands have their own forms up to ten; above, as with millions, comes the masculine number and the singular. */
function largeGroup(group: number, power: number): SpokenPart[] {
  if (power === 1 && group <= 10) return [numberPart(group * 1000, wordAt(thousands, group))]
  const unit = numberPart(wordAt(powerNames, power), power === 1 ? wordAt(thousands, 1) : wordAt(largePowers, power))
  if (group === 1) return [unit]
  if (group === 2) return [numberPart('2mc', twoOf.masculine), unit]
  return [...joined(pieces(group, 'masculine')), unit]
}

function cardinal(value: number, gender: Gender): SpokenPart[] {
  if (value === 0) return [numberPart(0, wordAt(units.feminine, 0))]
  const groups = thousandGroups(value)
  const large = groups.filter(({ power }) => power > 0).map(({ group, power }) => largeGroup(group, power))
  const small = groups.at(-1)?.power === 0 ? pieces(value % 1000, gender) : []
  if (small.length > 0) return joined([...large.flat(), ...small])
  // Two million and three thousand: the prefix goes before the first word of the last group.
  const [last, before] = [large.at(-1) ?? [], large.slice(0, -1).flat()]
  const [first, ...rest] = last
  if (before.length === 0 || !first) return last
  return [...before, { name: first.name.replace('/', '/and-'), text: withAnd(first.text) }, ...rest]
}

/** Beyond the tenth the number itself serves, in the masculine. */
function ordinal(value: number): SpokenPart[] {
  const word = ordinals[value]
  return word ? [{ name: `ordinals/${value}`, text: word }] : cardinal(value, 'masculine')
}

interface Unit {
  readonly name: string
  readonly one: string
  /** Two of it in one word or two. */
  readonly two: string
  readonly many: string
}

const hour: Unit = { name: 'hour', one: 'שָׁעָה', two: 'שְׁעָתַיִם', many: 'שָׁעוֹת' }
const minute: Unit = { name: 'minute', one: 'דַּקָּה', two: `${twoOf.feminine} דַּקּוֹת`, many: 'דַּקּוֹת' }
const second: Unit = { name: 'second', one: 'שְׁנִיָּה', two: `${twoOf.feminine} שְׁנִיּוֹת`, many: 'שְׁנִיּוֹת' }

/** Hours, minutes and seconds are all feminine. */
function counted(value: number, unit: Unit): SpokenPart[] {
  if (value === 0) return []
  if (value === 1) return [{ name: `units/${unit.name}`, text: unit.one }]
  if (value === 2) return [{ name: `units/2-${unit.name}s`, text: unit.two }]
  return [...cardinal(value, 'feminine'), { name: `units/${unit.name}s`, text: unit.many }]
}

function withAndFirst(parts: readonly SpokenPart[]): SpokenPart[] {
  const [first, ...rest] = parts
  return first ? [{ name: first.name.replace('/', '/and-'), text: withAnd(first.text) }, ...rest] : []
}

export const hebrew: Grammar = {
  digits: {
    ...Object.fromEntries(units.feminine.slice(0, 10).map((word, i) => [i, word])),
    '*': 'כּוֹכָבִית',
    '#': 'סוּלָמִית',
    '+': 'פְּלוּס',
  },
  minus: numberPart('minus', 'מִינוּס'),
  point: numberPart('point', 'נְקוּדָה'),
  cardinal,
  ordinal,
  // The day of the month is a masculine number: five in March, two thousand twenty and six.
  date: (date) => [
    ...cardinal(date.day, 'masculine'),
    { name: `months/in-${date.month}`, text: wordAt(inMonth, date.month), pause: true },
    ...cardinal(date.year, 'feminine'),
  ],
  time: (time) => [
    ...(time.hour === 0 ? [{ name: 'times/midnight', text: 'חֲצוֹת' }] : cardinal(time.hour, 'feminine')),
    ...withAndFirst(counted(time.minute, minute)),
  ],
  duration: ({ hours, minutes, seconds }) => {
    const groups = [counted(hours, hour), counted(minutes, minute), counted(seconds, second)].filter(
      (group) => group.length > 0,
    )
    return groups.flatMap((group, i) => (i > 0 && i === groups.length - 1 ? withAndFirst(group) : group))
  },
}
