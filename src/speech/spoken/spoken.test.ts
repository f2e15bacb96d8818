import { describe, expect, it } from 'vitest'
import type { Language } from '../types.ts'
import type { SpokenPart } from './grammar.ts'
import {
  spokenDate,
  spokenDigits,
  spokenDuration,
  spokenNumber,
  spokenOrdinal,
  spokenTelephone,
  spokenText,
  spokenTime,
} from './spoken.ts'

const languages: readonly Language[] = ['en', 'id', 'he', 'vi']

/** Value, English, Indonesian, Hebrew (feminine, without points), Vietnamese. */
const numbers: readonly (readonly [number, string, string, string, string])[] = [
  [0, 'zero', 'nol', 'אפס', 'không'],
  [1, 'one', 'satu', 'אחת', 'một'],
  [4, 'four', 'empat', 'ארבע', 'bốn'],
  [5, 'five', 'lima', 'חמש', 'năm'],
  [10, 'ten', 'sepuluh', 'עשר', 'mười'],
  [11, 'eleven', 'sebelas', 'אחת עשרה', 'mười một'],
  [12, 'twelve', 'dua belas', 'שתים עשרה', 'mười hai'],
  [14, 'fourteen', 'empat belas', 'ארבע עשרה', 'mười bốn'],
  [15, 'fifteen', 'lima belas', 'חמש עשרה', 'mười lăm'],
  [20, 'twenty', 'dua puluh', 'עשרים', 'hai mươi'],
  [21, 'twenty one', 'dua puluh satu', 'עשרים ואחת', 'hai mươi mốt'],
  [22, 'twenty two', 'dua puluh dua', 'עשרים ושתים', 'hai mươi hai'],
  [24, 'twenty four', 'dua puluh empat', 'עשרים וארבע', 'hai mươi tư'],
  [25, 'twenty five', 'dua puluh lima', 'עשרים וחמש', 'hai mươi lăm'],
  [99, 'ninety nine', 'sembilan puluh sembilan', 'תשעים ותשע', 'chín mươi chín'],
  [100, 'one hundred', 'seratus', 'מאה', 'một trăm'],
  [101, 'one hundred and one', 'seratus satu', 'מאה ואחת', 'một trăm linh một'],
  [105, 'one hundred and five', 'seratus lima', 'מאה וחמש', 'một trăm linh năm'],
  [110, 'one hundred and ten', 'seratus sepuluh', 'מאה ועשר', 'một trăm mười'],
  [111, 'one hundred and eleven', 'seratus sebelas', 'מאה ואחת עשרה', 'một trăm mười một'],
  [115, 'one hundred and fifteen', 'seratus lima belas', 'מאה וחמש עשרה', 'một trăm mười lăm'],
  [121, 'one hundred and twenty one', 'seratus dua puluh satu', 'מאה עשרים ואחת', 'một trăm hai mươi mốt'],
  [200, 'two hundred', 'dua ratus', 'מאתים', 'hai trăm'],
  [1000, 'one thousand', 'seribu', 'אלף', 'một nghìn'],
  [1001, 'one thousand and one', 'seribu satu', 'אלף ואחת', 'một nghìn không trăm linh một'],
  [1010, 'one thousand and ten', 'seribu sepuluh', 'אלף ועשר', 'một nghìn không trăm mười'],
  [1100, 'one thousand one hundred', 'seribu seratus', 'אלף ומאה', 'một nghìn một trăm'],
  [2000, 'two thousand', 'dua ribu', 'אלפים', 'hai nghìn'],
  [3000, 'three thousand', 'tiga ribu', 'שלושת אלפים', 'ba nghìn'],
  [11_000, 'eleven thousand', 'sebelas ribu', 'אחד עשר אלף', 'mười một nghìn'],
  [101_000, 'one hundred and one thousand', 'seratus satu ribu', 'מאה ואחד אלף', 'một trăm linh một nghìn'],
  [1_000_000, 'one million', 'satu juta', 'מיליון', 'một triệu'],
  [1_000_001, 'one million and one', 'satu juta satu', 'מיליון ואחת', 'một triệu không trăm linh một'],
  [1_001_000, 'one million one thousand', 'satu juta seribu', 'מיליון ואלף', 'một triệu không trăm linh một nghìn'],
  [2_000_000, 'two million', 'dua juta', 'שני מיליון', 'hai triệu'],
  [1e9, 'one billion', 'satu miliar', 'מיליארד', 'một tỷ'],
  [21e9, 'twenty one billion', 'dua puluh satu miliar', 'עשרים ואחד מיליארד', 'hai mươi mốt tỷ'],
  [1e12, 'one trillion', 'satu triliun', 'טריליון', 'một nghìn tỷ'],
  [-3, 'minus three', 'minus tiga', 'מינוס שלוש', 'âm ba'],
  [1.25, 'one point two, five', 'satu koma dua, lima', 'אחת נקודה שתים, חמש', 'một phẩy hai, năm'],
]

