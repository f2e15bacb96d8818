import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { FailureWindow } from '../../http/failure-window.ts'
import type { HttpServer } from '../../http/server.ts'
import type { Directory } from '../../routing/directory.ts'
import { decodeRequest, encodeFailure, encodeSuccess } from './codec.ts'
import { type LinkRouteParts, linkRoutes } from './link-routes.ts'
import { Partners } from './partners.ts'
import { answerRequest, RequestFailure, type RequestParts } from './requests.ts'
import { endpoint, failures } from './wire.ts'

export interface Voip24hParts extends RequestParts, LinkRouteParts {
  readonly directory: Directory
  readonly clock: Clock
  readonly log: Logger
}

/** Published: none. Room for any request there is. */
const bodyLimitBytes = 64 * 1024
/** Wrong secrets from one address within a minute before it has to wait. */
const failuresAllowed = 10

/** The Voip24h partner API, and the links that it gives out. */
export async function mountVoip24h(server: HttpServer, parts: Voip24hParts): Promise<void> {
  const partners = new Partners(parts.directory)
  const wrongSecrets = new FailureWindow(parts.clock, failuresAllowed)
  await server.register(async (scope) => {
    // Clients send any Content-Type or none: the body is JSON in any case.
    scope.addHook('onRequest', async (request) => {
      request.headers['content-type'] = 'application/octet-stream'
    })
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bodyLimitBytes }, (_request, body, done) => {
      done(null, body)
    })
    scope.setErrorHandler((thrown, _request, reply) => answerError(toError(thrown), reply, parts.log))

    scope.route({
      method: 'POST',
      url: endpoint,
      bodyLimit: bodyLimitBytes,
      schema: { hide: true },
      handler: async (request, reply) => {
        if (wrongSecrets.mustWait(request.ip)) return fail(reply, 429, failures.tooManyRequests)
        const decoded = request.body instanceof Uint8Array ? decodeRequest(request.body) : null
        if (!decoded) return fail(reply, 400, failures.invalidJson)
        // Before all else: a stranger learns nothing from the order of complaints.
        const partner = await partners.withSecret(decoded.partnerSecret)
        if (!partner) {
          wrongSecrets.note(request.ip)
          return fail(reply, 200, failures.invalidSecret)
        }
        if (!decoded.requestType) return fail(reply, 200, failures.unknownType)
        if (!decoded.data) return fail(reply, 200, failures.missingData)
        const answer = await answerRequest(decoded.requestType, decoded.data, partner, parts)
        return send(reply, 200, encodeSuccess(answer))
      },
    })
    scope.route({
      method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: endpoint,
      schema: { hide: true },
      // Nobody reads what they send.
      onRequest: async (_request: FastifyRequest, reply) =>
        fail(reply.header('allow', 'POST'), 405, failures.methodNotAllowed),
      handler: async () => undefined,
    })
  })
  linkRoutes(server, parts)
}

function answerError(error: Error & { readonly statusCode?: number }, reply: FastifyReply, log: Logger): FastifyReply {
  if (error instanceof RequestFailure) return fail(reply, 200, error.message)
  if (error.statusCode === 413) return fail(reply, 413, failures.bodyTooLarge)
  if (error.statusCode === 429) return fail(reply, 429, failures.tooManyRequests)
  if (error.statusCode !== undefined && error.statusCode < 500) return fail(reply, 400, failures.invalidJson)
  log.error({ err: error, path: endpoint }, 'a request of a partner failed')
  return fail(reply, 500, failures.serverError)
}

function fail(reply: FastifyReply, status: number, respMsg: string): FastifyReply {
  return send(reply, status, encodeFailure(respMsg))
}

function send(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(body)
}
