import { describe, expect, it } from 'vitest'
import { NegotiationError, TransportError } from '../../base/errors.ts'
import { SeededRandom } from '../../base/random.ts'
import { parseUri } from '../message/uri.ts'
import { printAddress } from '../transport/address-text.ts'
import { Locator, type LocatorOptions } from './locator.ts'
import type { DnsRecords, DnsType, Resolver } from './types.ts'

type Zone = Readonly<Record<string, readonly unknown[] | 'fails'>>

const srv = (target: string, port: number, priority = 0, weight = 0): DnsRecords['SRV'] => ({
  priority,
  weight,
  port,
  target,
})
const naptr = (
  service: string,
  replacement: string,
  order = 10,
  preference = 10,
  flags = 's',
): DnsRecords['NAPTR'] => ({
  order,
  preference,
  flags,
  service,
  replacement,
})

/** Answers from a table; remembers what was asked. */
class TableResolver implements Resolver {
  readonly asked: string[] = []
  readonly #zone: Zone

  constructor(zone: Zone) {
    this.#zone = zone
  }

  async resolve<Type extends DnsType>(type: Type, name: string): Promise<readonly DnsRecords[Type][]> {
    const key = `${type} ${name}`
    this.asked.push(key)
    const found = this.#zone[key] ?? []
    if (found === 'fails') throw new TransportError('locate.dns-failed', `no answer about ${name}`)
    return found as readonly DnsRecords[Type][]
  }
}

async function locate(uri: string, zone: Zone, options: Partial<LocatorOptions> = {}): Promise<readonly string[]> {
  const locator = new Locator({ resolver: new TableResolver(zone), random: new SeededRandom(1), ...options })
  const found = await locator.locate(parseUri(uri))
  return found.map(({ protocol, remote }) => `${protocol} ${printAddress(remote)}`)
}

const failure = async (uri: string, zone: Zone): Promise<unknown> =>
  locate(uri, zone).catch((thrown: unknown) => thrown)

