import { Type } from 'typebox'
import type { HttpServer } from '../http/server.ts'
import type { Store } from '../store/store.ts'
import { ErrorSchema } from './schemas.ts'
import type { Registration } from './status.ts'

/** Registrations and statistics. */
export function statusRoutes(api: HttpServer, parts: { registrations(): readonly Registration[]; store: Store }): void {
  api.get(
    '/registrations',
    {
      schema: {
        summary: 'Telephones that are registered now',
        tags: ['status'],
        response: {
          200: Type.Object({
            items: Type.Array(
              Type.Object({
                tenant: Type.String(),
                extension: Type.String(),
                contact: Type.String(),
                address: Type.String({ description: 'Where its packets come from.' }),
                userAgent: Type.Union([Type.String(), Type.Null()]),
                expiresAt: Type.String({ format: 'date-time' }),
              }),
            ),
          }),
        },
      },
    },
    async () => ({ items: [...parts.registrations()] }),
  )

  api.get(
    '/statistics/calls-per-day',
    {
      schema: {
        summary: 'Calls per day and how they ended',
        tags: ['status'],
        querystring: Type.Object({
          tenant: Type.Optional(Type.String()),
          from: Type.String({ format: 'date-time' }),
          before: Type.String({ format: 'date-time' }),
          timeZone: Type.Optional(Type.String({ description: 'IANA name; UTC where absent.' })),
        }),
        response: { 200: Type.Object({ items: Type.Array(Type.Unknown()) }), 429: ErrorSchema },
      },
    },
    async ({ query }) => {
      const { tenant, from, before, timeZone = 'UTC' } = query
      const request = {
        from: Date.parse(from),
        before: Date.parse(before),
        timeZone,
        ...(tenant === undefined ? {} : { tenant }),
      }
      return { items: [...(await parts.store.callsPerDay(request))] }
    },
  )
}
