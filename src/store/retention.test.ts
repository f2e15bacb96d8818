import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  endedCall,
  sampleCall,
  sampleEvents,
  sampleLeg,
  sampleRecording,
  sampleStart,
} from '../../test/support/call-samples.ts'
import { databaseKinds } from '../../test/support/databases.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import type { CallRecord } from '../call/records.ts'

describe.each(databaseKinds)('retention on %s', (kind) => {
  let test: TestStore
  let files: string[]
  const removeFiles = async (chunk: readonly string[]): Promise<void> => {
    files.push(...chunk)
  }
  beforeEach(async () => {
    test = await openTestStore(kind)
    files = []
  })
  afterEach(() => test?.remove())

  /** An ended call with a journal and a saved recording of 1,000 bytes. */
  async function keep(change: Partial<CallRecord>): Promise<{ call: CallRecord; file: string }> {
    const { records } = test.store
    const call = sampleCall(change)
    const recording = sampleRecording(call)
    await Promise.all([
      records.open(call, sampleLeg(call)),
      records.openRecording(recording),
      records.appendJournal(call.id, 0, sampleEvents(2, call.startedAt)),
      records.closeRecording(recording.id, { state: 'saved', durationMs: 500, fileBytes: 1000, problem: null }),
      records.close(endedCall(call), []),
    ])
    return { call, file: recording.file }
  }

  it('deletes old calls with all that belongs to them, in chunks, and leaves the rest', async () => {
    const old = await Promise.all(Array.from({ length: 230 }, (_, index) => keep({ startedAt: sampleStart + index })))
    const young = await keep({ startedAt: sampleStart + 10_000 })
    const open = sampleCall()
    await test.store.records.open(open, sampleLeg(open))
    const request = { before: sampleStart + 10_000, removeFiles }

    const counted = { calls: 230, recordings: 230, fileBytes: 230_000 }
    expect(await test.store.retention.purgeCalls({ ...request, isDryRun: true })).toEqual(counted)
    expect(files).toEqual([])
    expect(await test.store.calls.count({})).toBe(232)

    expect(await test.store.retention.purgeCalls(request)).toEqual(counted)
    expect(files.toSorted()).toEqual(old.map((each) => each.file).toSorted())
    expect(await test.store.calls.count({})).toBe(2)
    expect((await test.store.recordings.list({}, { limit: 500 })).items).toHaveLength(1)
    expect((await test.store.calls.get(young.call.id))?.journal).toHaveLength(2)
    expect(await test.store.calls.get(open.id)).not.toBeNull()
    expect(await test.store.retention.purgeCalls(request)).toEqual({ calls: 0, recordings: 0, fileBytes: 0 })
  })

  it('deletes recordings alone and leaves their rows saying so', async () => {
    const old = await keep({})
    await keep({ tenant: 'other' })
    const running = sampleCall()
    await test.store.records.open(running, sampleLeg(running))
    await test.store.records.openRecording(sampleRecording(running))
    const request = { before: sampleStart + 60_000, tenant: 'acme', removeFiles }
    const counted = { calls: 0, recordings: 1, fileBytes: 1000 }
    expect(await test.store.retention.purgeRecordings({ ...request, isDryRun: true })).toEqual(counted)
    expect(await test.store.retention.purgeRecordings(request)).toEqual(counted)
    expect(files).toEqual([old.file])
    expect((await test.store.calls.get(old.call.id))?.recordings).toMatchObject([{ state: 'deleted', durationMs: 500 }])
    expect((await test.store.recordings.list({ state: 'recording' })).items).toHaveLength(1)
    // A call whose recording is gone already has no file left to remove.
    files = []
    await test.store.retention.purgeCalls(request)
    expect(files).toEqual([])
  })

  it('keeps the rows when their files cannot be removed', async () => {
    await keep({})
    const request = { before: sampleStart + 1, removeFiles: () => Promise.reject(new Error('disk')) }
    await expect(test.store.retention.purgeCalls(request)).rejects.toThrow('disk')
    expect(await test.store.calls.count({})).toBe(1)
  })

  it('lists recordings by tenant, call, state and time, and marks one deleted once', async () => {
    const one = await keep({ startedAt: sampleStart })
    const two = await keep({ startedAt: sampleStart + 5000 })
    await keep({ tenant: 'other' })
    const { recordings } = test.store
    const filesOf = async (filter: Parameters<typeof recordings.list>[0]): Promise<readonly string[]> =>
      (await recordings.list({ tenant: 'acme', ...filter })).items.map((item) => item.file)
    expect(await filesOf({})).toEqual([two.file, one.file])
    expect(await filesOf({ callId: one.call.id })).toEqual([one.file])
    expect(await filesOf({ state: 'failed' })).toEqual([])
    expect(await filesOf({ startedFrom: sampleStart + 8000 })).toEqual([two.file])
    expect(await filesOf({ startedBefore: sampleStart + 8000 })).toEqual([one.file])
    const first = await recordings.list({ tenant: 'acme' }, { limit: 1 })
    const second = await recordings.list({ tenant: 'acme' }, { limit: 1, cursor: first.nextCursor })
    expect([...first.items, ...second.items].map((item) => item.file)).toEqual([two.file, one.file])
    expect(second.nextCursor).toBeNull()

    const id = first.items[0]?.id
    if (id === undefined) throw new Error('no recording')
    expect(await recordings.get(id, 'other')).toBeNull()
    expect(await recordings.markDeleted(id)).toBe(true)
    expect(await recordings.markDeleted(id)).toBe(false)
    expect(await recordings.get(id, 'acme')).toMatchObject({ state: 'deleted' })
  })
})
