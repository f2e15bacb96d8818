import { unreachable } from '../base/errors.ts'
import type { RecordingId } from '../base/ids.ts'
import type { Call } from '../call/call.ts'
import type { Room } from '../call/room.ts'
import type { Guest, RoomLeaving, RoomMember, RoomRole } from '../call/room-member.ts'
import { type Rooms, usualRoomSize } from '../call/rooms.ts'
import type { Digit } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import { assertAlone } from './conversation.ts'
import { KeySequences, watchKeys } from './key-sequences.ts'

/** `mute` and `deafen` switch over and back; `lock` and `close` are a moderator's. */
export type ConferenceKey = 'leave' | 'mute' | 'deafen' | 'lock' | 'close'

export interface ConferenceOptions {
  readonly role: RoomRole
  /** Comes in without being heard. */
  readonly muted: boolean
  /** Most members, if this call makes the room: 1 to 200. */
  readonly max: number
  /** Nobody hears anybody until a moderator has come. For the room, as soon as one member asks for it. */
  readonly startOnModerator: boolean
  /** The room is closed when its last moderator leaves. For the room, as soon as one member asks for it. */
  readonly endWithModerator: boolean
  /** Records the room under this call, unless it is recorded already. */
  readonly record: boolean
  /** A key that leaves; null: none does. */
  readonly leaveKey: Digit | null
  /** What other keys do: `{ '*1': 'mute' }`. None unless given. */
  readonly keys: Readonly<Record<string, ConferenceKey>>
  readonly signal?: AbortSignal
}

export const usualConference: ConferenceOptions = {
  role: 'participant',
  muted: false,
  max: usualRoomSize,
  startOnModerator: false,
  endWithModerator: false,
  record: false,
  leaveKey: '#',
  keys: {},
}

/** What is heard beside the others. */
export interface ConferenceSounds {
  readonly music: readonly Prompt[]
  readonly joinTone: readonly Prompt[]
  readonly leaveTone: readonly Prompt[]
}

export interface ConferenceOutcome {
  /**
   * `left`: by key or signal; `full`, `locked`: was not let in; `closed`: the last moderator left, or an operator closed the
   * room; `ended`: the call was over; `failed`: the room was lost through a fault of ours, the call goes on.
   */
  readonly outcome: 'left' | 'kicked' | 'full' | 'locked' | 'ended' | 'closed' | 'failed'
  readonly seconds: number
  /** The most that were in the room at one time meanwhile, this call counted. */
  readonly members: number
  /** Why it was closed or failed; else null. */
  readonly sentence: string | null
  /** The recording of the room, where this call asked for one. */
  readonly recordingId: RecordingId | null
}

/**
 * Brings the call into a conference room and stays there until something ends it. Answers an unanswered call.
 * Throws what `Rooms.join` throws, ParseError `action.keys-invalid`, StateError `action.already-joined`.
 */
export async function conference(
  call: Call,
  rooms: Rooms,
  name: string,
  sounds: ConferenceSounds,
  options: ConferenceOptions,
): Promise<ConferenceOutcome> {
  const keys = sequencesOf(options)
  if (call.isEnded) return notIn('ended')
  assertAlone(call)
  if (options.signal?.aborted) return notIn('left')
  call.answer()
  if (call.isEnded) return notIn('ended')
  const { role, muted, max, startOnModerator, endWithModerator } = options
  const joining = rooms.join(name, guestOf(call), {
    role,
    isMuted: muted,
    max,
    startOnModerator,
    endWithModerator,
    ...sounds,
  })
  if (joining.outcome !== 'joined') {
    call.note('decision', 'roomRefused', { room: name, why: joining.outcome })
    return notIn(joining.outcome)
  }
  const { member } = joining
  const room = rooms.get(call.tenant, name)
  const recordingId = options.record ? room.record(call) : null
  const leaving = await stay(call, room, member, keys, options.signal)
  return { ...leaving, recordingId }
}

async function stay(
  call: Call,
  room: Room,
  member: RoomMember,
  keys: KeySequences<ConferenceKey>,
  signal: AbortSignal | undefined,
): Promise<RoomLeaving> {
  const notDoing = call.doing(`it was in the room “${room.name}”`)
  const watching = watchKeys(call, keys, (action) => act(room, member, action))
  const stop = signal ? AbortSignal.any([signal, call.signal]) : call.signal
  const onAbort = (): void => room.leave(member)
  stop.addEventListener('abort', onAbort, { once: true })
  const leaving = await member.ended
  stop.removeEventListener('abort', onAbort)
  watching.stop()
  notDoing()
  return call.isEnded && leaving.outcome === 'left' ? { ...leaving, outcome: 'ended' } : leaving
}

function act(room: Room, member: RoomMember, key: ConferenceKey): void {
  switch (key) {
    case 'leave':
      return room.leave(member)
    case 'mute':
      return room.mute(member, !member.isMuted)
    case 'deafen':
      return room.deafen(member, !member.isDeaf)
    case 'lock':
      if (member.role === 'moderator') room.lock(!room.isLocked)
      return
    case 'close':
      if (member.role === 'moderator') room.close('The moderator has closed the room.')
      return
    default:
      return unreachable(key)
  }
}

function sequencesOf({ keys, leaveKey }: ConferenceOptions): KeySequences<ConferenceKey> {
  const table = new Map(Object.entries(keys))
  if (leaveKey !== null) table.set(leaveKey, 'leave')
  return new KeySequences(table)
}

function guestOf(call: Call): Guest {
  const { party } = call
  return { party, call, label: party.leg.party.displayName ?? party.number }
}

function notIn(outcome: 'ended' | 'left' | 'full' | 'locked'): ConferenceOutcome {
  return { outcome, seconds: 0, members: 0, sentence: null, recordingId: null }
}
