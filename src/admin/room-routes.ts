import { Type } from 'typebox'
import { NotFoundError } from '../base/errors.ts'
import type { Room } from '../call/room.ts'
import type { RoomMember } from '../call/room-member.ts'
import type { Rooms } from '../call/rooms.ts'
import type { HttpServer } from '../http/server.ts'
import { RoomSchema } from './live-schemas.ts'
import { viewRoom } from './live-views.ts'
import { ErrorSchema } from './schemas.ts'

const RoomParams = Type.Object({ tenant: Type.String({ maxLength: 64 }), name: Type.String({ maxLength: 200 }) })
const MemberParams = Type.Object({
  tenant: Type.String({ maxLength: 64 }),
  name: Type.String({ maxLength: 200 }),
  id: Type.String({ maxLength: 64 }),
})
const tags = ['live']

/** What can be done to a member, and to a room, by the last word of the path. */
const memberActions: readonly [string, string, (room: Room, member: RoomMember) => void][] = [
  ['mute', 'Keeps a member from being heard', (room, member) => room.mute(member, true)],
  ['unmute', 'Lets a member be heard again', (room, member) => room.mute(member, false)],
  ['kick', 'Sends a member out of the room; its call goes on', (room, member) => room.kick(member)],
]
const roomActions: readonly [string, string, (room: Room) => void][] = [
  ['lock', 'Lets in nobody but moderators', (room) => room.lock(true)],
  ['unlock', 'Lets in everybody again', (room) => room.lock(false)],
  ['close', 'Sends everybody out; their calls go on', (room) => room.close('An operator closed the room.')],
]

/** Conference rooms: who is in them, and the operator's hand. */
export function roomRoutes(api: HttpServer, parts: { readonly rooms: Rooms }): void {
  const { rooms } = parts

  api.get(
    '/live/rooms',
    {
      schema: {
        summary: 'Conference rooms that somebody is in',
        tags,
        querystring: Type.Object({ tenant: Type.Optional(Type.String()) }),
        response: { 200: Type.Object({ items: Type.Array(RoomSchema) }) },
      },
    },
    async ({ query }) => ({
      items: rooms
        .list()
        .filter(({ tenant }) => query.tenant === undefined || tenant === query.tenant)
        .map(viewRoom),
    }),
  )

  api.get(
    '/live/rooms/:tenant/:name',
    {
      schema: {
        summary: 'One conference room',
        tags,
        params: RoomParams,
        response: { 200: RoomSchema, 404: ErrorSchema },
      },
    },
    async ({ params }) => viewRoom(rooms.get(params.tenant, params.name)),
  )

  for (const [action, summary, act] of memberActions) {
    api.post(
      `/live/rooms/:tenant/:name/members/:id/${action}`,
      { schema: { summary, tags, params: MemberParams, response: { 200: RoomSchema, 404: ErrorSchema } } },
      async ({ params }) => {
        const room = rooms.get(params.tenant, params.name)
        act(room, memberOf(room, params.id))
        return viewRoom(room)
      },
    )
  }

  for (const [action, summary, act] of roomActions) {
    api.post(
      `/live/rooms/:tenant/:name/${action}`,
      { schema: { summary, tags, params: RoomParams, response: { 200: RoomSchema, 404: ErrorSchema } } },
      async ({ params }) => {
        const room = rooms.get(params.tenant, params.name)
        act(room)
        return viewRoom(room)
      },
    )
  }
}

function memberOf(room: Room, id: string): RoomMember {
  const member = room.member(id)
  if (member) return member
  throw new NotFoundError('room.member-unknown', `Nobody in the room ${room.name} has the id ${id}.`, {
    facts: { tenant: room.tenant, room: room.name, member: id },
  })
}
