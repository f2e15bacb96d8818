import { describe, expect, it } from 'vitest'
import { settle } from '../../test/support/test-clock.ts'
import { StoreError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import type { Unit, UnitResult, Writer } from './driver.ts'
import { WriteQueue } from './write-queue.ts'

/** Commits when told to. */
class HeldWriter implements Writer {
  readonly batches: (readonly Unit[])[] = []
  #finish: ((results: readonly (UnitResult | StoreError)[]) => void)[] = []
  #fail: ((error: Error) => void)[] = []

  commit(units: readonly Unit[]): Promise<readonly (UnitResult | StoreError)[]> {
    this.batches.push(units)
    return new Promise((resolve, reject) => {
      this.#finish.push(resolve)
      this.#fail.push(reject)
    })
  }

  async finish(
    results: readonly (UnitResult | StoreError)[] = this.batches.at(-1)?.map(() => done) ?? [],
  ): Promise<void> {
    this.#fail.shift()
    this.#finish.shift()?.(results)
    await settle()
  }

  async fail(error: Error): Promise<void> {
    this.#finish.shift()
    this.#fail.shift()?.(error)
    await settle()
  }

  async close(): Promise<void> {}
}

const done: UnitResult = { changes: 1, rows: [] }

function unit(name: string): Unit {
  return [{ text: { id: 0, sql: name, isReturning: false }, parameters: [name], size: name.length }]
}

function names(batch: readonly Unit[] | undefined): readonly (string | undefined)[] | undefined {
  return batch?.map((each) => each[0]?.text.sql)
}

describe('the write queue', () => {
  it('writes together what came in one turn of the event loop', async () => {
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, silentLogger)
    const writes = ['a', 'b', 'c'].map((name) => queue.write(unit(name)))
    expect(writer.batches).toHaveLength(0)
    await settle()
    expect(writer.batches.map(names)).toEqual([['a', 'b', 'c']])
    await writer.finish()
    expect(await Promise.all(writes)).toEqual([done, done, done])
  })

  it('makes the next transaction of what queued while the last one ran', async () => {
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, silentLogger)
    const first = queue.write(unit('a'))
    await settle()
    const later = ['b', 'c'].map((name) => queue.write(unit(name)))
    await settle()
    expect(writer.batches).toHaveLength(1)
    await writer.finish()
    expect(writer.batches.map(names)).toEqual([['a'], ['b', 'c']])
    await writer.finish()
    await Promise.all([first, ...later])
    expect(queue.load).toMatchObject({ waiting: 0, waitingSize: 0, commits: 2, writes: 3, failedWrites: 0 })
  })

  it('resolves no write before its commit is done', async () => {
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, silentLogger)
    let isDone = false
    const write = queue.write(unit('a')).then(() => {
      isDone = true
    })
    await settle(20)
    expect(isDone).toBe(false)
    await writer.finish()
    await write
    expect(isDone).toBe(true)
  })

  it('bounds a transaction', async () => {
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, silentLogger, { batchUnits: 2 })
    const writes = ['a', 'b', 'c'].map((name) => queue.write(unit(name)))
    await settle()
    await writer.finish()
    await writer.finish()
    await Promise.all(writes)
    expect(writer.batches.map(names)).toEqual([['a', 'b'], ['c']])
  })

  it('rejects only the write that failed', async () => {
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, silentLogger)
    const writes = Promise.allSettled(['a', 'b', 'c'].map((name) => queue.write(unit(name))))
    await settle()
    await writer.finish([done, new StoreError('store.conflict', 'No.'), done])
    expect((await writes).map((each) => each.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('rejects all of a transaction that failed, and goes on with the next', async () => {
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, silentLogger)
    const first = Promise.allSettled([queue.write(unit('a')), queue.write(unit('b'))])
    await settle()
    const next = queue.write(unit('c'))
    await writer.fail(new StoreError('store.disk-full', 'Full.'))
    await writer.finish()
    const reason = expect.objectContaining({ code: 'store.disk-full' })
    expect(await first).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ])
    expect(await next).toEqual(done)
  })

  it('says once that transactions fail, and once that they succeed again', async () => {
    const lines: string[] = []
    const note = (_: unknown, text: string): void => void lines.push(text)
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, { ...silentLogger, error: note, info: note })
    for (const isKept of [false, false, true, true, false]) {
      const write = Promise.allSettled([queue.write(unit('a'))])
      await settle()
      await (isKept ? writer.finish() : writer.fail(new StoreError('store.disk-full', 'Full.')))
      await write
    }
    const [fail, succeed] = ['transactions of the database fail', 'transactions of the database succeed again']
    expect(lines).toEqual([fail, succeed, fail])
  })

  it('turns what a driver throws by mistake into a StoreError', async () => {
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, silentLogger)
    const write = expect(queue.write(unit('a'))).rejects.toMatchObject({ code: 'store.failed' })
    await settle()
    await writer.fail(new TypeError('oops'))
    await write
  })

  it('refuses at once what would make it too long or too large, and takes writes again later', async () => {
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, silentLogger, { waitingUnits: 2, waitingSize: 10 })
    const writes = [queue.write(unit('a'))]
    await settle()
    writes.push(queue.write(unit('b')), queue.write(unit('c')))
    await expect(queue.write(unit('d'))).rejects.toMatchObject({ code: 'store.overloaded' })
    await writer.finish()
    await expect(queue.write(unit('x'.repeat(11)))).rejects.toMatchObject({ code: 'store.overloaded' })
    writes.push(queue.write(unit('e')))
    await writer.finish()
    await writer.finish()
    await Promise.all(writes)
    expect(queue.load).toMatchObject({ writes: 4, failedWrites: 2 })
  })

  it('writes what waits when it is closed, and refuses what comes later', async () => {
    const writer = new HeldWriter()
    const queue = new WriteQueue(writer, silentLogger)
    const writes = [queue.write(unit('a'))]
    await settle()
    writes.push(queue.write(unit('b')))
    queue.close()
    await expect(queue.write(unit('c'))).rejects.toMatchObject({ code: 'store.closed' })
    let isDrained = false
    const drained = queue.drained().then(() => {
      isDrained = true
    })
    await writer.finish()
    expect(isDrained).toBe(false)
    await writer.finish()
    await Promise.all([drained, ...writes])
    await queue.drained()
  })
})