describe('where a request to a URI goes (RFC 3263 §4)', () => {
  it('a numeric host is asked nobody about, and goes by UDP unless the URI says otherwise', async () => {
    expect(await locate('sip:101@192.0.2.7', {})).toEqual(['udp 192.0.2.7:5060'])
    expect(await locate('sip:192.0.2.7:5090;transport=tcp', {})).toEqual(['tcp 192.0.2.7:5090'])
    expect(await locate('sip:[2001:db8::1]', {})).toEqual(['udp [2001:db8::1]:5060'])
    expect(await locate('sip:192.0.2.7', {}, { protocols: ['tcp', 'udp'] })).toEqual(['udp 192.0.2.7:5060'])
  })

  it('maddr goes before the host', async () => {
    expect(await locate('sip:101@example.test;maddr=192.0.2.9', {})).toEqual(['udp 192.0.2.9:5060'])
  })

  it('with a port only addresses are asked for', async () => {
    const resolver = new TableResolver({ 'A example.test': ['192.0.2.1'], 'AAAA example.test': ['2001:db8::1'] })
    const locator = new Locator({ resolver, random: new SeededRandom(1) })
    expect(await locator.locate(parseUri('sip:example.test:5070'))).toHaveLength(2)
    expect(resolver.asked).toEqual(['A example.test', 'AAAA example.test'])
  })

  it('NAPTR leads to the SRV records it names, by its own order and not ours', async () => {
    const zone = {
      'NAPTR example.test': [
        naptr('SIPS+D2T', '_sips._tcp.example.test', 10),
        naptr('SIP+D2U', '_sip._udp.example.test', 30),
        naptr('SIP+D2T', '_sip._tcp.example.test', 20),
        naptr('SIP+D2T', 'ignored.example.test', 5, 5, 'u'),
      ],
      'SRV _sip._udp.example.test': [srv('a.example.test', 5060)],
      'SRV _sip._tcp.example.test': [srv('b.example.test', 5062)],
      'A a.example.test': ['192.0.2.1'],
      'A b.example.test': ['192.0.2.2'],
    }
    expect(await locate('sip:example.test', zone)).toEqual(['tcp 192.0.2.2:5062', 'udp 192.0.2.1:5060'])
    expect(await locate('sip:example.test', zone, { protocols: ['udp'] })).toEqual(['udp 192.0.2.1:5060'])
  })

  it('an entry of NAPTR without servers leads on to the next one, and only where none has any to the usual names', async () => {
    const entries = [naptr('SIP+D2T', '_sip._tcp.example.test', 10), naptr('SIP+D2U', '_sip._udp.example.test', 20)]
    const udp = { 'SRV _sip._udp.example.test': [srv('a.example.test', 5060)], 'A a.example.test': ['192.0.2.1'] }
    const first = (records: readonly unknown[] | 'fails'): Zone => ({
      'NAPTR example.test': entries,
      'SRV _sip._tcp.example.test': records,
      ...udp,
    })
    for (const records of [[], 'fails', [srv('.', 0)], [srv('gone.example.test', 5060)]] as const) {
      expect(await locate('sip:example.test', first(records)), JSON.stringify(records)).toEqual(['udp 192.0.2.1:5060'])
    }
    const others = { 'NAPTR example.test': [naptr('SIP+D2U', 'elsewhere.test')], 'A example.test': ['192.0.2.5'] }
    expect(await locate('sip:example.test', others)).toEqual(['udp 192.0.2.5:5060'])
    expect(await failure('sip:example.test', { ...others, 'SRV elsewhere.test': [srv('.', 0)] })).toMatchObject({
      code: 'locate.no-service',
    })
  })

  it('entries of NAPTR that name the same servers count once', async () => {
    const zone = {
      'NAPTR example.test': [
        naptr('SIP+D2U', '_sip._udp.example.test', 1),
        naptr('SIP+D2U', '_sip._udp.example.test', 2),
      ],
      'SRV _sip._udp.example.test': [srv('a.example.test', 5060)],
      'A a.example.test': ['192.0.2.1'],
    }
    expect(await locate('sip:example.test', zone)).toEqual(['udp 192.0.2.1:5060'])
  })

  it('without NAPTR the SRV records of UDP serve, else those of TCP', async () => {
    const tcp = { 'SRV _sip._tcp.example.test': [srv('b.example.test', 5062)], 'A b.example.test': ['192.0.2.2'] }
    expect(await locate('sip:example.test', tcp)).toEqual(['tcp 192.0.2.2:5062'])
    const both = {
      ...tcp,
      'SRV _sip._udp.example.test': [srv('a.example.test', 5061)],
      'A a.example.test': ['192.0.2.1'],
    }
    expect(await locate('sip:example.test', both)).toEqual(['udp 192.0.2.1:5061'])
    expect(await locate('sip:example.test;transport=tcp', both)).toEqual(['tcp 192.0.2.2:5062'])
  })

  it('without SRV records the domain’s own address is meant', async () => {
    expect(await locate('sip:example.test', { 'A example.test': ['192.0.2.1', '192.0.2.2'] })).toEqual([
      'udp 192.0.2.1:5060',
      'udp 192.0.2.2:5060',
    ])
  })

  it('SRV records are tried by priority, and among equals by weight', async () => {
    const zone = {
      'SRV _sip._udp.example.test': [
        srv('spare.example.test', 5060, 20, 100),
        srv('light.example.test', 5060, 10, 1),
        srv('heavy.example.test', 5060, 10, 99),
      ],
      'A spare.example.test': ['192.0.2.30'],
      'A light.example.test': ['192.0.2.10'],
      'A heavy.example.test': ['192.0.2.20'],
    }
    let heavyFirst = 0
    for (let seed = 0; seed < 200; seed++) {
      const found = await locate('sip:example.test', zone, { random: new SeededRandom(seed) })
      expect(found[2]).toBe('udp 192.0.2.30:5060')
      if (found[0] === 'udp 192.0.2.20:5060') heavyFirst++
    }
    expect(heavyFirst).toBeGreaterThan(170)
    expect(heavyFirst).toBeLessThan(200)
  })

  it('IPv4 goes before IPv6 unless it is wanted the other way, and a family without a socket is not asked for', async () => {
    const zone = { 'A example.test': ['192.0.2.1'], 'AAAA example.test': ['2001:db8::1'] }
    expect(await locate('sip:example.test', zone)).toEqual(['udp 192.0.2.1:5060', 'udp [2001:db8::1]:5060'])
    expect(await locate('sip:example.test', zone, { families: [6, 4] })).toEqual([
      'udp [2001:db8::1]:5060',
      'udp 192.0.2.1:5060',
    ])
    expect(await locate('sip:example.test', zone, { families: [4] })).toEqual(['udp 192.0.2.1:5060'])
  })

  it('a server whose address is not known leaves the others', async () => {
    const zone = {
      'SRV _sip._udp.example.test': [srv('gone.example.test', 5060, 1), srv('up.example.test', 5060, 2)],
      'A gone.example.test': 'fails',
      'A up.example.test': ['192.0.2.2'],
    } as const
    expect(await locate('sip:example.test', zone)).toEqual(['udp 192.0.2.2:5060'])
  })

  it('servers that mishandle NAPTR and SRV do not keep the address from being found', async () => {
    const zone = {
      'NAPTR example.test': 'fails',
      'SRV _sip._udp.example.test': 'fails',
      'SRV _sip._tcp.example.test': 'fails',
      'A example.test': ['192.0.2.1'],
    } as const
    expect(await locate('sip:example.test', zone)).toEqual(['udp 192.0.2.1:5060'])
  })

  it('hundreds of records make no more than sixteen ways, and none twice', async () => {
    const records = Array.from({ length: 300 }, (_, i) => srv(`h${i % 100}.example.test`, 5060, i % 100))
    const hosts = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`A h${i}.example.test`, [`192.0.2.${Math.floor(i / 2)}`]]),
    )
    const found = await locate('sip:example.test', { 'SRV _sip._udp.example.test': records, ...hosts })
    expect(new Set(found).size).toBe(found.length)
    expect(found.length).toBeLessThanOrEqual(16)
  })

  it('a domain that takes no calls is told apart from one that is not known, and from silence', async () => {
    const refused = { 'SRV _sip._udp.example.test': [srv('.', 0)], 'A example.test': ['192.0.2.1'] }
    expect(await failure('sip:example.test;transport=udp', refused)).toMatchObject({
      code: 'locate.no-service',
      sipStatus: 503,
      facts: { host: 'example.test' },
    })
    expect(await failure('sip:example.test', {})).toMatchObject({
      code: 'locate.host-unknown',
      message: expect.stringContaining('example.test has no address'),
    })
    expect(await failure('sip:example.test', { 'A example.test': 'fails' })).toMatchObject({
      code: 'locate.dns-failed',
    })
  })

  it('what this version does not speak is refused in words', async () => {
    for (const uri of [
      'sips:example.test',
      'sip:example.test;transport=tls',
      'sip:192.0.2.1;transport=ws',
      'tel:+6560000001',
    ]) {
      const thrown = await failure(uri, {})
      expect(thrown, uri).toBeInstanceOf(NegotiationError)
      expect(thrown, uri).toMatchObject({ code: 'locate.unsupported' })
    }
  })

  it('ends at once when the caller gives up, before or while DNS is asked', async () => {
    const resolver: Resolver = { resolve: () => new Promise(() => {}) }
    const locator = new Locator({ resolver, random: new SeededRandom(1) })
    const controller = new AbortController()
    const located = locator.locate(parseUri('sip:example.test'), controller.signal)
    controller.abort(new Error('the caller has hung up'))
    await expect(located).rejects.toThrow('the caller has hung up')
    await expect(locator.locate(parseUri('sip:192.0.2.1'), controller.signal)).rejects.toThrow('hung up')
  })
})
