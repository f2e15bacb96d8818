import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../base/log.ts'
import { WriteBehind } from './write-behind.ts'

describe('writes behind', () => {
  it('keep only the newest that waits, in order, one at a time per key', async () => {
    const writes = new WriteBehind(silentLogger)
    const done: string[] = []
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const write = (name: string) => async (): Promise<void> => {
      if (name === 'a1') await gate
      done.push(name)
    }
    for (const name of ['a1', 'a2', 'a3']) writes.write('a', write(name))
    writes.write('b', write('b1'))
    const flushed = writes.flush()
    open()
    await flushed
    expect(done).toEqual(['b1', 'a1', 'a3'])
    await writes.flush()
  })

  it('go on after one has failed', async () => {
    const writes = new WriteBehind(silentLogger)
    const done: string[] = []
    writes.write('a', () => Promise.reject(new Error('disk full')))
    writes.write('a', async () => void done.push('a2'))
    await writes.flush()
    expect(done).toEqual(['a2'])
  })
})
