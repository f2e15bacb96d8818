import { Type } from 'typebox'
import { NotFoundError } from '../base/errors.ts'
import { sendFile } from '../http/send-file.ts'
import type { HttpServer } from '../http/server.ts'
import { ErrorSchema } from './schemas.ts'
import { allButBodies, conditionOf, mustExist, type SettingRoutesParts, withEtag } from './setting-replies.ts'
import { ConditionHeaders, EntrySchema, InvalidSchema, TenantParams } from './setting-schemas.ts'

/** That of prompts anywhere: see `PromptLibrary`. */
const longestSoundBytes = 10 * 1024 * 1024

const PromptParams = Type.Object({ ...TenantParams.properties, key: Type.String({ maxLength: 128 }) })
const tags = ['settings']
const sound = { schema: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }) }
const sounds = { content: { 'audio/wav': sound, 'audio/mpeg': sound } }

/** The sounds of a tenant's named prompts. */
export function promptRoutes(api: HttpServer, { directory, settings }: SettingRoutesParts): void {
  api.get(
    '/tenants/:tenant/recordings/:key/audio',
    {
      schema: {
        summary: 'The sound of a prompt',
        description: 'As WAV or mp3, as it came. Byte ranges are served.',
        tags,
        params: PromptParams,
        response: { 200: sounds, 206: sounds, 404: ErrorSchema, 416: Type.Null() },
      },
    },
    async ({ params: { tenant, key }, headers }, reply) => {
      mustExist(directory, tenant)
      const recording = directory.tenant(tenant)?.recordings.get(key)
      const path = recording?.file ?? [...(recording?.byLanguage.values() ?? [])][0]
      const sent = path === undefined ? null : await sendFile(reply, soundAt(path), headers.range)
      if (sent) return sent
      throw new NotFoundError('setting.unknown', `Tenant ${tenant} has no prompt ${key}.`, { facts: { tenant, key } })
    },
  )

  api.register(async (scope) => {
    const inner = scope as HttpServer
    inner.removeAllContentTypeParsers()
    inner.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: longestSoundBytes }, (_request, body, done) =>
      done(null, body),
    )
    inner.put(
      '/tenants/:tenant/recordings/:key',
      {
        validatorCompiler: allButBodies,
        schema: {
          summary: 'Sets a prompt: a WAV or mp3 file as the body',
          description:
            'At most 10 MB and an hour. It is decoded whole before it is taken; calls that play the old one play it to its end.',
          tags,
          consumes: ['audio/wav', 'audio/mpeg', 'application/octet-stream'],
          params: PromptParams,
          headers: ConditionHeaders,
          body: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }),
          response: {
            200: EntrySchema,
            404: ErrorSchema,
            409: ErrorSchema,
            412: ErrorSchema,
            413: ErrorSchema,
            422: InvalidSchema,
          },
        },
      },
      async ({ params: { tenant, key }, body, headers }, reply) => {
        mustExist(directory, tenant)
        const sound = body instanceof Uint8Array ? body : new Uint8Array()
        const place = { tenant, kind: 'recordings', key } as const
        return withEtag(reply, await settings.putPrompt(place, sound, conditionOf(headers)))
      },
    )
  })
}

function soundAt(path: string) {
  const isMp3 = /\.mp3$/i.test(path)
  const mediaType = isMp3 ? 'audio/mpeg' : 'audio/wav'
  return { path, mediaType, disposition: 'inline', name: isMp3 ? 'prompt.mp3' : 'prompt.wav' } as const
}
