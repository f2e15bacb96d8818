import { type TSchema, Type } from 'typebox'
import {
  type EntryKind,
  entryKinds,
  type SettingKind,
  type SettingPlace,
  type WholeKind,
  wholeKinds,
} from '../config/overlay.ts'
import { SettingsError } from '../config/problem.ts'
import type { HttpServer } from '../http/server.ts'
import type { Directory } from '../routing/directory.ts'
import type { SettingEntry } from './live-settings.ts'
import { promptRoutes } from './prompt-routes.ts'
import { ErrorSchema, PageQuery, pageOf } from './schemas.ts'
import {
  allButBodies,
  answerProblems,
  conditionOf,
  inUse,
  mustExist,
  type SettingRoutesParts,
  withEtag,
} from './setting-replies.ts'
import {
  bodySchema,
  ConditionHeaders,
  EntrySchema,
  InvalidSchema,
  patchSchema,
  TenantParams,
} from './setting-schemas.ts'
import { tenantRoutes } from './tenant-routes.ts'

/** What each kind is in a sentence: one, and all. */
const words: Readonly<Record<EntryKind | WholeKind, readonly [one: string, all: string]>> = {
  trunks: ['a trunk', 'the trunks'],
  extensions: ['an extension', 'the extensions'],
  apps: ['an app', 'the apps'],
  numbers: ['a number', 'the numbers'],
  partners: ['a partner', 'the partners'],
  recordings: ['a prompt', 'the prompts'],
  layers: ['a layer', 'the layers'],
  callerIds: ['the numbers it may show', ''],
  outbound: ['the outbound rules, in order', ''],
  callRecording: ['whether calls are recorded', ''],
  messageRetention: ['by what age voicemail messages are deleted', ''],
  events: ['where it is told of calls and recordings', ''],
  limits: ['the limits', ''],
}
/** Their bodies are maps, of which a part can be changed. */
const patchable: readonly SettingKind[] = [
  ...entryKinds.filter((kind) => kind !== 'recordings' && kind !== 'layers'),
  'callRecording',
  'messageRetention',
  'events',
  'limits',
]

const usualLimit = 50
const tags = ['settings']
const changeErrors = { 404: ErrorSchema, 409: ErrorSchema, 412: ErrorSchema }
const inForce =
  'In force as soon as it is answered; calls under way are not touched. What the file names cannot be changed (409).'

/** Tenants and everything in them: `tenants` of the configuration file, with the file's own rules. */
export function settingRoutes(api: HttpServer, parts: SettingRoutesParts): void {
  api.register(async (scope) => {
    const inner = scope as HttpServer
    inner.setErrorHandler((thrown, _request, reply) => {
      if (thrown instanceof SettingsError) return answerProblems(reply, thrown)
      throw thrown
    })
    tenantRoutes(inner, parts)
    for (const kind of entryKinds) entryRoutes(inner, kind, parts)
    for (const kind of wholeKinds) {
      const one: At = { path: `/tenants/:tenant/${kind}`, kind, params: TenantParams, keyOf: () => kind }
      readRoute(inner, one, parts)
      changeRoutes(inner, one, parts)
    }
    promptRoutes(inner, parts)
    partnerSecretRoute(inner, parts)
  })
}

/** A place where one setting is read and changed. */
interface At {
  readonly path: string
  readonly kind: EntryKind | WholeKind
  readonly params: TSchema
  keyOf(params: unknown): string
}

function entryRoutes(api: HttpServer, kind: EntryKind, parts: SettingRoutesParts): void {
  const { directory, settings } = parts
  api.get(
    `/tenants/:tenant/${kind}`,
    {
      schema: {
        summary: `${capital(words[kind][1])} of a tenant, by name`,
        tags,
        params: TenantParams,
        querystring: Type.Object(PageQuery),
        response: { 200: pageOf(EntrySchema), 404: ErrorSchema },
      },
    },
    async ({ params: { tenant }, query }) => {
      mustExist(directory, tenant)
      return pageAfter(settings.list(tenant, kind), query)
    },
  )
  const params = Type.Object({ ...TenantParams.properties, key: Type.String({ maxLength: 128 }) })
  const keyOf = (given: unknown): string => (given as { key: string }).key
  const one: At = { path: `/tenants/:tenant/${kind}/:key`, kind, params, keyOf }
  readRoute(api, one, parts)
  // A prompt is a file: see `promptRoutes`.
  if (kind === 'recordings') deleteRoute(api, one, parts)
  else changeRoutes(api, one, parts)
}

