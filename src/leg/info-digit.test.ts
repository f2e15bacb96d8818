import { describe, expect, it } from 'vitest'
import { readInfoDigit } from './info-digit.ts'

const read = (type: string | null, body: string): unknown => readInfoDigit(type, new TextEncoder().encode(body))

describe('digits in INFO', () => {
  it('reads application/dtmf-relay with any line ending, spacing and case', () => {
    expect(read('application/dtmf-relay', 'Signal=5\r\nDuration=200\r\n')).toEqual({ digit: '5', durationMs: 200 })
    expect(read('Application/DTMF-Relay; charset=utf-8', 'signal= #\nduration=90')).toEqual({
      digit: '#',
      durationMs: 90,
    })
  })

  it('reads star and pound written as codes 10 and 11', () => {
    expect(read('application/dtmf-relay', 'Signal=10\r\n')).toEqual({ digit: '*', durationMs: 160 })
    expect(read('application/dtmf', '11')).toEqual({ digit: '#', durationMs: 160 })
  })

  it('reads application/dtmf as the bare key', () => {
    expect(read('application/dtmf', 'a')).toEqual({ digit: 'A', durationMs: 160 })
  })

  it('takes flash, events above 15 and damaged bodies for no digit', () => {
    for (const body of ['Signal=16', 'Signal=hf', 'Signal=', '', 'Signal=55', 'x'.repeat(1000)]) {
      expect(read('application/dtmf-relay', body)).toBeNull()
    }
  })

  it('names a body it does not know as unsupported', () => {
    expect(read('application/media_control+xml', '<x/>')).toBe('unsupported')
    expect(read(null, '5')).toBe('unsupported')
  })
})
