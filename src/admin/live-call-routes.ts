import { Type } from 'typebox'
import { type Monitor, monitor, monitorOf, usualMonitor } from '../action/monitor.ts'
import { NotFoundError, StateError } from '../base/errors.ts'
import type { Call } from '../call/call.ts'
import type { Calls } from '../call/calls.ts'
import type { RecordingParts } from '../call/recording.ts'
import type { HttpServer } from '../http/server.ts'
import { LiveCallSchema } from './live-schemas.ts'
import { viewLiveCall } from './live-views.ts'
import { ErrorSchema } from './schemas.ts'

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) })
const tags = ['live']

/** A screenful; whoever wants more says so. */
const usualLimit = 500

/** Calls as they are at this moment: who is in them, who hears whom, and what is recorded. */
export function liveCallRoutes(api: HttpServer, parts: { readonly calls: Calls } & RecordingParts): void {
  const { calls } = parts

  api.get(
    '/live/calls',
    {
      schema: {
        summary: 'Calls that are up, with their parties; the newest first',
        tags,
        querystring: Type.Object({
          tenant: Type.Optional(Type.String()),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000, description: `${usualLimit} where absent.` })),
        }),
        response: {
          200: Type.Object({
            items: Type.Array(LiveCallSchema),
            total: Type.Integer({ description: 'How many there are, whatever the limit.' }),
          }),
        },
      },
    },
    async ({ query }) => {
      const { tenant, limit = usualLimit } = query
      const found = calls.live().filter((call) => tenant === undefined || call.tenant === tenant)
      return { items: found.slice(-limit).reverse().map(viewLiveCall), total: found.length }
    },
  )

  api.get(
    '/live/calls/:id',
    {
      schema: {
        summary: 'One call that is up',
        tags,
        params: IdParams,
        response: { 200: LiveCallSchema, 404: ErrorSchema },
      },
    },
    async ({ params }) => viewLiveCall(liveCall(calls, params.id)),
  )

  api.post(
    '/live/calls/:id/hangup',
    {
      schema: {
        summary: 'Ends a live call, with all its parties',
        tags,
        params: IdParams,
        response: { 202: Type.Object({ id: Type.String() }), 404: ErrorSchema },
      },
    },
    async ({ params }, reply) => {
      hangUp(calls, params.id)
      return reply.code(202).send({ id: params.id })
    },
  )

  api.post(
    '/live/calls/:id/transfer',
    {
      schema: {
        summary: 'Has another take the place of one of the two who are joined',
        description:
          'As if its telephone had asked for a blind transfer: `to` is rung, the other one waits with music, and the leg is hung up when `to` has answered. When nobody answers, the two are joined again.',
        tags,
        params: IdParams,
        body: Type.Object({
          leg: Type.String({ maxLength: 64, description: 'Whose place is taken: an `id` of the parties.' }),
          to: Type.String({ minLength: 1, maxLength: 128, description: 'An extension or a number.' }),
        }),
        response: { 202: Type.Object({ id: Type.String() }), 404: ErrorSchema, 409: ErrorSchema },
      },
    },
    async ({ params, body }, reply) => {
      transfer(liveCall(calls, params.id), body.leg, body.to)
      return reply.code(202).send({ id: params.id })
    },
  )

  api.post(
    '/live/calls/:id/monitor',
    {
      schema: {
        summary: 'Records a live call as a whole, on two channels',
        description:
          'A paused stretch is quiet in the file, so that its time stays true. `stop` is answered when the file is whole.',
        tags,
        params: IdParams,
        body: Type.Object({
          action: Type.Union([
            Type.Literal('start'),
            Type.Literal('pause'),
            Type.Literal('resume'),
            Type.Literal('stop'),
          ]),
        }),
        response: {
          200: Type.Object({
            recordingId: Type.String(),
            state: Type.Union([Type.Literal('recording'), Type.Literal('paused'), Type.Literal('stopped')]),
          }),
          404: ErrorSchema,
          409: ErrorSchema,
        },
      },
    },
    async ({ params, body }) => {
      const call = liveCall(calls, params.id)
      const running = body.action === 'start' ? monitor(call, parts, usualMonitor) : runningMonitor(call)
      const { recordingId } = running
      if (body.action === 'stop') {
        await running.stop()
        return { recordingId, state: 'stopped' as const }
      }
      if (body.action === 'pause') running.pause()
      if (body.action === 'resume') running.resume()
      return { recordingId, state: running.isPaused ? ('paused' as const) : ('recording' as const) }
    },
  )
}

/** Throws NotFoundError `call.unknown`. */
export function hangUp(calls: Calls, id: string): void {
  const sentence = 'An operator ended the call over the admin API.'
  liveCall(calls, id).end({ by: 'server', cause: 'normal', sentence })
}

/** Throws StateError `call.not-transferable`. */
function transfer(call: Call, legId: string, to: string): void {
  const party = call.parties().find(({ leg }) => leg.id === legId)
  const { transfers } = call.parts
  let refusal: number | null = null
  if (party && call.bridge?.has(party)) {
    transfers.requested(call, party, {
      target: `sip:${to}`,
      dialled: to,
      replaces: null,
      referredBy: null,
      accept: () => {},
      reject: (status) => {
        refusal = status
      },
      progress: () => {},
    })
    if (refusal === null) return
  }
  const sentence = `The leg ${legId} of the call ${call.id} is not joined with another, or is being transferred.`
  throw new StateError('call.not-transferable', sentence, { facts: { callId: call.id, legId, status: refusal } })
}

function liveCall(calls: Calls, id: string): Call {
  const call = calls.find(id)
  if (call) return call
  throw new NotFoundError('call.unknown', `There is no live call ${id}.`, { facts: { callId: id } })
}

function runningMonitor(call: Call): Monitor {
  const running = monitorOf(call)
  if (running) return running
  throw new StateError('action.not-monitored', `The call ${call.id} is not being recorded as a whole.`, {
    facts: { callId: call.id },
  })
}
