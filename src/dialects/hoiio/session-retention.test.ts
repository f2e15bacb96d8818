import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../../test/support/test-store.ts'
import { silentLogger } from '../../base/log.ts'
import { SessionRetention } from './session-retention.ts'

const day = 86_400_000

describe('transactions of applications', () => {
  let clock: TestClock
  let kept: TestStore

  beforeEach(async () => {
    clock = new TestClock()
    kept = await openTestStore('sqlite', { clock })
  })

  afterEach(() => kept.remove())

  it('are forgotten after 400 days, soon after a start and every six hours', async () => {
    const { ledger } = kept.store
    const put = (ref: string, startedAt: number): Promise<void> =>
      ledger.put({ ref, tenant: 'acme', account: 'desk', startedAt, endedAt: startedAt, requestKey: null, data: '{}' })
    const now = clock.wallTime()
    await put('TX-old', now - 401 * day)
    await put('TX-soon', now - 400 * day + 3_600_000)
    await put('TX-young', now - 399 * day)
    const done: Promise<number>[] = []
    const watched = {
      purge: (before: number) => {
        const purging = ledger.purge(before)
        done.push(purging)
        return purging
      },
    }
    const retention = new SessionRetention({ ledger: watched, clock, log: silentLogger })
    retention.start()
    await clock.advanceAsync(59_999)
    expect(done).toHaveLength(0)
    await clock.advanceAsync(1)
    expect(await Promise.all(done)).toEqual([1])
    expect(await ledger.get('TX-old')).toBeNull()
    // The run after it is set when this one is over.
    await clock.advanceAsync(0)
    await clock.advanceAsync(6 * 3_600_000)
    expect(await Promise.all(done)).toEqual([1, 1])
    expect([await ledger.get('TX-soon'), (await ledger.get('TX-young'))?.ref]).toEqual([null, 'TX-young'])
    await retention.close()
    await clock.advanceAsync(7 * 3_600_000)
    expect(done).toHaveLength(2)
  })

  it('are tried again later where the database fails', async () => {
    let runs = 0
    const purge = async (): Promise<number> => {
      runs++
      throw new Error('the disk is full')
    }
    const retention = new SessionRetention({ ledger: { purge }, clock, log: silentLogger })
    retention.start()
    await clock.advanceAsync(60_000)
    await clock.advanceAsync(6 * 3_600_000)
    expect(runs).toBe(2)
    await retention.close()
  })
})
