import { array, assert, constantFrom, integer, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitText } from './split-text.ts'

describe('splitText', () => {
  it('cuts at the end of a sentence, else at a comma, else at a blank, else anywhere', () => {
    expect(splitText('One two. Three four. Five', 22)).toEqual(['One two. Three four.', 'Five'])
    expect(splitText('One two, three four five', 15)).toEqual(['One two,', 'three four five'])
    expect(splitText('One two three four', 12)).toEqual(['One two', 'three four'])
    expect(splitText('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij'])
    expect(splitText('Ngày 1.5 là lễ. Hết', 16)).toEqual(['Ngày 1.5 là lễ.', 'Hết'])
  })

  it('leaves a text that fits as it is, and gives nothing for nothing', () => {
    expect(splitText('  One. Two.  ', 20)).toEqual(['One. Two.'])
    expect(splitText('exact', 5)).toEqual(['exact'])
    expect(splitText('   ', 5)).toEqual([])
  })

  it('loses nothing but blanks, and keeps every piece within the bound', () => {
    const word = string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    assert(
      property(
        array(oneof(word, constantFrom('.', ', ', '! ', '\n')), { maxLength: 60 }),
        integer({ min: 2, max: 40 }),
        (words, max) => {
          const text = words.join(' ')
          const pieces = splitText(text, max)
          expect(pieces.join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''))
          for (const piece of pieces) {
            expect(piece.length).toBeLessThanOrEqual(max)
            expect(piece).not.toBe('')
            expect(Buffer.from(piece).toString()).toBe(piece)
          }
        },
      ),
    )
  })
})
