import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { SeededRandom } from '../../base/random.ts'
import { NonceFactory } from './nonce.ts'
import { NonceCounts } from './nonce-counts.ts'

function factory(seed = 1) {
  const clock = new TestClock()
  return { clock, nonces: new NonceFactory({ clock, random: new SeededRandom(seed), lifeSeconds: 300 }) }
}

describe('a nonce', () => {
  it('is valid for its life and then expired', () => {
    const { clock, nonces } = factory()
    const nonce = nonces.make('realm')
    expect(nonces.check(nonce, 'realm')).toEqual({ kind: 'valid', issuedAt: clock.wallTime() })
    clock.advance(300_000)
    expect(nonces.check(nonce, 'realm').kind).toBe('valid')
    clock.advance(1)
    expect(nonces.check(nonce, 'realm').kind).toBe('expired')
  })

  it('differs from that of the same millisecond', () => {
    const { nonces } = factory()
    expect(nonces.make('realm')).not.toBe(nonces.make('realm'))
  })

  it('is foreign to another realm, another process, and when any of its characters is changed', () => {
    const { nonces } = factory()
    const nonce = nonces.make('realm')
    expect(nonces.check(nonce, 'other').kind).toBe('foreign')
    expect(factory(2).nonces.check(nonce, 'realm').kind).toBe('foreign')
    for (let i = 0; i < nonce.length; i++) {
      const changed = nonce.slice(0, i) + (nonce[i] === 'A' ? 'B' : 'A') + nonce.slice(i + 1)
      expect(nonces.check(changed, 'realm').kind).toBe('foreign')
    }
    for (const odd of ['', 'x', `${nonce}A`, nonce.replace(/^./, '='), '\u00e9'.repeat(40)]) {
      expect(nonces.check(odd, 'realm').kind).toBe('foreign')
    }
  })
})

describe('a nonce count', () => {
  it('may be used once, in any order within the window', () => {
    const counts = new NonceCounts({ capacity: 10 })
    expect([1, 3, 2, 2, 3, 4, 1].map((count) => counts.use('n', 0, count))).toEqual([
      true,
      true,
      true,
      false,
      false,
      true,
      false,
    ])
    expect(counts.use('n', 0, 100)).toBe(true)
    expect(counts.use('n', 0, 69)).toBe(true)
    expect(counts.use('n', 0, 68)).toBe(false)
  })

  it('of a forgotten nonce counts as used, that of a younger one does not', () => {
    const counts = new NonceCounts({ capacity: 2 })
    counts.use('a', 1, 1)
    counts.use('b', 2, 1)
    counts.use('c', 3, 1)
    expect(counts.size).toBe(2)
    expect(counts.use('a', 1, 2)).toBe(false)
    expect(counts.use('d', 4, 1)).toBe(true)
    expect(counts.use('c', 3, 2)).toBe(true)
  })

  it('takes no room once its nonce has outlived its life', () => {
    const counts = new NonceCounts({ capacity: 10 })
    for (let i = 0; i < 5; i++) counts.use(`n${i}`, i, 1)
    counts.forgetExpired(3)
    expect(counts.size).toBe(2)
  })
})
