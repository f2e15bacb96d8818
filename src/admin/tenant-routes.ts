import { Type } from 'typebox'
import { StateError } from '../base/errors.ts'
import { SettingsError } from '../config/problem.ts'
import type { TenantSettings } from '../config/settings.ts'
import type { HttpServer } from '../http/server.ts'
import { ErrorSchema, nullable } from './schemas.ts'
import { allButBodies, conditionOf, inUse, mustExist, type SettingRoutesParts } from './setting-replies.ts'
import {
  ConditionHeaders,
  EtagSchema,
  InvalidSchema,
  OriginSchema,
  TenantBodySchema,
  TenantParams,
} from './setting-schemas.ts'

const TenantSchema = Type.Object({
  name: Type.String(),
  origin: OriginSchema,
  etag: EtagSchema,
  domain: nullable(Type.String()),
  timeZone: Type.String(),
  countryCode: nullable(Type.String()),
  language: Type.String(),
  numbers: Type.Integer(),
  extensions: Type.Integer(),
  apps: Type.Integer(),
  trunks: Type.Integer(),
  partners: Type.Integer(),
})

const tags = ['settings']

/** The tenants themselves. */
export function tenantRoutes(api: HttpServer, { directory, settings }: SettingRoutesParts): void {
  const view = (tenant: TenantSettings) => {
    const { name, domain, timeZone, countryCode, language, numbers, extensions, apps, trunks, partners } = tenant
    const { origin, etag } = settings.tenant(name) ?? { origin: 'file', etag: null }
    return {
      ...{ name, origin, etag, domain, timeZone, countryCode, language },
      numbers: numbers.size,
      extensions: extensions.size,
      apps: apps.size,
      trunks: trunks.size,
      partners: partners.size,
    }
  }
  const found = (name: string) => {
    const tenant = directory.tenant(name)
    if (!tenant) throw new StateError('store.document-changed', `Tenant ${name} has been removed meanwhile.`)
    return view(tenant)
  }

  api.get(
    '/tenants',
    { schema: { summary: 'The tenants', tags, response: { 200: Type.Object({ items: Type.Array(TenantSchema) }) } } },
    async () => ({ items: [...directory.tenants.values()].map(view) }),
  )

  api.get(
    '/tenants/:tenant',
    {
      schema: {
        summary: 'Shows a tenant',
        tags,
        params: TenantParams,
        response: { 200: TenantSchema, 404: ErrorSchema },
      },
    },
    async ({ params: { tenant } }, reply) => {
      mustExist(directory, tenant)
      const shown = found(tenant)
      if (shown.etag !== null) reply.header('etag', shown.etag)
      return shown
    },
  )

  api.put(
    '/tenants/:tenant',
    {
      validatorCompiler: allButBodies,
      schema: {
        summary: 'Creates a tenant, or sets what it itself consists of',
        description:
          'Of a tenant in the file, what the file leaves open can be set. With several tenants each needs a domain of its own. Another `countryCode` makes other numbers of those written nationally.',
        tags,
        params: TenantParams,
        headers: ConditionHeaders,
        body: TenantBodySchema,
        response: { 200: TenantSchema, 409: ErrorSchema, 412: ErrorSchema, 422: InvalidSchema },
      },
    },
    async ({ params: { tenant }, body, headers }, reply) => {
      const { etag } = await settings.put({ tenant, kind: 'tenant', key: tenant }, body ?? {}, conditionOf(headers))
      if (etag !== null) reply.header('etag', etag)
      return found(tenant)
    },
  )

  api.delete(
    '/tenants/:tenant',
    {
      schema: {
        summary: 'Removes a tenant that the API has created',
        description:
          'Its calls go on to their end. Its call records, recordings and mailboxes stay under its name, and would be found by a later tenant of the same name.',
        tags,
        params: TenantParams,
        headers: ConditionHeaders,
        querystring: Type.Object({
          force: Type.Optional(
            Type.Boolean({ default: false, description: 'Also when it still has settings: they go with it.' }),
          ),
        }),
        response: { 204: Type.Null(), 404: ErrorSchema, 409: ErrorSchema, 412: ErrorSchema },
      },
    },
    async ({ params: { tenant }, query, headers }, reply) => {
      mustExist(directory, tenant)
      await settings.removeTenant(tenant, query.force ?? false, conditionOf(headers)).catch((thrown: unknown) => {
        const place = { tenant, kind: 'tenant', key: tenant } as const
        throw thrown instanceof SettingsError ? inUse(`Tenant ${tenant}`, thrown, place) : thrown
      })
      return reply.code(204).send(null)
    },
  )
}
