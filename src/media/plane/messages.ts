import type { AgreedMedia } from '../../sdp/types.ts'
import type { Prompt } from '../prompt.ts'
import type { JointCommand, RoomCommand, RoomEvent } from './join-messages.ts'
import type { LatenessSnapshot } from './lateness.ts'
import type { Digit, DigitCarrier, MediaStats, PlayEnd, RecordOptions, RecordResult } from './types.ts'

/**
 * What the main thread asks of an engine. Endpoints, pairs, runs and requests are numbers; endpoints and runs are given
 * by the main thread and never used twice, pairs by the engine. Commands of one endpoint are kept in order, and those
 * about an endpoint that has been closed are passed over: the two threads cannot always know of each other in time.
 */
export type EngineCommand =
  /** On a pair that was announced free. */
  | { readonly kind: 'open'; readonly endpoint: number; readonly pair: number; readonly timeoutMs: number | null }
  | {
      readonly kind: 'connect'
      readonly endpoint: number
      readonly agreed: AgreedMedia
      readonly signallingAddress: string | null
    }
  | {
      readonly kind: 'play'
      readonly endpoint: number
      readonly run: number
      readonly prompts: readonly Prompt[]
      readonly isLoop: boolean
    }
  | { readonly kind: 'stopPlay'; readonly endpoint: number; readonly run: number }
  | { readonly kind: 'sendDigits'; readonly endpoint: number; readonly run: number; readonly digits: readonly Digit[] }
  | { readonly kind: 'stopDigits'; readonly endpoint: number; readonly run: number }
  | { readonly kind: 'detectInband'; readonly endpoint: number; readonly isArmed: boolean }
  | { readonly kind: 'echo'; readonly endpoint: number; readonly isOn: boolean }
  | { readonly kind: 'record'; readonly endpoint: number; readonly run: number; readonly options: RecordOptions }
  | { readonly kind: 'pauseRecord'; readonly endpoint: number; readonly run: number; readonly isPaused: boolean }
  | { readonly kind: 'stopRecord'; readonly endpoint: number; readonly run: number }
  | { readonly kind: 'stats'; readonly endpoint: number; readonly request: number }
  | { readonly kind: 'close'; readonly endpoint: number }
  | JointCommand
  | RoomCommand
  /** Free pairs that are more than will be needed soon: their sockets are closed. */
  | { readonly kind: 'releasePairs'; readonly pairs: readonly number[] }
  | { readonly kind: 'snapshot'; readonly request: number }

/** A pair of ports that is bound and may be opened. */
export interface FreePair {
  readonly pair: number
  /** RTP's; RTCP is one above. */
  readonly port: number
}

/** What an engine tells the main thread. */
export type EngineEvent =
  /** The first pairs of every address are announced. */
  | { readonly kind: 'ready' }
  /** It cannot work at all: one sentence. Nothing follows. */
  | { readonly kind: 'failed'; readonly sentence: string }
  | { readonly kind: 'pairsFree'; readonly address: string; readonly pairs: readonly FreePair[] }
  | {
      readonly kind: 'digit'
      readonly endpoint: number
      readonly digit: Digit
      readonly carrier: DigitCarrier
      /** How long ago the key went down: the threads' clocks do not start together. */
      readonly agoMs: number
      readonly durationMs: number
    }
  | { readonly kind: 'latched'; readonly endpoint: number; readonly from: string }
  | { readonly kind: 'timedOut'; readonly endpoint: number; readonly silentMs: number }
  | {
      readonly kind: 'playEnded'
      readonly endpoint: number
      readonly run: number
      readonly end: PlayEnd
      readonly playedMs: number
    }
  | { readonly kind: 'digitsEnded'; readonly endpoint: number; readonly run: number; readonly end: PlayEnd }
  /** May follow `closed`: the file is whole a little later. */
  | { readonly kind: 'recordEnded'; readonly endpoint: number; readonly run: number; readonly result: RecordResult }
  | { readonly kind: 'stats'; readonly endpoint: number; readonly request: number; readonly stats: MediaStats }
  | { readonly kind: 'closed'; readonly endpoint: number; readonly stats: MediaStats }
  | RoomEvent
  /** It could not be opened. Nothing follows. */
  | { readonly kind: 'lost'; readonly endpoint: number; readonly sentence: string }
  | { readonly kind: 'snapshot'; readonly request: number; readonly snapshot: EngineSnapshot }
  /** Something of ours threw; it harmed its own packet or frame only. Told once a second at most. */
  | { readonly kind: 'defect'; readonly sentence: string; readonly stack: string | null }

/** One engine's figures since its start. */
export interface EngineSnapshot {
  readonly endpoints: number
  readonly packetsSent: number
  readonly packetsReceived: number
  /** Datagrams the kernel refused. */
  readonly sendErrors: number
  /** Frames that a stall of the thread kept from being sent at their time. */
  readonly skippedFrames: number
  /** How late packets left. */
  readonly lateness: LatenessSnapshot
  /** How late the thread's timer woke: its event loop's lag. */
  readonly loopLag: LatenessSnapshot
  /** Bytes of recorded audio that the writer has not taken yet. */
  readonly recordingBytesWaiting: number
  /** Frames for another worker that did not keep up, left out. */
  readonly crossingsDropped: number
}
