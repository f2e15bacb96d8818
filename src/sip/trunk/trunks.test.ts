import { describe, expect, it } from 'vitest'
import { makeFlow, ScriptedSip } from '../../../test/support/scripted-sip.ts'
import { nothingLeft, TrunkStage } from '../../../test/support/trunk-stage.ts'
import type { TenantSettings } from '../../config/settings.ts'
import { printUri } from '../message/uri.ts'
import type { Flow } from '../transport/types.ts'
import type { TrunkMatch } from './source-match.ts'
import type { Trunk } from './trunk.ts'

const account = 'username: "u", password: "pass", register: true, health: 0'

function find(stage: TrunkStage, name: string, tenant = 'acme'): Trunk {
  const trunk = stage.trunks.find(tenant, name)
  if (!trunk) throw new Error(`no trunk ${name}`)
  return trunk
}

describe('settings that change', () => {
  it('leave trunks alone that have not changed, and take new bounds over under calls that are up', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    provider.register('u', 'pass')
    await stage.start({ main: `uri: "sip:192.0.2.80", ${account}` })
    await stage.advance(1000)
    const trunk = find(stage, 'main')
    expect(trunk.acquire().isAdmitted).toBe(true)
    await stage.start({ main: `uri: "sip:192.0.2.80", ${account}, maxCalls: 1, priority: 5, from: ["192.0.2.80"]` })
    await stage.advance(1000)
    expect(find(stage, 'main')).toBe(trunk)
    expect(trunk.settings.priority).toBe(5)
    expect(trunk.acquire()).toMatchObject({ isAdmitted: false, sentence: expect.stringContaining('maxCalls') })
    expect(provider.heard).toEqual(['REGISTER 600', 'REGISTER 600 auth'])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('begin a trunk anew whose account has changed: the old binding goes before the new one comes, calls stay counted', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    provider.register('u', 'pass')
    await stage.start({ main: `uri: "sip:192.0.2.80", ${account}` })
    await stage.advance(1000)
    const permit = find(stage, 'main').acquire()
    await stage.start({ main: `uri: "sip:192.0.2.80", ${account}, expires: 1200` })
    await stage.advance(1000)
    expect(provider.heard.slice(2)).toEqual(['REGISTER 0 auth', 'REGISTER 1200', 'REGISTER 1200 auth'])
    expect(find(stage, 'main').status()).toMatchObject({ calls: 1, state: 'up' })
    if (permit.isAdmitted) permit.release()
    expect(stage.trunks.counts.calls).toBe(0)
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('end a trunk that is gone', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    provider.register('u', 'pass')
    await stage.start({ main: `uri: "sip:192.0.2.80", ${account}` })
    await stage.advance(1000)
    await stage.start({})
    await stage.advance(100)
    expect(provider.heard.at(-1)).toBe('REGISTER 0 auth')
    expect(stage.trunks.find('acme', 'main')).toBe(null)
    expect(stage.trunks.status()).toEqual([])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('that change again before the old trunk has ended begin only the last', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    await stage.start({ main: `uri: "sip:192.0.2.80", ${account}` })
    await stage.advance(1000)
    await stage.start({ main: `uri: "sip:192.0.2.80", ${account}, expires: 1200` })
    await stage.start({ main: `uri: "sip:192.0.2.80", ${account}, expires: 2400` })
    await stage.advance(1000)
    expect(provider.heard).toEqual(['REGISTER 600', 'REGISTER 0', 'REGISTER 2400'])
    expect(await stage.end()).toEqual(nothingLeft)
  })
})

describe('a call by a trunk', () => {
  it('has the number in the Request-URI, the proxy as its route, the account and the waits', async () => {
    const stage = new TrunkStage()
    await stage.start({
      main: 'uri: "sip:provider.test;transport=tcp", proxy: "sip:192.0.2.90", health: 0, username: u, password: p, redirects: 2, failoverMs: 1500',
      bare: 'uri: "sip:192.0.2.80:5070", health: 0',
    })
    const call = find(stage, 'main').call('+84912345678')
    expect(printUri(call.uri)).toBe('sip:+84912345678@provider.test;transport=tcp')
    expect(call.route.map(printUri)).toEqual(['sip:192.0.2.90;lr'])
    expect(call).toMatchObject({
      credentials: { username: 'u', password: 'p' },
      host: 'provider.test',
      firstResponseMs: 1500,
      redirects: 2,
    })
    expect(await find(stage, 'main').destinations()).toEqual([
      { protocol: 'udp', remote: { address: '192.0.2.90', port: 5060 } },
    ])
    expect(find(stage, 'bare').call('112')).toMatchObject({ route: [], credentials: null, redirects: 0 })
    expect(await stage.end()).toEqual(nothingLeft)
  })
})

describe('an inbound call by a trunk', () => {
  const sip = new ScriptedSip()

  function match(stage: TrunkStage, from: Partial<Flow['remote']>, uri = 'sip:1000@192.0.2.1'): TrunkMatch | null {
    return stage.trunks.matchInbound(sip.build('INVITE', { uri, toTag: null }), makeFlow(from))
  }

  async function tenants(stage: TrunkStage): Promise<void> {
    const acme = await stage.tenants({
      wide: 'uri: "sip:a.test", health: 0, from: ["198.51.100.0/24", "2001:db8::/32"]',
      narrow: 'uri: "sip:b.test", health: 0, from: ["198.51.100.7"]',
      proving:
        'uri: "sip:c.test", health: 0, from: ["198.51.100.99"], username: gw, password: secret, authenticate: true',
      roaming: 'uri: "sip:d.test", health: 0, username: gw, password: other, authenticate: true',
      closed: 'uri: "sip:203.0.113.5", health: 0, username: gw, password: third',
    })
    const umbra = await stage.tenants({ same: 'uri: "sip:a.test", health: 0, from: ["198.51.100.0/24"]' }, 'umbra')
    stage.trunks.update(new Map<string, TenantSettings>([...acme, ...umbra]))
  }

  it('is believed from the addresses of the trunk, the narrowest range first, and from nowhere else', async () => {
    const stage = new TrunkStage()
    await tenants(stage)
    expect(match(stage, { address: '198.51.100.1' })).toMatchObject({ trunk: { name: 'wide' }, proof: 'address' })
    expect(match(stage, { address: '2001:db8::9' })).toMatchObject({ trunk: { name: 'wide' } })
    expect(match(stage, { address: '::ffff:198.51.100.7' })).toMatchObject({ trunk: { name: 'narrow' } })
    for (const address of ['198.51.101.1', '203.0.113.5', '127.0.0.1'])
      expect(match(stage, { address }), address).toBe(null)
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('at an address of several tenants belongs to the one that has the number', async () => {
    const stage = new TrunkStage()
    stage.owners.set('+6560000001', 'umbra')
    await tenants(stage)
    const found = match(stage, { address: '198.51.100.7' }, 'sip:+6560000001@192.0.2.1')
    expect(found).toMatchObject({ tenant: 'umbra', trunk: { name: 'same' } })
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('has to prove itself besides, where the trunk is to', async () => {
    const stage = new TrunkStage()
    await tenants(stage)
    expect(match(stage, { address: '198.51.100.99' })).toMatchObject({ trunk: { name: 'proving' }, proof: 'challenge' })
    const passwords = (address: string, username = 'gw'): readonly string[] =>
      stage.trunks.accounts(username, address).map(({ password }) => password)
    expect(passwords('198.51.100.99')).toEqual(['secret', 'other'])
    expect(passwords('203.0.113.77')).toEqual(['other'])
    expect(passwords('203.0.113.77', 'nobody')).toEqual([])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('is believed from the host we are registered at while we are, and our Contact in it proves nothing from elsewhere', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    provider.register('u', 'pass')
    await stage.start({
      main: `uri: "sip:192.0.2.80", ${account}`,
      second: `uri: "sip:192.0.2.80", ${account.replace('"u"', '"v"')}`,
    })
    expect(match(stage, { address: '192.0.2.80' })).toBe(null)
    await stage.advance(1000)
    const called = match(stage, { address: '192.0.2.80', port: 5090 }, 'sip:u@192.0.2.1:5060')
    expect(called).toMatchObject({ trunk: { name: 'main' }, proof: 'registration' })
    expect(match(stage, { address: '192.0.2.66' }, 'sip:u@192.0.2.1:5060')).toBe(null)
    expect(await stage.end()).toEqual(nothingLeft)
    expect(match(stage, { address: '192.0.2.80' })).toBe(null)
  })

  it('is not believed for what its name says in DNS, but from the very address that we are registered at by that name', async () => {
    const stage = new TrunkStage()
    stage.dns.set('A provider.test', ['192.0.2.80'])
    stage.dns.set('A other.test', ['192.0.2.81'])
    const provider = stage.provider('192.0.2.80')
    provider.register('u', 'pass')
    await stage.start({ named: `uri: "sip:provider.test:5060", ${account}`, looked: 'uri: "sip:other.test:5060"' })
    await stage.advance(1000)
    expect(await find(stage, 'looked').destinations()).toHaveLength(1)
    expect(match(stage, { address: '192.0.2.81' })).toBe(null)
    expect(match(stage, { address: '192.0.2.80' })).toMatchObject({ trunk: { name: 'named' }, proof: 'registration' })
    // The name moves: until we are registered anew the address that took the registration is believed, and no other.
    stage.dns.set('A provider.test', ['192.0.2.82'])
    expect(match(stage, { address: '192.0.2.82' })).toBe(null)
    expect(await stage.end()).toEqual(nothingLeft)
  })
})
