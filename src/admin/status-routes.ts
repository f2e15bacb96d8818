import { Type } from 'typebox'
import type { HttpServer } from '../http/server.ts'
import type { Store } from '../store/store.ts'
import { ErrorSchema, nullable, time } from './schemas.ts'
import type { Registration, TrunkStatus } from './status.ts'

const TrunkSchema = Type.Object({
  name: Type.String(),
  tenant: Type.String(),
  state: Type.Union([Type.Literal('up'), Type.Literal('degraded'), Type.Literal('down'), Type.Literal('unknown')], {
    description: 'unknown: not tried yet.',
  }),
  since: time,
  sentence: Type.String({ description: 'Why, in one sentence.' }),
  calls: Type.Integer({ description: 'Calls that are going by it now.' }),
  lastAnswer: nullable(time),
  registeredUntil: nullable(time),
  hosts: Type.Array(
    Type.Object({
      address: Type.String(),
      state: Type.Union([Type.Literal('closed'), Type.Literal('open'), Type.Literal('half-open')], {
        description:
          'Of its circuit breaker. closed: calls go there; open: none do; half-open: one is let through, to see.',
      }),
      since: time,
      lastAnswer: nullable(time),
    }),
  ),
})

/** Registrations, trunks and statistics. */
export function statusRoutes(
  api: HttpServer,
  parts: { registrations(): readonly Registration[]; trunks(): readonly TrunkStatus[]; store: Store },
): void {
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
    '/trunks',
    {
      schema: {
        summary: 'Trunks, and whether calls go by them',
        tags: ['status'],
        querystring: Type.Object({ tenant: Type.Optional(Type.String()) }),
        response: { 200: Type.Object({ items: Type.Array(TrunkSchema) }) },
      },
    },
    async ({ query }) => ({
      items: parts
        .trunks()
        .filter(({ tenant }) => query.tenant === undefined || tenant === query.tenant)
        .map((trunk) => ({ ...trunk, hosts: [...trunk.hosts] })),
    }),
  )

  api.get(
    '/statistics/calls-per-day',
    {
      schema: {
        summary: 'Calls per day and how they ended',
        tags: ['status'],
        querystring: Type.Object(
          {
            tenant: Type.Optional(Type.String()),
            from: Type.String({ format: 'date-time' }),
            before: Type.String({ format: 'date-time' }),
            timeZone: Type.Optional(Type.String({ description: 'IANA name; UTC where absent.' })),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            items: Type.Array(
              Type.Object({
                day: Type.String({ format: 'date' }),
                cause: Type.Union([Type.String(), Type.Null()], { description: 'Null: still going on.' }),
                calls: Type.Integer(),
                answered: Type.Integer(),
                talkMs: Type.Integer(),
              }),
            ),
          }),
          400: ErrorSchema,
        },
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

  api.get(
    '/statistics/extensions-per-day',
    {
      schema: {
        summary: 'Calls per day and extension',
        tags: ['status'],
        querystring: Type.Object(
          {
            tenant: Type.Optional(Type.String()),
            extension: Type.Optional(Type.String()),
            from: Type.String({ format: 'date-time' }),
            before: Type.String({ format: 'date-time' }),
            timeZone: Type.Optional(Type.String({ description: 'IANA name; UTC where absent.' })),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            items: Type.Array(
              Type.Object({
                day: Type.String({ format: 'date' }),
                tenant: Type.String(),
                extension: Type.String(),
                calls: Type.Integer(),
                outgoing: Type.Integer({ description: 'Of them, those that the extension placed.' }),
                answered: Type.Integer(),
                talkSeconds: Type.Number(),
              }),
            ),
          }),
          400: ErrorSchema,
        },
      },
    },
    async ({ query }) => {
      const { from, before, timeZone = 'UTC', ...whose } = query
      const request = { ...whose, from: Date.parse(from), before: Date.parse(before), timeZone }
      const days = await parts.store.extensionCalls.perDay(request)
      return { items: days.map(({ talkMs, ...day }) => ({ ...day, talkSeconds: talkMs / 1000 })) }
    },
  )
}