function readRoute(api: HttpServer, at: At, { directory, settings }: SettingRoutesParts): void {
  api.get(
    at.path,
    {
      schema: {
        summary: `Shows ${words[at.kind][0]}`,
        tags,
        params: at.params,
        response: { 200: EntrySchema, 404: ErrorSchema },
      },
    },
    async ({ params }, reply) => withEtag(reply, settings.get(placeOf(directory, at, params))),
  )
}

function changeRoutes(api: HttpServer, at: At, parts: SettingRoutesParts): void {
  const { directory, settings } = parts
  const response = { 200: EntrySchema, ...changeErrors, 422: InvalidSchema }
  api.put(
    at.path,
    {
      validatorCompiler: allButBodies,
      schema: {
        summary: `Sets ${words[at.kind][0]}`,
        description: `The body is what would stand in the configuration file. ${inForce}`,
        tags,
        params: at.params,
        headers: ConditionHeaders,
        body: bodySchema(at.kind),
        response,
      },
    },
    async ({ params, body, headers }, reply) =>
      withEtag(reply, await settings.put(placeOf(directory, at, params), body, conditionOf(headers))),
  )
  if (patchable.includes(at.kind)) {
    api.patch(
      at.path,
      {
        validatorCompiler: allButBodies,
        schema: {
          summary: `Changes a part of ${words[at.kind][0]}`,
          description: `Secrets that the patch leaves out stay as they are. ${inForce}`,
          tags,
          params: at.params,
          headers: ConditionHeaders,
          body: patchSchema(at.kind),
          response,
        },
      },
      async ({ params, body, headers }, reply) =>
        withEtag(reply, await settings.patch(placeOf(directory, at, params), body, conditionOf(headers))),
    )
  }
  deleteRoute(api, at, parts)
}

function deleteRoute(api: HttpServer, at: At, { directory, settings }: SettingRoutesParts): void {
  api.delete(
    at.path,
    {
      schema: {
        summary: `Removes ${words[at.kind][0]}, where the API has set it`,
        description: `Not while something else names it (409). ${inForce}`,
        tags,
        params: at.params,
        headers: ConditionHeaders,
        response: { 204: Type.Null(), ...changeErrors },
      },
    },
    async ({ params, headers }, reply) => {
      const place = placeOf(directory, at, params)
      await settings.remove(place, conditionOf(headers)).catch((thrown: unknown) => {
        throw thrown instanceof SettingsError ? inUse(place.key, thrown, place) : thrown
      })
      return reply.code(204).send(null)
    },
  )
}

function partnerSecretRoute(api: HttpServer, { directory, settings }: SettingRoutesParts): void {
  api.post(
    '/tenants/:tenant/partners/:key/secret',
    {
      schema: {
        summary: 'Gives a partner a new secret',
        description: 'The old one ends at once. This answer is the only time that the new one is shown.',
        tags,
        params: Type.Object({ ...TenantParams.properties, key: Type.String({ maxLength: 128 }) }),
        response: { 200: Type.Object({ secret: Type.String() }), ...changeErrors },
      },
    },
    async ({ params: { tenant, key } }) => {
      mustExist(directory, tenant)
      return { secret: await settings.renewSecret(tenant, key) }
    },
  )
}

/** One page of what is sorted by key; the cursor is the last key of the page before. */
function pageAfter(entries: readonly SettingEntry[], query: { limit?: number; cursor?: string }) {
  const { limit = usualLimit, cursor } = query
  const after = cursor === undefined ? null : Buffer.from(cursor, 'base64url').toString()
  const rest = after === null ? entries : entries.filter(({ key }) => key > after)
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  const nextCursor = last && rest.length > items.length ? Buffer.from(last.key).toString('base64url') : null
  return { items: items.map((entry) => ({ ...entry, secrets: [...entry.secrets] })), nextCursor }
}

function placeOf(directory: Directory, at: At, params: unknown): SettingPlace {
  const { tenant } = params as { readonly tenant: string }
  mustExist(directory, tenant)
  return { tenant, kind: at.kind, key: at.keyOf(params) }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
