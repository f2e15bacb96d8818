import { describe, expect, it } from 'vitest'
import { LatenessHistogram, worstLateness } from './lateness.ts'

function histogramOf(values: readonly number[]): LatenessHistogram {
  const histogram = new LatenessHistogram()
  for (const value of values) histogram.add(value)
  return histogram
}

describe('the lateness histogram', () => {
  it('tells quantiles to a quarter of a millisecond, never too kindly', () => {
    const values = Array.from({ length: 1000 }, (_, i) => i / 100)
    const { count, p50Ms, p99Ms, maxMs, sumMs } = histogramOf(values).snapshot()
    expect(count).toBe(1000)
    expect(p50Ms).toBeGreaterThanOrEqual(4.99)
    expect(p50Ms).toBeLessThanOrEqual(5.25)
    expect(p99Ms).toBeGreaterThanOrEqual(9.89)
    expect(p99Ms).toBeLessThanOrEqual(9.99)
    expect(maxMs).toBe(9.99)
    expect(sumMs).toBeCloseTo(4995)
  })

  it('is nothing before the first value', () => {
    expect(histogramOf([]).snapshot()).toEqual({
      count: 0,
      sumMs: 0,
      p50Ms: 0,
      p99Ms: 0,
      maxMs: 0,
      buckets: [0, 0, 0, 0, 0, 0, 0, 0],
    })
  })

  it('counts each value in the bucket whose bound it does not pass', () => {
    expect(histogramOf([-3, 0, 1, 1.1, 2, 5, 5.01, 40, 41, 5000]).snapshot().buckets).toEqual([3, 2, 0, 1, 1, 0, 1, 2])
    expect(histogramOf([100, 5000]).snapshot().p50Ms).toBe(5000)
  })

  it('sums several threads, with the quantiles of the worst', () => {
    const worst = worstLateness([histogramOf([0, 0, 0]).snapshot(), histogramOf([8]).snapshot()])
    expect([worst.count, worst.p50Ms, worst.maxMs, worst.sumMs]).toEqual([4, 8, 8, 8])
    expect(worst.buckets).toEqual([3, 0, 0, 0, 1, 0, 0, 0])
    expect(worstLateness([]).count).toBe(0)
  })
})
