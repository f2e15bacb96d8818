import { type Static, Type } from 'typebox'
import { nullable, time } from './schemas.ts'

const PartySchema = Type.Object({
  id: Type.String({ description: 'Of its leg.' }),
  label: Type.String({ description: 'The device or number that it is.' }),
  number: Type.String(),
  role: Type.String({ description: 'caller, callee or member' }),
  direction: Type.String(),
  state: Type.Union([Type.Literal('ringing'), Type.Literal('answered'), Type.Literal('ended')]),
  codec: nullable(Type.String()),
  isOnHold: Type.Boolean({ description: 'Its telephone has put us on hold.' }),
})

export const LiveCallSchema = Type.Object({
  id: Type.String(),
  tenant: Type.String(),
  direction: Type.String(),
  from: Type.String(),
  fromName: nullable(Type.String()),
  to: Type.String(),
  app: nullable(Type.String()),
  state: Type.Union([Type.Literal('ringing'), Type.Literal('answered'), Type.Literal('transferred')], {
    description: 'transferred: it goes on without its app.',
  }),
  since: time,
  answeredAt: nullable(time),
  parties: Type.Array(PartySchema),
  bridge: nullable(
    Type.Object({
      parties: Type.Array(Type.String(), {
        description: 'The two legs that hear each other; one may be of another call.',
      }),
      isTransferring: Type.Boolean(),
    }),
  ),
  room: nullable(Type.String({ description: 'The conference that its party is in.' })),
  monitor: nullable(
    Type.Object(
      { recordingId: Type.String(), isPaused: Type.Boolean() },
      { description: 'The recording of the whole call.' },
    ),
  ),
})

const MemberSchema = Type.Object({
  id: Type.String(),
  callId: Type.String(),
  label: Type.String(),
  role: Type.Union([Type.Literal('moderator'), Type.Literal('participant')]),
  since: time,
  isMuted: Type.Boolean(),
  isDeaf: Type.Boolean(),
  isHeld: Type.Boolean({ description: 'Its telephone has put us on hold.' }),
})

export const RoomSchema = Type.Object({
  tenant: Type.String(),
  name: Type.String(),
  since: time,
  isOpen: Type.Boolean({ description: 'False while a moderator is awaited.' }),
  isLocked: Type.Boolean(),
  max: Type.Integer(),
  recordingId: nullable(Type.String()),
  members: Type.Array(MemberSchema),
})

export type LiveCallView = Static<typeof LiveCallSchema>
export type RoomApiView = Static<typeof RoomSchema>
