import { describe, expect, it } from 'vitest'
import { nothingLeft, TrunkStage } from '../../../test/support/trunk-stage.ts'
import { printAddress } from '../transport/address-text.ts'
import type { Destination } from '../transport/types.ts'
import type { Trunk, TrunkStatus } from './trunk.ts'

const pair = { main: 'uri: "sip:sip.provider.test:5060"' }
const a = '192.0.2.80'
const b = '192.0.2.81'

async function setUp(trunks: Readonly<Record<string, string>> = pair) {
  const stage = new TrunkStage()
  stage.dns.set('A sip.provider.test', [a, b])
  const [first, second] = [stage.provider(a), stage.provider(b)]
  await stage.start(trunks)
  return { stage, first, second, trunk: trunkOf(stage) }
}

function trunkOf(stage: TrunkStage): Trunk {
  const trunk = stage.trunks.find('acme', 'main')
  if (!trunk) throw new Error('no trunk')
  return trunk
}

function status(stage: TrunkStage): TrunkStatus {
  return trunkOf(stage).status()
}

async function places(trunk: Trunk): Promise<readonly string[]> {
  return (await trunk.destinations()).map(({ remote }) => printAddress(remote))
}

async function destination(trunk: Trunk, address: string): Promise<Destination> {
  const found = (await trunk.destinations()).find(({ remote }) => remote.address === address)
  if (!found) throw new Error(`${address} is no place of the trunk`)
  return found
}

const silence = { kind: 'failed', retryAfterSeconds: null } as const

