import { describe, expect, it } from 'vitest'
import { ParseError } from '../base/errors.ts'
import { parsePressScript } from './press-script.ts'

const script = (text: string): string =>
  parsePressScript(text)
    .map((step) => (step.kind === 'wait' ? 'wait' : step.digits.join('')))
    .join(' ')

describe('the press script', () => {
  it('waits before the first keys and at each comma', () => {
    expect(script('1')).toBe('wait 1')
    expect(script('1,2#')).toBe('wait 1 wait 2#')
    expect(script('12,,a')).toBe('wait 12 wait wait A')
  })

  it('does not wait in front when told to hurry', () => {
    expect(script('!1,2')).toBe('1 wait 2')
  })

  it('is empty for nothing to press', () => {
    expect(script('')).toBe('')
  })

  it('names the key that is none', () => {
    expect(() => script('1,x')).toThrow(ParseError)
    expect(() => script('1,x')).toThrow("'x' is no key")
  })
})
