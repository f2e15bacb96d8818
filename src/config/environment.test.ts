import { describe, expect, it } from 'vitest'
import { substituteEnvironment } from './environment.ts'
import { suggest } from './problem.ts'
import { printPath } from './source-node.ts'

describe('substituteEnvironment', () => {
  it.each([
    ['${A}', 'one'],
    ['x${A}y${B}z', 'xoney$z'],
    ['$${A}', '${A}'],
    ['$$${A}', '$${A}'],
    ['${A', ''],
    ['$A', '$A'],
    ['100$', '100$'],
    ['${EMPTY}', ''],
  ])('%s becomes %s', (text, expected) => {
    const result = substituteEnvironment(text, { A: 'one', B: '$', EMPTY: '' })
    expect(result.text.replace(/^A$/, '')).toBe(expected)
  })

  it('does not look again at what it put in', () => {
    expect(substituteEnvironment('${A}', { A: '${B}', B: 'no' }).text).toBe('${B}')
  })

  it('names what is not set, and takes nothing from the prototype', () => {
    const { problems } = substituteEnvironment('${MISSING} ${constructor} ${1X}', {})
    expect(problems.map(({ sentence }) => sentence)).toEqual([
      'The environment variable MISSING is not set.',
      'The environment variable constructor is not set.',
      'A ${ is not followed by the name of a variable and a }.',
    ])
  })
})

describe('suggest', () => {
  it('names the nearest word, or none', () => {
    expect(suggest('anonymus', ['listen', 'anonymous'])).toBe(', did you mean "anonymous"?')
    expect(suggest('lisetn', ['listen', 'anonymous'])).toBe(', did you mean "listen"?')
    expect(suggest('colour', ['listen', 'anonymous'])).toBe('')
    expect(suggest('138', ['137'])).toBe('')
    expect(suggest('x'.repeat(100_000), ['x'.repeat(100_000)])).toBe('')
  })
})

describe('printPath', () => {
  it('quotes keys that are no plain names', () => {
    expect(printPath(['tenants', 'acme', 'numbers', '222', 'app'])).toBe('tenants.acme.numbers."222".app')
    expect(printPath(['sip', 'listen', '[0]'])).toBe('sip.listen[0]')
    expect(printPath(['a b'])).toBe('"a b"')
  })
})
