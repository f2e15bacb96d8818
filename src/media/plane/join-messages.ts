import type { AudioCodec } from '../../sdp/types.ts'
import type { Prompt } from '../prompt.ts'
import type { PlayEnd, RecordOptions, RecordResult } from './types.ts'

/*
 * How endpoints are joined. A joint is one joining of one endpoint: to another by a bridge, whose two sides have the same
 * joint, or to a room, where it is the number of the member. The main thread gives joints and rooms their numbers and never
 * uses one twice, so that a command or a packet which comes late, for a joint that is over, is known as such and passed over.
 */

/** About an endpoint, to its worker. */
export type JointCommand =
  /** What `endpoint` receives goes to `other` from now on; the worker of `other` is told the same of it. */
  | {
      readonly kind: 'bridge'
      readonly endpoint: number
      readonly joint: number
      readonly otherWorker: number
      readonly other: number
      readonly passDigits: boolean
    }
  /** What `endpoint` receives goes to a room. */
  | { readonly kind: 'enterRoom'; readonly endpoint: number; readonly joint: number; readonly home: number }
  /** Whether what it receives is kept back from the other side. */
  | { readonly kind: 'mute'; readonly endpoint: number; readonly joint: number; readonly isMuted: boolean }
  | { readonly kind: 'part'; readonly endpoint: number; readonly joint: number }

/** About a room, to its home worker. */
export type RoomCommand =
  | { readonly kind: 'openRoom'; readonly room: number }
  | {
      readonly kind: 'joinRoom'
      readonly room: number
      readonly member: number
      readonly worker: number
      readonly endpoint: number
      /** What the endpoint sends: to an endpoint of another worker the mix goes encoded. */
      readonly codec: AudioCodec
    }
  | { readonly kind: 'memberCodec'; readonly room: number; readonly member: number; readonly codec: AudioCodec }
  /** Null: all others. */
  | { readonly kind: 'heardBy'; readonly room: number; readonly member: number; readonly who: readonly number[] | null }
  | { readonly kind: 'hears'; readonly room: number; readonly member: number; readonly isHearing: boolean }
  | { readonly kind: 'leaveRoom'; readonly room: number; readonly member: number }
  | {
      readonly kind: 'playRoom'
      readonly room: number
      readonly run: number
      readonly prompts: readonly Prompt[]
      readonly isLoop: boolean
    }
  | { readonly kind: 'stopRoomPlay'; readonly room: number; readonly run: number }
  | { readonly kind: 'recordRoom'; readonly room: number; readonly run: number; readonly options: RecordOptions }
  | { readonly kind: 'pauseRoomRecord'; readonly room: number; readonly run: number; readonly isPaused: boolean }
  | { readonly kind: 'stopRoomRecord'; readonly room: number; readonly run: number }
  | { readonly kind: 'closeRoom'; readonly room: number }

export type RoomEvent =
  | {
      readonly kind: 'roomPlayEnded'
      readonly room: number
      readonly run: number
      readonly end: PlayEnd
      readonly playedMs: number
    }
  /** May come after the room was closed: the file is whole a little later. */
  | { readonly kind: 'roomRecordEnded'; readonly room: number; readonly run: number; readonly result: RecordResult }
