import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { FastifyReply } from 'fastify'
import { byteRange } from './byte-range.ts'

export interface FileToSend {
  readonly path: string
  readonly mediaType: string
  /** `inline` or `attachment`, and the name it is saved by. */
  readonly disposition: 'inline' | 'attachment'
  readonly name: string
}

/**
 * Answers with a file: the whole, or the one range that was asked for (RFC 9110 §14).
 * @returns null where the file is not there: nothing has been sent.
 */
export async function sendFile(
  reply: FastifyReply,
  file: FileToSend,
  range: string | undefined,
): Promise<FastifyReply | null> {
  const found = await stat(file.path).catch(() => null)
  if (!found) return null
  const wanted = byteRange(range, found.size)
  reply
    .type(file.mediaType)
    .header('accept-ranges', 'bytes')
    .header('content-disposition', `${file.disposition}; filename="${file.name}"`)
  if (wanted === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${found.size}`).send()
  if (wanted === null) {
    reply.header('content-length', found.size)
    return found.size === 0 ? reply.send('') : reply.send(createReadStream(file.path, { end: found.size - 1 }))
  }
  const { first, last } = wanted
  return reply
    .code(206)
    .header('content-range', `bytes ${first}-${last}/${found.size}`)
    .header('content-length', last - first + 1)
    .send(createReadStream(file.path, { start: first, end: last }))
}
