import { describe, expect, it } from 'vitest'
import { isInCidr, isLoopback, isWildcard, parseCidr, parseHostPort, printHostPort } from './addresses.ts'

describe('parseCidr', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.130/25', '192.0.2.129', true],
    ['192.0.2.130/25', '192.0.2.127', false],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.0.0.0/8', '::ffff:10.9.8.7', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['10.0.0.0/8', 'ten.example', false],
  ])('%s and %s: %s', (text, address, isInside) => {
    const cidr = parseCidr(text)
    expect(cidr && isInCidr(cidr, address)).toBe(isInside)
  })

  it.each(['', 'localhost', '10.0.0.0/33', '::/129', '10.0.0/8', '10.0.0.0/-1', '10.0.0.0/8/8', '300.0.0.1'])(
    'refuses "%s"',
    (text) => expect(parseCidr(text)).toBeNull(),
  )
})

describe('addresses', () => {
  it('are read with their port, IPv6 in brackets only', () => {
    expect(parseHostPort('127.0.0.1:0')).toEqual({ address: '127.0.0.1', port: 0 })
    expect(parseHostPort('[2001:db8::1]:5060')).toEqual({ address: '2001:db8::1', port: 5060 })
    for (const wrong of ['127.0.0.1', '::1:5060', '[127.0.0.1]:1', 'host:1', '127.0.0.1:65536', '[::1]:', '']) {
      expect(parseHostPort(wrong)).toBeNull()
    }
    expect(printHostPort({ address: '::1', port: 1 })).toBe('[::1]:1')
    expect(printHostPort({ address: '127.0.0.1', port: 1 })).toBe('127.0.0.1:1')
  })

  it('know loopback and wildcard in every spelling', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '0:0::1', '::ffff:127.0.0.1'].map(isLoopback)).not.toContain(false)
    expect(['128.0.0.1', '::2', '1::', 'localhost'].map(isLoopback)).not.toContain(true)
    expect(['0.0.0.0', '::', '0::0'].map(isWildcard)).not.toContain(false)
    expect(['0.0.0.1', '::1', '*'].map(isWildcard)).not.toContain(true)
  })
})
