import { describe, expect, it } from 'vitest'
import { addressForFamily, hostAddress, hostText, isSameAddress, plainAddress, printAddress } from './address-text.ts'

describe('addresses in text', () => {
  it('names a peer of a dual-stack socket by its IPv4 address, and finds the way back', () => {
    expect(plainAddress('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(plainAddress('2001:db8::1')).toBe('2001:db8::1')
    expect(addressForFamily('192.0.2.1', 6)).toBe('::ffff:192.0.2.1')
    expect(addressForFamily('192.0.2.1', 4)).toBe('192.0.2.1')
    expect(addressForFamily('2001:db8::1', 6)).toBe('2001:db8::1')
  })

  it('writes hosts with brackets where messages want them, and never with a zone', () => {
    expect(hostText('fe80::1%eth0')).toBe('[fe80::1]')
    expect(hostText('192.0.2.1')).toBe('192.0.2.1')
    expect(printAddress({ address: '2001:db8::1', port: 5060 })).toBe('[2001:db8::1]:5060')
  })

  it('tells an address in a host from a name', () => {
    expect(hostAddress('[2001:db8::1]')).toBe('2001:db8::1')
    expect(hostAddress('192.0.2.1')).toBe('192.0.2.1')
    expect(hostAddress('sip.example.com')).toBeNull()
  })

  it('takes two spellings of one IPv6 address as the same', () => {
    expect(isSameAddress('2001:DB8:0::1', '2001:db8::1')).toBe(true)
    expect(isSameAddress('2001:db8::2', '2001:db8::1')).toBe(false)
    expect(isSameAddress('192.0.2.1', '192.0.2.1')).toBe(true)
  })
})
