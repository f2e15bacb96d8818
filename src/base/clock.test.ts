import { afterEach, describe, expect, it, vi } from 'vitest'
import { SystemClock } from './clock.ts'

describe('the clock of the machine', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  const days = (count: number): number => count * 24 * 3_600_000

  it('waits for times longer than a timer of Node can hold (24.8 days)', () => {
    vi.useFakeTimers()
    const fn = vi.fn()
    new SystemClock().after(days(60), fn)
    vi.advanceTimersByTime(days(60) - 1)
    expect(fn).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(fn).toHaveBeenCalledOnce()
  })

  it('cancels such a wait in any of its parts', () => {
    vi.useFakeTimers()
    const fn = vi.fn()
    const cancel = new SystemClock().after(days(60), fn)
    vi.advanceTimersByTime(days(40))
    cancel()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(days(60))
    expect(fn).not.toHaveBeenCalled()
  })
})
