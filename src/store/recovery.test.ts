import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  endedCall,
  endedLeg,
  sampleCall,
  sampleEvents,
  sampleLeg,
  sampleRecording,
  sampleStart,
} from '../../test/support/call-samples.ts'
import { databaseKinds } from '../../test/support/databases.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'

describe.each(databaseKinds)('recovery on %s', (kind) => {
  let test: TestStore
  let clock: TestClock
  beforeEach(async () => {
    clock = new TestClock({ wallTime: sampleStart - 1000 })
    test = await openTestStore(kind, { clock })
  })
  afterEach(() => test?.remove())

  /** What a start after a crash sees. */
  async function restart(): Promise<TestStore['store']> {
    return test.reopen({ clock: new TestClock({ wallTime: sampleStart + 3_600_000 }) })
  }
  const startedBefore = sampleStart + 3_600_000

  it('closes an open call and its legs once, at the last time that something is known of it', async () => {
    const call = sampleCall()
    const leg = sampleLeg(call)
    const callee = endedLeg(sampleLeg(call, { role: 'callee' }))
    await test.store.records.open(call, leg)
    await test.store.records.addLeg(callee)
    await test.store.records.update(call.id, { answeredAt: call.startedAt + 2000 })
    await test.store.records.appendJournal(call.id, 0, sampleEvents(3, call.startedAt + 20_000))
    const store = await restart()
    expect(await store.recoverInterrupted(startedBefore)).toEqual({ calls: 1, recordings: [] })

    const found = await store.calls.get(call.id)
    const endedAt = call.startedAt + 20_002
    expect(found?.call).toEqual({
      ...call,
      answeredAt: call.startedAt + 2000,
      endedAt,
      cause: 'interrupted',
      q850: 41,
      endedBy: 'server',
      sentence:
        'Switchhook stopped while this call was going on; the last that is known of it is from 2026-01-15 09:00:20 UTC.',
    })
    expect(found?.legs.find((each) => each.id === leg.id)).toEqual({ ...leg, endedAt, cause: 'interrupted' })
    expect(found?.legs.find((each) => each.id === callee.id)).toEqual(callee)
    expect(await store.recoverInterrupted(startedBefore)).toEqual({ calls: 0, recordings: [] })
    expect(await store.records.close(endedCall(call), [])).toBe(false)
  })

  it('knows from its heartbeat how long a silent call went on', async () => {
    const call = sampleCall()
    await test.store.records.open(call, sampleLeg(call))
    // Half an hour in which nothing is written but the heartbeat.
    await clock.advanceAsync(1_800_000, 1)
    const store = await restart()
    await store.recoverInterrupted(startedBefore)
    expect((await store.calls.get(call.id))?.call.endedAt).toBe(sampleStart - 1000 + 1_800_000)
  })

  it('leaves alone what is closed and what began with this start', async () => {
    const closed = sampleCall()
    await test.store.records.open(closed, sampleLeg(closed))
    await test.store.records.close(endedCall(closed), [])
    const store = await restart()
    const fresh = sampleCall({ startedAt: startedBefore })
    await store.records.open(fresh, sampleLeg(fresh))
    expect(await store.recoverInterrupted(startedBefore)).toEqual({ calls: 0, recordings: [] })
    expect((await store.calls.get(closed.id))?.call).toEqual(endedCall(closed))
    expect((await store.calls.get(fresh.id))?.call).toEqual(fresh)
  })

  it('names the recordings to repair until each has got its length', async () => {
    const call = sampleCall()
    const cut = sampleRecording(call, { channels: 2 })
    const saved = sampleRecording(call)
    await test.store.records.open(call, sampleLeg(call))
    await test.store.records.openRecording(cut)
    await test.store.records.openRecording(saved)
    await test.store.records.closeRecording(saved.id, {
      state: 'saved',
      durationMs: 1000,
      fileBytes: 16_044,
      problem: null,
    })
    let store = await restart()
    const { id, callId, tenant, file, channels, startedAt } = cut
    const owed = [{ id, callId, tenant, file, channels, startedAt }]
    expect((await store.recoverInterrupted(startedBefore)).recordings).toEqual(owed)
    expect(await store.recordings.get(cut.id)).toEqual({
      ...cut,
      state: 'interrupted',
      problem: 'Switchhook stopped while this was being recorded.',
    })
    // Stopped again before the repair: it is still owed.
    store = await restart()
    expect((await store.recoverInterrupted(startedBefore)).recordings).toEqual(owed)
    await store.records.closeRecording(cut.id, {
      state: 'interrupted',
      durationMs: 4500,
      fileBytes: 72_044,
      problem: 'Cut off.',
    })
    expect((await store.recoverInterrupted(startedBefore)).recordings).toEqual([])
    expect(await store.recordings.get(cut.id)).toMatchObject({
      state: 'interrupted',
      durationMs: 4500,
      problem: 'Cut off.',
    })
  })

  it('closes more calls than it holds at once', async () => {
    const calls = Array.from({ length: 1203 }, (_, index) => sampleCall({ startedAt: sampleStart + index }))
    await Promise.all(calls.map((call) => test.store.records.open(call, sampleLeg(call))))
    const store = await restart()
    expect((await store.recoverInterrupted(startedBefore)).calls).toBe(1203)
    expect(await store.calls.count({ cause: 'interrupted' })).toBe(1203)
    expect(await store.calls.count({ state: 'open' })).toBe(0)
  })
})
