import { describe, expect, it } from 'vitest'
import { byteRange } from './byte-range.ts'

describe('byte ranges', () => {
  it('reads first and last, open ends, and the last so many bytes', () => {
    expect(byteRange('bytes=0-99', 1000)).toEqual({ first: 0, last: 99 })
    expect(byteRange('bytes=900-', 1000)).toEqual({ first: 900, last: 999 })
    expect(byteRange('bytes=-100', 1000)).toEqual({ first: 900, last: 999 })
    expect(byteRange('bytes=0-5000', 1000)).toEqual({ first: 0, last: 999 })
  })

  it('cannot satisfy what lies behind the end', () => {
    expect(byteRange('bytes=1000-', 1000)).toBe('unsatisfiable')
    expect(byteRange('bytes=-0', 1000)).toBe('unsatisfiable')
  })

  it('takes several ranges, other units and nonsense for none', () => {
    for (const value of [undefined, '', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=-', 'bytes=5-2'])
      expect(byteRange(value, 1000)).toBeNull()
  })
})
