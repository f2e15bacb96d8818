import { describe, expect, it } from 'vitest'
import { nothingLeft, type Provider, TrunkStage } from '../../../test/support/trunk-stage.ts'
import type { TrunkStatus } from './trunk.ts'

const account = 'username: "84283000001", password: "provider-pass", register: true, health: 0'
const single = { main: `uri: "sip:192.0.2.80", ${account}` }

function status(stage: TrunkStage): TrunkStatus {
  const [found] = stage.trunks.status()
  if (!found) throw new Error('no trunk')
  return found
}

async function registered(): Promise<{ stage: TrunkStage; provider: Provider }> {
  const stage = new TrunkStage()
  const provider = stage.provider('192.0.2.80')
  provider.register('84283000001', 'provider-pass')
  await stage.start(single)
  await stage.advance(1000)
  return { stage, provider }
}

describe('a trunk that is to be registered at', () => {
  it('registers with digest, and refreshes with credentials at once, before it runs out', async () => {
    const { stage, provider } = await registered()
    expect(provider.heard).toEqual(['REGISTER 600', 'REGISTER 600 auth'])
    const [request] = provider.requests
    expect(request?.uri).toMatchObject({ user: null, host: '192.0.2.80' })
    expect(request?.headers.get('To')).toBe('<sip:84283000001@192.0.2.80>')
    expect(request?.headers.get('Contact')).toBe('<sip:84283000001@192.0.2.1:5060>')
    expect(status(stage)).toMatchObject({
      state: 'up',
      sentence: 'It answers, and we are registered there.',
      registeredUntil: '2026-01-01T00:10:00.040Z',
    })
    await stage.advance(470_000)
    expect(provider.requests).toHaveLength(2)
    await stage.advance(75_000)
    // The same series: one Call-ID, rising CSeq. The nonce has run out meanwhile, so it takes two.
    expect(provider.heard.slice(2)).toEqual(['REGISTER 600 auth', 'REGISTER 600 auth'])
    expect(new Set(provider.requests.map(({ sipCallId }) => sipCallId)).size).toBe(1)
    expect(provider.requests.map(({ cseq }) => cseq.number)).toEqual([1, 2, 3, 4])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('takes its binding back when it ends', async () => {
    const { stage, provider } = await registered()
    expect(await stage.end()).toEqual(nothingLeft)
    const last = provider.requests.at(-1)
    expect(provider.heard.at(-1)).toBe('REGISTER 0 auth')
    expect(last?.headers.get('Contact')).toBe('<sip:84283000001@192.0.2.1:5060>')
    expect(stage.clock.now()).toBeLessThan(70_000)
  })

  it('ends within two seconds also when nobody answers', async () => {
    const { stage, provider } = await registered()
    provider.answer = () => null
    let isClosed = false
    void stage.trunks.close().then(() => {
      isClosed = true
    })
    await stage.advance(1999)
    expect(isClosed).toBe(false)
    await stage.advance(1)
    expect(isClosed).toBe(true)
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('asks for longer when the interval is too brief, once (423)', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    provider.answer = ({ headers }) => {
      return Number(headers.get('Expires')) < 1800 ? { status: 423, headers: [['Min-Expires', '1800']] } : 200
    }
    await stage.start(single)
    await stage.advance(1000)
    expect(provider.heard).toEqual(['REGISTER 600', 'REGISTER 1800'])
    expect(status(stage).registeredUntil).toBe('2026-01-01T00:30:00.040Z')
    provider.answer = () => ({ status: 423, headers: [['Min-Expires', '1800']] })
    await stage.advance(1_800_000)
    expect(status(stage)).toMatchObject({ state: 'degraded', registeredUntil: null })
    expect(provider.requests.length).toBeLessThan(10)
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('reads how long it holds behind its own Contact, whatever others the account has', async () => {
    for (const [contacts, expected] of [
      ['<sip:x@203.0.113.5>;expires=3000, <sip:84283000001@192.0.2.1:5060>;expires=120', '2026-01-01T00:02:00.020Z'],
      // One that a NAT has rewritten.
      ['<sip:84283000001@203.0.113.9:61000>;expires=90', '2026-01-01T00:01:30.020Z'],
    ] as const) {
      const stage = new TrunkStage()
      stage.provider('192.0.2.80').answer = ({ headers }) => {
        return { status: 200, headers: headers.get('Expires') === '0' ? [] : [['Contact', contacts]] }
      }
      await stage.start(single)
      await stage.advance(500)
      expect(status(stage).registeredUntil, contacts).toBe(expected)
      expect(await stage.end()).toEqual(nothingLeft)
    }
  })

  it('waits longer after each failure, half an hour at most, and as long as a Retry-After says (RFC 5626 §4.5)', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    provider.answer = () => 500
    await stage.start(single)
    await stage.advance(4 * 3_600_000)
    const times = stage.network.timesOf('REGISTER')
    const waits = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    for (const [i, wait] of waits.entries()) {
      const bound = Math.min(1_800_000, 60_000 * 2 ** i)
      expect(wait, String(i)).toBeGreaterThanOrEqual(bound * 0.5)
      expect(wait, String(i)).toBeLessThanOrEqual(bound + 100)
    }
    expect(waits.length).toBeGreaterThan(10)
    expect(status(stage)).toMatchObject({
      state: 'degraded',
      sentence: 'The registration was answered 500 Server Internal Error.',
    })
    provider.answer = () => ({ status: 486, headers: [['Retry-After', '3600 (maintenance)']] })
    await stage.advance(1_800_000)
    const before = provider.requests.length
    await stage.advance(1_700_000)
    expect(provider.requests).toHaveLength(before)
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('with a wrong password asks once, and not again for a quarter of an hour', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    provider.register('84283000001', 'another-pass')
    await stage.start(single)
    await stage.advance(890_000)
    expect(provider.heard).toEqual(['REGISTER 600', 'REGISTER 600 auth'])
    expect(status(stage)).toMatchObject({
      state: 'degraded',
      sentence: 'The registration was refused (401): the user name or the password is wrong.',
    })
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('goes to the next host when one is silent or has no room, and stays with the one that took it', async () => {
    const stage = new TrunkStage()
    stage.dns.set('A sip.provider.test', ['192.0.2.80', '192.0.2.81', '192.0.2.82'])
    const [silent, full, good] = ['192.0.2.80', '192.0.2.81', '192.0.2.82'].map((one) => stage.provider(one))
    if (!silent || !full || !good) throw new Error('three providers')
    silent.answer = () => null
    full.answer = () => 503
    good.register('84283000001', 'provider-pass')
    await stage.start({ main: `uri: "sip:sip.provider.test:5060", ${account}` })
    await stage.advance(5000)
    expect(stage.network.packets.find(({ to }) => to.address === '192.0.2.81')?.sentMs).toBe(4000)
    expect(full.heard).toEqual(['REGISTER 600'])
    expect(good.heard).toEqual(['REGISTER 600', 'REGISTER 600 auth'])
    expect(status(stage).registeredUntil).not.toBe(null)
    await stage.advance(545_000)
    expect(good.requests.length).toBeGreaterThan(2)
    expect(full.requests).toHaveLength(1)
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('does not look at what a host answers after another was asked', async () => {
    const stage = new TrunkStage()
    stage.dns.set('A sip.provider.test', ['192.0.2.80', '192.0.2.81'])
    const [late, good] = [stage.provider('192.0.2.80'), stage.provider('192.0.2.81')]
    const answer = { status: 200, headers: [['Contact', '<sip:84283000001@192.0.2.1:5060>;expires=5']] } as const
    late.answer = () => new Promise((resolve) => stage.clock.after(6000, () => resolve(answer)))
    await stage.start({ main: `uri: "sip:sip.provider.test:5060", ${account}` })
    await stage.advance(10_000)
    expect(good.heard).toEqual(['REGISTER 600'])
    expect(status(stage)).toMatchObject({ state: 'up', registeredUntil: '2026-01-01T00:10:04.020Z' })
    await stage.advance(545_000)
    expect(good.heard).toEqual(['REGISTER 600', 'REGISTER 600'])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('registers anew at once when the connection it came by is lost', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    provider.register('84283000001', 'provider-pass')
    await stage.start({ main: `uri: "sip:192.0.2.80;transport=tcp", ${account}` })
    await stage.advance(1000)
    expect(provider.heard).toHaveLength(2)
    expect(provider.requests[0]?.headers.get('Contact')).toBe('<sip:84283000001@192.0.2.1:5060;transport=tcp>')
    stage.network.cutConnections()
    await stage.advance(1000)
    expect(provider.heard.slice(2)).toEqual(['REGISTER 600 auth'])
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('is made anew elsewhere when its host falls silent, long before it would be refreshed', async () => {
    const stage = new TrunkStage()
    stage.dns.set('A sip.provider.test', ['192.0.2.80', '192.0.2.81'])
    const [first, second] = [stage.provider('192.0.2.80'), stage.provider('192.0.2.81')]
    await stage.start({ main: `uri: "sip:sip.provider.test:5060", ${account.replace('health: 0', 'health: 30')}` })
    await stage.advance(2000)
    expect(first.of('REGISTER')).toHaveLength(1)
    first.answer = () => null
    await stage.advance(45_000)
    expect(second.of('REGISTER')).toHaveLength(1)
    expect(status(stage)).toMatchObject({ state: 'degraded', registeredUntil: expect.any(String) })
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('is made anew as soon as a host that was silent answers, for it may have lost its memory', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    await stage.start({ main: `uri: "sip:192.0.2.80", ${account.replace('health: 0', 'health: 30')}` })
    await stage.advance(2000)
    provider.answer = () => null
    await stage.advance(600_000)
    expect(status(stage)).toMatchObject({ state: 'down', registeredUntil: null })
    provider.answer = () => 200
    const before = provider.of('REGISTER').length
    // The longest rest of a breaker; the wait of the registration alone may be half an hour.
    await stage.advance(301_000)
    expect(provider.of('REGISTER').length).toBeGreaterThan(before)
    expect(status(stage)).toMatchObject({ state: 'up' })
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('goes by the outbound proxy, with its Route', async () => {
    const stage = new TrunkStage()
    const proxy = stage.provider('192.0.2.90')
    proxy.register('84283000001', 'provider-pass')
    await stage.start({ main: `uri: "sip:provider.invalid", proxy: "sip:192.0.2.90:5060", ${account}` })
    await stage.advance(1000)
    expect(proxy.heard).toHaveLength(2)
    expect(proxy.requests[0]?.headers.get('Route')).toBe('<sip:192.0.2.90:5060;lr>')
    expect(proxy.requests[0]?.uri).toMatchObject({ host: 'provider.invalid' })
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('says what is wrong when its name is not known, and tries again', async () => {
    const stage = new TrunkStage()
    await stage.start({ main: `uri: "sip:nowhere.test", ${account}` })
    await stage.advance(1000)
    expect(status(stage)).toMatchObject({ state: 'down', sentence: 'nowhere.test has no address in DNS.' })
    stage.dns.set('A nowhere.test', ['192.0.2.80'])
    stage.provider('192.0.2.80').register('84283000001', 'provider-pass')
    await stage.advance(61_000)
    expect(status(stage)).toMatchObject({ state: 'up' })
    expect(await stage.end()).toEqual(nothingLeft)
  })

  it('that ends while its first REGISTER is on its way still takes back what may be accepted', async () => {
    const stage = new TrunkStage()
    const provider = stage.provider('192.0.2.80')
    await stage.start(single)
    await stage.advance(5)
    expect(await stage.end()).toEqual(nothingLeft)
    expect(provider.heard).toEqual(['REGISTER 600', 'REGISTER 0'])
  })
})
