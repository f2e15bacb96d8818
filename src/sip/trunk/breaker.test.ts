import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { SeededRandom } from '../../base/random.ts'
import { Breaker, type BreakerState } from './breaker.ts'

function setUp(hasProbe = true): { clock: TestClock; breaker: Breaker; states: BreakerState[]; probes: () => number } {
  const clock = new TestClock()
  const states: BreakerState[] = []
  let probes = 0
  const breaker = new Breaker({
    clock,
    random: new SeededRandom(1),
    probe: hasProbe ? () => probes++ : null,
    changed: (state) => states.push(state),
  })
  return { clock, breaker, states, probes: () => probes }
}

function open(breaker: Breaker): void {
  breaker.failed()
  breaker.failed()
}

describe('the circuit breaker of a host', () => {
  it('opens at the second failure in a row, and not at two with an answer between', () => {
    const { breaker, clock } = setUp()
    breaker.failed()
    breaker.answered()
    breaker.failed()
    expect(breaker.state).toBe('closed')
    breaker.failed()
    expect(breaker.state).toBe('open')
    expect(breaker.admitsCall()).toBe(false)
    breaker.close()
    expect(clock.pending).toBe(0)
  })

  it('probes when its rest is over, and closes with the answer', () => {
    const { breaker, clock, states, probes } = setUp()
    open(breaker)
    clock.advance(7499)
    expect(probes()).toBe(0)
    clock.advance(2501)
    expect(probes()).toBe(1)
    expect(breaker.admitsCall()).toBe(false)
    breaker.answered()
    expect(states).toEqual(['open', 'half-open', 'closed'])
    expect(breaker.admitsCall()).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it('rests longer each time the probe was in vain, five minutes at most', () => {
    const { breaker, clock } = setUp()
    open(breaker)
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      waits.push(clock.untilNext ?? 0)
      clock.advance(clock.untilNext ?? 0)
      expect(breaker.state).toBe('half-open')
      breaker.failed()
    }
    for (const [i, wait] of waits.entries()) {
      const full = Math.min(10_000 * 2 ** i, 300_000)
      expect(wait).toBeGreaterThanOrEqual(full * 0.75)
      expect(wait).toBeLessThanOrEqual(full + 1)
    }
  })

  it('rests long at once when it fails again soon after it had closed, and short after five good minutes', () => {
    const { breaker, clock } = setUp()
    open(breaker)
    clock.advance(10_000)
    breaker.answered()
    clock.advance(1000)
    open(breaker)
    expect(clock.untilNext).toBeGreaterThan(10_001)
    clock.advance(20_000)
    breaker.answered()
    clock.advance(300_000)
    open(breaker)
    expect(clock.untilNext).toBeLessThanOrEqual(10_000)
  })

  it('leaves a host alone for as long as its Retry-After says, bounded', () => {
    const { breaker, clock } = setUp()
    breaker.failed(45_000)
    expect(breaker.state).toBe('open')
    expect(clock.untilNext).toBe(45_000)
    breaker.failed(1e9)
    expect(clock.untilNext).toBe(300_000)
    expect(clock.pending).toBe(1)
  })

  it('closes when a call that had no better host gets through', () => {
    const { breaker, clock } = setUp()
    open(breaker)
    breaker.answered()
    expect(breaker.state).toBe('closed')
    expect(clock.pending).toBe(0)
  })

  it('without OPTIONS lets one call find out, and another when nothing was heard of that for a minute', () => {
    const { breaker, clock } = setUp(false)
    open(breaker)
    clock.advance(10_000)
    expect(breaker.state).toBe('half-open')
    expect(breaker.admitsCall()).toBe(true)
    expect(breaker.admitsCall()).toBe(false)
    clock.advance(60_000)
    expect(breaker.admitsCall()).toBe(true)
    breaker.undecided()
    expect(breaker.admitsCall()).toBe(true)
  })
})
