import { join } from 'node:path'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { SwitchhookError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { RecordingRecord } from '../../call/records.ts'
import { byteRange } from '../../http/byte-range.ts'
import { sendFile } from '../../http/send-file.ts'
import type { HttpServer } from '../../http/server.ts'
import type { Mp3Files } from '../../media/mp3-files.ts'
import type { Recordings } from '../../store/recordings.ts'
import type { RecordingLinks } from './links.ts'

export interface RecordingRouteParts {
  readonly links: Pick<RecordingLinks, 'read'>
  readonly recordings: Pick<Recordings, 'get'>
  readonly mp3: Pick<Mp3Files, 'open'>
  /** Files of recordings are relative to it. */
  readonly dataFolder: string
  readonly log: Logger
}

/** When the thread that makes mp3 has taken something off its queue again. */
const retryAfterSeconds = 10

/** What `record_url` and `monitor_url` lead to: `/open/recording/…`, playable as mp3 and as WAV, whole or by ranges. */
export function recordingRoutes(server: Pick<HttpServer, 'get'>, parts: RecordingRouteParts): void {
  // What breaks before its first byte went out: the answer is nobody's JSON here.
  const errorHandler = (thrown: unknown, _request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    parts.log.error({ err: toError(thrown) }, 'a recording could not be sent')
    for (const name of ['content-length', 'content-range', 'content-disposition', 'accept-ranges'])
      reply.removeHeader(name)
    return refuse(reply, 500, broken)
  }
  const options = { schema: { hide: true }, errorHandler }
  server.get('/open/recording/:name', options, async (request, reply): Promise<FastifyReply> => {
    const { name } = request.params as { name: string }
    const named = parts.links.read(name)
    const row = named && (await parts.recordings.get(named.id))
    if (!named || !row || row.state === 'deleted' || row.state === 'failed') return refuse(reply, 404, gone)
    // A customer's page plays it from its own host: the link alone is the right to it.
    reply.header('cross-origin-resource-policy', 'cross-origin').header('cache-control', 'private, no-store')
    if (named.format === 'mp3') return await sendMp3(request, reply, row, parts)
    const file = { path: join(parts.dataFolder, row.file), mediaType: 'audio/wav', name: `${row.id}.wav` }
    return (
      (await sendFile(reply, { ...file, disposition: 'inline' }, request.headers.range)) ?? refuse(reply, 404, gone)
    )
  })
}

const gone = 'There is no such recording.'
const broken = 'The recording cannot be given as mp3. The same name ending in .wav gives it as it is.'

async function sendMp3(
  { headers, method }: FastifyRequest,
  reply: FastifyReply,
  row: RecordingRecord,
  { mp3, dataFolder, log }: RecordingRouteParts,
): Promise<FastifyReply> {
  let file: Awaited<ReturnType<Mp3Files['open']>>
  try {
    file = await mp3.open(join(dataFolder, row.file))
  } catch (thrown) {
    return refuseMp3(reply, thrown, row, log)
  }
  const { bytes } = file
  const wanted = byteRange(headers.range, bytes)
  const { first, last } = wanted === null || wanted === 'unsatisfiable' ? { first: 0, last: bytes - 1 } : wanted
  reply
    .type('audio/mpeg')
    .header('accept-ranges', 'bytes')
    .header('content-disposition', `inline; filename="${row.id}.mp3"`)
  if (wanted === 'unsatisfiable') {
    await file.close()
    return reply.code(416).header('content-range', `bytes */${bytes}`).send()
  }
  if (wanted !== null) reply.code(206).header('content-range', `bytes ${first}-${last}/${bytes}`)
  reply.header('content-length', last - first + 1)
  const stream = file.read(first, last)
  // Nothing of it goes out, and nothing has to be made for it.
  if (method === 'HEAD') stream.destroy()
  return reply.send(stream)
}

function refuseMp3(reply: FastifyReply, thrown: unknown, row: RecordingRecord, log: Logger): FastifyReply {
  const error = toError(thrown)
  const code = error instanceof SwitchhookError ? error.code : null
  if (code === 'media.file-not-found') return refuse(reply, 404, gone)
  if (code === 'media.mp3-busy') {
    reply.header('retry-after', retryAfterSeconds)
    return refuse(reply, 503, 'Too many recordings are wanted at once. Ask again, or for the same name ending in .wav.')
  }
  log.error({ err: error, recording: row.id, code }, 'a recording could not be given as mp3')
  return refuse(reply, 500, broken)
}

function refuse(reply: FastifyReply, status: number, sentence: string): FastifyReply {
  return reply.code(status).type('text/plain; charset=utf-8').send(sentence)
}
