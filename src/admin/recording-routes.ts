import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { NotFoundError } from '../base/errors.ts'
import type { CallId, RecordingId } from '../base/ids.ts'
import type { RecordingRecord, RecordingState } from '../call/records.ts'
import { sendFile } from '../http/send-file.ts'
import type { HttpServer } from '../http/server.ts'
import type { Store } from '../store/store.ts'
import { pageRequest } from './call-routes.ts'
import { ErrorSchema, PageQuery, pageOf, RecordingSchema } from './schemas.ts'
import { TimeRange, timeRange } from './time-range.ts'
import { viewRecording } from './views.ts'

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) })
const states = ['recording', 'saved', 'failed', 'interrupted', 'deleted'] as const satisfies readonly RecordingState[]

/** Recordings: their rows and their sound. */
export function recordingRoutes(api: HttpServer, parts: { store: Store; dataFolder: string }): void {
  const { store, dataFolder } = parts

  api.get(
    '/recordings',
    {
      schema: {
        summary: 'Recordings, newest first',
        tags: ['recordings'],
        querystring: Type.Object(
          {
            tenant: Type.Optional(Type.String()),
            callId: Type.Optional(Type.String()),
            state: Type.Optional(Type.Enum([...states])),
            ...TimeRange,
            ...PageQuery,
          },
          { additionalProperties: false },
        ),
        response: { 200: pageOf(RecordingSchema), 400: ErrorSchema },
      },
    },
    async ({ query }) => {
      const { limit, cursor, callId, startedFrom, startedBefore, ...rest } = query
      const filter = {
        ...rest,
        ...timeRange({ startedFrom, startedBefore }),
        ...(callId === undefined ? {} : { callId: callId as CallId }),
      }
      const page = await store.recordings.list(filter, pageRequest(limit, cursor))
      return { items: page.items.map(viewRecording), nextCursor: page.nextCursor }
    },
  )

  api.get(
    '/recordings/:id',
    {
      schema: {
        summary: 'A recording',
        tags: ['recordings'],
        params: IdParams,
        response: { 200: RecordingSchema, 404: ErrorSchema },
      },
    },
    async ({ params }) => viewRecording(await find(store, params.id)),
  )

  api.get(
    '/recordings/:id/audio',
    {
      schema: {
        summary: 'The sound of a recording, as WAV',
        description:
          'Byte ranges are served, so that a player can seek. A recording in progress is given as it stands.',
        tags: ['recordings'],
        params: IdParams,
        response: { 404: ErrorSchema },
      },
    },
    async ({ params, headers }, reply) => {
      const row = await find(store, params.id)
      const path = join(dataFolder, row.file)
      const file = { path, mediaType: 'audio/wav', disposition: 'inline', name: `${row.id}.wav` } as const
      const sent = row.state === 'deleted' ? null : await sendFile(reply, file, headers.range)
      if (sent) return sent
      throw new NotFoundError('recording.file-gone', `The file of recording ${row.id} is not there.`, {
        facts: { recordingId: row.id },
      })
    },
  )

  api.delete(
    '/recordings/:id',
    {
      schema: {
        summary: 'Deletes the sound; the row stays and says so',
        tags: ['recordings'],
        params: IdParams,
        response: { 204: Type.Null(), 404: ErrorSchema },
      },
    },
    async ({ params }, reply) => {
      const row = await find(store, params.id)
      if (row.state === 'recording') {
        throw new NotFoundError('recording.unknown', 'The recording is still going on; end the call first.')
      }
      await rm(join(dataFolder, row.file), { force: true })
      await store.recordings.markDeleted(row.id)
      return reply.code(204).send(null)
    },
  )
}

async function find(store: Store, id: string): Promise<RecordingRecord> {
  const row = await store.recordings.get(id as RecordingId)
  if (!row) throw new NotFoundError('recording.unknown', `There is no recording ${id}.`, { facts: { recordingId: id } })
  return row
}
