import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { TransportError } from '../../base/errors.ts'
import { CachingResolver } from './caching-resolver.ts'
import type { DnsAnswer, DnsSource, DnsType } from './types.ts'

/** Answers as it is told to, and counts. */
class ScriptedSource implements DnsSource {
  asked = 0
  answer: () => Promise<DnsAnswer<DnsType>> = async () => ({ records: ['192.0.2.1'], ttlSeconds: 30 })

  ask<Type extends DnsType>(): Promise<DnsAnswer<Type>> {
    this.asked++
    return this.answer() as Promise<DnsAnswer<Type>>
  }
}

function setUp(capacity?: number): { clock: TestClock; source: ScriptedSource; resolver: CachingResolver } {
  const clock = new TestClock()
  const source = new ScriptedSource()
  return { clock, source, resolver: new CachingResolver({ clock, source, ...(capacity ? { capacity } : {}) }) }
}

const fails = (): Promise<never> => Promise.reject(new Error('ECONNREFUSED'))

describe('what DNS has answered', () => {
  it('is asked again only when its time has run out', async () => {
    const { clock, source, resolver } = setUp()
    expect(await resolver.resolve('A', 'example.test')).toEqual(['192.0.2.1'])
    clock.advance(29_000)
    await resolver.resolve('A', 'EXAMPLE.test.')
    expect(source.asked).toBe(1)
    clock.advance(1001)
    await resolver.resolve('A', 'example.test')
    expect(source.asked).toBe(2)
    expect(clock.pending).toBe(0)
  })

  it('holds a minute where it does not say how long, a second at least, and an hour at most', async () => {
    for (const [ttlSeconds, holdsMs] of [
      [null, 60_000],
      [0, 1000],
      [1_000_000, 3_600_000],
    ] as const) {
      const { clock, source, resolver } = setUp()
      source.answer = async () => ({ records: ['192.0.2.1'], ttlSeconds })
      await resolver.resolve('A', 'example.test')
      clock.advance(holdsMs - 1)
      await resolver.resolve('A', 'example.test')
      expect(source.asked, String(ttlSeconds)).toBe(1)
      clock.advance(2)
      await resolver.resolve('A', 'example.test')
      expect(source.asked, String(ttlSeconds)).toBe(2)
    }
  })

  it('is asked once however many wait for it', async () => {
    const { source, resolver } = setUp()
    let answer: (value: DnsAnswer<DnsType>) => void = () => {}
    source.answer = () => new Promise((resolve) => (answer = resolve))
    const waiting = [resolver.resolve('A', 'example.test'), resolver.resolve('A', 'example.test')]
    answer({ records: ['192.0.2.5'], ttlSeconds: 10 })
    expect(await Promise.all(waiting)).toEqual([['192.0.2.5'], ['192.0.2.5']])
    expect(source.asked).toBe(1)
  })

  it('may be that there is nothing: remembered for five seconds', async () => {
    const { clock, source, resolver } = setUp()
    source.answer = async () => ({ records: [], ttlSeconds: null })
    expect(await resolver.resolve('SRV', '_sip._udp.example.test')).toEqual([])
    clock.advance(4999)
    await resolver.resolve('SRV', '_sip._udp.example.test')
    expect(source.asked).toBe(1)
    clock.advance(2)
    await resolver.resolve('SRV', '_sip._udp.example.test')
    expect(source.asked).toBe(2)
  })

  it('fails with a code that names the host, and the failure is told for five seconds without asking', async () => {
    const { clock, source, resolver } = setUp()
    source.answer = fails
    const thrown = await resolver.resolve('A', 'example.test').catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(TransportError)
    expect(thrown).toMatchObject({ code: 'locate.dns-failed', facts: { host: 'example.test' } })
    await expect(resolver.resolve('A', 'example.test')).rejects.toMatchObject({ code: 'locate.dns-failed' })
    expect(source.asked).toBe(1)
    clock.advance(5001)
    await expect(resolver.resolve('A', 'example.test')).rejects.toMatchObject({ code: 'locate.dns-failed' })
    expect(source.asked).toBe(2)
  })

  it('is not waited for longer than five seconds', async () => {
    const { clock, source, resolver } = setUp()
    source.answer = () => new Promise(() => {})
    const asked = resolver.resolve('A', 'example.test').catch((error: unknown) => error)
    await clock.advanceAsync(5000)
    expect(await asked).toMatchObject({ code: 'locate.dns-failed', message: expect.stringContaining('within 5000 ms') })
    expect(clock.pending).toBe(0)
  })

  it('still serves for an hour when nobody gives a newer one (RFC 8767)', async () => {
    const { clock, source, resolver } = setUp()
    await resolver.resolve('A', 'example.test')
    source.answer = fails
    clock.advance(60_000)
    expect(await resolver.resolve('A', 'example.test')).toEqual(['192.0.2.1'])
    expect(await resolver.resolve('A', 'example.test')).toEqual(['192.0.2.1'])
    expect(source.asked).toBe(2)
    clock.advance(3_600_000)
    await expect(resolver.resolve('A', 'example.test')).rejects.toMatchObject({ code: 'locate.dns-failed' })
  })

  it('takes no more room than it is given', async () => {
    const { source, resolver } = setUp(10)
    for (let i = 0; i < 50; i++) await resolver.resolve('A', `h${i}.example.test`)
    expect(resolver.size).toBe(10)
    await resolver.resolve('A', 'h49.example.test')
    expect(source.asked).toBe(50)
    await resolver.resolve('A', 'h0.example.test')
    expect(source.asked).toBe(51)
  })
})
