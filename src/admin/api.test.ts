import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Api, startApi, token, trunk } from '../../test/support/admin-stage.ts'
import { databaseKinds } from '../../test/support/databases.ts'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import type { RecordingId } from '../base/ids.ts'
import type { TrunkStatus } from './status.ts'

describe.each(databaseKinds)('the admin API on %s', (kind) => {
  let api: Api

  beforeEach(async () => {
    api = await startApi(kind)
  })

  afterEach(async () => {
    await api.server.close()
    await api.kept.remove()
    expect(api.undeclared).toEqual([])
  })

  /** A call that was answered, heard a key, and was hung up. */
  async function endedCall(): Promise<string> {
    const leg = new FakeLeg(api.clock)
    const call = api.calls.begin(leg, { tenant: 'acme', to: '1000', app: 'menu' }, async (begun) => begun.answer())
    while (!call.isAnswered) await api.clock.advanceAsync(0)
    leg.press('7')
    api.clock.advance(4000)
    leg.hangUp()
    await call.ended
    return call.id
  }

  it('asks for its token, and slows down who guesses', async () => {
    const without = await api.server.inject({ url: '/api/v1/calls' })
    expect(without.statusCode).toBe(401)
    expect(without.json()).toMatchObject({ error: { code: 'http.unauthorized' } })
    const guess = (): Promise<number> =>
      api.server
        .inject({ url: '/api/v1/calls', headers: { authorization: 'Bearer wrong' } })
        .then((response) => response.statusCode)
    const statuses: number[] = []
    for (let i = 0; i < 25; i++) statuses.push(await guess())
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401))
    expect(statuses.at(-1)).toBe(429)
  })

  it('lists calls, shows one with its leg, and masks keys in the journal unless asked', async () => {
    const id = await endedCall()
    const list = await api.get('/api/v1/calls?to=1000')
    expect(list.body).toMatchObject({
      items: [{ id, tenant: 'acme', cause: 'normal', talkSeconds: 4 }],
      nextCursor: null,
    })
    const one = await api.get(`/api/v1/calls/${id}`)
    expect(one.body).toMatchObject({
      call: { sentence: 'The caller hung up after 4 s.' },
      legs: [{ role: 'caller', codec: 'PCMU' }],
    })
    const digits = async (query: string): Promise<unknown> => {
      const { body } = await api.get(`/api/v1/calls/${id}/journal${query}`)
      return (body.items as { kind: string; facts: { digit?: string } }[]).find((event) => event.kind === 'digit')
        ?.facts.digit
    }
    expect(await digits('')).toBe('*')
    expect(await digits('?digits=show')).toBe('7')
  })

  it('hangs up a live call, and names an id that is none', async () => {
    const leg = new FakeLeg(api.clock)
    const call = api.calls.begin(leg, { tenant: 'acme', to: '1000', app: 'menu' }, async (begun) => begun.answer())
    while (!call.isAnswered) await api.clock.advanceAsync(0)
    expect((await api.get('/api/v1/calls/live')).body).toMatchObject({ items: [{ id: call.id }] })
    expect((await api.send('POST', `/api/v1/calls/${call.id}/hangup`)).status).toBe(202)
    expect((await call.ended).sentence).toContain('operator')
    expect(await api.send('POST', '/api/v1/calls/call_nobody/hangup')).toMatchObject({
      status: 404,
      body: { error: { code: 'call.unknown' } },
    })
  })

  it('shows the trunks of all tenants, and of one', async () => {
    const { body } = await api.get('/api/v1/trunks')
    expect((body.items as TrunkStatus[]).map(({ tenant }) => tenant)).toEqual(['acme', 'other'])
    expect((await api.get('/api/v1/trunks?tenant=acme')).body).toEqual({ items: [trunk] })
  })

  it('names the parameter that is wrong', async () => {
    const { status, body } = await api.get('/api/v1/calls?limit=100000')
    expect(status).toBe(400)
    expect(JSON.stringify(body)).toMatch(/limit/)
    expect((await api.get('/api/v1/calls?cursor=nonsense')).body).toMatchObject({ error: { code: 'store.cursor' } })
    for (const [query, message] of [
      ['calls?direction=up', 'querystring/direction must be one of inbound, outbound.'],
      ['calls?cause=nonsense', /^querystring\/cause must be one of normal, busy, no-answer, /],
      ['calls?startedFrom=2026-02-30T00:00:00Z', 'querystring/startedFrom must match format "date-time".'],
      ['calls.csv?startdFrom=2026-01-01T00:00:00Z', 'querystring must not have startdFrom.'],
      ['calls.jsonl?limit=5', 'querystring must not have limit.'],
      [
        'calls?startedFrom=2026-01-01T00:00:00Z&startedBefore=2026-01-01T07:00:00%2B07:00',
        'querystring/startedBefore must be later than startedFrom.',
      ],
      ['recordings?state=lost', 'querystring/state must be one of recording, saved, failed, interrupted, deleted.'],
      ['recordings?since=yesterday', 'querystring must not have since.'],
      ['statistics/calls-per-day?from=2026-01-01T00:00:00Z', 'querystring must have required properties before.'],
    ] as const) {
      const answer = await api.get(`/api/v1/${query}`)
      const { error } = answer.body as { error: { code: string; message: string } }
      expect([answer.status, error.code]).toEqual([400, 'http.bad-request'])
      expect(error.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
    }
  })

  it('exports calls as JSON lines', async () => {
    const ids = [await endedCall(), await endedCall()]
    api.clock.advance(10)
    const response = await api.server.inject({
      url: '/api/v1/calls.jsonl',
      headers: { authorization: `Bearer ${token}` },
    })
    const lines = response.body.trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id).sort()).toEqual([...ids].sort())
  })

  it('serves a recording whole and in parts, and deletes it', async () => {
    const callId = await endedCall()
    const id = 'rec_test' as RecordingId
    const row = {
      id,
      callId: callId as never,
      tenant: 'acme',
      file: 'recordings/x.wav',
      channels: 1,
      state: 'recording',
      startedAt: 1,
      durationMs: null,
      fileBytes: null,
      problem: null,
    } as const
    await api.kept.store.records.openRecording(row)
    await api.kept.store.records.closeRecording(id, { state: 'saved', durationMs: 500, fileBytes: 8, problem: null })
    const file = join(api.kept.database.dataFolder, row.file)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, '01234567')
    const headers = { authorization: `Bearer ${token}` }
    const url = `/api/v1/recordings/${id}/audio`
    expect((await api.server.inject({ url, headers })).body).toBe('01234567')
    const part = await api.server.inject({ url, headers: { ...headers, range: 'bytes=2-4' } })
    expect([part.statusCode, part.body, part.headers['content-range']]).toEqual([206, '234', 'bytes 2-4/8'])
    expect((await api.server.inject({ url, headers: { ...headers, range: 'bytes=90-' } })).statusCode).toBe(416)
    expect((await api.send('DELETE', `/api/v1/recordings/${id}`)).status).toBe(204)
    expect((await api.server.inject({ url, headers })).json()).toMatchObject({ error: { code: 'recording.file-gone' } })
    expect((await api.get(`/api/v1/recordings/${id}`)).body).toMatchObject({ state: 'deleted', audio: null })
  })

  it('sets a number, an extension and an app, in force at once and still there after a restart', async () => {
    expect((await api.send('PUT', '/api/v1/tenants/acme/apps/hall', { builtin: 'echo' })).status).toBe(200)
    expect((await api.send('PUT', '/api/v1/tenants/acme/numbers/2000', { app: 'hall' })).status).toBe(200)
    const added = await api.send('PUT', '/api/v1/tenants/acme/extensions/200', {
      password: 'very-secret-words',
      name: 'Hall',
    })
    const etag = expect.stringMatching(/^"1-/)
    const hall = { key: '200', origin: 'api', etag, value: { name: 'Hall' }, secrets: ['password'] }
    expect(added.body).toEqual(hall)
    expect(api.directory.findNumber('2000')).toMatchObject({ app: { kind: 'builtin', builtin: 'echo' } })
    expect(api.directory.findExtension('acme', '200')).toMatchObject({ password: 'very-secret-words' })
    const stored = await api.kept.store.documents.get({ tenant: 'acme', kind: 'extension', key: '200' })
    expect(JSON.stringify(stored)).not.toContain('very-secret-words')

    api.directory.replace(new Map())
    await api.settings.load()
    expect(api.directory.findExtension('acme', '200')).toMatchObject({ password: 'very-secret-words' })
    const list = await api.get('/api/v1/tenants/acme/extensions')
    const first = { key: '137', origin: 'file', etag: null, value: {}, secrets: ['password'] }
    expect(list.body).toEqual({ items: [first, hall], nextCursor: null })
  })

  it('starts without what no longer fits the file, and keeps the rest', async () => {
    await api.send('PUT', '/api/v1/tenants/acme/numbers/2000', { app: 'menu' })
    await api.kept.store.documents.put({ tenant: 'acme', kind: 'number', key: '2001', body: { app: 'gone' } })
    await api.settings.load()
    expect(api.directory.findNumber('2000')).not.toBeNull()
    expect(api.directory.findNumber('2001')).toBeNull()
    expect(api.directory.findNumber('1000')).not.toBeNull()
  })

  it('refuses what the whole configuration would refuse, and says path and expectation', async () => {
    const { status, body } = await api.send('PUT', '/api/v1/tenants/acme/numbers/3000', { app: 'hal' })
    expect(status).toBe(422)
    expect(body).toMatchObject({
      error: { code: 'config.invalid', facts: { problems: [{ path: expect.stringContaining('"3000"') }] } },
    })
    expect(api.directory.findNumber('3000')).toBeNull()
  })

  it('lets the file win for what it names, and keeps what is still in use', async () => {
    expect(await api.send('PUT', '/api/v1/tenants/acme/numbers/1000', { app: 'menu' })).toMatchObject({
      status: 409,
      body: { error: { code: 'setting.from-file' } },
    })
    await api.send('PUT', '/api/v1/tenants/acme/apps/hall', { builtin: 'echo' })
    await api.send('PUT', '/api/v1/tenants/acme/numbers/2000', { app: 'hall' })
    expect(await api.send('DELETE', '/api/v1/tenants/acme/apps/hall')).toMatchObject({
      status: 409,
      body: { error: { code: 'setting.in-use' } },
    })
    expect((await api.send('DELETE', '/api/v1/tenants/acme/numbers/2000')).status).toBe(204)
    expect((await api.send('DELETE', '/api/v1/tenants/acme/apps/hall')).status).toBe(204)
    expect((await api.send('DELETE', '/api/v1/tenants/acme/apps/hall')).status).toBe(404)
  })

  it('describes itself, without a token, with every path that it serves', async () => {
    const { body } = await api.get('/api/v1/openapi.json')
    expect(body).toMatchObject({ openapi: '3.1.0' })
    const paths = Object.keys(body.paths as object)
    expect(paths).toEqual(
      expect.arrayContaining([
        '/api/v1/calls',
        '/api/v1/recordings/{id}/audio',
        '/api/v1/live/calls/{id}/monitor',
        '/api/v1/live/rooms/{tenant}/{name}/members/{id}/kick',
        '/api/v1/trunks',
        '/api/v1/tenants/{tenant}/numbers/{key}',
      ]),
    )
  })

  it('tells health, readiness, metrics and a plain page without a token, and escapes what it shows', async () => {
    expect((await api.get('/healthz')).body).toEqual({ status: 'ok' })
    expect((await api.get('/readyz')).body).toMatchObject({ status: 'ready' })
    const metrics = await api.server.inject({ url: '/metrics' })
    expect(metrics.body).toContain('switchhook_sip_messages_total{what="udpReceived"} 3')
    const page = await api.server.inject({ url: '/' })
    expect(page.body).toContain('&#60;menu&#62;')
    expect(page.headers['content-security-policy']).toContain("default-src 'self'")
  })
})
