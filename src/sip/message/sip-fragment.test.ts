import { describe, expect, it } from 'vitest'
import { printStatusFragment, readStatusFragment } from './sip-fragment.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('a message/sipfrag', () => {
  it.each([
    ['SIP/2.0 100 Trying', 100],
    ['SIP/2.0 200 OK\r\n', 200],
    ['SIP/2.0 503 Service Unavailable\r\nRetry-After: 3\r\n\r\n', 503],
    ['\r\nSIP/2.0 180\n', 180],
    ['sip/2.0 486 Busy Here', 486],
    ['', null],
    ['SIP/2.0', null],
    ['SIP/2.0 20', null],
    ['SIP/2.0 2000 OK', null],
    ['SIP/2.0 099 OK', null],
    ['SIP/2.0 700 OK', null],
    ['SIP/3.0 200 OK', null],
    ['INVITE sip:a@b SIP/2.0', null],
    [`${' '.repeat(300)}SIP/2.0 200 OK`, null],
  ])('that begins with %j says %s', (text, status) => {
    expect(readStatusFragment(bytes(text))).toBe(status)
  })

  it('is written as a status line', () => {
    expect(printStatusFragment(180)).toBe('SIP/2.0 180 Ringing\r\n')
    expect(readStatusFragment(bytes(printStatusFragment(699)))).toBe(699)
  })
})
