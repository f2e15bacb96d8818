import { expect, it } from 'vitest'
import { settle, TestClock } from '../../test/support/test-clock.ts'
import { OutboundMinutes } from './outbound-minutes.ts'

const minuteMs = 60_000

function memory(): {
  readonly kept: Map<string, string>
  get(key: string): Promise<string | null>
  set(key: string, value: string): Promise<void>
} {
  const kept = new Map<string, string>()
  return {
    kept,
    get: async (key) => kept.get(key) ?? null,
    set: async (key, value) => void kept.set(key, value),
  }
}

it('counts what is over and what goes on, and starts anew with the day of the tenant', async () => {
  const clock = new TestClock()
  const minutes = new OutboundMinutes(clock, memory(), () => {})
  expect(minutes.leftMs('acme', 'UTC', 10)).toBe(10 * minuteMs)
  const end = minutes.begin('acme', 'UTC')
  clock.advance(4 * minuteMs)
  expect(minutes.leftMs('acme', 'UTC', 10)).toBe(6 * minuteMs)
  expect(minutes.leftMs('other', 'UTC', 10)).toBe(10 * minuteMs)
  end()
  end()
  clock.advance(minuteMs)
  expect(minutes.leftMs('acme', 'UTC', 10)).toBe(6 * minuteMs)
  expect(minutes.leftMs('acme', 'UTC', 3)).toBe(0)
  clock.advance(24 * 60 * minuteMs)
  expect(minutes.leftMs('acme', 'UTC', 10)).toBe(10 * minuteMs)
})

it('goes on after a restart on the same day, and forgets what is of another day or damaged', async () => {
  const clock = new TestClock()
  const store = memory()
  const before = new OutboundMinutes(clock, store, () => {})
  const end = before.begin('acme', 'UTC')
  clock.advance(4 * minuteMs)
  end()
  store.kept.set('old', '1999-12-31 600000')
  store.kept.set('damaged', 'x')
  const after = new OutboundMinutes(clock, store, () => {})
  await after.load(['acme', 'old', 'damaged'].map((name) => ({ name, timeZone: 'UTC' })))
  expect(after.leftMs('acme', 'UTC', 10)).toBe(6 * minuteMs)
  expect(after.leftMs('old', 'UTC', 10)).toBe(10 * minuteMs)
  expect(after.leftMs('damaged', 'UTC', 10)).toBe(10 * minuteMs)
})

it('tells when a total cannot be kept, and counts all the same', async () => {
  const clock = new TestClock()
  const told: unknown[] = []
  const store = { get: async () => null, set: async () => Promise.reject(new Error('no disk')) }
  const minutes = new OutboundMinutes(clock, store, (thrown) => told.push(thrown))
  const end = minutes.begin('acme', 'UTC')
  clock.advance(minuteMs)
  end()
  await settle()
  expect(told).toHaveLength(1)
  expect(minutes.leftMs('acme', 'UTC', 10)).toBe(9 * minuteMs)
})
