import { Type } from 'typebox'
import type { HttpServer } from '../http/server.ts'

/** Deletes recordings by their age. */
export interface RetentionRunner {
  run(options: { readonly isDryRun: boolean }): Promise<
    readonly {
      readonly tenant: string
      readonly days: number
      /** Wall-clock ms. */
      readonly before: number
      readonly recordings: number
      readonly bytes: number
    }[]
  >
}

const ResultSchema = Type.Object({
  isDryRun: Type.Boolean(),
  items: Type.Array(
    Type.Object({
      tenant: Type.String(),
      days: Type.Integer({ description: 'How long it keeps recordings: `callRecording.retentionDays`.' }),
      before: Type.String({ format: 'date-time' }),
      recordings: Type.Integer(),
      bytes: Type.Integer(),
    }),
    { description: 'Tenants that keep recordings for ever are left out.' },
  ),
})

/** Retention of recordings, by hand. It also runs by itself every six hours. */
export function retentionRoutes(api: HttpServer, parts: { readonly retention: RetentionRunner }): void {
  api.post(
    '/retention/recordings',
    {
      schema: {
        summary: 'Deletes recordings that are older than their tenants keep them',
        description: 'With `dryRun=true` nothing is deleted: the answer says what would be. The rows stay and say so.',
        tags: ['recordings'],
        querystring: Type.Object({
          dryRun: Type.Boolean({ description: 'To be said, so that nothing is deleted by a slip.' }),
        }),
        response: { 200: ResultSchema },
      },
    },
    async ({ query }) => {
      const results = await parts.retention.run({ isDryRun: query.dryRun })
      const items = results.map((result) => ({ ...result, before: new Date(result.before).toISOString() }))
      return { isDryRun: query.dryRun, items }
    },
  )
}
