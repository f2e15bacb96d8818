import { join } from 'node:path'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { NotFoundError, SwitchhookError } from '../../base/errors.ts'
import type { RecordingRecord } from '../../call/records.ts'
import { sendFile } from '../../http/send-file.ts'
import type { HttpServer } from '../../http/server.ts'
import type { Recordings } from '../../store/recordings.ts'
import type { LinkAction, LinkTarget, RecordingLinks } from './links.ts'
import { renderListenPage, renderRefusal } from './listen-page.ts'
import { playerScript, playerScriptName, playerStyle, playerStyleName } from './player-assets.ts'
import { downloadPath, listenPath } from './wire.ts'

export interface LinkRouteParts {
  readonly links: RecordingLinks
  readonly recordings: Pick<Recordings, 'get'>
  /** Files of recordings are relative to it. */
  readonly dataFolder: string
}

const Query = Type.Object({
  host: Type.Optional(Type.String({ maxLength: 1000 })),
  recordingFile: Type.Optional(Type.String({ maxLength: 300 })),
})
/** Where the page stands. */
const folder = '/recording/'

const schema = { hide: true, querystring: Query }

/** The page has no inline script and loads nothing from elsewhere. CRMs may show it in a frame: the link alone is its right. */
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; media-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors *"

/** What the links of `recordingDownload` and `recordingListen` lead to. */
export function linkRoutes(server: HttpServer, parts: LinkRouteParts): void {
  const { links } = parts
  const options = { schema, errorHandler: answerRefusal }

  server.get(downloadPath, options, async (request, reply) => {
    const target = links.open(['download'], request.query)
    return await sendSound(request, reply, target, 'attachment', parts)
  })

  server.get(listenPath, options, async (request, reply) => {
    const target = links.open(['listen', 'play'], request.query)
    if (target.action === 'play' || wantsSound(request)) {
      return await sendSound(request, reply, target, 'inline', parts)
    }
    const row = await find(target, parts)
    // Seen from the page, so that a proxy may serve us under a path of its own.
    const own = (action: LinkAction): string => {
      const path = links.path(action, target, target.expiresAt)
      return path.startsWith(folder) ? path.slice(folder.length) : `..${path}`
    }
    const page = renderListenPage({
      name: target.file,
      sound: own('play'),
      download: own('download'),
      startedAt: new Date(row.startedAt).toISOString(),
      channels: row.channels,
    })
    return sendPage(reply, page)
  })

  const asset = (path: string, mediaType: string, text: string): void => {
    server.get(path, { schema: { hide: true } }, async (_request, reply) =>
      reply.header('content-type', mediaType).header('cache-control', 'public, max-age=3600').send(text),
    )
  }
  asset(`${folder}${playerScriptName}`, 'text/javascript; charset=utf-8', playerScript)
  asset(`${folder}${playerStyleName}`, 'text/css; charset=utf-8', playerStyle)
}

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', pagePolicy)
    .header('vary', 'accept, sec-fetch-dest')
    .header('cache-control', 'private, no-store')
    .header('referrer-policy', 'no-referrer')
    .removeHeader('x-frame-options')
    .send(page)
}

/** Refusals are read by people, too: browsers get a page, programs the error as every route has it. */
function answerRefusal(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const isRefusal = error instanceof SwitchhookError && error.httpStatus < 500
  if (!isRefusal || !(request.headers.accept ?? '').includes('text/html')) throw error
  const isDownload = request.url.startsWith(downloadPath)
  const page = renderRefusal(error.message, isDownload ? `../..${folder}` : '')
  return sendPage(reply.code(error.httpStatus), page)
}

/** A listen link in the `src` of a player: the sound itself is wanted, not the page around it. */
function wantsSound({ headers }: FastifyRequest): boolean {
  if (headers['sec-fetch-dest'] === 'audio') return true
  const kinds = (headers.accept ?? '').split(',').map((one) => {
    const [kind = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    return { kind, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
  })
  const best = (prefix: string): number =>
    Math.max(0, ...kinds.filter(({ kind }) => kind.startsWith(prefix)).map(({ quality }) => quality))
  return best('audio/') > best('text/html')
}

async function sendSound(
  request: FastifyRequest,
  reply: FastifyReply,
  target: LinkTarget,
  disposition: 'inline' | 'attachment',
  parts: LinkRouteParts,
): Promise<FastifyReply> {
  const row = await find(target, parts)
  // A CRM plays it from a page of its own host; what may be heard is decided by the link.
  reply.header('cross-origin-resource-policy', 'cross-origin').header('cache-control', 'private, no-store')
  const file = { path: join(parts.dataFolder, row.file), mediaType: 'audio/wav', disposition, name: target.file }
  const sent = await sendFile(reply, file, request.headers.range)
  if (!sent) throw gone(target)
  return sent
}

/** The file is looked up by its row; the name in the link is never a path. Throws NotFoundError `recording.file-gone`. */
async function find(target: LinkTarget, { recordings }: LinkRouteParts): Promise<RecordingRecord> {
  const row = await recordings.get(target.recordingId, target.tenant)
  if (!row || row.state === 'deleted' || row.state === 'failed') throw gone(target)
  return row
}

function gone({ recordingId }: LinkTarget): NotFoundError {
  return new NotFoundError('recording.file-gone', 'This recording is not there any more.', { facts: { recordingId } })
}
