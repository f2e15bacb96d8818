import type { Gender } from './grammar.ts'

/**
 * Hebrew number words with vowel points, which the voice cannot guess. The points stand as they are typed: the dot of
 * shin and the dagesh before the vowel. Index 0 to 10.
 */
export const units: Readonly<Record<Gender, readonly string[]>> = {
  feminine: ['אֶפֶס', 'אַחַת', 'שְׁתַּיִם', 'שָׁלוֹשׁ', 'אַרְבַּע', 'חָמֵשׁ', 'שֵׁשׁ', 'שֶׁבַע', 'שְׁמוֹנֶה', 'תֵּשַׁע', 'עֶשֶׂר'],
  masculine: ['אֶפֶס', 'אֶחָד', 'שְׁנַיִם', 'שְׁלוֹשָׁה', 'אַרְבָּעָה', 'חֲמִשָּׁה', 'שִׁשָּׁה', 'שִׁבְעָה', 'שְׁמוֹנָה', 'תִּשְׁעָה', 'עֲשָׂרָה'],
}

/** 11 to 19, from index 1: the unit has a form of its own before the ten, which differs by gender too. */
export const teens: Readonly<Record<Gender, readonly string[]>> = {
  feminine: ['', 'אַחַת', 'שְׁתֵּים', 'שְׁלוֹשׁ', 'אַרְבַּע', 'חֲמֵשׁ', 'שֵׁשׁ', 'שְׁבַע', 'שְׁמוֹנֶה', 'תְּשַׁע'].map((word) =>
    word === '' ? '' : `${word} עֶשְׂרֵה`,
  ),
  masculine: ['', 'אַחַד', 'שְׁנֵים', 'שְׁלוֹשָׁה', 'אַרְבָּעָה', 'חֲמִשָּׁה', 'שִׁשָּׁה', 'שִׁבְעָה', 'שְׁמוֹנָה', 'תִּשְׁעָה'].map((word) =>
    word === '' ? '' : `${word} עָשָׂר`,
  ),
}

/** 20 to 90, from index 2; the same for both genders. */
export const tens: readonly string[] = [
  '',
  '',
  'עֶשְׂרִים',
  'שְׁלוֹשִׁים',
  'אַרְבָּעִים',
  'חֲמִישִׁים',
  'שִׁישִׁים',
  'שִׁבְעִים',
  'שְׁמוֹנִים',
  'תִּשְׁעִים',
]

/** 100 to 900, from index 1: a dual for two hundred, then the feminine unit in its construct form. */
export const hundreds: readonly string[] = [
  '',
  'מֵאָה',
  'מָאתַיִם',
  'שְׁלוֹשׁ מֵאוֹת',
  'אַרְבַּע מֵאוֹת',
  'חֲמֵשׁ מֵאוֹת',
  'שֵׁשׁ מֵאוֹת',
  'שְׁבַע מֵאוֹת',
  'שְׁמוֹנֶה מֵאוֹת',
  'תְּשַׁע מֵאוֹת',
]

/** 1,000 to 10,000, from index 1: a dual, then the masculine construct with the plural. */
export const thousands: readonly string[] = [
  '',
  'אֶלֶף',
  'אַלְפַּיִם',
  'שְׁלוֹשֶׁת אֲלָפִים',
  'אַרְבַּעַת אֲלָפִים',
  'חֲמֵשֶׁת אֲלָפִים',
  'שֵׁשֶׁת אֲלָפִים',
  'שִׁבְעַת אֲלָפִים',
  'שְׁמוֹנַת אֲלָפִים',
  'תִּשְׁעַת אֲלָפִים',
  'עֲשֶׂרֶת אֲלָפִים',
]

/** By power of a thousand, from 2; masculine, and always in the singular behind a number. */
export const largePowers: readonly string[] = ['', '', 'מִילְיוֹן', 'מִילְיַארְד', 'טְרִילְיוֹן']

/** Two of something masculine, before it. */
export const twoOf: Readonly<Record<Gender, string>> = { feminine: 'שְׁתֵּי', masculine: 'שְׁנֵי' }

/** 1 to 10, masculine, as with `messages` and dates. */
export const ordinals: readonly string[] = [
  '',
  'רִאשׁוֹן',
  'שֵׁנִי',
  'שְׁלִישִׁי',
  'רְבִיעִי',
  'חֲמִישִׁי',
  'שִׁישִׁי',
  'שְׁבִיעִי',
  'שְׁמִינִי',
  'תְּשִׁיעִי',
  'עֲשִׂירִי',
]

/** With the preposition: in January and so on. */
export const inMonth: readonly string[] = [
  '',
  'בְּיָנוּאָר',
  'בְּפֶבְּרוּאָר',
  'בְּמֶרְץ',
  'בְּאַפְּרִיל',
  'בְּמַאי',
  'בְּיוּנִי',
  'בְּיוּלִי',
  'בְּאוֹגוּסְט',
  'בְּסֶפְּטֶמְבֶּר',
  'בְּאוֹקְטוֹבֶּר',
  'בְּנוֹבֶמְבֶּר',
  'בְּדֶצֶמְבֶּר',
]

const sheva = '\u05b0'
const hatafSegol = '\u05b1'
const hatafPatah = '\u05b2'

/**
 * The word with `and` before it: `u-` before a labial (b, v, m, p) and before a sheva, the short vowel before a hataf,
 * otherwise `ve-`.
 */
export function withAnd(word: string): string {
  const firstVowel = /[\u05b0-\u05bb]/.exec(word)?.[0]
  if (/^[בומפ]/.test(word) || firstVowel === sheva) return `וּ${word}`
  if (firstVowel === hatafPatah) return `וַ${word}`
  return firstVowel === hatafSegol ? `וֶ${word}` : `וְ${word}`
}