function said(parts: readonly SpokenPart[]): string {
  return spokenText(parts)
}

/** Hebrew without its points, as it is written in a newspaper but for the doubled letters. */
function bare(text: string): string {
  return text.replaceAll(/\p{Mn}/gu, '')
}

describe('spokenNumber', () => {
  it.each(numbers)('%s is right in every language', (value, en, id, he, vi) => {
    expect(said(spokenNumber(value, 'en'))).toBe(en)
    expect(said(spokenNumber(value, 'id'))).toBe(id)
    expect(bare(said(spokenNumber(value, 'he')))).toBe(he)
    expect(said(spokenNumber(value, 'vi'))).toBe(vi)
  })

  it('has the masculine in Hebrew', () => {
    const masculine = [1, 2, 3, 10, 11, 12, 13, 21, 102].map((value) =>
      bare(said(spokenNumber(value, 'he', 'masculine'))),
    )
    expect(masculine).toEqual([
      'אחד',
      'שנים',
      'שלושה',
      'עשרה',
      'אחד עשר',
      'שנים עשר',
      'שלושה עשר',
      'עשרים ואחד',
      'מאה ושנים',
    ])
  })

  it('joins with u- before a sheva and a labial, with va- before a hataf', () => {
    expect(said(spokenNumber(22, 'he'))).toContain('וּשְׁתַּיִם')
    expect(said(spokenNumber(1100, 'he'))).toContain('וּמֵאָה')
    expect(said(spokenNumber(115, 'he'))).toContain('וַחֲמֵשׁ')
    expect(said(spokenNumber(21, 'he'))).toContain('וְאַחַת')
  })

  it('says every number up to a million million, each differently', () => {
    for (const language of languages) {
      const all = new Set<string>()
      let count = 0
      for (let value = 0; value < 12_000; value++, count++) all.add(said(spokenNumber(value, language)))
      for (let value = 12_345; value < 1e15; value = value * 3 + 7, count++)
        all.add(said(spokenNumber(value, language)))
      expect([language, all.size]).toEqual([language, count])
      expect([...all].filter((text) => /undefined|NaN| {2}|^ | $/.test(text))).toEqual([])
    }
  })

  it('says larger numbers digit by digit, and nothing for what is no number', () => {
    expect(spokenNumber(1e15, 'en')).toHaveLength(16)
    expect(spokenNumber(-1e300, 'vi').length).toBe(302)
    expect(spokenNumber(999_999_999_999_999, 'en').length).toBeLessThan(60)
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) expect(spokenNumber(value, 'en')).toEqual([])
    expect(said(spokenNumber(0.1 + 0.2, 'en'))).toBe('zero point three')
  })
})

