import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../test/support/test-clock.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import type { Prompt } from '../media/prompt.ts'
import { type DiskCache, openDiskCache } from './disk-cache.ts'
import { PromptCache } from './prompt-cache.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchhook-speech-'))
})
afterEach(() => rm(folder, { recursive: true }))

function key(digit: string): string {
  return digit.repeat(64)
}

function audio(samples: number): { pcm: Int16Array; sampleRateHz: number } {
  return { pcm: Int16Array.from({ length: samples }, (_, i) => i - 50), sampleRateHz: 22050 }
}

function open(clock = new TestClock(), maxBytes = 10_000): Promise<DiskCache> {
  return openDiskCache({ folder, maxBytes, clock, random: new SeededRandom(1), log: silentLogger })
}

describe('the cache on disk', () => {
  it('gives back what was put, also after a restart, as a WAV that anyone can play', async () => {
    const first = await open()
    expect(await first.get(key('a'))).toBeNull()
    first.put(key('a'), audio(100))
    await first.flushed()
    expect(await first.get(key('a'))).toEqual(audio(100))
    expect(await (await open()).get(key('a'))).toEqual(audio(100))
    const file = await readFile(join(folder, 'aa', `${key('a')}.wav`))
    expect(file.toString('latin1', 0, 4) + file.toString('latin1', 8, 12)).toBe('RIFFWAVE')
    expect(file.length).toBe(44 + 200)
  })

  it('drops the least recently used when it is full', async () => {
    const clock = new TestClock()
    const cache = await open(clock, 3 * 244 + 10)
    for (const digit of ['1', '2', '3']) {
      cache.put(key(digit), audio(100))
      await cache.flushed()
      clock.advance(1000)
    }
    await cache.get(key('1'))
    clock.advance(1000)
    cache.put(key('4'), audio(100))
    await cache.flushed()
    expect(cache.bytes).toBeLessThanOrEqual(3 * 244 + 10)
    expect(await cache.get(key('1'))).not.toBeNull()
    expect(await cache.get(key('4'))).not.toBeNull()
    expect(await cache.get(key('2'))).toBeNull()
    const files = await readdir(folder, { recursive: true, withFileTypes: true })
    expect(files.filter((entry) => entry.isFile()).length * 244).toBe(cache.bytes)
  })

  it('does not keep what is larger than all of it', async () => {
    const cache = await open(new TestClock(), 100)
    cache.put(key('a'), audio(1000))
    await cache.flushed()
    expect(cache.bytes).toBe(0)
  })

  it('forgets a damaged file, and removes what was left half written', async () => {
    const first = await open()
    for (const digit of ['a', 'b']) first.put(key(digit), audio(100))
    await first.flushed()
    await truncate(join(folder, 'aa', `${key('a')}.wav`), 101)
    await writeFile(join(folder, 'bb', `${key('b')}.wav`), 'RIFF but not')
    await writeFile(join(folder, 'bb', `${key('c')}.wav.x.tmp`), 'half')
    const second = await open()
    expect(await second.get(key('a'))).toBeNull()
    expect(await second.get(key('b'))).toBeNull()
    expect(await readdir(join(folder, 'bb'))).toEqual([`${key('b')}.wav`])
    second.put(key('b'), audio(100))
    await second.flushed()
    expect(await second.get(key('b'))).toEqual(audio(100))
  })

  it('costs nobody anything when the disk cannot be written', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    const options = { maxBytes: 1000, clock: new TestClock(), random: new SeededRandom(1), log: silentLogger }
    const cache = await openDiskCache({ folder: join(file, 'below'), ...options })
    cache.put(key('a'), audio(10))
    await cache.flushed()
    expect(await cache.get(key('a'))).toBeNull()
  })
})

describe('the cache in memory', () => {
  function prompt(id: string, bytes: number): Prompt {
    const encoded = new SharedArrayBuffer(bytes)
    return { id, durationMs: 20, encoded: { PCMU: encoded, PCMA: encoded } }
  }

  it('keeps what was used last, bounded by bytes', () => {
    const cache = new PromptCache(100)
    for (const id of ['a', 'b']) cache.put(id, prompt(id, 20))
    cache.get('a')
    cache.put('c', prompt('c', 20))
    expect([cache.get('a')?.id, cache.get('b')?.id, cache.get('c')?.id]).toEqual(['a', undefined, 'c'])
    expect(cache.bytes).toBe(80)
    cache.put('c', prompt('c2', 10))
    expect([cache.get('c')?.id, cache.bytes]).toEqual(['c2', 60])
    cache.put('large', prompt('large', 51))
    expect([cache.get('large'), cache.bytes]).toEqual([undefined, 60])
  })
})
