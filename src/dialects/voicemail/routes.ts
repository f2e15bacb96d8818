import { createReadStream } from 'node:fs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { SwitchhookError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { HttpServer } from '../../http/server.ts'
import { decodeObject, encodeObject, maxObjectBytes } from './codec.ts'
import { type MediaStore, maxVoiceBytes } from './media-store.ts'
import type { Nodes } from './nodes.ts'
import type { NodeIdentity, VoicemailService } from './service.ts'
import type { Reason, Reply } from './wire.ts'

export interface VoicemailRoutesParts {
  readonly service: Pick<VoicemailService, 'handle'>
  readonly nodes: Nodes
  readonly media: MediaStore
  readonly log: Logger
}

/** The voicemail service over HTTP, and the store of voices for nodes that do not share our disk. */
export async function mountVoicemail(server: HttpServer, parts: VoicemailRoutesParts): Promise<void> {
  await server.register(async (scope) => {
    const voicemail = scope as HttpServer
    // Whatever the Content-Type says: the body is one JSON object, and is read as kindly as over TCP.
    voicemail.removeAllContentTypeParsers()
    voicemail.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxObjectBytes }, (_request, body, done) =>
      done(null, body),
    )
    voicemail.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      const status = error.statusCode ?? 500
      if (status === 429) return answer(reply, status, refused('INTERNAL', 'Too many requests from this address.'))
      if (status < 500) return answer(reply, status, refused('BAD_JSON', `${error.message}.`))
      parts.log.error({ err: error }, 'a voicemail request failed')
      return answer(reply, 500, refused('INTERNAL', 'The voicemail service failed; its log says why.'))
    })

    voicemail.post('/voicemail', { schema: { hide: true } }, async (request, reply) => {
      const text = Buffer.isBuffer(request.body) ? request.body.toString('utf8').replace(/^\uFEFF/, '') : ''
      const decoded = decodeObject(text)
      const called = decoded.kind === 'object' ? decoded.object['ivr_name'] : null
      const node = nodeOf(request, parts.nodes, typeof called === 'string' ? called : null)
      if (node === null) return unauthorized(reply)
      if (decoded.kind === 'unreadable') return answer(reply, 400, refused('BAD_JSON', decoded.sentence))
      if (decoded.slips.length > 0) {
        parts.log.warn({ node: node.name, slips: decoded.slips }, 'a voicemail request was read kindly')
      }
      return answer(reply, 200, await parts.service.handle(decoded.object, node))
    })
  })

  await server.register(async (scope) => {
    const media = scope as HttpServer
    media.removeAllContentTypeParsers()
    // Voices are not gathered in memory: they go to disk as they come.
    media.addContentTypeParser('*', { bodyLimit: maxVoiceBytes }, (_request, payload, done) => done(null, payload))
    media.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      const status = error instanceof SwitchhookError ? error.httpStatus : (error.statusCode ?? 500)
      if (status >= 500) parts.log.error({ err: error }, 'a voice could not be served')
      const reason = status === 404 ? 'NO_FILE' : status < 500 ? 'BAD_FIELD' : 'INTERNAL'
      const message = status < 500 ? error.message : 'The voicemail service failed; its log says why.'
      return answer(reply, status, refused(reason, message))
    })

    media.put<{ Params: { name: string } }>(
      '/voicemail/media/:name',
      { schema: { hide: true } },
      async (request, reply) => {
        const node = nodeOf(request, parts.nodes, null)
        if (node === null) return unauthorized(reply)
        const content = (request.body ?? []) as AsyncIterable<Uint8Array>
        await parts.media.put(node.tenant, request.params.name, content)
        return answer(reply, 200, { status: 'ok' })
      },
    )

    media.get<{ Params: { name: string } }>(
      '/voicemail/media/:name',
      { schema: { hide: true } },
      async (request, reply) => {
        const node = nodeOf(request, parts.nodes, null)
        if (node === null) return unauthorized(reply)
        const path = await parts.media.find(node.tenant, request.params.name)
        return reply.type('application/octet-stream').send(createReadStream(path))
      },
    )
  })
}

/** By its key; a request without one by its address. A wrong key is not made good by the address. */
function nodeOf(request: FastifyRequest, nodes: Nodes, calledItself: string | null): NodeIdentity | null {
  const { authorization } = request.headers
  if (authorization === undefined) return nodes.byAddress(request.ip, calledItself)
  const [scheme, key] = authorization.split(' ')
  return scheme?.toLowerCase() === 'bearer' && key ? nodes.byKey(key, request.ip) : null
}

function unauthorized(reply: FastifyReply): FastifyReply {
  reply.header('www-authenticate', 'Bearer')
  return answer(reply, 401, refused('UNAUTHORIZED', 'Send the key of a node as a bearer token.'))
}

function answer(reply: FastifyReply, status: number, body: Reply): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').send(encodeObject(body))
}

function refused(reason: Reason, message: string): Reply {
  return { status: 'error', reason, message }
}
