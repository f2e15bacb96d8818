import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import type { Store } from './store.ts'

describe.each(databaseKinds)('call records on %s', (kind) => {
  let test: TestStore
  let store: Store
  beforeAll(async () => {
    test = await openTestStore(kind, { journal: { eventsPerCall: 20, batchSize: 2000 } })
    store = test.store
  })
  afterAll(() => test?.remove())

  it('keeps a call and its leg as they were opened, every field the same', async () => {
    const call = sampleCall({ extension: '137', fromName: 'Lân \u0000 🙂', from: "o'neil", app: null })
    const leg = sampleLeg(call)
    await store.records.open(call, leg)
    const found = await store.calls.get(call.id)
    // PostgreSQL keeps no NUL in text.
    const fromName = kind === 'sqlite' ? call.fromName : 'Lân \uFFFD 🙂'
    expect(found).toEqual({ call: { ...call, fromName }, legs: [leg], recordings: [], journal: [] })
  })

  it('follows a call from INVITE to BYE', async () => {
    const call = sampleCall()
    const leg = sampleLeg(call)
    await store.records.open(call, leg)
    await store.records.update(call.id, { answeredAt: call.startedAt + 2000, extension: '101', to: '1001' })
    await store.records.updateLeg(leg.id, { answeredAt: call.startedAt + 2000, codec: 'PCMA' })
    const changed = await store.calls.get(call.id)
    expect(changed?.call).toMatchObject({
      answeredAt: call.startedAt + 2000,
      extension: '101',
      to: '1001',
      app: 'menu',
    })
    expect(changed?.legs[0]).toMatchObject({ answeredAt: call.startedAt + 2000, codec: 'PCMA', endedAt: null })

    const ended = endedCall({ ...call, extension: '101', to: '1001' })
    const legEnd = endedLeg(leg)
    expect(await store.records.close(ended, [legEnd])).toBe(true)
    expect(await store.calls.get(call.id)).toEqual({ call: ended, legs: [legEnd], recordings: [], journal: [] })
  })

  it('closes a call exactly once: a second close changes nothing and says so', async () => {
    const call = sampleCall()
    const leg = sampleLeg(call)
    await store.records.open(call, leg)
    const first = endedCall(call)
    const closes = await Promise.all([
      store.records.close(first, [endedLeg(leg)]),
      store.records.close(endedCall(call, { cause: 'shutdown', sentence: 'Too late.' }), [
        endedLeg(leg, { packetsLost: 77 }),
        endedLeg(sampleLeg(call)),
      ]),
    ])
    expect(closes).toEqual([true, false])
    expect(await store.records.close(endedCall(call, { cause: 'interrupted' }), [])).toBe(false)
    const found = await store.calls.get(call.id)
    expect(found?.call).toEqual(first)
    expect(found?.legs).toEqual([endedLeg(leg)])
  })

  it('writes a call whole at its end when it could not be opened', async () => {
    const call = sampleCall()
    const leg = endedLeg(sampleLeg(call))
    expect(await store.records.close(endedCall(call), [leg])).toBe(true)
    expect(await store.calls.get(call.id)).toEqual({ call: endedCall(call), legs: [leg], recordings: [], journal: [] })
    expect(await store.records.close(endedCall(call), [leg])).toBe(false)
  })

  it('keeps legs that join later, in the order in which they came, and closes them with the call', async () => {
    const call = sampleCall()
    const caller = sampleLeg(call)
    const callee = sampleLeg(call, { role: 'callee', direction: 'outbound', startedAt: call.startedAt + 500 })
    const unknown = sampleLeg(call, { role: 'callee', direction: 'outbound', startedAt: call.startedAt + 900 })
    await store.records.open(call, caller)
    await store.records.addLeg(callee)
    const legs = [caller, callee, unknown].map((leg) => endedLeg(leg))
    await store.records.close(endedCall(call), legs)
    expect((await store.calls.get(call.id))?.legs).toEqual(legs)
  })

  it('keeps who took the call, where it went, and which device each leg was for', async () => {
    const call = sampleCall()
    await store.records.open(call, sampleLeg(call))
    const callee = sampleLeg(call, {
      role: 'callee',
      direction: 'outbound',
      label: '137 (udp:192.0.2.9:5060)',
      dialled: '137',
      startedAt: call.startedAt + 500,
    })
    await store.records.addLeg(callee)
    await store.records.close(endedCall(call, { answeredBy: '137', transferredTo: '+6560000001' }), [endedLeg(callee)])
    const found = await store.calls.get(call.id)
    expect(found?.call).toMatchObject({ answeredBy: '137', transferredTo: '+6560000001' })
    expect(found?.legs[1]).toEqual(endedLeg(callee))
  })

  it('moves a leg to the call that goes on, which closes it', async () => {
    const [first, second] = [sampleCall(), sampleCall()]
    const moved = sampleLeg(second, { role: 'callee', direction: 'outbound', startedAt: first.startedAt + 500 })
    const [one, two] = [sampleLeg(first), sampleLeg(second)]
    await store.records.open(first, one)
    await store.records.open(second, two)
    await store.records.addLeg(moved)
    await store.records.updateLeg(moved.id, { callId: first.id })
    await store.records.close(endedCall(second), [endedLeg(two)])
    await store.records.close(endedCall(first), [endedLeg(one), endedLeg({ ...moved, callId: first.id })])
    expect((await store.calls.get(second.id))?.legs).toEqual([endedLeg(two)])
    expect((await store.calls.get(first.id))?.legs).toEqual([endedLeg(one), endedLeg({ ...moved, callId: first.id })])
  })

  it('accepts an update that changes nothing', async () => {
    const call = sampleCall()
    const leg = sampleLeg(call)
    await store.records.open(call, leg)
    await store.records.update(call.id, {})
    await store.records.updateLeg(leg.id, {})
    expect((await store.calls.get(call.id))?.call).toEqual(call)
  })

  it('takes every set of changed columns, also when they are too many to keep compiled', async () => {
    const call = sampleCall()
    const leg = sampleLeg(call)
    await store.records.open(call, leg)
    const all = endedLeg(leg, { userAgent: 'Other 2.0', peer: 'tcp:192.0.2.9:5060', sipCallId: 'x', role: 'member' })
    const names = (['codec', 'answeredAt', 'endedAt', 'cause', 'packetsSent', 'jitterMs', 'userAgent'] as const).slice()
    // 127 different sets of columns.
    for (let set = 1; set < 2 ** names.length; set++) {
      const change = Object.fromEntries(
        names.filter((_, bit) => (set >> bit) % 2 === 1).map((name) => [name, all[name]]),
      )
      await store.records.updateLeg(leg.id, change)
    }
    await store.records.updateLeg(leg.id, {
      peer: all.peer,
      sipCallId: 'x',
      role: 'member',
      packetsLost: 2,
      packetsReceived: 498,
    })
    expect((await store.calls.get(call.id))?.legs).toEqual([all])
  })

  it('follows a recording until it is saved, and closes it once', async () => {
    const call = sampleCall()
    const recording = sampleRecording(call, { channels: 2 })
    await store.records.open(call, sampleLeg(call))
    await store.records.openRecording(recording)
    expect(await store.recordings.get(recording.id)).toEqual(recording)
    const saved = { state: 'saved', durationMs: 8000.4, fileBytes: 128_044, problem: null } as const
    await store.records.closeRecording(recording.id, saved)
    await store.records.closeRecording(recording.id, { ...saved, state: 'failed', problem: 'Too late.' })
    const kept = { ...recording, ...saved, durationMs: 8000 }
    expect(await store.recordings.get(recording.id)).toEqual(kept)
    expect((await store.calls.get(call.id))?.recordings).toEqual([kept])
  })

  it('gives the journal back in the order of its batches, facts and fractions of milliseconds kept', async () => {
    const call = sampleCall()
    await store.records.open(call, sampleLeg(call))
    const events = sampleEvents(9, sampleStart)
    await Promise.all([
      store.records.appendJournal(call.id, 1, events.slice(4)),
      store.records.appendJournal(call.id, 0, events.slice(0, 4)),
      store.records.appendJournal(call.id, 2, []),
    ])
    expect((await store.calls.get(call.id))?.journal).toEqual(events)
  })

  it('bounds the journal of a call and marks where it was cut', async () => {
    const call = sampleCall()
    await store.records.open(call, sampleLeg(call))
    for (let batch = 0; batch < 9; batch++)
      await store.records.appendJournal(call.id, batch, sampleEvents(5, sampleStart))
    const journal = (await store.calls.get(call.id))?.journal ?? []
    expect(journal).toHaveLength(21)
    expect(journal.at(-1)).toMatchObject({ kind: 'problem', what: 'journalTruncated', facts: { events: 20 } })
  })

  it('bounds a single batch by count and by size', async () => {
    const call = sampleCall()
    await store.records.open(call, sampleLeg(call))
    await store.records.appendJournal(
      call.id,
      0,
      sampleEvents(1, sampleStart).map((event) => ({ ...event, what: 'x'.repeat(3000) })),
    )
    const other = sampleCall()
    await store.records.open(other, sampleLeg(other))
    await store.records.appendJournal(
      other.id,
      0,
      sampleEvents(30, sampleStart).map((event) => ({ ...event, facts: {} })),
    )
    const [large, long] = await Promise.all([store.calls.get(call.id), store.calls.get(other.id)])
    expect(large?.journal).toMatchObject([{ what: 'journalBatchTooLarge', facts: { events: 1 } }])
    expect(long?.journal.map((event) => event.what)).toEqual([...Array(20).fill('digit'), 'journalTruncated'])
  })

  it('a write that breaks a rule fails alone: its neighbours in the same transaction are kept', async () => {
    const good = Array.from({ length: 5 }, () => sampleCall())
    const stranger = sampleLeg(sampleCall())
    const results = await Promise.allSettled([
      ...good.slice(0, 3).map((call) => store.records.open(call, sampleLeg(call))),
      // No such call: the foreign key refuses it.
      store.records.addLeg(stranger),
      ...good.slice(3).map((call) => store.records.open(call, sampleLeg(call))),
    ])
    expect(results.map((result) => result.status)).toEqual([
      ...Array(3).fill('fulfilled'),
      'rejected',
      ...Array(2).fill('fulfilled'),
    ])
    expect(results[3]).toMatchObject({ reason: { code: 'store.conflict', httpStatus: 500 } })
    for (const call of good) expect(await store.calls.get(call.id)).not.toBeNull()
  })

  it('a unit that fails half way leaves nothing of itself behind', async () => {
    const call = sampleCall()
    const stranger = sampleLeg(sampleCall())
    await expect(store.records.open(call, stranger)).rejects.toMatchObject({ code: 'store.conflict' })
    expect(await store.calls.get(call.id)).toBeNull()
    await store.records.open(call, sampleLeg(call))
    expect(await store.calls.get(call.id)).not.toBeNull()
  })

  it('writes what came together in few transactions', async () => {
    const before = store.load
    const calls = Array.from({ length: 300 }, () => sampleCall({ tenant: 'batch' }))
    await Promise.all(calls.map((call) => store.records.open(call, sampleLeg(call))))
    expect(store.load.writes - before.writes).toBe(300)
    expect(store.load.commits - before.commits).toBeLessThanOrEqual(2)
    expect(await store.calls.count({ tenant: 'batch' })).toBe(300)
  })
})
