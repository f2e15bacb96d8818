// Makes pointed Hebrew readable for espeak-ng, whose Hebrew rules know the points only in typing order and only where
// they expect them: anything else it spells out by name, in English ("Hebrew sheva").
//
// SPDX-License-Identifier: GPL-3.0-or-later

const dagesh = '\u05bc'
const shinDot = '\u05c1'
const sinDot = '\u05c2'
const holam = '\u05b9'
const patah = '\u05b7'
const qamats = '\u05b8'
const hiriq = '\u05b4'
const sheva = '\u05b0'
const segol = '\u05b6'
const hatafQamats = '\u05b3'

/** A letter and the points behind it, cantillation marks among them. */
const cluster = /([\u05d0-\u05ea])([\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]*)/g

/** Letters on which espeak-ng knows the dagesh; on all others it changes nothing in modern speech. */
const withDagesh = 'בגדהוכפףת'

/** Letters whose sheva at the start of a word is an "e" in modern speech: be-, ve-, ke-, le-, me-, ne-, re-. */
const withSpokenSheva = 'בוכלמנר'

/** Points that it reads by another name: [found, put]. */
const sameSound = new Map([
  ['\u05b1', segol], // hataf segol
  ['\u05c7', hatafQamats], // qamats qatan
  ['\u05ba', holam], // holam of a vav that is a consonant
])

/**
 * @param {string} text
 * @returns {string} the text with its Hebrew rewritten; everything else is untouched.
 */
export function readableHebrew(text) {
  if (!/[\u05d0-\u05ea]/.test(text)) return text
  return text
    .normalize('NFC')
    .replaceAll('\u05be', ' ') // maqaf, the hyphen
    .replace(/[\u05f3\u05f4]/g, '') // geresh and gershayim
    .replace(/(?:[\u05d0-\u05ea]|[\u0591-\u05c7])+/g, readableWord)
    .replace(/[\u0591-\u05af\u05bd\u05bf\u05c0\u05c3-\u05c6]/g, '')
}

/** @param {string} word */
function readableWord(word) {
  const letters = [...word.matchAll(cluster)].map(([, letter, points]) => ({ letter, points }))
  let result = ''
  for (let i = 0; i < letters.length; i++) {
    const { letter, points } = letters[i]
    const vowel = vowelOf(letter, points, { isFirst: i === 0, isLast: i === letters.length - 1 })
    result += letter + dotsOf(letter, points)
    // A bare yod behind a hiriq only shows that the vowel is long; it would be said as a "y".
    if (vowel === hiriq && letters[i + 1]?.letter === 'י' && letters[i + 1]?.points === '') i++
    if (vowel !== holam) {
      result += vowel
    } else if (letter === 'ו' && !points.includes('\u05ba')) {
      result += holam
    } else {
      // It knows the holam on a vav only: the vav that follows carries it, or one is put in.
      const next = letters[i + 1]
      if (next?.letter === 'ו' && next.points === '') i++
      result += `ו${holam}`
    }
  }
  return result
}

/**
 * @param {string} letter
 * @param {string} points
 */
function dotsOf(letter, points) {
  if (letter === 'ש') return points.includes(sinDot) ? sinDot : points.includes(shinDot) ? shinDot : ''
  return points.includes(dagesh) && withDagesh.includes(letter) ? dagesh : ''
}

/**
 * @param {string} letter
 * @param {string} points
 * @param {{ isFirst: boolean, isLast: boolean }} place - in the word.
 */
function vowelOf(letter, points, { isFirst, isLast }) {
  const found = /[\u05b0-\u05bb\u05c7]/.exec(points)?.[0] ?? ''
  const vowel = sameSound.get(found) ?? found
  // It takes a qamats on alef and ayin for "o", and any patah on het for a furtive one ("aḥ").
  if ((letter === 'א' || letter === 'ע') && vowel === qamats) return patah
  if (letter === 'ח' && vowel === patah && !isLast) return qamats
  if (vowel === sheva && isFirst && withSpokenSheva.includes(letter)) return segol
  return vowel
}
