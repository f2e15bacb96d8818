import { describe, expect, it } from 'vitest'
import { Headers } from './headers.ts'
import { MessageError } from './message-error.ts'

const some = (): Headers =>
  Headers.from([
    ['v', 'SIP/2.0/UDP a'],
    ['VIA', 'SIP/2.0/UDP b, SIP/2.0/UDP c'],
    ['X-Own', 'one'],
    ['Supported', ''],
  ])

describe('Headers', () => {
  it('finds a header field by any spelling and writes the full name', () => {
    expect(some().get('via')).toBe('SIP/2.0/UDP a')
    expect(some().getAll('V')).toEqual(['SIP/2.0/UDP a', 'SIP/2.0/UDP b, SIP/2.0/UDP c'])
    expect([...some().entries()].map(([name]) => name)).toEqual(['Via', 'Via', 'X-Own', 'Supported'])
    expect(some().get('x-own')).toBe('one')
    expect(some().has('k')).toBe(true)
    expect(some().get('Route')).toBeUndefined()
  })

  it('splits lists over all lines, not within quotes or <>', () => {
    expect(some().list('Via')).toHaveLength(3)
    expect(some().list('Supported')).toEqual([])
    const headers = Headers.from([['Contact', '"a, \\"b" <sip:x?y=1,2>, <sip:z>']])
    expect(headers.list('m')).toEqual(['"a, \\"b" <sip:x?y=1,2>', '<sip:z>'])
  })

  it('sets in place, appends at the end and prepends before the first of its name', () => {
    const headers = some()
    headers.set('Via', 'SIP/2.0/UDP d')
    headers.append('Route', '<sip:r2>')
    headers.prepend('route', '<sip:r1>')
    headers.prepend('Max-Forwards', '70')
    expect([...headers.entries()]).toEqual([
      ['Max-Forwards', '70'],
      ['Via', 'SIP/2.0/UDP d'],
      ['X-Own', 'one'],
      ['Supported', ''],
      ['Route', '<sip:r1>'],
      ['Route', '<sip:r2>'],
    ])
    headers.remove('ROUTE')
    expect(headers.count).toBe(4)
  })

  it('changes a clone without changing the original', () => {
    const headers = some()
    headers.clone().remove('Via')
    expect(headers.getAll('Via')).toHaveLength(2)
  })

  it.each([
    ['Subject', 'a\r\nRoute: <sip:evil>'],
    ['Subject', 'a\nb'],
    ['Sub ject', 'a'],
    ['', 'a'],
    ['A:', 'a'],
  ])('takes no value that could become a header field of its own: %j %j', (name, value) => {
    expect(() => some().append(name, value)).toThrow(MessageError)
    expect(() => some().set(name, value)).toThrow(MessageError)
    expect(() => some().prepend(name, value)).toThrow(MessageError)
  })

  it('refuses to split an open quote, an open < and more parts than anybody needs', () => {
    expect(() => Headers.from([['Allow', '"a, b']]).list('Allow')).toThrow(MessageError)
    expect(() => Headers.from([['Allow', '<a, b']]).list('Allow')).toThrow(MessageError)
    expect(() => Headers.from([['Allow', 'a,'.repeat(300)]]).list('Allow')).toThrow(MessageError)
  })
})
