import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { LoopGuard, nextMaxForwards } from './loop-guard.ts'

describe('a call of ours that comes back', () => {
  it('is known by who calls and who is called, however the trunk writes the numbers', () => {
    const guard = new LoopGuard({ clock: new TestClock() })
    guard.left('+84283000001', '+84912345678')
    expect(guard.isLoop('0283000001', '0912345678')).toBe(true)
    expect(guard.isLoop('84283000001', '84 912 345 678')).toBe(true)
    expect(guard.isLoop('+84912345678', '+84283000001')).toBe(false)
    expect(guard.isLoop('+84283000002', '+84912345678')).toBe(false)
  })

  it('is known while it lasts and half a minute longer', () => {
    const clock = new TestClock()
    const guard = new LoopGuard({ clock })
    const first = guard.left('anonymous', '+84912345678')
    const second = guard.left('Anonymous', '0912345678')
    clock.advance(3_600_000)
    expect(guard.isLoop('anonymous', '0912345678')).toBe(true)
    first.ended()
    first.ended()
    clock.advance(31_999)
    expect(guard.isLoop('anonymous', '0912345678')).toBe(true)
    second.ended()
    clock.advance(31_999)
    expect(guard.isLoop('anonymous', '0912345678')).toBe(true)
    clock.advance(1)
    expect(guard.isLoop('anonymous', '0912345678')).toBe(false)
    expect(guard.size).toBe(0)
  })

  it('by way of forwarding is stopped when too many turns ring; answered calls are no turns', () => {
    const guard = new LoopGuard({ clock: new TestClock(), maxUnanswered: 3 })
    for (let i = 0; i < 10; i++) guard.left('+84283000001', '+84912345678').answered()
    expect(guard.isCircling('+84283000001', '+84912345678')).toBe(false)
    const turns = [1, 2, 3].map(() => guard.left('+84283000001', '+84912345678'))
    expect(guard.isCircling('+84283000001', '+84912345678')).toBe(true)
    turns[0]?.ended()
    expect(guard.isCircling('+84283000001', '+84912345678')).toBe(false)
  })

  it('takes no more room than it is given', () => {
    const guard = new LoopGuard({ clock: new TestClock(), capacity: 100 })
    for (let i = 0; i < 1000; i++) guard.left('+84283000001', `+8491200${i}`)
    expect(guard.size).toBe(100)
  })
})

describe('Max-Forwards of a call that is passed on', () => {
  it('is one less than it came with, and nothing is left to pass on at 0', () => {
    expect(nextMaxForwards({ maxForwards: 70 })).toBe(69)
    expect(nextMaxForwards({ maxForwards: null })).toBe(69)
    expect(nextMaxForwards({ maxForwards: 255 })).toBe(69)
    expect(nextMaxForwards({ maxForwards: 1 })).toBe(0)
    expect(nextMaxForwards({ maxForwards: 0 })).toBe(null)
  })
})
