import type { FastifySchema, RouteOptions } from 'fastify'
import { ErrorSchema } from './schemas.ts'

/** What a status means, where a route says nothing of its own. */
const meanings: Readonly<Record<string, string>> = {
  200: 'Done.',
  201: 'Made.',
  202: 'Begun.',
  204: 'Done; there is nothing to say.',
  206: 'The part that was asked for.',
  400: 'The request is malformed; the message says where.',
  401: 'The bearer token is missing or wrong.',
  404: 'There is none such.',
  409: 'Not as things stand; the message says why.',
  412: 'It is not as it was when it was read.',
  413: 'The body is too large.',
  415: 'The body is of no kind that is taken here.',
  416: 'There is no such part.',
  422: 'Understood, but it cannot be so; the message says why.',
  429: 'Too many requests, or wrong tokens, from this address.',
  500: 'A fault of the server; its log says more.',
  503: 'The server has no room, or a part of it is not there.',
}

/** What any guarded route may answer besides its own. */
const usualErrors = { 400: ErrorSchema, 401: ErrorSchema, 429: ErrorSchema, 500: ErrorSchema }
/** A body may be too long, or none at all. */
const bodyErrors = { 413: ErrorSchema, 415: ErrorSchema }

/** A route's schema as the OpenAPI document shows it: with its name, the token it needs, and the errors that all have. */
export function publishedSchema(route: Pick<RouteOptions, 'method' | 'url' | 'schema'>): FastifySchema {
  const { schema = {} } = route
  const isRead = ['GET', 'HEAD'].includes(String(route.method))
  const own = (schema.response ?? {}) as Readonly<Record<string, object>>
  // A route that says nothing of success is a download: its bytes are no JSON.
  const hasSuccess = Object.keys(own).some((status) => status.startsWith('2'))
  const all = { ...(!hasSuccess && { 200: {}, 206: {}, 416: {} }), ...usualErrors, ...(!isRead && bodyErrors), ...own }
  const response = Object.fromEntries(
    Object.entries(all).map(([status, one]) => [
      status,
      { description: meanings[status] ?? 'See the message.', ...one },
    ]),
  )
  return { ...schema, operationId: operationId(String(route.method), route.url), security: [{ bearer: [] }], response }
}

/** `GET /api/v1/tenants/:tenant/trunks/:key` is `getTenantsTrunksByKey`: what is in the path, and its last parameter. */
function operationId(method: string, url: string): string {
  const parts = url.replace(/^\/api\/v1\//, '').split('/')
  const names = parts.map((part, i) => {
    if (!part.startsWith(':')) return capital(part)
    return i === parts.length - 1 ? `By${capital(part.slice(1))}` : ''
  })
  return method.toLowerCase() + names.join('')
}

function capital(text: string): string {
  return text.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_all, first: string) => first.toUpperCase())
}
