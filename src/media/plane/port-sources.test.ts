import { describe, expect, it } from 'vitest'
import { portShares } from './port-sources.ts'

const shares = (firstPort: number, lastPort: number, workers: number): [number, number][] =>
  portShares({ addresses: [], firstPort, lastPort }, workers).map((share) => [share.firstPort, share.lastPort])

describe('shares of the port range', () => {
  it('are equal, whole pairs, and together the whole range', () => {
    expect(shares(20_000, 29_999, 1)).toEqual([[20_000, 29_999]])
    expect(shares(20_000, 29_999, 3)).toEqual([
      [20_000, 23_331],
      [23_332, 26_665],
      [26_666, 29_999],
    ])
  })

  it('begin on an even port, and half a pair is nobody’s', () => {
    expect(shares(20_001, 20_006, 2)).toEqual([
      [20_002, 20_003],
      [20_004, 20_005],
    ])
    expect(shares(20_000, 20_000, 1)).toEqual([[20_000, 19_999]])
  })
})
