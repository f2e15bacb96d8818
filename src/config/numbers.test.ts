import { describe, expect, it } from 'vitest'
import { isE164, isSameNumber, nationalNumber, numberKey } from './numbers.ts'

describe('numberKey', () => {
  it.each([
    ['+84 912 345 678', '84', '+84912345678'],
    ['0084912345678', '84', '+84912345678'],
    ['84912345678', '84', '+84912345678'],
    ['0912345678', '84', '+84912345678'],
    ['(0912) 345-678', '84', '+84912345678'],
    ['+6560000001', '84', '+6560000001'],
    ['6560000001', '84', '6560000001'],
    ['60000001', '65', '+6560000001'],
    ['6560000001', '65', '+6560000001'],
    ['02 1234 5678', '39', '+390212345678'],
    ['2125550123', '1', '+12125550123'],
    ['12125550123', '1', '+12125550123'],
    ['222', '84', '222'],
    ['0', '84', '0'],
    ['099', '84', '099'],
    ['8491', '84', '8491'],
    ['0912345678', null, '0912345678'],
    ['0084912345678', null, '+84912345678'],
    ['anonymous', '84', 'anonymous'],
    ['*98', '84', '*98'],
    ['', '84', ''],
    ['+0123', '84', '+0123'],
    ['0123456789012345678', '84', '0123456789012345678'],
  ])('of %s in country %s is %s', (number, countryCode, key) => {
    expect(numberKey(number, countryCode)).toBe(key)
    expect(numberKey(key, countryCode)).toBe(key)
  })
})

describe('numbers', () => {
  it('are the same however they are written', () => {
    expect(isSameNumber('0912 345 678', '+84912345678', '84')).toBe(true)
    expect(isSameNumber('0912 345 678', '+84912345678', '62')).toBe(false)
  })

  it('are written as people of their country do', () => {
    expect(nationalNumber('+84912345678', '84')).toBe('0912345678')
    expect(nationalNumber('+6560000001', '65')).toBe('60000001')
    expect(nationalNumber('+390212345678', '39')).toBe('0212345678')
    expect(nationalNumber('+6560000001', '84')).toBe('+6560000001')
    expect(nationalNumber('222', '84')).toBe('222')
    expect(nationalNumber('+84912345678', null)).toBe('+84912345678')
  })

  it('have 2 to 15 digits in E.164', () => {
    expect(isE164('+123456789012345')).toBe(true)
    for (const wrong of ['+1234567890123456', '+1', '+012', '6512345678', '+65 1']) expect(isE164(wrong)).toBe(false)
  })
})
