import { describe, expect, it } from 'vitest'
import { PromptCache } from './prompt-cache.ts'
import { silentPrompt } from './prompt-maker.ts'

/** 20 ms hold 320 bytes: 160 in each encoding. */
const second = 20

describe('the prompt cache', () => {
  it('drops what was not used for longest when it is full', () => {
    const cache = new PromptCache(960)
    for (const key of ['a', 'b', 'c']) cache.set(key, silentPrompt(second))
    expect(cache.get('a')).toBeDefined()
    cache.set('d', silentPrompt(second))
    expect(cache.get('b')).toBeUndefined()
    expect([cache.get('a'), cache.get('c'), cache.get('d')].every((prompt) => prompt !== undefined)).toBe(true)
    expect(cache.bytes).toBe(960)
    expect(cache.count).toBe(3)
  })

  it('makes room for a large one, and does not keep what is larger than all of it', () => {
    const cache = new PromptCache(960)
    for (const key of ['a', 'b']) cache.set(key, silentPrompt(second))
    cache.set('large', silentPrompt(second * 3))
    expect([cache.get('a'), cache.get('b')]).toEqual([undefined, undefined])
    cache.set('too large', silentPrompt(second * 4))
    expect(cache.get('too large')).toBeUndefined()
    expect(cache.get('large')).toBeDefined()
  })

  it('counts a key once, however often it is set', () => {
    const cache = new PromptCache(10_000)
    for (let i = 0; i < 5; i++) cache.set('a', silentPrompt(second))
    expect(cache.bytes).toBe(320)
    cache.delete('a')
    cache.delete('a')
    expect(cache.bytes).toBe(0)
  })
})
