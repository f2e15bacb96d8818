import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DnsServer } from '../../../test/support/dns-server.ts'
import { TestClock } from '../../../test/support/test-clock.ts'
import { TransportError } from '../../base/errors.ts'
import { SeededRandom } from '../../base/random.ts'
import { parseUri } from '../message/uri.ts'
import { printAddress } from '../transport/address-text.ts'
import { CachingResolver } from './caching-resolver.ts'
import { Locator } from './locator.ts'
import { NodeDns } from './node-dns.ts'

let dns: DnsServer
let source: NodeDns

beforeEach(async () => {
  dns = await DnsServer.start()
  source = new NodeDns({ servers: [dns] })
})

afterEach(async () => {
  source.close()
  await dns.close()
})

describe('questions over the network', () => {
  it('bring every kind of record, with its time to live where Node tells it', async () => {
    dns.add(
      'example.test',
      { type: 'A', address: '192.0.2.1', ttl: 77 },
      { type: 'A', address: '192.0.2.2', ttl: 33 },
      { type: 'AAAA', address: '2001:db8::1', ttl: 11 },
      { type: 'SRV', priority: 1, weight: 2, port: 5062, target: 'sip.example.test' },
      { type: 'NAPTR', order: 5, preference: 6, service: 'SIP+D2U', replacement: '_sip._udp.example.test' },
    )
    expect(await source.ask('A', 'example.test')).toEqual({ records: ['192.0.2.1', '192.0.2.2'], ttlSeconds: 33 })
    expect(await source.ask('AAAA', 'example.test')).toEqual({ records: ['2001:db8::1'], ttlSeconds: 11 })
    expect(await source.ask('SRV', 'example.test')).toMatchObject({
      records: [{ priority: 1, weight: 2, port: 5062, target: 'sip.example.test' }],
    })
    expect(await source.ask('NAPTR', 'example.test')).toMatchObject({
      records: [{ order: 5, preference: 6, flags: 's', service: 'SIP+D2U', replacement: '_sip._udp.example.test' }],
    })
  })

  it('tell nothing apart from failure: an unknown name is an answer, a server that fails is an error with its host', async () => {
    dns.add('empty.test', { type: 'AAAA', address: '2001:db8::1' })
    expect(await source.ask('A', 'unknown.test')).toEqual({ records: [], ttlSeconds: null })
    expect(await source.ask('A', 'empty.test')).toEqual({ records: [], ttlSeconds: null })
    dns.fail('broken.test', 'SERVFAIL')
    const thrown = await source.ask('A', 'broken.test').catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(TransportError)
    expect(thrown).toMatchObject({ code: 'locate.dns-failed', facts: { host: 'broken.test', reason: 'ESERVFAIL' } })
  })

  it('about localhost go nowhere', async () => {
    expect(await source.ask('A', 'localhost')).toEqual({ records: ['127.0.0.1'], ttlSeconds: null })
    expect(await source.ask('SRV', '_sip._udp.localhost')).toEqual({ records: [], ttlSeconds: null })
    expect(dns.questions).toEqual([])
  })

  it('about names of the hosts file are answered by the system when DNS has nothing, or is not there', async () => {
    const lookup = async (name: string, family: 4 | 6): Promise<readonly string[]> => {
      if (name === 'pbx' && family === 4) return ['192.0.2.44']
      throw new Error('ENOTFOUND')
    }
    const system = new NodeDns({ servers: [dns], lookup })
    expect(await system.ask('A', 'pbx')).toEqual({ records: ['192.0.2.44'], ttlSeconds: null })
    expect(await system.ask('AAAA', 'pbx')).toEqual({ records: [], ttlSeconds: null })
    dns.fail('pbx', 'SERVFAIL')
    expect(await system.ask('A', 'pbx')).toEqual({ records: ['192.0.2.44'], ttlSeconds: null })
    system.close()
  })
})

describe('a domain with NAPTR, SRV and addresses, asked over the network', () => {
  it('gives the ordered ways, and the second call asks nobody', async () => {
    dns.add('provider.test', { type: 'NAPTR', service: 'SIP+D2T', replacement: '_sip._tcp.provider.test' })
    dns.add(
      '_sip._tcp.provider.test',
      { type: 'SRV', priority: 20, port: 5062, target: 'b.provider.test' },
      { type: 'SRV', priority: 10, port: 5061, target: 'a.provider.test' },
    )
    dns.add('a.provider.test', { type: 'A', address: '127.0.0.2' })
    dns.add('b.provider.test', { type: 'A', address: '127.0.0.3' }, { type: 'AAAA', address: '2001:db8::3' })
    const clock = new TestClock()
    const locator = new Locator({ resolver: new CachingResolver({ clock, source }), random: new SeededRandom(1) })
    const locate = async (): Promise<readonly string[]> =>
      (await locator.locate(parseUri('sip:provider.test'))).map((one) => `${one.protocol} ${printAddress(one.remote)}`)
    expect(await locate()).toEqual(['tcp 127.0.0.2:5061', 'tcp 127.0.0.3:5062', 'tcp [2001:db8::3]:5062'])
    const asked = dns.questions.length
    expect(asked).toBe(7)
    expect(await locate()).toHaveLength(3)
    expect(dns.questions).toHaveLength(asked)
    expect(clock.pending).toBe(0)
  })

  it('goes on to the next entry of NAPTR when the first names servers that are not there', async () => {
    dns.add(
      'provider.test',
      { type: 'NAPTR', order: 10, service: 'SIP+D2T', replacement: '_sip._tcp.provider.test' },
      { type: 'NAPTR', order: 20, service: 'SIP+D2U', replacement: '_sip._udp.provider.test' },
    )
    dns.fail('_sip._tcp.provider.test', 'SERVFAIL')
    dns.add('_sip._udp.provider.test', { type: 'SRV', port: 5062, target: 'b.provider.test' })
    dns.add('b.provider.test', { type: 'A', address: '127.0.0.3' })
    const clock = new TestClock()
    const locator = new Locator({ resolver: new CachingResolver({ clock, source }), random: new SeededRandom(1) })
    const locate = async (): Promise<readonly string[]> =>
      (await locator.locate(parseUri('sip:provider.test'))).map((one) => `${one.protocol} ${printAddress(one.remote)}`)
    expect(await locate()).toEqual(['udp 127.0.0.3:5062'])
    // The first is back: it is preferred again, once its failure is forgotten, and the other is behind it.
    dns.fail('_sip._tcp.provider.test', null)
    dns.add('_sip._tcp.provider.test', { type: 'SRV', port: 5061, target: 'a.provider.test' })
    dns.add('a.provider.test', { type: 'A', address: '127.0.0.2' })
    clock.advance(6000)
    expect(await locate()).toEqual(['tcp 127.0.0.2:5061', 'udp 127.0.0.3:5062'])
  })
})
