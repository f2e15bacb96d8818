import { describe, expect, it } from 'vitest'
import { numberKey } from '../config/numbers.ts'
import { numberFor, readDialString } from './dial-string.ts'

describe('a dialled string', () => {
  it.each([
    '+84 912 345 678',
    '+84 (0) 912.345.678',
    '0084-912-345-678',
    '00 84 (0)912 345678',
    '(0912) 345 678',
    '0912/345678',
    '84912345678',
    '+84\u2011912\u2013345\u2212678',
    '\uff0b\uff18\uff14912345678',
    ' tel:+84-912-345-678;ext=12 ',
    'TEL:0912345678;phone-context=+84',
  ])('%s means one number in country 84', (text) => {
    const read = readDialString(text)
    expect(read.kind === 'text' ? numberKey(read.text, '84') : read).toBe('+84912345678')
  })

  it('may be an extension, a service code or a name, which stay as they are', () => {
    for (const text of ['137', '*98', 'reception']) expect(readDialString(text)).toEqual({ kind: 'text', text })
  })

  it('may be a SIP address, whose user part is unescaped and freed of telephone parameters', () => {
    expect(readDialString('sip:+84912345678;phone-context=x@Acme.Example:5070;transport=tcp')).toEqual({
      kind: 'sip',
      user: '+84912345678',
      host: 'acme.example',
    })
    expect(readDialString('sip:%31%33%37@[2001:DB8::1]')).toEqual({ kind: 'sip', user: '137', host: '[2001:db8::1]' })
  })

  it.each([
    '',
    '   ',
    'tel:',
    'tel:;ext=1',
    'sip:',
    'sip:@example.com',
    'sip:example.com',
    'sip:a b@c',
    'http://example.com/',
    'x'.repeat(256),
  ])('%j is refused in words', (text) => {
    expect(readDialString(text)).toMatchObject({ kind: 'illegal', sentence: expect.stringMatching(/^[A-Z].*\.$/) })
  })
})

describe('a number as a trunk wants it', () => {
  it.each([
    ['e164', '+84912345678', '+84912345678'],
    ['plain', '+84912345678', '84912345678'],
    ['national', '+84912345678', '0912345678'],
    ['national', '+6560000001', '+6560000001'],
    ['plain', '911', '911'],
    ['e164', 'alice', 'alice'],
  ] as const)('in %s format %s is %s', (numberFormat, key, expected) => {
    expect(numberFor({ numberFormat }, key, '84')).toBe(expected)
  })
})