describe('spokenDigits', () => {
  it('names each digit, with the recording that may stand for it', () => {
    expect(spokenDigits('1*#', 'en')).toEqual([
      { name: 'digits/1', text: 'one', pause: true },
      { name: 'digits/star', text: 'star', pause: true },
      { name: 'digits/hash', text: 'hash', pause: true },
    ])
    expect(said(spokenDigits('105', 'vi'))).toBe('một, không, năm')
    expect(said(spokenDigits('105', 'id'))).toBe('satu, nol, lima')
    expect(bare(said(spokenDigits('105', 'he')))).toBe('אחת, אפס, חמש')
  })

  it('leaves out what is no key', () => {
    expect(said(spokenDigits(' 1-x(2)\u{1F600}', 'en'))).toBe('one, two')
    expect(spokenDigits('', 'en')).toEqual([])
    expect(said(spokenDigits('aD', 'en'))).toBe('A, D')
  })
})

describe('spokenTelephone', () => {
  it('pauses behind each three digits, never before a last one alone', () => {
    const groups = (number: string): string[] => said(spokenTelephone(number, 'en')).split(', ')
    expect(groups('+65 6000-0001')).toEqual(['plus six five six', 'zero zero zero', 'zero zero zero one'])
    expect(groups('0912345678')).toEqual(['zero nine one', 'two three four', 'five six seven eight'])
    expect(groups('1234')).toEqual(['one two three four'])
    expect(groups('12345')).toEqual(['one two three', 'four five'])
  })
})

describe('spokenOrdinal', () => {
  it('has the words of their own, and those made from numbers', () => {
    const list = (language: Language): string[] =>
      [1, 2, 4, 12, 20, 21, 100].map((value) => bare(said(spokenOrdinal(value, language))))
    expect(list('en')).toEqual(['first', 'second', 'fourth', 'twelfth', 'twentieth', 'twenty first', 'one hundredth'])
    expect(list('id')).toEqual([
      'pertama',
      'kedua',
      'keempat',
      'kedua belas',
      'kedua puluh',
      'kedua puluh satu',
      'keseratus',
    ])
    expect([1, 2, 4, 15].map((value) => said(spokenOrdinal(value, 'vi')))).toEqual([
      'thứ nhất',
      'thứ hai',
      'thứ tư',
      'thứ mười lăm',
    ])
    expect(list('he').slice(0, 4)).toEqual(['ראשון', 'שני', 'רביעי', 'שנים עשר'])
    expect(said(spokenOrdinal(0, 'en'))).toBe('zero')
  })
})

describe('dates and times', () => {
  const afternoon = new Date(Date.UTC(2026, 3, 5, 15, 5))

  it('are said as people of the language do', () => {
    expect(said(spokenDate(afternoon, 'en', 'UTC'))).toBe('April fifth, twenty twenty six')
    expect(said(spokenDate(afternoon, 'id', 'UTC'))).toBe('tanggal lima April dua ribu dua puluh enam')
    expect(bare(said(spokenDate(afternoon, 'he', 'UTC')))).toBe('חמשה באפריל, אלפים עשרים ושש')
    expect(said(spokenDate(afternoon, 'vi', 'UTC'))).toBe(
      'ngày mùng năm tháng tư năm hai nghìn không trăm hai mươi sáu',
    )
    expect(said(spokenTime(afternoon, 'en', 'UTC'))).toBe('three oh five p m')
    expect(said(spokenTime(afternoon, 'id', 'UTC'))).toBe('pukul lima belas lewat lima menit')
    expect(bare(said(spokenTime(afternoon, 'he', 'UTC')))).toBe('חמש עשרה וחמש דקות')
    expect(said(spokenTime(afternoon, 'vi', 'UTC'))).toBe('mười lăm giờ năm phút')
  })

  it('are those of the time zone', () => {
    const late = new Date(Date.UTC(2025, 11, 31, 23, 30))
    expect(said(spokenDate(late, 'en', 'Asia/Ho_Chi_Minh'))).toBe('January first, twenty twenty six')
    expect(said(spokenTime(late, 'en', 'Asia/Ho_Chi_Minh'))).toBe('six thirty a m')
    expect(said(spokenDate(late, 'en', 'America/New_York'))).toBe('December thirty first, twenty twenty five')
  })

  it('know noon, midnight and whole hours', () => {
    const at = (hour: number, language: Language): string =>
      bare(said(spokenTime(new Date(Date.UTC(2026, 0, 1, hour)), language, 'UTC')))
    expect([0, 1, 12, 13].map((hour) => at(hour, 'en'))).toEqual(['twelve a m', 'one a m', 'twelve p m', 'one p m'])
    expect([0, 13].map((hour) => at(hour, 'he'))).toEqual(['חצות', 'שלוש עשרה'])
    expect(at(0, 'vi')).toBe('không giờ')
    expect(at(0, 'id')).toBe('pukul nol')
  })

  it('say years in pairs where English does', () => {
    const year = (value: number): string =>
      said(spokenDate(new Date(Date.UTC(value, 0, 1)), 'en', 'UTC')).split(', ')[1] ?? ''
    expect([1900, 1905, 1999, 2000, 2005, 2010, 2100].map(year)).toEqual([
      'nineteen hundred',
      'nineteen oh five',
      'nineteen ninety nine',
      'two thousand',
      'two thousand and five',
      'twenty ten',
      'two thousand one hundred',
    ])
  })

  it('that are invalid say nothing', () => {
    expect(spokenDate(new Date(Number.NaN), 'en', 'UTC')).toEqual([])
    expect(spokenTime(new Date(Number.NaN), 'vi', 'UTC')).toEqual([])
  })
})

