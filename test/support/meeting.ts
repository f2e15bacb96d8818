import type { RecordingId } from '../../src/base/ids.ts'
import type { MediaRoom, MediaRoomUser, RecordOptions, RoomMember } from '../../src/media/plane/types.ts'
import { hears, hearsNone } from './hear.ts'
import { type JoinHarness, joinHarness, type Party } from './join-harness.ts'

/** A user of rooms that writes down what it hears. */
export class NotingRoomUser implements MediaRoomUser {
  readonly failed: string[] = []

  roomFailed(sentence: string): void {
    this.failed.push(sentence)
  }
}

/** Of `recordOptions`. */
export const recordingId = 'rec_1' as RecordingId
export const recordOptions: RecordOptions = {
  recordingId,
  file: '/recordings/room.wav',
  channels: 'both',
  maxDurationMs: 60_000,
  silenceMs: null,
}

export interface Meeting extends JoinHarness {
  readonly user: NotingRoomUser
  readonly room: MediaRoom
  readonly parties: readonly Party[]
  readonly members: readonly RoomMember[]
  /** Forgets what was heard so far, and lets so much time pass. */
  listen(ms: number): Promise<void>
}

/** So many telephones in one room, all of them speaking, its home in the worker of the first. */
export async function meeting(workers: number, count: number): Promise<Meeting> {
  const harness = await joinHarness(workers)
  const user = new NotingRoomUser()
  const parties = Array.from({ length: count }, () => harness.party())
  const near = parties[0]?.endpoint
  const room = harness.plane.openRoom({ user, ...(near ? { near } : {}) })
  const members = parties.map(({ endpoint }) => room.join(endpoint))
  for (const one of parties) one.speak()
  const listen = async (ms: number): Promise<void> => {
    for (const one of parties) one.peer.takeHeard()
    await harness.run(ms)
  }
  await harness.run(200)
  return { ...harness, user, room, parties, members, listen }
}

/** Who of the parties is heard by one of them, by number from 0. */
export function heardBy(one: Party, all: readonly Party[]): number[] {
  const pcm = one.hearing()
  return all.flatMap((other, i) => {
    if (hears(pcm, [other.hz])) return [i]
    if (!hearsNone(pcm, [other.hz])) throw new Error(`party ${i} is heard in part`)
    return []
  })
}
