import { type Grammar, numberPart, type SpokenPart, thousandGroups, wordAt } from './grammar.ts'

const digits = 'không một hai ba bốn năm sáu bảy tám chín'.split(' ')

const zero = numberPart(0, 'không')
const ten = numberPart(10, 'mười')
const muoi = numberPart('muoi', 'mươi')
const hundred = numberPart('hundred', 'trăm')
const linh = numberPart('linh', 'linh')
const thousand = numberPart('thousand', 'nghìn')
const million = numberPart('million', 'triệu')
const billion = numberPart('billion', 'tỷ')

function digit(value: number): SpokenPart {
  return numberPart(value, wordAt(digits, value))
}

/** Behind `mươi` one is `mốt` and four `tư`; behind `mười` and `mươi` five is `lăm`. */
function unitBehindTens(unit: number, tens: number): SpokenPart[] {
  if (unit === 0) return []
  if (unit === 5) return [numberPart('lam', 'lăm')]
  if (unit === 1 && tens > 1) return [numberPart('mot', 'mốt')]
  if (unit === 4 && tens > 1) return [numberPart('tu', 'tư')]
  return [digit(unit)]
}

/**
 * One group of three digits. Behind a higher group its hundreds are always said, `không trăm` too; between hundreds and
 * units stands `linh` where the tens are missing.
 */
function belowThousand(value: number, isBehind: boolean): SpokenPart[] {
  const [hundreds, tens, unit] = [Math.floor(value / 100), Math.floor(value / 10) % 10, value % 10]
  const hasHundreds = hundreds > 0 || isBehind
  const parts = hasHundreds ? [hundreds === 0 ? zero : digit(hundreds), hundred] : []
  if (tens === 0) return unit === 0 ? parts : [...parts, ...(hasHundreds ? [linh] : []), digit(unit)]
  return [...parts, ...(tens === 1 ? [ten] : [digit(tens), muoi]), ...unitBehindTens(unit, tens)]
}

/** Below a billion: triệu, nghìn, units. */
function belowBillion(value: number, isBehind: boolean): SpokenPart[] {
  let isBehindGroup = isBehind
  return thousandGroups(value).flatMap(({ group, power }) => {
    const parts = belowThousand(group, isBehindGroup)
    isBehindGroup = true
    if (power === 0) return parts
    return [...parts, power === 1 ? thousand : million]
  })
}

/** Numbers above a billion count billions: 10^12 is a thousand `tỷ`. */
function cardinal(value: number): SpokenPart[] {
  if (value === 0) return [zero]
  const [billions, rest] = [Math.floor(value / 1e9), value % 1e9]
  const head = billions === 0 ? [] : [...belowBillion(billions, false), billion]
  return rest === 0 ? head : [...head, ...belowBillion(rest, billions > 0)]
}

/** First and fourth have words of their own. */
function ordinal(value: number): SpokenPart[] {
  const prefix: SpokenPart = { name: 'ordinals/th', text: 'thứ' }
  if (value === 1) return [prefix, { name: 'ordinals/1', text: 'nhất' }]
  return [prefix, ...(value === 4 ? [numberPart('tu', 'tư')] : cardinal(value))]
}

/** The days up to the tenth are `mùng`. The fourth month is `tháng tư`. */
function monthAndDay(day: number, month: number): SpokenPart[] {
  const mung: SpokenPart[] = day <= 10 ? [{ name: 'dates/mung', text: 'mùng' }] : []
  const monthText =
    month === 4
      ? 'tư'
      : cardinal(month)
          .map(({ text }) => text)
          .join(' ')
  return [
    { name: 'dates/day', text: 'ngày' },
    ...mung,
    ...cardinal(day),
    { name: `months/${month}`, text: `tháng ${monthText}` },
  ]
}

function counted(value: number, unit: string, text: string): SpokenPart[] {
  return value === 0 ? [] : [...cardinal(value), { name: `units/${unit}`, text }]
}

export const vietnamese: Grammar = {
  digits: { ...Object.fromEntries(digits.map((word, i) => [i, word])), '*': 'sao', '#': 'thăng', '+': 'cộng' },
  minus: numberPart('minus', 'âm'),
  point: numberPart('point', 'phẩy'),
  cardinal,
  ordinal,
  date: (date) => [...monthAndDay(date.day, date.month), { name: 'dates/year', text: 'năm' }, ...cardinal(date.year)],
  time: ({ hour, minute }) => [
    ...cardinal(hour),
    { name: 'units/hour', text: 'giờ' },
    ...counted(minute, 'minute', 'phút'),
  ],
  duration: ({ hours, minutes, seconds }) => [
    ...counted(hours, 'hour', 'giờ'),
    ...counted(minutes, 'minute', 'phút'),
    ...counted(seconds, 'second', 'giây'),
  ],
}
