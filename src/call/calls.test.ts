import { describe, expect, it } from 'vitest'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { MemoryRecords } from '../../test/support/memory-records.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { IdFactory } from '../base/ids.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { Calls } from './calls.ts'

const target = { tenant: 'demo', to: '1000', app: 'menu' }

function server(): { clock: TestClock; records: MemoryRecords; calls: Calls } {
  const clock = new TestClock()
  const records = new MemoryRecords()
  const calls = new Calls({ clock, ids: new IdFactory(clock, new SeededRandom(7)), log: silentLogger, records })
  return { clock, records, calls }
}

describe('the calls of a server', () => {
  it('opens the record before the program may ring or answer', async () => {
    const { clock, records, calls } = server()
    const leg = new FakeLeg(clock)
    let openedFirst = false
    calls.begin(leg, target, async (call) => {
      openedFirst = records.calls.has(call.id) && leg.lines.length === 0
      call.answer()
    })
    await clock.advanceAsync(0)
    expect(openedFirst).toBe(true)
    leg.hangUp()
    await clock.advanceAsync(0)
  })

  it('closes each record once, however many sides end the call at the same time', async () => {
    const { clock, records, calls } = server()
    const leg = new FakeLeg(clock)
    const call = calls.begin(leg, target, async (begun) => begun.answer())
    await clock.advanceAsync(2000)
    leg.hangUp()
    call.end({ by: 'program', cause: 'normal', sentence: 'too late' })
    await clock.advanceAsync(0)
    expect(await call.ended).toMatchObject({ endedBy: 'caller', sentence: 'The caller hung up after 2 s.' })
    expect([...records.legs.values()]).toMatchObject([{ packetsReceived: 2, jitterMs: 0.3, cause: 'normal' }])
    expect(calls.count).toBe(0)
  })

  it.each([
    [1, 1000],
    [3, 21_000],
  ])(
    'closes a record that could not be closed %i times, when the database takes it again',
    async (failures, waitMs) => {
      const { clock, records, calls } = server()
      const leg = new FakeLeg(clock)
      const call = calls.begin(leg, target, async (begun) => begun.answer())
      await clock.advanceAsync(2000)
      records.failClosing = failures
      leg.hangUp()
      await clock.advanceAsync(waitMs - 1)
      expect(records.calls.get(call.id)?.endedAt).toBeNull()
      await clock.advanceAsync(1)
      // With the time at which it ended, not that at which it was written.
      expect(records.calls.get(call.id)).toMatchObject({ endedBy: 'caller', sentence: 'The caller hung up after 2 s.' })
      expect((await call.ended).endedAt).toBe((records.calls.get(call.id)?.startedAt ?? 0) + 2000)
      expect(clock.pending).toBe(0)
    },
  )

  it('a call whose record could not even be opened is not kept in memory to be closed later', async () => {
    const { clock, records, calls } = server()
    records.failOpening = new Error('the database is locked')
    records.failClosing = 100
    calls.begin(new FakeLeg(clock), target, async () => {})
    await clock.advanceAsync(0)
    expect(calls.count).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('a program that ends the call before the record is open still leaves a closed one', async () => {
    const { clock, records, calls } = server()
    const leg = new FakeLeg(clock)
    calls.begin(leg, target, async () => {
      throw new Error('must not run')
    })
    leg.hangUp()
    await clock.advanceAsync(0)
    expect([...records.calls.values()]).toMatchObject([{ cause: 'cancelled', endedBy: 'caller' }])
  })

  it('draining ends what is left after the grace time, with a sentence', async () => {
    const { clock, records, calls } = server()
    const [leaves, stays] = [new FakeLeg(clock), new FakeLeg(clock)]
    for (const leg of [leaves, stays]) calls.begin(leg, target, async (call) => call.answer())
    await clock.advanceAsync(100)
    let isDrained = false
    const drained = calls.drain(5000).then(() => {
      isDrained = true
    })
    leaves.hangUp()
    await clock.advanceAsync(4000)
    expect(isDrained).toBe(false)
    await clock.advanceAsync(1000)
    await drained
    expect([...records.calls.values()].map((row) => row.cause).sort()).toEqual(['normal', 'shutdown'])
    expect(clock.pending).toBe(0)
  })

  it('keeps a journal that is bounded and says where it was cut', async () => {
    const { clock, records, calls } = server()
    const leg = new FakeLeg(clock)
    const call = calls.begin(leg, target, async (begun) => begun.answer())
    await clock.advanceAsync(0)
    for (let i = 0; i < 10_000; i++) call.journal('sip', leg.id, 'INFO')
    leg.hangUp()
    await clock.advanceAsync(0)
    expect(records.journal).toHaveLength(4001)
    expect(records.journal.at(-1)?.what).toBe('journalFull')
  })
})
