import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { RefusalLimiter } from './refusal-limiter.ts'

describe('RefusalLimiter', () => {
  it('lets one address have ten answers a second', () => {
    const clock = new TestClock()
    const limiter = new RefusalLimiter(clock)
    const allowed = () => Array.from({ length: 30 }, () => limiter.allows('192.0.2.1')).filter(Boolean).length
    expect(allowed()).toBe(10)
    expect(limiter.allows('192.0.2.2')).toBe(true)
    clock.advance(999)
    expect(allowed()).toBe(0)
    clock.advance(1)
    expect(allowed()).toBe(10)
  })

  it('lets all addresses together have five hundred', () => {
    const limiter = new RefusalLimiter(new TestClock())
    let allowed = 0
    for (let i = 0; i < 10_000; i++) if (limiter.allows(`10.0.${i >> 8}.${i & 255}`)) allowed++
    expect(allowed).toBe(500)
  })
})
