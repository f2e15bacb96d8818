import { describe, expect, it } from 'vitest'
import { StallableClock } from '../../../test/support/media-harness.ts'
import { TestClock } from '../../../test/support/test-clock.ts'
import { maxAheadTicks, Paced, Pacer, rest } from './pacer.ts'

/** Writes down when it was run, and asks to be run again after `periodTicks`. */
class Beat extends Paced {
  readonly runs: [tick: number, nowTick: number][] = []
  periodTicks: number

  constructor(periodTicks: number) {
    super()
    this.periodTicks = periodTicks
  }

  due(tick: number, nowTick: number): number {
    this.runs.push([tick, nowTick])
    return this.periodTicks === rest ? rest : tick + this.periodTicks
  }
}

function setUp(clock = new TestClock()): { clock: TestClock; pacer: Pacer; failures: unknown[] } {
  const failures: unknown[] = []
  return { clock, pacer: new Pacer(clock, { tickMs: 1, onFailure: (thrown) => failures.push(thrown) }), failures }
}

describe('the pacer', () => {
  it('runs each by its own period, from one timer, without drifting', () => {
    const { clock, pacer } = setUp()
    const [twenty, thirty] = [new Beat(20), new Beat(30)]
    pacer.add(twenty, 5)
    pacer.add(thirty, 7)
    expect(clock.pending).toBe(1)
    for (let i = 0; i < 1000; i++) clock.advance(1.7)
    expect(twenty.runs.slice(0, 3).map(([tick]) => tick)).toEqual([5, 25, 45])
    expect(twenty.runs.length).toBe(85)
    expect(thirty.runs.at(-1)?.[0]).toBe(7 + 30 * 56)
    expect(twenty.runs.every(([tick, nowTick]) => nowTick === tick)).toBe(true)
    expect(clock.pending).toBe(1)
  })

  it('has no timer while nothing waits', () => {
    const { clock, pacer } = setUp()
    const [one, other] = [new Beat(20), new Beat(rest)]
    expect(clock.pending).toBe(0)
    pacer.add(one, 5)
    pacer.add(other, 6)
    pacer.remove(one)
    pacer.remove(one)
    clock.advance(100)
    expect([one.runs.length, other.runs.length]).toEqual([0, 1])
    expect(clock.pending).toBe(0)
  })

  it('moves what is added again, and never runs it twice for one tick', () => {
    const { clock, pacer } = setUp()
    const beat = new Beat(rest)
    pacer.add(beat, 10)
    pacer.add(beat, 4)
    pacer.add(beat, 10)
    pacer.remove(beat)
    pacer.add(beat, 10)
    clock.advance(50)
    expect(beat.runs).toEqual([[10, 10]])
  })

  it('wakes earlier for what is added before the rest', () => {
    const { clock, pacer } = setUp()
    const [late, early] = [new Beat(rest), new Beat(rest)]
    pacer.add(late, 50)
    pacer.add(early, 10)
    clock.advance(10)
    expect([late.runs.length, early.runs.length]).toEqual([0, 1])
    clock.advance(40)
    expect(late.runs.length).toBe(1)
  })

  it('lets few streams share few wakings, at the quietest of them', () => {
    const { clock, pacer } = setUp()
    clock.advance(5)
    const ticks = Array.from({ length: 6 }, () => pacer.addSpread(new Beat(20), 8))
    expect(ticks).toEqual([8, 12, 8, 12, 8, 12])
    expect(pacer.addSpread(new Beat(20), 20)).toBe(16)
  })

  it('spreads many streams over all ticks, so that none is a long burst', () => {
    const { pacer } = setUp()
    const loads = new Map<number, number>()
    for (let i = 0; i < 3000; i++) {
      const tick = pacer.addSpread(new Beat(20), 20)
      loads.set(tick, (loads.get(tick) ?? 0) + 1)
      if (i === 849) expect([...loads.keys()].sort((a, b) => a - b)).toEqual([4, 8, 12, 16, 20])
      if (i === 1699) expect(loads.size).toBe(10)
    }
    expect(loads.size).toBe(20)
    expect(Math.max(...loads.values())).toBe(170)
  })

  it('takes what is in no hurry where others are due', () => {
    const { clock, pacer } = setUp()
    const beat = new Beat(rest)
    pacer.addRoughly(beat, 21)
    clock.advance(30)
    expect(beat.runs).toEqual([[24, 24]])
  })

  it('goes through every tick that a stall made late, in order, and says how late', () => {
    const clock = new StallableClock()
    const { pacer } = setUp(clock)
    const order: number[] = []
    const [a, b] = [new Beat(20), new Beat(30)]
    for (const beat of [a, b]) {
      const due = beat.due.bind(beat)
      beat.due = (tick, nowTick) => {
        order.push(tick)
        return due(tick, nowTick)
      }
    }
    pacer.add(a, 10)
    pacer.add(b, 11)
    clock.stall(95)
    clock.advance(10)
    expect(order).toEqual([10, 11, 30, 41, 50, 70, 71, 90, 101])
    expect(a.runs[0]).toEqual([10, 105])
    clock.advance(5)
    expect(a.runs.at(-1)).toEqual([110, 110])
  })

  it('takes a stall of many seconds, and what is added right after it', () => {
    const clock = new StallableClock()
    const { pacer } = setUp(clock)
    const [beat, added] = [new Beat(20), new Beat(rest)]
    pacer.add(beat, 20)
    clock.stall(10_000)
    const tick = pacer.addSpread(added, 8)
    expect(tick).toBeGreaterThan(10_000)
    clock.advance(100)
    expect(beat.runs.length).toBe(505)
    expect(added.runs.length).toBe(1)
  })

  it('keeps wishes within the wheel, and turns the past into the next tick', () => {
    const { clock, pacer } = setUp()
    const [far, past] = [new Beat(rest), new Beat(rest)]
    clock.advance(500)
    pacer.add(far, 500_000)
    pacer.add(past, 3)
    clock.advance(maxAheadTicks)
    expect(past.runs[0]?.[0]).toBe(501)
    expect(far.runs[0]?.[0]).toBe(500 + maxAheadTicks)
  })

  it('lets one that throws rest, and runs the others', () => {
    const { clock, pacer, failures } = setUp()
    const [bad, good] = [new Beat(20), new Beat(20)]
    bad.due = () => {
      throw new Error('broken')
    }
    pacer.add(bad, 5)
    pacer.add(good, 5)
    clock.advance(100)
    expect(failures).toEqual([new Error('broken')])
    expect(good.runs.length).toBe(5)
    pacer.remove(good)
    expect(clock.pending).toBe(0)
  })

  it('lets what runs add and remove itself and others', () => {
    const { clock, pacer } = setUp()
    const [self, other, killed] = [new Beat(rest), new Beat(rest), new Beat(20)]
    self.due = (tick) => {
      self.runs.push([tick, tick])
      pacer.remove(killed)
      pacer.add(other, tick)
      if (self.runs.length < 3) pacer.add(self, tick + 7)
      return tick + 100
    }
    pacer.add(self, 5)
    pacer.add(killed, 5)
    clock.advance(60)
    expect(self.runs.map(([tick]) => tick)).toEqual([5, 12, 19])
    expect(other.runs.map(([tick]) => tick)).toEqual([6, 13, 20])
    expect(killed.runs).toEqual([])
  })

  it('tells how late the timer woke', () => {
    const clock = new StallableClock()
    const lags: number[] = []
    const pacer = new Pacer(clock, { tickMs: 1, onFailure: () => {}, onWake: (lateMs) => lags.push(lateMs) })
    pacer.add(new Beat(20), 10)
    clock.advance(10)
    clock.stall(33)
    clock.advance(20)
    expect(lags).toEqual([0, 33])
  })
})
