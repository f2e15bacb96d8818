import { describe, expect, it } from 'vitest'
import { SharedWork } from './shared-work.ts'

function job(): {
  start: (signal: AbortSignal) => Promise<string>
  starts: AbortSignal[]
  finish: (text: string) => void
  fail: () => void
} {
  const starts: AbortSignal[] = []
  let resolve: (text: string) => void = () => {}
  let reject: (error: Error) => void = () => {}
  return {
    starts,
    start: (signal) => {
      starts.push(signal)
      return new Promise((settle, refuse) => {
        resolve = settle
        reject = refuse
      })
    },
    finish: (text) => resolve(text),
    fail: () => reject(new Error('broken')),
  }
}

describe('shared work', () => {
  it('is done once for all who ask while it is under way', async () => {
    const work = new SharedWork<string>()
    const { start, starts, finish } = job()
    const both = Promise.all([work.run('a', undefined, start), work.run('a', undefined, start)])
    finish('done')
    expect(await both).toEqual(['done', 'done'])
    expect(starts).toHaveLength(1)
    expect(work.count).toBe(0)
  })

  it('is done again once it is over, whether it went well or not', async () => {
    const work = new SharedWork<string>()
    const { start, starts, fail, finish } = job()
    const failing = work.run('a', undefined, start)
    fail()
    await expect(failing).rejects.toThrow('broken')
    const again = work.run('a', undefined, start)
    finish('well')
    expect(await again).toBe('well')
    expect(starts).toHaveLength(2)
  })

  it('goes on while one still waits, and is stopped when nobody does', async () => {
    const work = new SharedWork<string>()
    const { start, starts } = job()
    const [first, second] = [new AbortController(), new AbortController()]
    const waits = [work.run('a', first.signal, start), work.run('a', second.signal, start)]
    first.abort(new Error('gone'))
    await expect(waits[0]).rejects.toThrow('gone')
    expect(starts[0]?.aborted).toBe(false)
    second.abort(new Error('gone too'))
    await expect(waits[1]).rejects.toThrow('gone too')
    expect(starts[0]?.aborted).toBe(true)
    expect(work.count).toBe(0)
  })

  it('starts anew for who comes after it was stopped', async () => {
    const work = new SharedWork<string>()
    const { start, starts, finish } = job()
    const controller = new AbortController()
    const left = work.run('a', controller.signal, start)
    controller.abort(new Error('gone'))
    const late = work.run('a', undefined, start)
    finish('done')
    expect(await late).toBe('done')
    expect(starts).toHaveLength(2)
    await expect(left).rejects.toThrow('gone')
  })

  it('does not begin for a signal that was aborted before', async () => {
    const work = new SharedWork<string>()
    const { start, starts } = job()
    await expect(work.run('a', AbortSignal.abort(new Error('before')), start)).rejects.toThrow('before')
    expect(starts).toHaveLength(0)
  })
})
