import type { CallId, LegId, RecordingId } from '../base/ids.ts'
import type { HangupCause } from '../leg/hangup-cause.ts'
import type { LegDirection, LegRole } from '../leg/leg.ts'

export type { HangupCause } from '../leg/hangup-cause.ts'

export type EndedBy = 'caller' | 'callee' | 'program' | 'network' | 'server'

/** One row per conversation, opened at INVITE, closed exactly once. Times are wall-clock ms. */
export interface CallRecord {
  readonly id: CallId
  /** With the second of `startedAt` it names the call where an id must be short and numeric. Null for rows of older versions. */
  readonly serial: number | null
  readonly tenant: string
  readonly direction: LegDirection
  /** As the caller gave it: user part or number. */
  readonly from: string
  readonly fromName: string | null
  /** What was dialled. */
  readonly to: string
  /** The extension that called, when it proved who it is; or on whose behalf we placed the call. */
  readonly extension: string | null
  /** Which app or flow took the call. */
  readonly app: string | null
  /** The telephone or number that took the call in the end: `137`, `+6560000001`. Null while only a program has. */
  readonly answeredBy: string | null
  /** Where the call was passed on to, and went on without its program. */
  readonly transferredTo: string | null
  /** Extensions that were to ring and have no telephone registered. */
  readonly absent: readonly string[]
  readonly startedAt: number
  readonly answeredAt: number | null
  readonly endedAt: number | null
  readonly cause: HangupCause | null
  readonly sipStatus: number | null
  readonly q850: number | null
  readonly endedBy: EndedBy | null
  /** One plain sentence saying why it ended. */
  readonly sentence: string | null
}

export interface LegRecord {
  readonly id: LegId
  readonly callId: CallId
  readonly role: LegRole
  readonly direction: LegDirection
  /** The device that was rung: `137 (udp:203.0.113.5:5060)`, `+6560000001 by provider1`; null for one that came by itself. */
  readonly label: string | null
  /** What was dialled to reach it. */
  readonly dialled: string | null
  /** The extension at the other end. */
  readonly extension: string | null
  readonly sipCallId: string
  /** `udp:203.0.113.5:5060` and the like. */
  readonly peer: string
  readonly userAgent: string | null
  readonly codec: string | null
  readonly startedAt: number
  readonly answeredAt: number | null
  readonly endedAt: number | null
  readonly cause: HangupCause | null
  readonly packetsSent: number | null
  readonly packetsReceived: number | null
  readonly packetsLost: number | null
  readonly jitterMs: number | null
}

export type RecordingState = 'recording' | 'saved' | 'failed' | 'interrupted' | 'deleted'

export interface RecordingRecord {
  readonly id: RecordingId
  readonly callId: CallId
  readonly tenant: string
  /** Relative to the data folder. */
  readonly file: string
  readonly channels: 1 | 2
  readonly state: RecordingState
  readonly startedAt: number
  readonly durationMs: number | null
  readonly fileBytes: number | null
  /** Why it failed, in one sentence. */
  readonly problem: string | null
}

/** One line of a call's journal. Digits are kept; logs and API mask them unless asked otherwise. */
export interface JournalEvent {
  /** Wall-clock ms with fractions, from the call's one clock. */
  readonly at: number
  readonly kind: 'sip' | 'digit' | 'prompt' | 'media' | 'decision' | 'recording' | 'problem'
  readonly legId: LegId | null
  /** Short and structured: what happened, `INVITE`, `digit`, `promptFinished`. */
  readonly what: string
  readonly facts: Readonly<Record<string, string | number | boolean | null>>
}

/** What the call core wants kept. Implemented by `store/`; every method resolves when its write is committed. */
export interface CallRecords {
  open(call: CallRecord, leg: LegRecord): Promise<void>
  update(id: CallId, change: Partial<Pick<CallRecord, 'answeredAt' | 'app' | 'extension' | 'to'>>): Promise<void>
  addLeg(leg: LegRecord): Promise<void>
  /** Changes a leg's row; with `callId` the leg is one of another call from now on. */
  updateLeg(id: LegId, change: Partial<Omit<LegRecord, 'id'>>): Promise<void>
  /** Closes the call and the legs that were up to its end; a second close of the same call changes nothing and resolves false. */
  close(call: CallRecord, legs: readonly LegRecord[]): Promise<boolean>
  openRecording(recording: RecordingRecord): Promise<void>
  closeRecording(
    id: RecordingId,
    change: Pick<RecordingRecord, 'state' | 'durationMs' | 'fileBytes' | 'problem'>,
  ): Promise<void>
  /** Appends one batch of a call's journal as one row. Batches of a call are kept in the order given. */
  appendJournal(callId: CallId, batch: number, events: readonly JournalEvent[]): Promise<void>
}
