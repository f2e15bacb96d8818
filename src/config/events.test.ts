import { describe, expect, it } from 'vitest'
import { loadSettings } from './load.ts'
import type { SettingsError } from './problem.ts'
import { usualEventKinds } from './settings.ts'

const load = async (events: string, environment: Record<string, string> = {}) => {
  const settings = await loadSettings({ text: `tenants: { acme: { events: ${events} } }`, environment })
  return settings.tenants.get('acme')?.events
}

const problems = async (events: string): Promise<readonly (readonly [string, string])[]> => {
  const error = await load(events).then(
    () => null,
    (thrown: SettingsError) => thrown,
  )
  return error?.problems.map(({ path, sentence, expected }) => [path, `${sentence} ${expected}`]) ?? []
}

describe('the setting events of a tenant', () => {
  it('is none where it is left out, and has defaults for all but the address', async () => {
    expect(await load('null')).toBeNull()
    expect(await load('{ url: "http://127.0.0.1:9000/in" }')).toEqual({
      url: 'http://127.0.0.1:9000/in',
      secrets: [],
      kinds: usualEventKinds,
      headers: new Map(),
    })
    // Nobody is sent or dialled anything without consent.
    expect(usualEventKinds).not.toContain('voicemail.promo')
    expect(await load('{ url: "http://h/", kinds: "voicemail.promo" }')).toMatchObject({ kinds: ['voicemail.promo'] })
  })

  it('takes one secret, or two while it is changed, also from the environment', async () => {
    expect(await load('{ url: "http://h/", secret: "a long secret" }')).toMatchObject({ secrets: ['a long secret'] })
    const both = await load('{ url: "http://h/", secret: ["${NEW}", "the old secret"] }', { NEW: 'the new secret' })
    expect(both).toMatchObject({ secrets: ['the new secret', 'the old secret'] })
  })

  it('takes kinds, each once, and headers', async () => {
    const events = '{ url: "http://h/", kinds: ["call.ended", "call.ended"], headers: { authorization: "Bearer x" } }'
    expect(await load(events)).toMatchObject({
      kinds: ['call.ended'],
      headers: new Map([['authorization', 'Bearer x']]),
    })
  })

  it('says what is wrong with it and where, and never repeats a secret', async () => {
    const at = 'tenants.acme.events'
    expect(await problems('{}')).toMatchObject([[at, expect.stringContaining('"url" is missing')]])
    expect(await problems('{ url: "ftp://h/" }')).toMatchObject([[`${at}.url`, expect.stringContaining('http://')]])
    expect(await problems('{ url: "http://h/", kinds: [] }')).toMatchObject([[`${at}.kinds`, expect.any(String)]])
    expect(await problems('{ url: "http://h/", kinds: ["call.end"] }')).toMatchObject([
      [`${at}.kinds[0]`, expect.stringContaining('call.ended')],
    ])
    const three = '{ url: "http://h/", secret: ["secret-one", "secret-two", "secret-three"] }'
    const wrong = '{ url: "http://h/", secret: "s3cr3t", headers: { Host: "s3cr3t", "x-a": "s3cr3t\\n" } }'
    expect(await problems(three)).toMatchObject([[`${at}.secret`, expect.stringContaining('3 secrets')]])
    expect((await problems(wrong)).map(([path]) => path).toSorted()).toEqual([
      `${at}.headers.Host`,
      `${at}.headers.x-a`,
      `${at}.secret`,
    ])
    expect(JSON.stringify([await problems(three), await problems(wrong)])).not.toMatch(/secret-|s3cr3t/)
  })
})
