import type { FastifyReply, FastifyRequest } from 'fastify'
import { SwitchhookError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { HttpServer } from '../../http/server.ts'
import type { Application, Applications } from './applications.ts'
import { type Parameters, Refusal, readParameters, writeAnswer } from './codec.ts'
import type { Idempotency } from './idempotency.ts'
import type { MinuteLimit } from './limits.ts'
import { type RecordingRouteParts, recordingRoutes } from './links-routes.ts'
import type { AnswerFields } from './wire.ts'

const prefix = '/open'
const formType = 'application/x-www-form-urlencoded'
/** Of a request's body: the longest parameters, percent-encoded. */
const mostBodyBytes = 64 * 1024
const mostKeyCharacters = 255
const everyMethod = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** What a path does. */
export interface Operation {
  /** A query only asks; an action does something, once per `Idempotency-Key`. */
  readonly kind: 'query' | 'action'
  /** Rejects with Refusal. @param requestKey - of an action that may be repeated; null: it has none. */
  run(application: Application, parameters: Parameters, requestKey: string | null): Promise<AnswerFields>
  /** What it answered for this key before the server was started; null: nothing. */
  recall?(application: Application, requestKey: string): Promise<AnswerFields | null>
}

export interface HoiioRoutesParts {
  readonly applications: Applications
  readonly limit: MinuteLimit
  readonly queryLimit: MinuteLimit
  readonly idempotency: Idempotency
  readonly log: Logger
  /** By path below `/open/`. */
  readonly operations: Readonly<Record<string, Operation>>
  readonly recordings: RecordingRouteParts
}

/** Serves `/open/…`. Every answer to a program is HTTP 200: its clients take anything else for a broken connection. */
export async function mountHoiio(server: HttpServer, parts: HoiioRoutesParts): Promise<void> {
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // A form, whatever its label says, also where that is no media type at all.
    scope.addHook('onRequest', async (request) => {
      request.headers['content-type'] = formType
    })
    scope.addContentTypeParser(formType, { parseAs: 'buffer', bodyLimit: mostBodyBytes }, (_request, body, done) =>
      done(null, body),
    )
    scope.setErrorHandler((thrown, _request, reply) => {
      const status = (thrown as { statusCode?: number }).statusCode ?? 500
      if (status < 500) return answer(reply, writeAnswer('error_malformed_params'))
      parts.log.error({ err: toError(thrown) }, 'a request of the Hoiio API failed')
      return answer(reply, writeAnswer('error_internal_server_error'))
    })
    for (const [path, operation] of Object.entries(parts.operations)) {
      scope.route({
        method: [...everyMethod],
        url: `${prefix}/${path}`,
        // Limits of its own, told by its own codes.
        config: { rateLimit: false },
        schema: { hide: true },
        handler: async (request, reply) => answer(reply, await respond(request, path, operation, parts)),
      })
    }
    recordingRoutes(scope, parts.recordings)
  })
}

async function respond(
  request: FastifyRequest,
  path: string,
  operation: Operation,
  parts: HoiioRoutesParts,
): Promise<string> {
  try {
    if (request.method !== 'GET' && request.method !== 'POST') throw new Refusal('error_invalid_http_method')
    const query = request.raw.url?.split('?').slice(1).join('?') ?? ''
    const parameters = readParameters(query, Buffer.isBuffer(request.body) ? request.body : new Uint8Array())
    const application = parts.applications.authenticate(parameters, request.ip)
    const { key, settings } = application
    parts.limit.take(key, settings.requestsPerMinute)
    if (operation.kind === 'query') {
      parts.queryLimit.take(key, settings.queriesPerMinute)
      return writeAnswer('success_ok', await operation.run(application, parameters, null))
    }
    const scope = { application: key, path, key: idempotencyKey(request) }
    const fields = await parts.idempotency.run(
      scope,
      (requestKey) => operation.run(application, parameters, requestKey),
      async (requestKey) => (await operation.recall?.(application, requestKey)) ?? null,
    )
    return writeAnswer('success_ok', fields)
  } catch (thrown) {
    if (thrown instanceof Refusal) return writeAnswer(thrown.status)
    const error = toError(thrown)
    const code = error instanceof SwitchhookError ? error.code : null
    parts.log.error({ err: error, path, code }, 'a request of the Hoiio API failed')
    return writeAnswer('error_internal_server_error')
  }
}

/** Throws Refusal `error_malformed_params` for one that is too long. */
function idempotencyKey(request: FastifyRequest): string | null {
  const header = request.headers['idempotency-key']
  const key = Array.isArray(header) ? header.join(',') : header
  if (key === undefined || key.trim() === '') return null
  if (key.length > mostKeyCharacters) throw new Refusal('error_malformed_params')
  return key
}

function answer(reply: FastifyReply, body: string): FastifyReply {
  return reply.code(200).type('application/json; charset=utf-8').send(body)
}
