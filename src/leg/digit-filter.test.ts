import { describe, expect, it } from 'vitest'
import type { DetectedDigit, Digit, DigitCarrier } from '../media/plane/types.ts'
import { DigitFilter } from './digit-filter.ts'

function heard(script: readonly (readonly [atMs: number, digit: Digit, carrier: DigitCarrier])[]): string {
  const filter = new DigitFilter()
  return script
    .map(([startedMs, digit, carrier]): DetectedDigit => ({ digit, carrier, startedMs, durationMs: 100 }))
    .filter((report) => filter.accept(report))
    .map((report) => report.digit)
    .join('')
}

describe('the digit filter', () => {
  it('counts a key told by all three carriers once', () => {
    expect(
      heard([
        [0, '5', 'inband'],
        [20, '5', 'rfc4733'],
        [180, '5', 'info'],
      ]),
    ).toBe('5')
  })

  it('counts a key pressed twice by one carrier twice, however fast', () => {
    expect(
      heard([
        [0, '5', 'rfc4733'],
        [80, '5', 'rfc4733'],
      ]),
    ).toBe('55')
  })

  it('pairs the n-th press of one carrier with the n-th of another', () => {
    expect(
      heard([
        [0, '5', 'rfc4733'],
        [200, '5', 'info'],
        [300, '5', 'rfc4733'],
        [500, '5', 'info'],
      ]),
    ).toBe('55')
    expect(
      heard([
        [0, '5', 'rfc4733'],
        [150, '5', 'rfc4733'],
        [200, '5', 'info'],
        [350, '5', 'info'],
      ]),
    ).toBe('55')
  })

  it('takes a report of another carrier as a new press when the time between is too long', () => {
    expect(
      heard([
        [0, '5', 'rfc4733'],
        [1500, '5', 'info'],
      ]),
    ).toBe('55')
  })

  it('keeps different keys apart', () => {
    expect(
      heard([
        [0, '1', 'rfc4733'],
        [10, '2', 'info'],
        [20, '1', 'info'],
        [30, '2', 'rfc4733'],
      ]),
    ).toBe('12')
  })
})
