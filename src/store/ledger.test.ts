import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../test/support/databases.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import type { LedgerEntry } from './ledger.ts'

const entry = (ref: string, change: Partial<LedgerEntry> = {}): LedgerEntry => ({
  ref,
  tenant: 'acme',
  account: 'desk',
  startedAt: 1000,
  endedAt: null,
  requestKey: null,
  data: '{}',
  ...change,
})

describe.each(databaseKinds)('the ledger in %s', (kind) => {
  let kept: TestStore

  beforeEach(async () => {
    kept = await openTestStore(kind)
  })

  afterEach(() => kept.remove())

  it('keeps an entry and what changes of it: its end and its data', async () => {
    const { ledger } = kept.store
    await ledger.put(entry('TX-1', { requestKey: 'K' }))
    await ledger.put(entry('TX-1', { endedAt: 5000, data: '{"a":1}', startedAt: 9999, account: 'other' }))
    expect(await ledger.get('TX-1')).toEqual(entry('TX-1', { requestKey: 'K', endedAt: 5000, data: '{"a":1}' }))
    expect(await ledger.get('TX-2')).toBeNull()
  })

  it('lists those of one account within a period, newest first, by pages', async () => {
    const { ledger } = kept.store
    for (let i = 1; i <= 5; i++) await ledger.put(entry(`TX-${i}`, { startedAt: i * 1000 }))
    await ledger.put(entry('TX-6', { account: 'other', startedAt: 2000 }))
    await ledger.put(entry('TX-7', { tenant: 'beta', startedAt: 2000 }))
    const filter = { tenant: 'acme', account: 'desk', from: 2000, before: 5000 }
    expect(await ledger.count(filter)).toBe(3)
    const page = async (offset: number): Promise<readonly string[]> =>
      (await ledger.list(filter, { offset, limit: 2 })).map(({ ref }) => ref)
    expect([await page(0), await page(2)]).toEqual([['TX-4', 'TX-3'], ['TX-2']])
  })

  it('finds what a request began, of that account alone', async () => {
    const { ledger } = kept.store
    await ledger.put(entry('TX-1', { requestKey: 'K' }))
    await ledger.put(entry('TX-2', { requestKey: 'K' }))
    await ledger.put(entry('TX-3', { requestKey: 'K', account: 'other' }))
    expect((await ledger.ofRequest('acme', 'desk', 'K')).map(({ ref }) => ref)).toEqual(['TX-1', 'TX-2'])
  })

  it('forgets what began before a time, in steps that leave room for others, and nothing else', async () => {
    const { ledger } = kept.store
    await Promise.all(
      Array.from({ length: 1201 }, (_, i) => ledger.put(entry(`TX-${i}`, { startedAt: i, endedAt: i % 2 ? i : null }))),
    )
    await ledger.put(entry('TX-kept', { startedAt: 2000 }))
    const commits = kept.store.load.commits
    expect(await ledger.purge(1201)).toBe(1201)
    expect(kept.store.load.commits - commits).toBe(3)
    expect(await ledger.get('TX-0')).toBeNull()
    expect(await ledger.get('TX-kept')).not.toBeNull()
    expect(await ledger.purge(2000)).toBe(0)
  })

  it('knows after a restart what had not ended', async () => {
    await kept.store.ledger.put(entry('TX-1'))
    await kept.store.ledger.put(entry('TX-2', { endedAt: 2000 }))
    await kept.reopen()
    expect((await kept.store.ledger.unfinished()).map(({ ref }) => ref)).toEqual(['TX-1'])
  })
})
