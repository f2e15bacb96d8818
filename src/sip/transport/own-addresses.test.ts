import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { type Cidr, parseCidr } from '../../config/addresses.ts'
import { type Advertised, OwnAddresses } from './own-addresses.ts'
import { SourceRoutes } from './source-routes.ts'

const routes = new SourceRoutes(new TestClock(), (remote) => (remote.includes(':') ? '2001:db8::5' : '192.168.1.5'))

function own(advertised: Advertised | null, networks: string[] = []): OwnAddresses {
  const localNetworks: Cidr[] = networks.flatMap((text) => parseCidr(text) ?? [])
  return new OwnAddresses(advertised, localNetworks, routes)
}

const wildcard = { protocol: 'udp', local: { address: '0.0.0.0', port: 5060 }, isDualStack: false } as const
const specific = { protocol: 'udp', local: { address: '192.168.1.5', port: 5062 }, isDualStack: false } as const

describe('OwnAddresses', () => {
  it('shows the socket, or the address that the kernel chooses where it listens on all of them', () => {
    expect(own(null).sentBy(specific, '203.0.113.9')).toEqual({ address: '192.168.1.5', port: 5062 })
    expect(own(null).sentBy(wildcard, '203.0.113.9')).toEqual({ address: '192.168.1.5', port: 5060 })
    const six = { protocol: 'udp', local: { address: '::', port: 5060 }, isDualStack: false } as const
    expect(own(null).sentBy(six, '2001:db8::9')).toEqual({ address: '2001:db8::5', port: 5060 })
  })

  it('shows the advertised address outside the local networks only', () => {
    const addresses = own({ host: '198.51.100.1', port: null })
    expect(addresses.sentBy(wildcard, '203.0.113.9')).toEqual({ address: '198.51.100.1', port: 5060 })
    for (const local of [
      '127.0.0.1',
      '10.1.2.3',
      '172.31.0.1',
      '192.168.7.7',
      '169.254.1.1',
      '::1',
      'fd00::1',
      'fe80::1',
    ]) {
      expect(addresses.sentBy(specific, local)).toEqual(specific.local)
    }
  })

  it('shows the advertised port where one is given', () => {
    expect(own({ host: 'sip.example.com', port: 15060 }).sentBy(specific, '203.0.113.9')).toEqual({
      address: 'sip.example.com',
      port: 15060,
    })
  })

  it('takes the networks the operator names in place of the usual ones, and loopback always', () => {
    const addresses = own({ host: '198.51.100.1', port: null }, ['203.0.113.0/24'])
    expect(addresses.sentBy(specific, '203.0.113.9')).toEqual(specific.local)
    expect(addresses.sentBy(specific, '10.1.2.3').address).toBe('198.51.100.1')
    expect(addresses.sentBy(specific, '127.0.0.1')).toEqual(specific.local)
  })

  it('chooses the socket by protocol, family and route', () => {
    const addresses = own(null)
    const loopback = { protocol: 'udp', local: { address: '127.0.0.1', port: 5060 }, isDualStack: false } as const
    const six = { protocol: 'udp', local: { address: '::1', port: 5060 }, isDualStack: false } as const
    const tcp = { protocol: 'tcp', local: { address: '0.0.0.0', port: 5060 }, isDualStack: false } as const
    const sockets = [loopback, six, specific, tcp]
    expect(addresses.choose(sockets, 'udp', '203.0.113.9')).toBe(specific)
    expect(addresses.choose(sockets, 'udp', '::1')).toBe(six)
    expect(addresses.choose(sockets, 'tcp', '203.0.113.9')).toBe(tcp)
    expect(addresses.choose([loopback, wildcard], 'udp', '203.0.113.9')).toBe(wildcard)
    expect(addresses.choose([loopback, six], 'tcp', '203.0.113.9')).toBeUndefined()
    expect(addresses.choose([tcp], 'tcp', '2001:db8::1')).toBeUndefined()
    expect(addresses.choose([{ ...six, isDualStack: true }], 'udp', '203.0.113.9')).toBeDefined()
  })
})
