import { type Grammar, numberPart, type SpokenPart, thousandGroups, wordAt } from './grammar.ts'

const small = [
  ...'nol satu dua tiga empat lima enam tujuh delapan sembilan sepuluh sebelas'.split(' '),
  ...'dua tiga empat lima enam tujuh delapan sembilan'.split(' ').map((word) => `${word} belas`),
]
const powers = ['', 'ribu', 'juta', 'miliar', 'triliun']
const powerNames = ['', 'thousand', 'million', 'billion', 'trillion']
const months = '- Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember'.split(' ')

/** 10 is `sepuluh`, 100 `seratus`, 1,000 `seribu`: the prefix se- stands for one, except before juta and above. */
function belowHundred(value: number): SpokenPart[] {
  if (value < 20) return [numberPart(value, wordAt(small, value))]
  const parts = [numberPart(value - (value % 10), `${wordAt(small, Math.floor(value / 10))} puluh`)]
  return value % 10 === 0 ? parts : [...parts, numberPart(value % 10, wordAt(small, value % 10))]
}

function belowThousand(value: number): SpokenPart[] {
  const [hundreds, rest] = [Math.floor(value / 100), value % 100]
  const tail = rest === 0 ? [] : belowHundred(rest)
  if (hundreds === 0) return tail
  if (hundreds === 1) return [numberPart(100, 'seratus'), ...tail]
  return [numberPart(hundreds, wordAt(small, hundreds)), numberPart('hundred', 'ratus'), ...tail]
}

function cardinal(value: number): SpokenPart[] {
  if (value === 0) return belowHundred(0)
  return thousandGroups(value).flatMap(({ group, power }) => {
    if (power === 1 && group === 1) return [numberPart(1000, 'seribu')]
    const parts = belowThousand(group)
    return power === 0 ? parts : [...parts, numberPart(wordAt(powerNames, power), wordAt(powers, power))]
  })
}

function ordinal(value: number): SpokenPart[] {
  if (value === 1) return [{ name: 'ordinals/1', text: 'pertama' }]
  const [first, ...rest] = cardinal(value)
  return first ? [{ name: first.name.replace('numbers', 'ordinals'), text: `ke${first.text}` }, ...rest] : []
}

function counted(value: number, unit: string, text: string): SpokenPart[] {
  return value === 0 ? [] : [...cardinal(value), { name: `units/${unit}`, text }]
}

export const indonesian: Grammar = {
  digits: {
    ...Object.fromEntries(small.slice(0, 10).map((word, i) => [i, word])),
    '*': 'bintang',
    '#': 'pagar',
    '+': 'plus',
  },
  minus: numberPart('minus', 'minus'),
  point: numberPart('point', 'koma'),
  cardinal,
  ordinal,
  date: (date) => [
    { name: 'dates/day', text: 'tanggal' },
    ...cardinal(date.day),
    { name: `months/${date.month}`, text: wordAt(months, date.month) },
    ...cardinal(date.year),
  ],
  time: ({ hour, minute }) => [
    { name: 'times/hour', text: 'pukul' },
    ...cardinal(hour),
    ...(minute === 0 ? [] : [{ name: 'times/past', text: 'lewat' }, ...counted(minute, 'minute', 'menit')]),
  ],
  duration: ({ hours, minutes, seconds }) => [
    ...counted(hours, 'hour', 'jam'),
    ...counted(minutes, 'minute', 'menit'),
    ...counted(seconds, 'second', 'detik'),
  ],
}
