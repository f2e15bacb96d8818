import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../test/support/databases.ts'
import { type Answer, openSettings, wav } from '../../test/support/settings-stage.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../../test/support/test-store.ts'
import { silentLogger } from '../base/log.ts'
import { verifySecret } from '../config/secret-hash.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { PromptLibrary } from '../media/prompt-library.ts'
import type { Directory } from '../routing/directory.ts'
import type { LiveSettings } from './live-settings.ts'
import { settingRoutes } from './setting-routes.ts'

const fileText = `
tenants:
  acme:
    domain: acme.example
    timeZone: Asia/Ho_Chi_Minh
    extensions: { "137": { password: "secret-of-137" } }
    trunks: { fixed: { uri: "sip:192.0.2.1" } }
    apps: { menu: { builtin: menu } }
    numbers: { "1000": { app: menu } }
    callRecording: { policy: "on" }
`

describe.each(databaseKinds)('the settings of tenants on %s', (kind) => {
  const clock = new TestClock()
  const library = new PromptLibrary({ clock, log: silentLogger })
  let kept: TestStore
  let server: HttpServer
  let directory: Directory
  let live: LiveSettings
  let folder: string

  /** As a server that starts on the same database, with this file. */
  async function start(text = fileText): Promise<void> {
    await server?.close()
    live?.close()
    folder = join(kept.database.dataFolder, 'prompts')
    const opened = await openSettings(kept, { text, folder, clock, load: (path) => library.load(path) })
    directory = opened.directory
    live = opened.live
    server = await createHttpServer({ log: silentLogger, version: '0.0.0' })
    settingRoutes(server, { directory, settings: live })
  }

  async function send(
    method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE',
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    // What is written at another moment has another ETag.
    clock.advance(10)
    const isSound = Buffer.isBuffer(body)
    const type: Record<string, string> = isSound
      ? { 'content-type': 'audio/wav' }
      : { 'content-type': 'application/json' }
    const payload = isSound ? body : JSON.stringify(body)
    const response = await server.inject({
      method,
      url,
      headers: body === undefined ? headers : { ...type, ...headers },
      ...(body !== undefined && { payload }),
    })
    const json = response.headers['content-type']?.toString().startsWith('application/json') ?? false
    return {
      status: response.statusCode,
      etag: response.headers.etag?.toString(),
      body: json ? response.json<Record<string, unknown>>() : {},
    }
  }

  const problems = ({ body }: Answer): readonly { path: string; sentence: string; expected: string }[] =>
    (body as { error: { facts: { problems: [] } } }).error.facts.problems

  beforeAll(async () => {
    kept = await openTestStore(kind, { clock })
    await start()
  })
  afterAll(async () => {
    await server?.close()
    live?.close()
    await library.close()
    await kept?.remove()
  })

  it('take every kind that the file takes, in force at once and after a restart', async () => {
    const puts: readonly (readonly [path: string, body: unknown])[] = [
      ['trunks/provider1', { uri: 'sip:192.0.2.9', username: 'u', password: 'given-by-provider', register: true }],
      ['outbound', [{ prefix: '+', trunk: 'provider1' }]],
      ['apps/hall', { builtin: 'echo' }],
      ['numbers/2000', { app: 'hall' }],
      ['layers/1', 'hall'],
      ['partners/crm', { dialect: 'voip24h', secret: 'a-secret-of-the-crm' }],
      // It only looks like a hash: it is a secret, and kept as one.
      ['partners/odd', { dialect: 'voip24h', secret: 'sha256$odd-secret' }],
      ['callerIds', ['+6560000001']],
      ['limits', { concurrentCalls: 7 }],
      [
        'events',
        {
          url: 'https://u:basic-secret@hooks.example/in',
          secret: ['first-secret-1', 'other-secret-2'],
          headers: { 'x-key': 'header-secret' },
        },
      ],
    ]
    for (const [path, body] of puts)
      expect(await send('PUT', `/tenants/acme/${path}`, body), path).toMatchObject({ status: 200 })
    const check = async (): Promise<void> => {
      const acme = directory.tenant('acme')
      expect(acme?.trunks.get('provider1')).toMatchObject({ password: 'given-by-provider', register: true })
      expect(acme?.outbound).toEqual([{ prefix: '+', trunks: ['provider1'] }])
      expect(acme?.layers.get(1)).toEqual({ kind: 'app', app: 'hall' })
      expect(acme?.callerIds).toEqual(['+6560000001'])
      expect(acme?.limits).toMatchObject({ concurrentCalls: 7, callsPerSecond: 5 })
      expect(acme?.events).toMatchObject({ secrets: ['first-secret-1', 'other-secret-2'] })
      expect(acme?.events?.url).toContain('basic-secret')
      expect(Object.fromEntries(acme?.events?.headers ?? [])).toEqual({ 'x-key': 'header-secret' })
      const hash = acme?.partners.get('crm')?.secretHash ?? ''
      expect(await verifySecret('a-secret-of-the-crm', hash)).toBe(true)
    }
    await check()
    await start()
    await check()
  })

  it('show no secret and keep none in the clear', async () => {
    const shown = await Promise.all(
      ['trunks/provider1', 'events', 'partners/crm'].map((path) => send('GET', `/tenants/acme/${path}`)),
    )
    expect(shown.map(({ body }) => body.secrets)).toEqual([
      ['password'],
      ['url', 'secret', 'headers.x-key'],
      ['secret'],
    ])
    expect(shown[1]?.body.value).toMatchObject({ url: 'https://hooks.example/in', headers: {} })
    const stored: unknown[] = []
    for await (const document of kept.store.documents.list()) stored.push(document)
    for (const text of [JSON.stringify(shown), JSON.stringify(stored)]) {
      for (const secret of [
        'given-by-provider',
        'basic-secret',
        'first-secret-1',
        'other-secret-2',
        'header-secret',
        'of-the-crm',
        'odd-secret',
      ])
        expect(text).not.toContain(secret)
    }
    // Encrypted secrets can be had again; of a partner's there is but the hash, which a key file does not open.
    expect(JSON.stringify(shown)).not.toContain('sha256$')
  })

  it('change a part and keep the secrets that the patch leaves out', async () => {
    const changed = await send('PATCH', '/tenants/acme/trunks/provider1', { maxCalls: 3, username: 'other' })
    expect(changed).toMatchObject({
      status: 200,
      body: { value: { maxCalls: 3, username: 'other' }, secrets: ['password'] },
    })
    expect(directory.tenant('acme')?.trunks.get('provider1')).toMatchObject({
      maxCalls: 3,
      password: 'given-by-provider',
    })
    const away = await send('PATCH', '/tenants/acme/trunks/provider1', { password: null })
    expect(away).toMatchObject({ status: 422 })
    expect(away.body).toMatchObject({ error: { message: expect.stringContaining('needs a user name and a password') } })
    expect(await send('PATCH', '/tenants/acme/trunks/nobody', {})).toMatchObject({ status: 404 })
  })

  it('renew the secret of a partner, told once', async () => {
    const { status, body } = await send('POST', '/tenants/acme/partners/crm/secret')
    expect(status).toBe(200)
    const hash = directory.tenant('acme')?.partners.get('crm')?.secretHash ?? ''
    expect(await verifySecret(String(body.secret), hash)).toBe(true)
    expect(await verifySecret('a-secret-of-the-crm', hash)).toBe(false)
  })

  it('let the file win for what it names, entry by entry and property by property', async () => {
    for (const [path, body] of [
      ['trunks/fixed', { uri: 'sip:192.0.2.2' }],
      ['callRecording', { policy: 'off' }],
      ['', { timeZone: 'UTC' }],
    ] as const) {
      const answer = await send('PUT', `/tenants/acme${path && `/${path}`}`, body)
      expect(answer, path).toMatchObject({ status: 409, body: { error: { code: 'setting.from-file' } } })
    }
    expect(await send('PATCH', '/tenants/acme/callRecording', { policy: 'off' })).toMatchObject({ status: 409 })
    expect(await send('DELETE', '/tenants/acme/trunks/fixed')).toMatchObject({ status: 409 })
    // What the file leaves open of its own tenant.
    expect(await send('PUT', '/tenants/acme', { countryCode: '84' })).toMatchObject({
      status: 200,
      body: { origin: 'file', countryCode: '84', timeZone: 'Asia/Ho_Chi_Minh' },
    })
    expect(directory.tenant('acme')).toMatchObject({ countryCode: '84', domain: 'acme.example' })
  })

  it.each([
    ['trunks/x', { uri: 'http://nowhere' }, 'tenants.acme.trunks.x.uri', 'sip:'],
    ['trunks/x', { uri: 'sip:a.example', colour: 'red' }, 'tenants.acme.trunks.x.colour', 'one of uri'],
    ['trunks/x', 'sip:a.example', 'tenants.acme.trunks.x', 'a trunk: a map'],
    ['trunks/a b', { uri: 'sip:a.example' }, 'tenants.acme.trunks."a b"', ''],
    [
      'outbound',
      [{ prefix: '+', trunk: 'provider9' }],
      'tenants.acme.outbound[0].trunk',
      'the name of a trunk: fixed, provider1',
    ],
    ['outbound', { prefix: '+' }, 'tenants.acme.outbound', 'a list of outbound rules'],
    ['limits', { concurrentCalls: 0 }, 'tenants.acme.limits.concurrentCalls', 'from 1'],
    ['layers/1', 'nothing', 'tenants.acme.layers."1"', 'the name of an app'],
    ['partners/x', { dialect: 'voip24h', secret: 'short' }, 'tenants.acme.partners.x.secret', ''],
    ['events', { url: 'ftp://a' }, 'tenants.acme.events.url', 'http'],
    ['callerIds', [true], 'tenants.acme.callerIds[0]', ''],
    ['', { extensions: {} }, 'tenants.acme.extensions', "everything else under the tenant's own path"],
    ['', { countryCode: 'VN' }, 'tenants.acme.countryCode', ''],
  ])('refuse %s %j at its path, and say what was expected', async (path, body, at, expected) => {
    const answer = await send('PUT', `/tenants/acme${path && `/${encodeURI(path)}`}`, body)
    expect(answer.status).toBe(422)
    expect(problems(answer).map((one) => one.path)).toContain(at)
    expect(problems(answer)[0]?.expected).toContain(expected)
  })

  it('refuse what is nested without end, as a whole and as a part', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    for (const [method, url, payload] of [
      ['PUT', '/tenants/acme/limits', deep],
      ['PATCH', '/tenants/acme/limits', `{"concurrentCalls":${deep}}`],
      ['PUT', '/tenants/acme', `{"domain":${deep}}`],
    ] as const) {
      const response = await server.inject({ method, url, payload, headers: { 'content-type': 'application/json' } })
      expect([response.statusCode, response.body.slice(0, 400)], url).toEqual([
        422,
        expect.stringContaining('nested too deeply'),
      ])
    }
  })

  it('keep what something else names, and say who does', async () => {
    const refused = await send('DELETE', '/tenants/acme/trunks/provider1')
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'setting.in-use' } } })
    expect(JSON.stringify(refused.body)).toContain('tenants.acme.outbound[0].trunk')
    expect(directory.tenant('acme')?.trunks.has('provider1')).toBe(true)
    expect(await send('DELETE', '/tenants/acme/outbound')).toMatchObject({ status: 204 })
    expect(await send('DELETE', '/tenants/acme/trunks/provider1')).toMatchObject({ status: 204 })
    expect(directory.tenant('acme')).toMatchObject({ outbound: [] })
    expect(await send('GET', '/tenants/acme/outbound')).toMatchObject({ status: 404 })
  })

  it('count the same PUT once, and change nothing that was changed meanwhile', async () => {
    const url = '/tenants/acme/apps/once'
    const first = await send('PUT', url, { builtin: 'echo' }, { 'if-none-match': '*' })
    expect(first.status).toBe(200)
    expect((await send('PUT', url, { builtin: 'echo' })).etag).toBe(first.etag)
    expect(await send('PUT', url, { builtin: 'menu' }, { 'if-none-match': '*' })).toMatchObject({ status: 412 })
    const second = await send('PUT', url, { builtin: 'menu' }, { 'if-match': first.etag ?? '' })
    expect(second.status).toBe(200)
    expect(await send('PUT', url, { builtin: 'echo' }, { 'if-match': first.etag ?? '' })).toMatchObject({
      status: 412,
      body: { error: { code: 'setting.changed' } },
    })
    expect(await send('DELETE', url, undefined, { 'if-match': first.etag ?? '' })).toMatchObject({ status: 412 })
    expect(await send('DELETE', url, undefined, { 'if-match': second.etag ?? '' })).toMatchObject({ status: 204 })
    const again = await send('PUT', url, { builtin: 'echo' })
    expect(again.etag).not.toBe(first.etag)
  })

  it('are listed by name, in pages', async () => {
    for (const name of ['p1', 'p2', 'p3']) await send('PUT', `/tenants/acme/apps/${name}`, { builtin: 'echo' })
    const keys: string[] = []
    let cursor = ''
    do {
      const { body } = await send('GET', `/tenants/acme/apps?limit=2${cursor && `&cursor=${cursor}`}`)
      keys.push(...(body.items as { key: string }[]).map(({ key }) => key))
      cursor = (body.nextCursor as string | null) ?? ''
    } while (cursor !== '')
    expect(keys).toEqual(['hall', 'menu', 'once', 'p1', 'p2', 'p3'])
  })

  it('are prompts too: checked, in use, replaced, removed', async () => {
    const url = '/tenants/acme/recordings/main_menu'
    expect(await send('PUT', url, Buffer.from('no sound at all'))).toMatchObject({
      status: 422,
      body: { error: { code: 'setting.sound-unusable' } },
    })
    expect(await send('PUT', url, wav(0))).toMatchObject({ status: 422 })
    expect(await readdir(folder)).toEqual([])
    const first = await send('PUT', url, wav(1000))
    expect(first).toMatchObject({ status: 200, body: { value: { bytes: 16_044, seconds: 1 } } })
    expect(JSON.stringify(first.body)).not.toContain(folder)
    const path = directory.tenant('acme')?.recordings.get('main_menu')?.file ?? ''
    expect((await library.load(path)).durationMs).toBe(1000)
    const [file] = await readdir(folder)

    expect((await send('PUT', url, wav(2000))).body.value).toMatchObject({ seconds: 2 })
    const sound = await server.inject({ url: `${url}/audio` })
    expect([sound.statusCode, sound.headers['content-type'], sound.rawPayload.length]).toEqual([
      200,
      'audio/wav',
      32_044,
    ])
    // A call that has just looked the old one up can still open it.
    expect(await readdir(folder)).toHaveLength(2)
    await clock.advanceAsync(60_000)
    await expect.poll(() => readdir(folder)).toHaveLength(1)
    expect(await readdir(folder)).not.toContain(file)

    await send('PUT', '/tenants/acme/apps/ivr', {
      dialect: 'voicenter',
      url: 'https://ivr.example/',
      format: 'json',
      fallback: { recording: 'main_menu' },
    })
    expect(await send('DELETE', url)).toMatchObject({ status: 409, body: { error: { code: 'setting.in-use' } } })
    await start()
    expect(directory.tenant('acme')?.recordings.get('main_menu')?.file).toContain(folder)
    await send('DELETE', '/tenants/acme/apps/ivr')
    expect(await send('DELETE', url)).toMatchObject({ status: 204 })
    await start()
    expect(await readdir(folder)).toEqual([])
    // A path of this machine cannot be named: there is no other way to a prompt than its sound.
    expect(await send('PUT', '/tenants/acme/recordings/x', { file: '/etc/passwd' })).toMatchObject({ status: 422 })
  })

  it('make tenants and end them', async () => {
    expect(await send('PUT', '/tenants/other', {})).toMatchObject({ status: 422 })
    const clash = await send('PUT', '/tenants/other', { domain: 'ACME.example' })
    expect(problems(clash)[0]).toMatchObject({
      path: 'tenants.other.domain',
      sentence: expect.stringContaining('acme'),
    })
    expect(await send('PUT', '/tenants/other', { domain: 'other.example' })).toMatchObject({
      status: 200,
      body: { name: 'other', origin: 'api', domain: 'other.example', extensions: 0 },
    })
    expect(directory.tenantOfDomain('other.example')?.name).toBe('other')
    expect(await send('PUT', '/tenants/other/extensions/137', { password: 'of-other-137' })).toMatchObject({
      status: 200,
    })
    // Numbers are one tenant's alone, and names are known in their tenant only.
    expect(await send('PUT', '/tenants/other/numbers/1000', { app: 'menu' })).toMatchObject({ status: 422 })
    expect(await send('PUT', '/tenants/other/numbers/3000', { app: 'menu' })).toMatchObject({ status: 422 })
    expect((await send('GET', '/tenants/other/trunks')).body.items).toEqual([])
    await start()
    expect(directory.findExtension('other', '137')).toMatchObject({ password: 'of-other-137' })

    expect(await send('DELETE', '/tenants/acme')).toMatchObject({
      status: 409,
      body: { error: { code: 'setting.from-file' } },
    })
    const full = await send('DELETE', '/tenants/other')
    expect(full).toMatchObject({
      status: 409,
      body: { error: { code: 'setting.in-use', message: expect.stringContaining('extensions') } },
    })
    expect(await send('DELETE', '/tenants/other?force=true')).toMatchObject({ status: 204 })
    expect(directory.tenant('other')).toBeNull()
    expect(await send('GET', '/tenants/other')).toMatchObject({ status: 404 })
    // A later tenant of this name has nothing of the earlier one.
    await send('PUT', '/tenants/other', { domain: 'other.example' })
    await start()
    expect(directory.tenant('other')?.extensions.size).toBe(0)
    await send('DELETE', '/tenants/other')
  })

  it('leave out at a start what the file has taken since, and keep the rest', async () => {
    await send('PUT', '/tenants/acme/trunks/later', { uri: 'sip:192.0.2.77' })
    await send('PUT', '/tenants/acme/outbound', [{ prefix: '+', trunk: 'later' }])
    await send('PUT', '/tenants/acme/apps/round', { dial: ['137'], otherwise: 'hall' })
    // Two that need each other, of which neither fits without the other.
    await send('PUT', '/tenants/acme/layers/5', 'hall')
    const ivr = { dialect: 'voicenter', url: 'https://ivr.example/', format: 'json', fallback: { layer: 5 } }
    expect(await send('PUT', '/tenants/acme/apps/circle', ivr)).toMatchObject({ status: 200 })
    expect(await send('PUT', '/tenants/acme/layers/5', 'circle')).toMatchObject({ status: 200 })
    // The extension that an app needs is gone, and a limit of the file's stands where ours was.
    await start(
      fileText
        .replace('"137": { password: "secret-of-137" }', '')
        .replace('callRecording', 'limits: { concurrentCalls: 3 }\n    callRecording'),
    )
    const acme = directory.tenant('acme')
    expect(acme?.apps.has('round')).toBe(false)
    expect(acme?.apps.has('hall')).toBe(true)
    expect(acme?.apps.has('circle')).toBe(true)
    expect(acme?.layers.get(5)).toEqual({ kind: 'app', app: 'circle' })
    expect(acme?.outbound).toHaveLength(1)
    expect(acme?.limits).toMatchObject({ concurrentCalls: 3 })
    expect((await send('GET', '/tenants/acme/limits')).body).toMatchObject({ origin: 'file' })
    await start()
    expect(directory.tenant('acme')?.apps.has('round')).toBe(true)
  })
})
