import { describe, expect, it } from 'vitest'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { MemoryRecords } from '../../test/support/memory-records.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { IdFactory } from '../base/ids.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import type { Call, CallTarget } from './call.ts'
import { Calls, type Program } from './calls.ts'

async function place(program: Program, target: Partial<CallTarget> = {}) {
  const clock = new TestClock()
  const records = new MemoryRecords()
  const calls = new Calls({ clock, ids: new IdFactory(clock, new SeededRandom(7)), log: silentLogger, records })
  const leg = new FakeLeg(clock, { direction: 'outbound', role: 'callee', user: '137' })
  const from = { user: '+6560000001', name: 'Desk' }
  const whole = {
    tenant: 'demo',
    to: '137',
    app: 'reminder',
    from,
    label: '137 (udp:…)',
    ringLimitMs: 20_000,
    ...target,
  }
  const call = calls.begin(leg, whole, program)
  await clock.advanceAsync(0)
  const record = () => records.calls.get(call.id)
  return { clock, records, calls, leg, call, record }
}

const hangUp = (call: Call): void => call.end({ by: 'program', cause: 'normal', sentence: null })

describe('a call that we place', () => {
  it('opens its record, rings, and lets the program wait for the answer', async () => {
    const heard: boolean[] = []
    const placed = await place(async (call) => {
      heard.push(await call.answered)
      hangUp(call)
    })
    expect(placed.leg.lines).toEqual(['start'])
    placed.leg.peerProgresses(180)
    await placed.clock.advanceAsync(4000)
    placed.leg.peerAnswers()
    await placed.clock.advanceAsync(0)
    expect(heard).toEqual([true])
    expect(placed.record()).toMatchObject({
      direction: 'outbound',
      from: '+6560000001',
      fromName: 'Desk',
      to: '137',
      extension: null,
      answeredBy: '137',
      endedBy: 'program',
      sentence: 'The program hung up after 0 s.',
    })
    expect(placed.record()?.answeredAt).toBe((placed.record()?.startedAt ?? 0) + 4000)
    expect([...placed.records.legs.values()]).toMatchObject([{ role: 'callee', label: '137 (udp:…)', dialled: '137' }])
    expect(placed.clock.pending).toBe(0)
  })

  it.each([
    [486, 'busy', '137 was busy.'],
    [603, 'rejected', '137 declined the call.'],
    [404, 'number-unknown', '137 could not be reached (404, Unallocated number).'],
  ])('that is refused with %i ends with a true sentence', async (status, cause, sentence) => {
    const heard: boolean[] = []
    const placed = await place(async (call) => {
      heard.push(await call.answered)
    })
    placed.leg.peerRefuses(status)
    await placed.clock.advanceAsync(0)
    expect(heard).toEqual([false])
    expect(placed.record()).toMatchObject({ cause, endedBy: 'callee', sipStatus: status, sentence, answeredAt: null })
    expect(placed.clock.pending).toBe(0)
  })

  it('that nobody answers is given up at its limit', async () => {
    const placed = await place(async () => {})
    await placed.clock.advanceAsync(20_000)
    expect(placed.leg.lines).toEqual(['start', 'end no-answer'])
    expect(placed.record()).toMatchObject({ cause: 'no-answer', sentence: 'Nobody answered at 137 within 20 s.' })
    expect(placed.clock.pending).toBe(0)
  })

  it('that is answered has no limit any more, and says that the callee hung up', async () => {
    const placed = await place(async () => {})
    placed.leg.peerAnswers()
    await placed.clock.advanceAsync(30_000)
    placed.leg.hangUp()
    await placed.clock.advanceAsync(0)
    expect(placed.record()).toMatchObject({ endedBy: 'callee', sentence: 'The callee hung up after 30 s.' })
  })

  it('whose record cannot be opened never rings', async () => {
    const clock = new TestClock()
    const records = Object.assign(new MemoryRecords(), { failOpening: new Error('disk full') })
    const calls = new Calls({ clock, ids: new IdFactory(clock, new SeededRandom(7)), log: silentLogger, records })
    const leg = new FakeLeg(clock, { direction: 'outbound', role: 'callee' })
    calls.begin(leg, { tenant: 'demo', to: '137', app: null }, async () => {})
    await clock.advanceAsync(0)
    expect(leg.lines).toEqual(['end server-error'])
    expect(calls.count).toBe(0)
  })
})
