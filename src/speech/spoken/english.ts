import { type Grammar, numberPart, type SpokenPart, thousandGroups, wordAt } from './grammar.ts'

const small =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const tens = '- ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')
const powers = ['', 'thousand', 'million', 'billion', 'trillion']
const smallOrdinals =
  '- first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth'.split(
    ' ',
  )
const months = '- January February March April May June July August September October November December'.split(' ')

const and = numberPart('and', 'and')

function belowHundred(value: number): SpokenPart[] {
  if (value < 20) return [numberPart(value, wordAt(small, value))]
  const parts = [numberPart(value - (value % 10), wordAt(tens, Math.floor(value / 10)))]
  return value % 10 === 0 ? parts : [...parts, numberPart(value % 10, wordAt(small, value % 10))]
}

function belowThousand(value: number): SpokenPart[] {
  const [hundreds, rest] = [Math.floor(value / 100), value % 100]
  if (hundreds === 0) return belowHundred(rest)
  const parts = [numberPart(hundreds, wordAt(small, hundreds)), numberPart('hundred', 'hundred')]
  return rest === 0 ? parts : [...parts, and, ...belowHundred(rest)]
}

function cardinal(value: number): SpokenPart[] {
  if (value === 0) return belowHundred(0)
  return thousandGroups(value).flatMap(({ group, power }) => {
    const parts = belowThousand(group)
    if (power > 0) return [...parts, numberPart(wordAt(powers, power), wordAt(powers, power))]
    // One thousand and one, but one thousand one hundred and one.
    return value > 1000 && group < 100 ? [and, ...parts] : parts
  })
}

function ordinal(value: number): SpokenPart[] {
  const parts = cardinal(value)
  const last = value % 100
  const isRound = last >= 20 && last % 10 === 0
  const unit = last < 20 ? last : last % 10
  const word = isRound ? wordAt(tens, last / 10).replace(/y$/, 'ieth') : wordAt(smallOrdinals, unit)
  if (last === 0) {
    const whole = parts.at(-1)
    return whole
      ? [...parts.slice(0, -1), { name: whole.name.replace('numbers', 'ordinals'), text: `${whole.text}th` }]
      : []
  }
  return [...parts.slice(0, -1), { name: `ordinals/${isRound ? last : unit}`, text: word }]
}

/** 1999: nineteen ninety-nine; 1905: nineteen oh five; 1900: nineteen hundred; 2005 and other centuries as numbers. */
function year(value: number): SpokenPart[] {
  const isPaired = (value >= 1100 && value < 2000) || (value >= 2010 && value < 2100)
  if (!isPaired) return cardinal(value)
  const rest = value % 100
  const century = belowHundred(Math.floor(value / 100))
  if (rest === 0) return [...century, numberPart('hundred', 'hundred')]
  return [...century, ...(rest < 10 ? [{ name: 'digits/o', text: 'oh' }] : []), ...belowHundred(rest)]
}

function counted(value: number, unit: string): SpokenPart[] {
  if (value === 0) return []
  return [...cardinal(value), { name: `units/${unit}${value === 1 ? '' : 's'}`, text: value === 1 ? unit : `${unit}s` }]
}

export const english: Grammar = {
  digits: {
    ...Object.fromEntries(small.slice(0, 10).map((word, i) => [i, word])),
    '*': 'star',
    '#': 'hash',
    '+': 'plus',
  },
  minus: numberPart('minus', 'minus'),
  point: numberPart('point', 'point'),
  cardinal,
  ordinal,
  date: (date) => [
    { name: `months/${date.month}`, text: wordAt(months, date.month) },
    ...ordinal(date.day).map((part, i, all) => (i === all.length - 1 ? { ...part, pause: true as const } : part)),
    ...year(date.year),
  ],
  time: ({ hour, minute }) => [
    ...belowHundred(hour % 12 === 0 ? 12 : hour % 12),
    ...(minute > 0 && minute < 10 ? [{ name: 'digits/o', text: 'oh' }] : []),
    ...(minute === 0 ? [] : belowHundred(minute)),
    hour < 12 ? { name: 'times/am', text: 'a m' } : { name: 'times/pm', text: 'p m' },
  ],
  duration: ({ hours, minutes, seconds }) => {
    const groups = [counted(hours, 'hour'), counted(minutes, 'minute'), counted(seconds, 'second')].filter(
      (group) => group.length > 0,
    )
    return groups.flatMap((group, i) => (i > 0 && i === groups.length - 1 ? [and, ...group] : group))
  },
}