describe('spokenDuration', () => {
  it('leaves out what is zero, and knows one, two and many', () => {
    const list = (language: Language): string[] =>
      [1, 60, 122, 3661, 7200].map((seconds) => bare(said(spokenDuration(seconds, language))))
    expect(list('en')).toEqual([
      'one second',
      'one minute',
      'two minutes and two seconds',
      'one hour one minute and one second',
      'two hours',
    ])
    expect(list('id')).toEqual([
      'satu detik',
      'satu menit',
      'dua menit dua detik',
      'satu jam satu menit satu detik',
      'dua jam',
    ])
    expect(list('he')).toEqual(['שניה', 'דקה', 'שתי דקות ושתי שניות', 'שעה דקה ושניה', 'שעתים'])
    expect(list('vi')).toEqual(['một giây', 'một phút', 'hai phút hai giây', 'một giờ một phút một giây', 'hai giờ'])
  })

  it('says zero seconds, and takes odd input kindly', () => {
    expect(said(spokenDuration(0, 'en'))).toBe('zero seconds')
    expect(said(spokenDuration(-5, 'en'))).toBe('zero seconds')
    expect(said(spokenDuration(59.9, 'en'))).toBe('fifty nine seconds')
    expect(spokenDuration(Number.NaN, 'en')).toEqual([])
  })
})

describe('names of recordings', () => {
  it('stand for one text each, in every language, and can be files', () => {
    for (const language of languages) {
      const texts = new Map<string, string>()
      const parts = [
        ...Array.from({ length: 3000 }, (_, i) => [
          spokenNumber(i, language),
          spokenNumber(i, language, 'masculine'),
        ]).flat(),
        ...[1e4, 12_345, 2e6, 3_002_001, 2e9, 5e12].map((value) => spokenNumber(value, language)),
        ...Array.from({ length: 120 }, (_, i) => spokenOrdinal(i + 1, language)),
        ...Array.from({ length: 400 }, (_, i) => spokenDate(new Date(Date.UTC(2026, 0, i)), language, 'UTC')),
        ...Array.from({ length: 1440 }, (_, i) => spokenTime(new Date(i * 60_000), language, 'UTC')),
        ...[1, 2, 3, 61, 122, 3661, 7322, 36_610].map((seconds) => spokenDuration(seconds, language)),
        spokenDigits('0123456789*#+ABCD', language),
      ].flat()
      const wrong: string[] = []
      for (const { name, text } of parts) {
        const isName = /^[a-z]+\/[A-Za-z0-9-]+$/.test(name)
        if (!isName || (texts.get(name) ?? text) !== text) wrong.push(`${language} ${name} ${text}`)
        texts.set(name, text)
      }
      expect(wrong).toEqual([])
      expect(texts.size).toBeGreaterThan(40)
    }
  })
})
