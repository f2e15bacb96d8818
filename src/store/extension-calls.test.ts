import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endedCall, endedLeg, sampleCall, sampleLeg, sampleStart } from '../../test/support/call-samples.ts'
import { databaseKinds } from '../../test/support/databases.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'

describe.each(databaseKinds)('calls by extension on %s', (kind) => {
  let test: TestStore
  beforeAll(async () => {
    test = await openTestStore(kind)
  })
  afterAll(() => test?.remove())

  const list = (extension: string, tenant = 'acme') => test.store.extensionCalls.list({ tenant, extension }, 1000)

  it('are written with the close of the call, once, from all legs that there were', async () => {
    const { records } = test.store
    const call = sampleCall({ serial: 7, from: 'x'.repeat(500) })
    const caller = sampleLeg(call)
    const rung = sampleLeg(call, { direction: 'outbound', role: 'callee', extension: '137', dialled: '137' })
    await records.open(call, caller)
    await records.addLeg(rung)
    // It ended before the call did: the close does not bring it.
    await records.updateLeg(rung.id, endedLeg(rung))
    expect(await list('137')).toEqual([])
    expect(await records.close(endedCall(call), [endedLeg(caller)])).toBe(true)
    const entry = {
      callId: call.id,
      serial: 7,
      tenant: 'acme',
      extension: '137',
      startedAt: sampleStart,
      kind: 'direct',
      outcome: 'answered',
      // A name that somebody gives itself has an end.
      other: 'x'.repeat(128),
      talkMs: 10_000,
    }
    expect(await list('137')).toEqual([entry])
    expect(await records.close(endedCall(call), [endedLeg(caller)])).toBe(false)
    expect(await list('137')).toEqual([entry])
    expect(await list('137', 'other')).toEqual([])
    expect(await test.store.extensionCalls.findBySerial('acme', sampleStart / 1000, 7)).toBe(call.id)
    expect(await test.store.extensionCalls.findBySerial('other', sampleStart / 1000, 7)).toBeNull()
    expect(await test.store.extensionCalls.findBySerial('acme', sampleStart / 1000 + 1, 7)).toBeNull()
  })

  it('are written of a call whose opening the database did not take', async () => {
    const call = sampleCall({ extension: '201', from: '201', to: '202' })
    expect(await test.store.records.close(endedCall(call), [endedLeg(sampleLeg(call))])).toBe(true)
    expect(await list('201')).toMatchObject([{ kind: 'outgoing', other: '202', outcome: 'answered' }])
  })

  it('follow a leg that moves to another call', async () => {
    const { records } = test.store
    const [first, second] = [
      sampleCall({ from: '+84911111111' }),
      sampleCall({ extension: '301', from: '301', to: '302' }),
    ]
    const [callerOfFirst, callerOfSecond] = [sampleLeg(first), sampleLeg(second)]
    await records.open(first, callerOfFirst)
    await records.open(second, callerOfSecond)
    const moved = sampleLeg(second, { direction: 'outbound', role: 'callee', extension: '302', dialled: '302' })
    await records.addLeg(moved)
    await records.updateLeg(moved.id, { callId: first.id })
    await records.close(endedCall(second), [endedLeg(callerOfSecond)])
    await records.close(endedCall(first), [endedLeg(callerOfFirst), endedLeg({ ...moved, callId: first.id })])
    expect(await list('301')).toMatchObject([{ callId: second.id, kind: 'outgoing', other: '302' }])
    expect(await list('302')).toMatchObject([{ callId: first.id, outcome: 'answered', other: '+84911111111' }])
  })

  it('are written of calls that a stopped server left open, and go with their call', async () => {
    const { records } = test.store
    const startedAt = Date.UTC(2025, 0, 1)
    const [talking, ringing] = [sampleCall({ startedAt }), sampleCall({ startedAt: startedAt + 1 })]
    for (const [call, extension] of [
      [talking, '401'],
      [ringing, '402'],
    ] as const) {
      await records.open(call, sampleLeg(call))
      await records.addLeg(sampleLeg(call, { direction: 'outbound', role: 'callee', extension, dialled: extension }))
    }
    await records.update(talking.id, { answeredAt: startedAt + 2000 })
    const store = await test.reopen()
    await store.recoverInterrupted(startedAt + 60_000)
    expect(await list('401')).toMatchObject([{ outcome: 'answered' }])
    expect(await list('402')).toMatchObject([{ outcome: 'failed', talkMs: 0 }])
    await store.retention.purgeCalls({ before: startedAt + 86_400_000, removeFiles: async () => {} })
    expect([await list('401'), await list('402')]).toEqual([[], []])
  })
})
