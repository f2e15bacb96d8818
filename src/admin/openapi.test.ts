import { Check, Errors } from 'typebox/schema'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, startApi, token } from '../../test/support/admin-stage.ts'

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: object
}
interface Media {
  readonly schema?: object
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}
interface Operation {
  readonly method: string
  readonly path: string
  readonly operationId?: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly security?: readonly object[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<
    Record<string, { readonly description?: string; readonly content?: Readonly<Record<string, Media>> }>
  >
}

const methods = ['get', 'put', 'post', 'patch', 'delete', 'head', 'options', 'trace']
/** What is asked for where a path has a parameter: things of which there are some. */
const known: Readonly<Record<string, string>> = { tenant: 'acme', key: '137', owner: '137', name: 'room' }

describe('the OpenAPI document', () => {
  let api: Api
  let operations: readonly Operation[] = []
  let text = ''

  beforeAll(async () => {
    api = await startApi('sqlite')
    const { body } = await api.get('/api/v1/openapi.json')
    text = JSON.stringify(body)
    const paths = body.paths as Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'method' | 'path'>>>>>
    operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ ...operation, method, path })),
    )
  })

  afterAll(async () => {
    await api?.server.close()
    await api?.kept.remove()
  })

  const nameOf = ({ method, path }: Operation): string => `${method} ${path}`
  const guarded = (): readonly Operation[] => operations.filter(({ path }) => path.startsWith('/api/v1/'))

  it('is one by its structure: known methods, every parameter of a path, every answer described, no name twice', () => {
    expect(operations.length).toBeGreaterThan(60)
    for (const one of operations) {
      const name = nameOf(one)
      expect(methods, name).toContain(one.method)
      const inPath = [...one.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
      const declared = (one.parameters ?? []).filter((parameter) => parameter.in === 'path')
      expect(declared.map((parameter) => parameter.name).sort(), name).toEqual(inPath.sort())
      expect(
        declared.every(({ required }) => required === true),
        name,
      ).toBe(true)
      for (const parameter of one.parameters ?? []) {
        expect(['path', 'query', 'header'], name).toContain(parameter.in)
        expect(parameter.schema, `${name} ${parameter.name}`).toBeTypeOf('object')
      }
      expect(Object.keys(one.responses).length, name).toBeGreaterThan(0)
      for (const [status, { description, content }] of Object.entries(one.responses)) {
        expect(status, name).toMatch(/^([1-5]\d\d|default)$/)
        expect(description, `${name} ${status}`).toBeTypeOf('string')
        for (const media of Object.values(content ?? {})) expect(media.schema, `${name} ${status}`).toBeTypeOf('object')
      }
    }
    const ids = guarded().map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    // Nothing points outside, and nothing points nowhere.
    expect([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref)).toEqual([])
  })

  it('says of each route behind the token what it is, what it needs, and how it fails', () => {
    for (const one of guarded()) {
      const name = nameOf(one)
      expect(one.summary, name).toBeTruthy()
      expect(one.tags?.length, name).toBe(1)
      expect(one.security, name).toEqual([{ bearer: [] }])
      expect(Object.keys(one.responses), name).toEqual(expect.arrayContaining(['400', '401', '429', '500']))
      expect(
        Object.keys(one.responses).some((status) => status.startsWith('2')),
        name,
      ).toBe(true)
      if (one.path.includes('/tenants/{tenant}') && one.method !== 'put')
        expect(one.responses, name).toHaveProperty('404')
    }
  })

  it('shows a body for every setting, each with an example that the schema allows', () => {
    const puts = guarded().filter(({ method, path }) => method === 'put' && path.startsWith('/api/v1/tenants/'))
    expect(puts.length).toBeGreaterThanOrEqual(13)
    for (const one of puts) {
      const [media] = Object.values(one.requestBody?.content ?? {})
      const schema = media?.schema
      expect(schema, nameOf(one)).toBeDefined()
      if (!schema || ('format' in schema && schema.format === 'binary')) continue
      const { example, examples = {} } = media ?? {}
      const given = example === undefined ? Object.values(examples).map(({ value }) => value) : [example]
      expect(given.length, nameOf(one)).toBeGreaterThan(0)
      for (const each of given) expect(Check(schema, each), `${nameOf(one)} ${JSON.stringify(each)}`).toBe(true)
    }
  })

  it('says types and bounds where the configuration has them', () => {
    const limits = guarded().find(({ path, method }) => method === 'put' && path.endsWith('/{tenant}/limits'))
    const schema = limits?.requestBody?.content['application/json']?.schema ?? {}
    expect(schema).toMatchObject({
      additionalProperties: false,
      properties: { concurrentCalls: { type: 'integer', minimum: 1, maximum: 100_000, default: 50 } },
    })
    expect(Check(schema, { concurrentCalls: 0 })).toBe(false)
    expect(Check(schema, { concurrentcalls: 1 })).toBe(false)
    const trunk = guarded().find(({ path, method }) => method === 'put' && path.includes('/trunks/'))
    expect(trunk?.requestBody?.content['application/json']?.schema).toMatchObject({
      required: ['uri'],
      properties: {
        register: { type: 'boolean' },
        maxCalls: { type: ['integer', 'null'] },
        privacy: { enum: ['id', 'anonymous', 'never'] },
      },
    })
  })

  /** Calls a route and holds its answer against what is declared for its status. */
  async function call(one: Operation, parameter: (name: string) => string, isAllowed = true): Promise<number> {
    const url = one.path.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(parameter(name)))
    const hasBody = one.requestBody !== undefined
    const response = await api.server.inject({
      method: one.method.toUpperCase() as 'GET',
      url,
      headers: {
        ...(isAllowed && { authorization: `Bearer ${token}` }),
        ...(hasBody && { 'content-type': 'application/json' }),
      },
      ...(hasBody && { payload: '{}' }),
    })
    const name = `${nameOf(one)} gave ${response.statusCode}`
    const declared = one.responses[String(response.statusCode)]
    expect(declared, `${name}: ${response.body.slice(0, 300)}`).toBeDefined()
    const schema = declared?.content?.['application/json']?.schema
    if (schema && /^application\/json(;|$)/.test(String(response.headers['content-type']))) {
      const [, errors] = Errors(schema, response.json())
      expect(errors, name).toEqual([])
    }
    return response.statusCode
  }

  it('is kept by every route: without a token', async () => {
    for (const one of guarded()) {
      if (one.path === '/api/v1/openapi.json') continue
      expect(await call(one, () => 'x', false), nameOf(one)).toBe(401)
    }
  })

  it('is kept by every route: for what is not there', async () => {
    for (const one of guarded()) await call(one, () => 'nobody-has-this')
    expect(api.undeclared).toEqual([])
  })

  it('is kept by every route that reads: for what is there', async () => {
    let found = 0
    for (const one of guarded().filter(({ method }) => method === 'get')) {
      if ((await call(one, (name) => known[name] ?? 'x')) === 200) found++
    }
    expect(found).toBeGreaterThan(15)
    expect(api.undeclared).toEqual([])
  })
})
