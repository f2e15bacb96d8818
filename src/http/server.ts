import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import { type ErrorCode, errorCatalogue } from '../base/error-catalogue.ts'
import { SwitchhookError, TransportError, toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { portOwner } from '../base/port-owner.ts'
import { schemaError } from './schema-error.ts'

export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** The largest body taken where a route does not say otherwise. */
const bodyLimitBytes = 1024 * 1024
/** Requests of one address in a minute. Generous: a console polls, a scanner does not stop. */
const requestsPerMinute = 3000

/** How long the head of a request may take, and how often that is looked at. */
const headersTimeoutMs = 15_000
const checkingIntervalMs = 5000
/** More than all programs and consoles of a site, and well within the files that a process may have open: SIP needs some too. */
const mostConnections = 4096

/** Errors as every route answers them. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly facts: Readonly<Record<string, unknown>> }
}

/** A server without routes. Listen with `listenOn`. */
export async function createHttpServer(options: { log: Logger; version: string }): Promise<HttpServer> {
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    // Slow senders must not hold connections for ever: a head within seconds, a whole request within a minute.
    http: { headersTimeout: headersTimeoutMs, connectionsCheckingInterval: checkingIntervalMs },
    connectionTimeout: 60_000,
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    routerOptions: { maxParamLength: 200 },
    logger: false,
    schemaErrorFormatter: schemaError,
    clientErrorHandler: answerNoRequest,
    frameworkErrors: (error, request, reply) => {
      answerError(error, reply, options.log, request.url)
    },
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler) as HttpServer
  server.server.maxConnections = mostConnections
  await server.register(helmet, {
    contentSecurityPolicy: { directives: { defaultSrc: ["'self'"], styleSrc: ["'self'", "'unsafe-inline'"] } },
  })
  await server.register(rateLimit, { max: requestsPerMinute, timeWindow: '1 minute' })
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Switchhook admin API',
        version: options.version,
        description: 'Calls, recordings and settings of a Switchhook server. Times are ISO 8601 in UTC.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
  })
  server.setErrorHandler((error, request, reply) => answerError(error, reply, options.log, request.url))
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send(errorBody('http.not-found', `There is nothing at ${request.method} ${pathOf(request.url)}.`)),
  )
  return server
}

/** Binds the port. Rejects with TransportError `http.address-in-use` where another program has it. */
export async function listenOn(server: HttpServer, host: string, port: number): Promise<number> {
  try {
    await server.listen({ host, port })
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw thrown
    const owner = await portOwner('tcp', port)
    const sentence = `The HTTP address ${host}:${port} is in use by ${owner ?? 'another program'}.`
    throw new TransportError('http.address-in-use', sentence, { cause: thrown, facts: { host, port, owner } })
  }
  const address = server.server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

function answerError(thrown: unknown, reply: FastifyReply, log: Logger, url: string): FastifyReply {
  const error = toError(thrown)
  if (error instanceof SwitchhookError) {
    if (error.httpStatus >= 500) log.error({ err: error, path: pathOf(url) }, 'a request failed')
    return reply.code(error.httpStatus).send(errorBody(error.code, error.message, error.facts))
  }
  const status = (error as FastifyError).statusCode ?? 500
  if (status === 429)
    return reply.code(429).send(errorBody('http.too-many-requests', 'Too many requests from this address.'))
  if (status >= 400 && status < 500) return reply.code(status).send(errorBody('http.bad-request', `${error.message}.`))
  log.error({ err: error, path: pathOf(url) }, 'a request failed')
  return reply.code(500).send(errorBody('defect.assertion', errorCatalogue['defect.assertion'].meaning))
}

function errorBody(code: ErrorCode, message: string, facts: Readonly<Record<string, unknown>> = {}): ErrorBody {
  return { error: { code, message, facts } }
}

/** What is no request at all has no reply object: bytes that are no HTTP, a head that is too long or too slow. */
function answerNoRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy()
  const [status, sentence] = unreadable[error.code ?? ''] ?? [400, 'This is no HTTP request.']
  const code = status === 408 ? 'http.too-slow' : 'http.bad-request'
  const body = JSON.stringify(errorBody(code, sentence))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  // Both sides: who never closes its own would otherwise hold the connection for ever.
  socket.destroySoon()
}

/** By the codes of Node's parser. */
const unreadable: Readonly<Record<string, readonly [status: number, sentence: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The head of the request is too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request came too slowly.'],
}

/** Without the query: it may carry secrets. */
function pathOf(url: string): string {
  return url.split('?')[0] ?? url
}
