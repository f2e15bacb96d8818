import { type Static, type TSchema, Type } from 'typebox'

export const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
export const time = Type.String({ format: 'date-time', description: 'ISO 8601, UTC.' })

export const CallSchema = Type.Object({
  id: Type.String(),
  serial: nullable(Type.Integer({ description: 'With the second of its start it names the call for partners.' })),
  tenant: Type.String(),
  direction: Type.Union([Type.Literal('inbound'), Type.Literal('outbound')]),
  from: Type.String(),
  fromName: nullable(Type.String()),
  to: Type.String(),
  extension: nullable(Type.String({ description: 'The extension that called, where it proved who it is.' })),
  app: nullable(Type.String()),
  answeredBy: nullable(Type.String({ description: 'The telephone or number that took the call in the end.' })),
  transferredTo: nullable(Type.String({ description: 'Where the call was passed on to.' })),
  absent: Type.Array(Type.String(), { description: 'Extensions that were to ring and had no telephone registered.' }),
  startedAt: time,
  answeredAt: nullable(time),
  endedAt: nullable(time),
  talkSeconds: nullable(Type.Number({ description: 'From the answer to the end.' })),
  cause: nullable(Type.String()),
  sipStatus: nullable(Type.Integer()),
  q850: nullable(Type.Integer()),
  endedBy: nullable(Type.String()),
  sentence: nullable(Type.String({ description: 'Why the call ended, in one sentence.' })),
})

const LegSchema = Type.Object({
  id: Type.String(),
  role: Type.String(),
  direction: Type.String(),
  label: nullable(Type.String({ description: 'The device that was rung.' })),
  dialled: nullable(Type.String({ description: 'What was dialled to reach it.' })),
  extension: nullable(Type.String({ description: 'The extension at its other end.' })),
  sipCallId: Type.String(),
  peer: Type.String(),
  userAgent: nullable(Type.String()),
  codec: nullable(Type.String()),
  startedAt: time,
  answeredAt: nullable(time),
  endedAt: nullable(time),
  cause: nullable(Type.String()),
  packetsSent: nullable(Type.Integer()),
  packetsReceived: nullable(Type.Integer()),
  packetsLost: nullable(Type.Integer()),
  jitterMs: nullable(Type.Number()),
})

export const RecordingSchema = Type.Object({
  id: Type.String(),
  callId: Type.String(),
  tenant: Type.String(),
  channels: Type.Integer(),
  state: Type.String({ description: 'recording, saved, failed, interrupted or deleted' }),
  startedAt: time,
  durationSeconds: nullable(Type.Number()),
  bytes: nullable(Type.Integer()),
  problem: nullable(Type.String()),
  audio: nullable(Type.String({ description: 'Path of the WAV file; null while there is none.' })),
})

export const JournalEventSchema = Type.Object({
  at: Type.String({ description: 'ISO 8601 with microseconds, UTC.' }),
  kind: Type.String(),
  legId: nullable(Type.String()),
  what: Type.String(),
  facts: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
})

export const CallDetailsSchema = Type.Object({
  call: CallSchema,
  legs: Type.Array(LegSchema),
  recordings: Type.Array(RecordingSchema),
})

export const ErrorSchema = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    facts: Type.Record(Type.String(), Type.Unknown()),
  }),
})

export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item),
    nextCursor: nullable(Type.String({ description: 'For the next page; null on the last.' })),
  })
}

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: '50 where absent.' })),
  cursor: Type.Optional(Type.String({ description: '`nextCursor` of the page before.' })),
}

export type CallView = Static<typeof CallSchema>
export type LegView = Static<typeof LegSchema>
export type RecordingView = Static<typeof RecordingSchema>
export type JournalEventView = Static<typeof JournalEventSchema>
