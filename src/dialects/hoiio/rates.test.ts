import { describe, expect, it } from 'vitest'
import { billingOf, minutesOf, rateOf } from './rates.ts'

const rates = new Map([
  ['+65', 0.02],
  ['+659', 0.05],
  ['+', 0.3],
])

describe('billing', () => {
  it.each([
    ['+6560000001', 0.02],
    ['+6591110000', 0.05],
    ['+14155550100', 0.3],
    ['137', 0],
  ])('the price of %s is that of its longest prefix', (number, expected) => {
    expect(rateOf(rates, number, null)).toBe(expected)
  })

  it('is nothing where no prefix fits', () => expect(rateOf(new Map(), '+6560000001', null)).toBe(0))

  it.each([
    [0, 0],
    [1, 1],
    [60_000, 1],
    [60_001, 2],
  ])('%i ms are %i minutes', (ms, minutes) => expect(minutesOf(ms)).toBe(minutes))

  it('adds up what was paid for, in strings of three decimals', () => {
    const parts = [
      { rate: 0.02, talkMs: 90_000 },
      { rate: 0.05, talkMs: 10_000 },
    ]
    expect(billingOf('SGD', 100_000, parts)).toEqual({ duration: '2', currency: 'SGD', rate: '0.020', debit: '0.090' })
    expect(billingOf('SGD', 0, [])).toEqual({ duration: '0', currency: 'SGD', rate: '0.000', debit: '0.000' })
  })
})
