import { describe, expect, it } from 'vitest'
import { systemText, systemTextNames } from './texts.ts'

const letters = { en: /[A-Za-z]/, id: /[A-Za-z]/, he: /[\u05d0-\u05ea]/, vi: /[A-Za-zà-ỹ]/i } as const

describe('system texts', () => {
  it.each(systemTextNames)('%s is there in each language, in its own letters, and different in each', (name) => {
    const texts = (['en', 'id', 'he', 'vi'] as const).map((language) => {
      const text = systemText(name, language)
      expect(text).toMatch(letters[language])
      expect(text.trim()).toBe(text)
      return text
    })
    expect(new Set(texts).size).toBe(4)
  })

  it('are pointed in Hebrew: every word of two letters or more has a vowel', () => {
    for (const name of systemTextNames) {
      for (const [word] of systemText(name, 'he').matchAll(/[\u05d0-\u05ea\p{Mn}]{2,}/gu)) {
        expect([name, word, /[\u05b0-\u05bc]/.test(word)]).toEqual([name, word, true])
      }
    }
  })

  it('have their tones in Vietnamese', () => {
    for (const name of systemTextNames) expect(systemText(name, 'vi')).toMatch(/[àáảãạăắằâấầđèéêếềìíòóôốồơớờùúưừứ]/i)
  })
})
