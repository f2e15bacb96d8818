import { Type } from 'typebox'
import { NotFoundError } from '../base/errors.ts'
import { describeUrlText } from '../http/outgoing/outgoing-url.ts'
import type { HttpServer } from '../http/server.ts'
import type { EventFilter, NumberedAttempt, OutboxEvent } from '../store/outbox-types.ts'
import type { Store } from '../store/store.ts'
import { pageRequest } from './call-routes.ts'
import { ErrorSchema, nullable, PageQuery, pageOf, time } from './schemas.ts'

const StateSchema = Type.Union(
  [
    Type.Literal('waiting'),
    Type.Literal('behind'),
    Type.Literal('sending'),
    Type.Literal('delivered'),
    Type.Literal('dead'),
  ],
  {
    description:
      'waiting: for its next attempt; behind: for an earlier event of its call; sending: now; delivered; dead: given up.',
  },
)
const EventSchema = Type.Object({
  id: Type.String(),
  tenant: Type.String(),
  kind: Type.String(),
  orderKey: nullable(Type.String({ description: 'Events of one key go in their order. Mostly the id of the call.' })),
  url: Type.String({ description: 'Without credentials and the values of its query.' }),
  state: StateSchema,
  attempts: Type.Integer({ description: 'Since it was made, or sent again by hand.' }),
  maxAttempts: Type.Integer(),
  createdAt: time,
  nextAttemptAt: nullable(time),
  finishedAt: nullable(time),
  lastStatus: nullable(Type.Integer()),
  lastProblem: nullable(Type.String({ description: 'Why the last attempt failed, in one sentence.' })),
})
const AttemptSchema = Type.Object({
  number: Type.Integer(),
  at: time,
  durationMs: Type.Integer(),
  status: nullable(Type.Integer()),
  problem: nullable(Type.String()),
  answer: nullable(Type.String({ description: 'The first 2,048 characters of what was answered.' })),
})
const EventDetailsSchema = Type.Object({
  event: EventSchema,
  contentType: Type.String(),
  body: Type.String({ description: 'What is sent. Digits that a caller keyed are not shown.' }),
  history: Type.Array(AttemptSchema, { description: 'Its last 50 attempts, the first one first.' }),
})

const IdParams = Type.Object({ id: Type.String({ maxLength: 200 }) })

export interface EventRoutesParts {
  readonly store: Store
  /** A body without what is a caller's own, such as keyed digits; as it is if absent. */
  eventBody?(event: OutboxEvent): string
}

/** Events that are owed to programs outside, and what became of them. */
export function eventRoutes(api: HttpServer, parts: EventRoutesParts): void {
  const { outbox } = parts.store
  const shownBody = (event: OutboxEvent): string => parts.eventBody?.(event) ?? event.body

  api.get(
    '/events',
    {
      schema: {
        summary: 'Events that are told to programs outside: the queue and its history, newest first',
        tags: ['events'],
        querystring: Type.Object({
          tenant: Type.Optional(Type.String()),
          kind: Type.Optional(Type.String()),
          state: Type.Optional(StateSchema),
          orderKey: Type.Optional(Type.String({ description: 'The id of a call.' })),
          createdFrom: Type.Optional(Type.String({ format: 'date-time' })),
          createdBefore: Type.Optional(Type.String({ format: 'date-time' })),
          ...PageQuery,
        }),
        response: { 200: pageOf(EventSchema), 400: ErrorSchema },
      },
    },
    async ({ query }) => {
      const { limit, cursor, createdFrom, createdBefore, ...rest } = query
      const filter: EventFilter = {
        ...rest,
        ...(createdFrom === undefined ? {} : { createdFrom: Date.parse(createdFrom) }),
        ...(createdBefore === undefined ? {} : { createdBefore: Date.parse(createdBefore) }),
      }
      const page = await outbox.list(filter, pageRequest(limit, cursor))
      return { items: page.items.map(viewEvent), nextCursor: page.nextCursor }
    },
  )

  api.get(
    '/events/:id',
    {
      schema: {
        summary: 'An event with what is sent and what became of each attempt',
        tags: ['events'],
        params: IdParams,
        response: { 200: EventDetailsSchema, 404: ErrorSchema },
      },
    },
    async ({ params: { id } }) => {
      const [event, history] = await Promise.all([outbox.get(id), outbox.history(id)])
      if (!event) throw new NotFoundError('event.unknown', `There is no event ${id}.`, { facts: { eventId: id } })
      const { contentType } = event
      return { event: viewEvent(event), contentType, body: shownBody(event), history: history.map(viewAttempt) }
    },
  )

  api.post(
    '/events/:id/resend',
    {
      schema: {
        summary: 'Sends an event again, now',
        description: 'One that was delivered, was given up, or waits for its next attempt. With the same id as before.',
        tags: ['events'],
        params: IdParams,
        response: { 202: EventSchema, 404: ErrorSchema, 409: ErrorSchema },
      },
    },
    async ({ params: { id } }, reply) => reply.code(202).send(viewEvent(await outbox.resend(id))),
  )
}

function viewEvent(event: OutboxEvent) {
  const { id, tenant, kind, orderKey, url, state, attempts, maxAttempts, lastStatus, lastProblem } = event
  return {
    id,
    tenant,
    kind,
    orderKey,
    url: describeUrlText(url),
    state,
    attempts,
    maxAttempts,
    createdAt: iso(event.createdAt),
    nextAttemptAt: state === 'waiting' ? iso(event.nextAt) : null,
    finishedAt: event.finishedAt === null ? null : iso(event.finishedAt),
    lastStatus,
    lastProblem,
  }
}

function viewAttempt({ at, ...rest }: NumberedAttempt) {
  return { ...rest, at: iso(at) }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
