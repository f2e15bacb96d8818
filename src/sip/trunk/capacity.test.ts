import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { Capacity } from './capacity.ts'

describe('the bounds of a trunk', () => {
  it('hold for calls at the same time, and a call released twice counts once', () => {
    const capacity = new Capacity(new TestClock(), 'main', { maxCalls: 2, callsPerSecond: null })
    const first = capacity.acquire()
    capacity.acquire()
    expect(capacity.acquire()).toMatchObject({
      isAdmitted: false,
      sentence: 'The trunk main has its 2 concurrent calls already (maxCalls).',
    })
    if (first.isAdmitted) {
      first.release()
      first.release()
    }
    expect(capacity.calls).toBe(1)
    expect(capacity.acquire().isAdmitted).toBe(true)
  })

  it('hold for new calls per second, less than one among them', () => {
    const clock = new TestClock()
    const capacity = new Capacity(clock, 'main', { maxCalls: null, callsPerSecond: 0.5 })
    expect(capacity.acquire().isAdmitted).toBe(true)
    expect(capacity.acquire()).toMatchObject({ isAdmitted: false, retryAfterSeconds: 2 })
    clock.advance(2000)
    expect(capacity.acquire().isAdmitted).toBe(true)
  })

  it('may be changed under calls that are up', () => {
    const capacity = new Capacity(new TestClock(), 'main', { maxCalls: null, callsPerSecond: null })
    for (let i = 0; i < 5; i++) expect(capacity.acquire().isAdmitted).toBe(true)
    capacity.setLimits({ maxCalls: 3, callsPerSecond: null })
    expect(capacity.acquire().isAdmitted).toBe(false)
    expect(capacity.calls).toBe(5)
  })
})
