import { describe, expect, it } from 'vitest'
import { SeededRandom } from './random.ts'
import { weightedOrder } from './weighted-order.ts'

const order = (weights: readonly number[], seed: number): readonly number[] =>
  weightedOrder(
    weights.map((_, i) => i),
    (i) => weights[i] ?? 0,
    new SeededRandom(seed),
  )

describe('weighted order', () => {
  it('puts each first about as often as it weighs', () => {
    const firsts = [0, 0, 0]
    for (let seed = 0; seed < 4000; seed++) {
      const [first = 0] = order([1, 3, 6], seed)
      firsts[first] = (firsts[first] ?? 0) + 1
    }
    const [one = 0, three = 0, six = 0] = firsts
    expect(three / one).toBeGreaterThan(1.5)
    expect(six / three).toBeGreaterThan(1.5)
    expect(one).toBeGreaterThan(200)
  })

  it('loses nobody, and puts what weighs nothing last nearly always', () => {
    let lasts = 0
    for (let seed = 0; seed < 500; seed++) {
      const found = order([0, 50, 50], seed)
      expect([...found].sort()).toEqual([0, 1, 2])
      if (found[2] === 0) lasts++
    }
    expect(lasts).toBeGreaterThan(450)
  })

  it('leaves none and one as they are', () => {
    expect(order([], 1)).toEqual([])
    expect(order([5], 1)).toEqual([0])
  })
})
