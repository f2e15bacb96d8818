import { monitorOf } from '../action/monitor.ts'
import type { Call } from '../call/call.ts'
import type { Party } from '../call/party.ts'
import type { Room } from '../call/room.ts'
import { placeInRoom } from '../call/rooms.ts'
import type { LiveCallView, RoomApiView } from './live-schemas.ts'

export function viewLiveCall(call: Call): LiveCallView {
  const { id, tenant, direction, from, fromName, to, app, startedAt, answeredAt } = call.record()
  const { bridge } = call
  const monitor = monitorOf(call)
  return {
    id,
    tenant,
    direction,
    from,
    fromName,
    to,
    app,
    state: call.isTransferred ? 'transferred' : call.isAnswered ? 'answered' : 'ringing',
    since: iso(startedAt),
    answeredAt: answeredAt === null ? null : iso(answeredAt),
    parties: call.parties().map(viewParty),
    bridge: bridge && {
      parties: bridge.parties.map((party) => party.leg.id),
      isTransferring: bridge.isTransferring,
    },
    room: placeInRoom(call.party)?.roomName ?? null,
    monitor: monitor && { recordingId: monitor.recordingId, isPaused: monitor.isPaused },
  }
}

export function viewRoom(room: Room): RoomApiView {
  const { members, since, ...rest } = room.view()
  return {
    ...rest,
    since: iso(since),
    members: members.map((member) => ({ ...member, since: iso(member.since) })),
  }
}

function viewParty(party: Party): LiveCallView['parties'][number] {
  const { leg, label, number } = party
  return {
    id: leg.id,
    label: label ?? number,
    number,
    role: leg.role,
    direction: leg.direction,
    state: leg.state,
    codec: leg.codec,
    isOnHold: party.isHolding,
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
