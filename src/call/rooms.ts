import type { Clock } from '../base/clock.ts'
import { LimitError, NotFoundError, ParseError, StateError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { LegMixer } from '../leg/mixer.ts'
import type { Party } from './party.ts'
import type { RecordingParts } from './recording.ts'
import { Room, type RoomJoining } from './room.ts'
import { type Guest, type RoomJoinOptions, RoomMember } from './room-member.ts'

/** Rooms that one tenant may have open at a time. */
const maxRoomsPerTenant = 100

/** Members of a room where its maker does not say, and the most it may say: every member costs its worker a mix. */
export const usualRoomSize = 50
const largestRoomSize = 200

/** Letters, digits, and what stands between them in a name; also fit for a path of the admin API. */
const legalName = /^[\p{L}\p{N}][\p{L}\p{N} ._@+-]{0,63}$/u

/** All conferences that are going on, by tenant and name. */
export class Rooms {
  readonly #parts: { readonly mixer: LegMixer; readonly clock: Clock; readonly log: Logger } & RecordingParts
  readonly #rooms = new Map<string, Map<string, Room>>()

  constructor(parts: { readonly mixer: LegMixer; readonly clock: Clock; readonly log: Logger } & RecordingParts) {
    this.#parts = parts
  }

  get count(): number {
    let count = 0
    for (const rooms of this.#rooms.values()) count += rooms.size
    return count
  }

  list(): readonly Room[] {
    return [...this.#rooms.values()].flatMap((rooms) => [...rooms.values()])
  }

  /** Throws NotFoundError `room.unknown`. */
  get(tenant: string, name: string): Room {
    const room = this.#rooms.get(tenant)?.get(name)
    if (room) return room
    throw new NotFoundError('room.unknown', `Tenant ${tenant} has no room ${name} that anybody is in.`, {
      facts: { tenant, room: name },
    })
  }

  /**
   * Comes into the room of that name of the guest's tenant; the first to come makes it.
   * @param name - 1 to 64 letters, digits, blanks and `._@+-`, a letter or digit first.
   * Throws ParseError `room.name-invalid` and `room.size`, LimitError `room.too-many`, StateError `room.already-in`.
   */
  join(name: string, guest: Guest, options: RoomJoinOptions): RoomJoining {
    checkName(name)
    const place = placeInRoom(guest.party)
    if (place) {
      throw new StateError('room.already-in', `This party is in the room ${place.roomName} already.`, {
        facts: { room: place.roomName },
      })
    }
    const { tenant } = guest.call
    const room = this.#rooms.get(tenant)?.get(name) ?? this.#open(tenant, name, guest, options.max)
    return room.join(guest, options)
  }

  #open(tenant: string, name: string, guest: Guest, max: number): Room {
    if (!Number.isInteger(max) || max < 1 || max > largestRoomSize) {
      throw new ParseError('room.size', `A room takes 1 to ${largestRoomSize} members, not ${max}.`, { facts: { max } })
    }
    const rooms = this.#rooms.get(tenant) ?? new Map<string, Room>()
    if (rooms.size >= maxRoomsPerTenant) {
      throw new LimitError(
        'room.too-many',
        `Tenant ${tenant} has ${maxRoomsPerTenant} rooms open, which is all it may.`,
        {
          facts: { tenant },
        },
      )
    }
    const { mixer, clock, log } = this.#parts
    const audio = mixer.openRoom(guest.party.leg, (sentence) => {
      log.error({ tenant, room: name, sentence }, 'a conference room was lost')
      room.fail(sentence)
    })
    const room = new Room({
      tenant,
      name,
      max,
      since: clock.wallTime(),
      audio,
      parts: this.#parts,
      gone: () => {
        rooms.delete(name)
        if (rooms.size === 0) this.#rooms.delete(tenant)
      },
    })
    this.#rooms.set(tenant, rooms)
    rooms.set(name, room)
    return room
  }
}

/** A party's place in a conference; null where it is in none. One that has a place must not have its sound taken away. */
export function placeInRoom(party: Party): RoomMember | null {
  return party.places.find((place) => place instanceof RoomMember) ?? null
}

function checkName(name: string): void {
  if (legalName.test(name)) return
  const sentence = 'The name of a room is 1 to 64 letters, digits, blanks and ._@+-, and begins with a letter or digit.'
  throw new ParseError('room.name-invalid', sentence)
}
