import type { AudioCodec } from '../../sdp/types.ts'
import type { Prompt } from '../prompt.ts'
import { EndpointFace } from './endpoint-face.ts'
import type { RoomCommand, RoomEvent } from './join-messages.ts'
import type { Joined, Joints } from './joints.ts'
import type {
  MediaEndpoint,
  MediaRoom,
  MediaRoomUser,
  PlayEnd,
  RecordOptions,
  RecordResult,
  RoomMember,
} from './types.ts'
import { recordingLost, Waiting } from './waiting.ts'

export interface RoomFaceOptions {
  readonly id: number
  /** Its worker. */
  readonly home: number
  readonly user: MediaRoomUser
  readonly joints: Joints
  readonly newNumber: () => number
  /** To the home. */
  readonly post: (command: RoomCommand) => void
  /** Nothing more can come: it may be forgotten. */
  readonly done: () => void
}

/** The main thread's end of a room: turns calls into commands to its home and to the workers of its members. */
export class RoomFace implements MediaRoom {
  readonly #options: RoomFaceOptions
  readonly #members = new Map<EndpointFace, MemberFace>()
  readonly #plays = new Waiting<{ end: PlayEnd; playedMs: number }>()
  readonly #recordings = new Waiting<RecordResult>()
  #lastRun = 0
  #isClosed = false

  constructor(options: RoomFaceOptions) {
    this.#options = options
    options.post({ kind: 'openRoom', room: options.id })
  }

  join(endpoint: MediaEndpoint): RoomMember {
    const { id, home, joints, newNumber } = this.#options
    const number = newNumber()
    const face = endpoint instanceof EndpointFace ? endpoint : null
    const member = new MemberFace(this, id, number, face)
    if (this.#isClosed || !face?.isOpen) return member
    joints.enter(face, member)
    this.#members.set(face, member)
    const { worker, sendCodec: codec } = face
    this.post({ kind: 'joinRoom', room: id, member: number, worker, endpoint: face.id, codec })
    face.command({ kind: 'enterRoom', endpoint: face.id, joint: number, home })
    return member
  }

  play(
    prompts: readonly Prompt[],
    options: { loop?: boolean } = {},
  ): { readonly ended: Promise<{ end: PlayEnd; playedMs: number }>; stop(): void } {
    const { id: room } = this.#options
    const run = ++this.#lastRun
    if (this.#isClosed) return { ended: Promise.resolve({ end: 'stopped', playedMs: 0 }), stop: () => {} }
    const ended = this.#plays.add(run)
    this.post({ kind: 'playRoom', room, run, prompts, isLoop: options.loop ?? false })
    return { ended, stop: () => this.#plays.has(run) && this.post({ kind: 'stopRoomPlay', room, run }) }
  }

  record(options: RecordOptions): {
    readonly ended: Promise<RecordResult>
    pause(isPaused: boolean): void
    stop(): void
  } {
    const { id: room } = this.#options
    const run = ++this.#lastRun
    if (this.#isClosed) return { ended: Promise.resolve(recordingLost(null)), pause: () => {}, stop: () => {} }
    const ended = this.#recordings.add(run)
    this.post({ kind: 'recordRoom', room, run, options })
    return {
      ended,
      pause: (isPaused) => this.#recordings.has(run) && this.post({ kind: 'pauseRoomRecord', room, run, isPaused }),
      stop: () => this.#recordings.has(run) && this.post({ kind: 'stopRoomRecord', room, run }),
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.post({ kind: 'closeRoom', room: this.#options.id })
    this.#end()
    if (this.#recordings.size === 0) this.#options.done()
  }

  /** Takes news of its home. */
  heard(event: RoomEvent): void {
    if (event.kind === 'roomPlayEnded') {
      return this.#plays.settle(event.run, { end: event.end, playedMs: event.playedMs })
    }
    this.#recordings.settle(event.run, event.result)
    if (this.#isClosed && this.#recordings.size === 0) this.#options.done()
  }

  /** Its home is gone. The user is told, unless the room was closed. */
  fail(sentence: string): void {
    const wasClosed = this.#isClosed
    this.#end()
    this.#recordings.settleAll(recordingLost(sentence))
    this.#options.done()
    if (!wasClosed) this.#options.user.roomFailed(sentence)
  }

  /** To its home, unless it is closed. */
  post(command: RoomCommand): void {
    if (!this.#isClosed) this.#options.post(command)
  }

  /** A member is no more. */
  removed(face: EndpointFace, member: MemberFace): void {
    this.#options.joints.forget(face, member)
    if (this.#members.get(face) === member) this.#members.delete(face)
  }

  /** Whether it is in here now. */
  holds(face: EndpointFace | null, member: MemberFace): boolean {
    return face !== null && this.#members.get(face) === member
  }

  #end(): void {
    for (const face of [...this.#members.keys()]) this.#options.joints.leave(face)
    this.#isClosed = true
    this.#plays.settleAll({ end: 'stopped', playedMs: 0 })
  }
}

/** The main thread's end of one member. */
class MemberFace implements RoomMember, Joined {
  readonly #room: RoomFace
  readonly #roomId: number
  readonly #number: number
  readonly #face: EndpointFace | null

  /** @param face - null where the endpoint is none of this plane: it is never in. */
  constructor(room: RoomFace, roomId: number, number: number, face: EndpointFace | null) {
    this.#room = room
    this.#roomId = roomId
    this.#number = number
    this.#face = face
  }

  heardBy(who: 'all' | readonly RoomMember[]): void {
    // Of another room, or gone: a number that the home does not know.
    const numbers = who === 'all' ? null : who.flatMap((one) => (one instanceof MemberFace ? [one.#number] : []))
    if (!this.#isIn) return
    this.#room.post({ kind: 'heardBy', room: this.#roomId, member: this.#number, who: numbers })
  }

  hears(isHearing: boolean): void {
    if (this.#isIn) this.#room.post({ kind: 'hears', room: this.#roomId, member: this.#number, isHearing })
  }

  leave(): void {
    if (this.#face && this.#isIn) this.left(this.#face)
  }

  left(face: EndpointFace): void {
    this.#room.removed(face, this)
    this.#room.post({ kind: 'leaveRoom', room: this.#roomId, member: this.#number })
    face.command({ kind: 'part', endpoint: face.id, joint: this.#number })
  }

  agreed(codec: AudioCodec): void {
    this.#room.post({ kind: 'memberCodec', room: this.#roomId, member: this.#number, codec })
  }

  get #isIn(): boolean {
    return this.#room.holds(this.#face, this)
  }
}