describe('the health of a trunk', () => {
  it('is asked of every host by OPTIONS, about every half minute', async () => {
    const { stage, first, second } = await setUp()
    expect(status(stage)).toMatchObject({ state: 'unknown', sentence: 'Nothing has been heard of it yet.' })
    await stage.advance(300_000)
    for (const { requests } of [first, second]) {
      expect(requests.length).toBeGreaterThanOrEqual(9)
      expect(requests.length).toBeLessThanOrEqual(12)
      expect(requests[0]).toMatchObject({ method: 'OPTIONS', uri: { host: 'sip.provider.test', port: 5060 } })
    }
    expect(status(stage)).toMatchObject({ state: 'up', sentence: 'It answers.' })
    expect(status(stage).hosts.map(({ address, state }) => [address, state])).toEqual([
      [`udp:${a}:5060`, 'closed'],
      [`udp:${b}:5060`, 'closed'],
    ])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('is good with any answer of somebody who is there, and bad with 408, 503 and 504', async () => {
    for (const [answer, state] of [
      [200, 'up'],
      [401, 'up'],
      [404, 'up'],
      [405, 'up'],
      [483, 'up'],
      [500, 'up'],
      [408, 'down'],
      [503, 'down'],
      [504, 'down'],
    ] as const) {
      const { stage, first, second } = await setUp()
      for (const provider of [first, second]) provider.answer = () => answer
      await stage.advance(3000)
      expect(status(stage).state, String(answer)).toBe(state)
      expect(await stage.end()).toEqual(nothingLeft)
    }
  })

  it('a host that falls silent is known within one round and two waits, and is tried last from then on', async () => {
    const { stage, first, trunk } = await setUp()
    await stage.advance(2000)
    expect(await places(trunk)).toEqual([`${a}:5060`, `${b}:5060`])
    first.answer = () => null
    await stage.advance(33_000 + 4000 + 500 + 4000)
    expect(await places(trunk)).toEqual([`${b}:5060`, `${a}:5060`])
    expect(status(stage)).toMatchObject({
      state: 'degraded',
      sentence: `Some of its hosts do not answer (udp:${a}:5060).`,
    })
    expect(trunk.isDown).toBe(false)
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('one lost packet changes nothing', async () => {
    const { stage, trunk } = await setUp()
    await stage.advance(2000)
    let lost = 0
    stage.network.script = ({ text, to }) => (text === 'OPTIONS' && to.address === a && lost++ < 6 ? 'lose' : undefined)
    await stage.advance(60_000)
    expect(lost).toBeGreaterThan(5)
    expect(await places(trunk)).toEqual([`${a}:5060`, `${b}:5060`])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('a host that comes back is used again after its next probe', async () => {
    const { stage, first, trunk } = await setUp()
    first.answer = () => null
    await stage.advance(12_000)
    expect(await places(trunk)).toEqual([`${b}:5060`, `${a}:5060`])
    first.answer = () => 200
    await stage.advance(11_000)
    expect(await places(trunk)).toEqual([`${a}:5060`, `${b}:5060`])
    expect(status(stage)).toMatchObject({ state: 'up' })
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('with every host silent the trunk is down, its places are still given, and other trunks go first', async () => {
    const { stage, first, second, trunk } = await setUp({ ...pair, spare: 'uri: "sip:192.0.2.99", health: 0' })
    for (const provider of [first, second]) provider.answer = () => null
    await stage.advance(12_000)
    expect(trunk.isDown).toBe(true)
    expect(await places(trunk)).toHaveLength(2)
    const ways = ['main', 'spare', 'gone'].map((name) => ({ tenant: 'acme', trunk: { name } }))
    expect(stage.trunks.byHealth(ways).map((way) => way.trunk.name)).toEqual(['spare', 'main', 'gone'])
    expect(stage.trunks.counts).toMatchObject({ trunks: 2, down: 1, breakersOpened: 2 })
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('a name that DNS does not know makes the trunk down, with the sentence that says so', async () => {
    const { stage, trunk } = await setUp()
    await stage.advance(2000)
    stage.dns.set('A sip.provider.test', 'fails')
    stage.dns.set('AAAA sip.provider.test', 'fails')
    await expect(trunk.destinations()).rejects.toMatchObject({ code: 'locate.dns-failed' })
    expect(status(stage)).toMatchObject({ state: 'down', sentence: expect.stringContaining('sip.provider.test') })
    stage.dns.set('A sip.provider.test', [b])
    await stage.advance(40_000)
    expect(status(stage).state).toBe('up')
    expect(status(stage).hosts.map(({ address }) => address)).toEqual([`udp:${b}:5060`])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('a caller who gives up while the name is looked up says nothing about the trunk', async () => {
    const { stage, trunk } = await setUp()
    const controller = new AbortController()
    const asked = trunk.destinations(controller.signal)
    controller.abort(new Error('the caller has hung up'))
    await expect(asked).rejects.toThrow('hung up')
    expect(trunk.isDown).toBe(false)
    expect(await stage.end()).toEqual(nothingLeft)
  })
})

describe('what calls tell of a trunk', () => {
  const withoutOptions = { main: 'uri: "sip:sip.provider.test:5060", health: 0' }

  it('two that came to nothing give the host a rest, and then one call finds out', async () => {
    const { stage, first, trunk } = await setUp(withoutOptions)
    const dead = await destination(trunk, a)
    trunk.report(dead, silence)
    trunk.report(dead, silence)
    expect(await places(trunk)).toEqual([`${b}:5060`, `${a}:5060`])
    await stage.advance(10_000)
    expect(first.requests).toEqual([])
    expect(await places(trunk)).toEqual([`${a}:5060`, `${b}:5060`])
    expect(await places(trunk)).toEqual([`${b}:5060`, `${a}:5060`])
    trunk.report(dead, { kind: 'cancelled' })
    expect(await places(trunk)).toEqual([`${a}:5060`, `${b}:5060`])
    trunk.report(dead, { kind: 'alive' })
    expect(status(stage)).toMatchObject({ state: 'up', lastAnswer: '2026-01-01T00:00:10.000Z' })
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('a 503 with Retry-After keeps calls away for as long as it says', async () => {
    const { stage, trunk } = await setUp(withoutOptions)
    trunk.report(await destination(trunk, a), { kind: 'failed', retryAfterSeconds: 100 })
    await stage.advance(99_999)
    expect(await places(trunk)).toEqual([`${b}:5060`, `${a}:5060`])
    await stage.advance(1)
    expect(await places(trunk)).toEqual([`${a}:5060`, `${b}:5060`])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('silence to calls opens the breaker also of a host that answers OPTIONS', async () => {
    const { stage, trunk } = await setUp()
    await stage.advance(2000)
    const zombie = await destination(trunk, a)
    trunk.report(zombie, silence)
    trunk.report(zombie, silence)
    expect(await places(trunk)).toEqual([`${b}:5060`, `${a}:5060`])
    expect(await stage.end()).toEqual(nothingLeft)
  })
})
