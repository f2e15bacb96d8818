import { describe, expect, it } from 'vitest'
import { TestClock } from '../../test/support/test-clock.ts'
import { Admission } from './admission.ts'

describe('admission', () => {
  it('counts the calls of each tenant by itself and frees a place once', () => {
    const clock = new TestClock()
    const admission = new Admission(clock)
    const limits = { concurrentCalls: 1, callsPerSecond: null }
    const first = admission.admit('a', limits)
    expect(first.isAdmitted).toBe(true)
    expect(admission.admit('a', limits)).toMatchObject({ isAdmitted: false, retryAfterSeconds: 10 })
    expect(admission.admit('b', limits).isAdmitted).toBe(true)
    if (first.isAdmitted) {
      first.release()
      first.release()
    }
    expect(admission.admit('a', limits).isAdmitted).toBe(true)
    expect(admission.admit('a', limits).isAdmitted).toBe(false)
    admission.close()
    expect(clock.pending).toBe(0)
  })

  it('refuses what comes faster than the rate, and takes calls again a second later', () => {
    const clock = new TestClock()
    const admission = new Admission(clock)
    const limits = { concurrentCalls: null, callsPerSecond: 5 }
    const admitted = (): number =>
      Array.from({ length: 20 }, () => admission.admit('a', limits)).filter((one) => one.isAdmitted).length
    expect(admitted()).toBe(5)
    clock.advance(1000)
    expect(admitted()).toBe(5)
    clock.advance(200)
    expect(admitted()).toBe(1)
    admission.close()
  })

  it('refuses all calls while the main thread is late, but not for one hiccup', () => {
    const clock = new LateClock()
    const admission = new Admission(clock)
    const open = { concurrentCalls: null, callsPerSecond: null }
    clock.tick(25 + 200)
    expect(admission.admit('a', open).isAdmitted).toBe(true)
    clock.tick(25 + 200)
    expect(admission.admit('a', open)).toMatchObject({
      isAdmitted: false,
      sentence: expect.stringContaining('200 ms behind'),
    })
    clock.tick(25)
    expect(admission.admit('a', open).isAdmitted).toBe(true)
  })
})

/** A clock whose timers fire late. */
class LateClock extends TestClock {
  #waiting: (() => void) | null = null
  #lateMs = 0

  override now(): number {
    return super.now() + this.#lateMs
  }

  override after(_ms: number, fn: () => void): () => void {
    this.#waiting = fn
    return () => {}
  }

  tick(ms: number): void {
    this.#lateMs += ms
    this.#waiting?.()
  }
}
