import { Type } from 'typebox'
import { NotFoundError, StateError } from '../base/errors.ts'
import { SettingsError } from '../config/problem.ts'
import type { TenantSettings } from '../config/settings.ts'
import type { HttpServer } from '../http/server.ts'
import type { Directory } from '../routing/directory.ts'
import type { LiveSettings, SettingKind } from './live-settings.ts'
import { ErrorSchema } from './schemas.ts'

const kinds = ['numbers', 'extensions', 'apps'] as const satisfies readonly SettingKind[]

const EntrySchema = Type.Object({
  key: Type.String(),
  origin: Type.Union([Type.Literal('file'), Type.Literal('api')], {
    description: 'What the file names wins and cannot be changed here.',
  }),
  value: Type.Unknown({ description: 'As it would stand in the configuration file; secrets are left out.' }),
})
const ProblemSchema = Type.Object({ path: Type.String(), sentence: Type.String(), expected: Type.String() })
const InvalidSchema = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    facts: Type.Object({ problems: Type.Array(ProblemSchema) }),
  }),
})

/** Tenants, and their numbers, extensions and apps. */
export function settingRoutes(api: HttpServer, parts: { directory: Directory; settings: LiveSettings }): void {
  const { directory, settings } = parts

  api.get(
    '/tenants',
    {
      schema: {
        summary: 'The tenants',
        tags: ['settings'],
        response: {
          200: Type.Object({
            items: Type.Array(
              Type.Object({
                name: Type.String(),
                domain: Type.Union([Type.String(), Type.Null()]),
                timeZone: Type.String(),
                language: Type.String(),
                numbers: Type.Integer(),
                extensions: Type.Integer(),
                apps: Type.Integer(),
              }),
            ),
          }),
        },
      },
    },
    async () => ({ items: [...directory.tenants.values()].map(viewTenant) }),
  )

  for (const kind of kinds) {
    const params = Type.Object({ tenant: Type.String({ maxLength: 64 }) })
    const oneParams = Type.Object({ tenant: Type.String({ maxLength: 64 }), key: Type.String({ maxLength: 128 }) })

    api.get(
      `/tenants/:tenant/${kind}`,
      {
        schema: {
          summary: `The ${kind} of a tenant`,
          tags: ['settings'],
          params,
          response: { 200: Type.Object({ items: Type.Array(EntrySchema) }), 404: ErrorSchema },
        },
      },
      async ({ params: { tenant } }) => {
        mustExist(directory, tenant)
        return { items: [...settings.list(tenant, kind)] }
      },
    )

    api.put(
      `/tenants/:tenant/${kind}/:key`,
      {
        schema: {
          summary: `Sets one of the ${kind}`,
          description: 'The body is what would stand in the configuration file. In force as soon as it is answered.',
          tags: ['settings'],
          params: oneParams,
          body: Type.Record(Type.String(), Type.Unknown()),
          response: { 200: EntrySchema, 404: ErrorSchema, 409: ErrorSchema, 422: InvalidSchema },
        },
      },
      async ({ params: { tenant, key }, body }, reply) => {
        mustExist(directory, tenant)
        try {
          return await settings.put(tenant, kind, key, body)
        } catch (thrown) {
          if (!(thrown instanceof SettingsError)) throw thrown
          const problems = thrown.problems.map(({ path, sentence, expected }) => ({ path, sentence, expected }))
          const message = problems
            .map(({ path, sentence, expected }) => `${path}: ${sentence} Expected ${expected}.`)
            .join(' ')
          return reply.code(422).send({ error: { code: thrown.code, message, facts: { problems } } })
        }
      },
    )

    api.delete(
      `/tenants/:tenant/${kind}/:key`,
      {
        schema: {
          summary: `Removes one of the ${kind} that was set over the API`,
          tags: ['settings'],
          params: oneParams,
          response: { 204: Type.Null(), 404: ErrorSchema, 409: ErrorSchema },
        },
      },
      async ({ params: { tenant, key } }, reply) => {
        mustExist(directory, tenant)
        await settings.remove(tenant, kind, key).catch((thrown: unknown) => {
          // Without it the rest would no longer be a configuration: something still names it.
          if (thrown instanceof SettingsError)
            throw new StateError('setting.in-use', thrown.message, { facts: { tenant, kind, key } })
          throw thrown
        })
        return reply.code(204).send(null)
      },
    )
  }
}

function mustExist(directory: Directory, tenant: string): void {
  if (directory.tenant(tenant)) return
  throw new NotFoundError('setting.unknown', `There is no tenant ${tenant}.`, { facts: { tenant } })
}

function viewTenant(tenant: TenantSettings) {
  const { name, domain, timeZone, language, numbers, extensions, apps } = tenant
  return { name, domain, timeZone, language, numbers: numbers.size, extensions: extensions.size, apps: apps.size }
}
