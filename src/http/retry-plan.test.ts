import { describe, expect, it } from 'vitest'
import { type Random, SeededRandom } from '../base/random.ts'
import { defaultMaxAttempts } from '../store/outbox-types.ts'
import { defaultRetryPlan, readRetryAfter, retryDelayMs } from './retry-plan.ts'

/** Always in the middle: no jitter. */
const middle: Random = { bytes: () => new Uint8Array(4), token: () => '', uint32: () => 2 ** 31 }

describe('the wait for the next attempt', () => {
  it('doubles from a second to an hour, and makes a day of all attempts', () => {
    const waits = Array.from({ length: defaultMaxAttempts - 1 }, (_, i) =>
      retryDelayMs(defaultRetryPlan, i + 1, null, middle),
    )
    expect(waits.slice(0, 4)).toEqual([1000, 2000, 4000, 8000])
    expect(waits.at(-1)).toBe(3_600_000)
    const hours = waits.reduce((sum, ms) => sum + ms, 0) / 3_600_000
    expect(hours).toBeGreaterThan(23)
    expect(hours).toBeLessThan(25)
    expect(retryDelayMs(defaultRetryPlan, 5000, null, middle)).toBe(3_600_000)
  })

  it('is the one that a plan names', () => {
    const plan = { waitsMs: [1000, 5000, 30_000], firstMs: 1000, longestMs: 120_000 }
    expect([1, 2, 3, 40].map((failed) => retryDelayMs(plan, failed, null, middle))).toEqual([
      1000, 5000, 30_000, 120_000,
    ])
  })

  it('differs by a quarter at most, so that what failed together is not tried together', () => {
    const random = new SeededRandom(1)
    const waits = Array.from({ length: 500 }, () => retryDelayMs({ firstMs: 1000, longestMs: 1000 }, 1, null, random))
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(750)
    expect(Math.max(...waits)).toBeLessThanOrEqual(1250)
    expect(new Set(waits).size).toBeGreaterThan(100)
  })

  it('is at least what the receiver asked for, up to a day', () => {
    expect(retryDelayMs(defaultRetryPlan, 1, 90_000, middle)).toBe(90_000)
    expect(retryDelayMs(defaultRetryPlan, 10, 90_000, middle)).toBe(512_000)
    expect(retryDelayMs(defaultRetryPlan, 1, 1e15, middle)).toBe(24 * 3_600_000)
  })

  it('reads Retry-After as seconds or as a date, and nothing else', () => {
    const now = Date.UTC(2026, 0, 1)
    expect(readRetryAfter('120', now)).toBe(120_000)
    expect(readRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000)
    expect(readRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0)
    for (const text of [undefined, '', 'soon', '-5', '1.5', '2026-01-02', '99999999999999']) {
      expect(readRetryAfter(text, now), String(text)).toBeNull()
    }
  })
})
