import { Type } from 'typebox'
import { NotFoundError } from '../base/errors.ts'
import type { CallId } from '../base/ids.ts'
import type { Calls } from '../call/calls.ts'
import type { HangupCause } from '../call/records.ts'
import type { HttpServer } from '../http/server.ts'
import { hangupCauses } from '../leg/hangup-cause.ts'
import type { CallFilter } from '../store/call-filter.ts'
import type { Store } from '../store/store.ts'
import { csvColumns, csvLine, exportLines } from './call-export.ts'
import { hangUp } from './live-call-routes.ts'
import { CallDetailsSchema, CallSchema, ErrorSchema, JournalEventSchema, PageQuery, pageOf } from './schemas.ts'
import { TimeRange, timeRange } from './time-range.ts'
import { viewCall, viewEvent, viewLeg, viewRecording } from './views.ts'

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) })
const Filter = {
  tenant: Type.Optional(Type.String()),
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  extension: Type.Optional(Type.String({ description: 'The extension that called.' })),
  of: Type.Optional(
    Type.String({
      description:
        'An extension that called, took the call, or was to. Closed calls only. Say the tenant too: that is quick.',
    }),
  ),
  direction: Type.Optional(Type.Enum(['inbound', 'outbound'])),
  answeredBy: Type.Optional(Type.String()),
  app: Type.Optional(Type.String()),
  cause: Type.Optional(Type.Enum(Object.keys(hangupCauses) as HangupCause[])),
  state: Type.Optional(Type.Enum(['open', 'ended'])),
  ...TimeRange,
  text: Type.Optional(Type.String({ maxLength: 100, description: 'Found anywhere in numbers, names and extensions.' })),
}
// A name that is misspelt must not make an export of everything.
const FilterObject = Type.Object(Filter, { additionalProperties: false })
type FilterQuery = Type.Static<typeof FilterObject>

/** Calls, past and live. */
export function callRoutes(api: HttpServer, parts: { calls: Calls; store: Store }): void {
  const { calls, store } = parts

  api.get(
    '/calls',
    {
      schema: {
        summary: 'Call records, newest first',
        tags: ['calls'],
        querystring: Type.Object({ ...Filter, ...PageQuery }, { additionalProperties: false }),
        response: { 200: pageOf(CallSchema), 400: ErrorSchema },
      },
    },
    async ({ query }) => {
      const { limit, cursor, ...filter } = query
      const page = await store.calls.list(toFilter(filter), pageRequest(limit, cursor))
      return { items: page.items.map(viewCall), nextCursor: page.nextCursor }
    },
  )

  api.get(
    '/calls/live',
    {
      schema: {
        summary: 'Calls that are up',
        tags: ['calls'],
        response: { 200: Type.Object({ items: Type.Array(CallSchema) }) },
      },
    },
    async () => ({ items: calls.live().map((call) => viewCall(call.record())) }),
  )

  api.get(
    '/calls/:id',
    {
      schema: {
        summary: 'A call with its legs and recordings',
        tags: ['calls'],
        params: IdParams,
        response: { 200: CallDetailsSchema, 404: ErrorSchema },
      },
    },
    async ({ params }) => {
      const { call, legs, recordings } = await detailsOf(store, params.id)
      return { call: viewCall(call), legs: legs.map(viewLeg), recordings: recordings.map(viewRecording) }
    },
  )

  api.get(
    '/calls/:id/journal',
    {
      schema: {
        summary: 'What happened in a call, on one clock',
        description: 'Keys that were pressed stand as `*` unless `digits=show`.',
        tags: ['calls'],
        params: IdParams,
        querystring: Type.Object({ digits: Type.Optional(Type.Union([Type.Literal('hide'), Type.Literal('show')])) }),
        response: { 200: Type.Object({ items: Type.Array(JournalEventSchema) }), 404: ErrorSchema },
      },
    },
    async ({ params, query }) => {
      const { journal } = await detailsOf(store, params.id)
      return { items: journal.map((event) => viewEvent(event, query.digits === 'show')) }
    },
  )

  api.post(
    '/calls/:id/hangup',
    {
      schema: {
        summary: 'Ends a live call',
        tags: ['calls'],
        params: IdParams,
        response: { 202: Type.Object({ id: Type.String() }), 404: ErrorSchema },
      },
    },
    async ({ params }, reply) => {
      hangUp(calls, params.id)
      return reply.code(202).send({ id: params.id })
    },
  )

  api.get(
    '/calls.jsonl',
    {
      schema: { summary: 'All matching calls as JSON lines, oldest first', tags: ['calls'], querystring: FilterObject },
    },
    async ({ query }, reply) => {
      const lines = exportLines(store.calls.export(toFilter(query)), null, (call) => JSON.stringify(call))
      return reply.type('application/jsonl').send(lines)
    },
  )

  api.get(
    '/calls.csv',
    {
      schema: {
        summary: 'All matching calls as CSV, oldest first',
        description:
          'RFC 4180, in UTF-8, with a header line; times in UTC. Texts that a spreadsheet would take for a formula begin with an apostrophe.',
        tags: ['calls'],
        querystring: FilterObject,
      },
    },
    async ({ query }, reply) => {
      const lines = exportLines(store.calls.export(toFilter(query)), csvLine(csvColumns), (call) =>
        csvLine(csvColumns.map((name) => call[name])),
      )
      return reply
        .header('content-type', 'text/csv; charset=utf-8; header=present')
        .header('content-disposition', 'attachment; filename="calls.csv"')
        .send(lines)
    },
  )
}

function toFilter({ startedFrom, startedBefore, ...rest }: FilterQuery): CallFilter {
  return { ...rest, ...timeRange({ startedFrom, startedBefore }) }
}

export function pageRequest(
  limit: number | undefined,
  cursor: string | undefined,
): { limit?: number; cursor?: string } {
  return { ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) }
}

async function detailsOf(store: Store, id: string) {
  const details = await store.calls.get(id as CallId)
  if (!details) throw unknownCall(id)
  return details
}

function unknownCall(id: string): NotFoundError {
  return new NotFoundError('call.unknown', `There is no call ${id}.`, { facts: { callId: id } })
}
