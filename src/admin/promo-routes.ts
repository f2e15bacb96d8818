import { Type } from 'typebox'
import { NotFoundError } from '../base/errors.ts'
import { tariffKey } from '../dialects/voicemail/service.ts'
import type { HttpServer } from '../http/server.ts'
import type { Directory } from '../routing/directory.ts'
import type { Meta } from '../store/meta.ts'
import type { Voicemail } from '../store/voicemail.ts'
import { ErrorSchema } from './schemas.ts'
import { PromoSchema } from './voicemail-schemas.ts'

export interface PromoRoutesParts {
  readonly directory: Directory
  readonly store: { readonly voicemail: Voicemail; readonly meta: Meta }
}

const TenantParams = Type.Object({ tenant: Type.String({ maxLength: 64 }) })
const PromoParams = Type.Object({
  ...TenantParams.properties,
  promo: Type.Union([Type.Literal('x'), Type.Literal('y')]),
})
const TariffSchema = Type.Object({ isOn: Type.Boolean({ description: 'Whether callers hear what the call costs.' }) })
const tags = ['voicemail']

/** What a tenant's callers of voicemail hear besides: promos and the announcement of the tariff. */
export function promoRoutes(api: HttpServer, { directory, store }: PromoRoutesParts): void {
  const known = (tenant: string): void => {
    if (!directory.tenant(tenant)) throw new NotFoundError('tenant.unknown', `There is no tenant ${tenant}.`)
  }

  api.put(
    '/voicemail/:tenant/promos/:promo',
    {
      schema: {
        summary: 'Sets promo x or y, and from when until when it plays',
        tags,
        params: PromoParams,
        body: PromoSchema,
        response: { 204: Type.Null(), 404: ErrorSchema },
      },
    },
    async ({ params, body }, reply) => {
      known(params.tenant)
      await store.voicemail.putPromo({
        ...params,
        is_on: body.isOn ? 1 : 0,
        voice: body.voice,
        message: body.message,
        active_from: body.activeFrom === null ? null : Date.parse(body.activeFrom),
        active_until: body.activeUntil === null ? null : Date.parse(body.activeUntil),
      })
      return reply.code(204).send(null)
    },
  )

  api.get(
    '/voicemail/:tenant/takers',
    {
      schema: {
        summary: 'Who pressed 1 at a promo, and who did not',
        tags,
        params: TenantParams,
        response: {
          200: Type.Object({
            items: Type.Array(
              Type.Object({
                promo: Type.String(),
                number: Type.String(),
                isTaker: Type.Boolean(),
                decidedAt: Type.String(),
              }),
            ),
          }),
        },
      },
    },
    async ({ params }) => ({
      items: (await store.voicemail.takers(params.tenant)).map(({ promo, number, is_taker, decided_at }) => ({
        promo,
        number,
        isTaker: is_taker === 1,
        decidedAt: new Date(decided_at).toISOString(),
      })),
    }),
  )

  api.put(
    '/voicemail/:tenant/tariff',
    {
      schema: {
        summary: 'Switches the announcement of the tariff on or off',
        tags,
        params: TenantParams,
        body: TariffSchema,
        response: { 204: Type.Null(), 404: ErrorSchema },
      },
    },
    async ({ params, body }, reply) => {
      known(params.tenant)
      await store.meta.set(tariffKey(params.tenant), body.isOn ? 'on' : 'off')
      return reply.code(204).send(null)
    },
  )
}
