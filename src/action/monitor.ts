import { StateError } from '../base/errors.ts'
import type { RecordingId } from '../base/ids.ts'
import type { Call } from '../call/call.ts'
import { keepRecording, type RecordingParts } from '../call/recording.ts'
import { outcomeOf, type RecordOutcome } from './record.ts'

export interface MonitorOptions {
  /** `both`: two channels, the caller left, all that it hears right. `received`: the caller alone. */
  readonly channels: 'both' | 'received'
  /** Longest length of the file. */
  readonly maxSeconds: number
  /** What the file holds of a paused stretch: quiet of its length, so that its time stays true, or nothing. */
  readonly pauseAs: 'silence' | 'gap'
}

export const usualMonitor: MonitorOptions = { channels: 'both', maxSeconds: 4 * 3600, pauseAs: 'silence' }

/** A recording that runs beside whatever else the call does, until it is stopped or the call ends. */
export interface Monitor {
  readonly recordingId: RecordingId
  /** Relative to the data folder. */
  readonly file: string
  readonly isPaused: boolean
  /** Leaves out what follows: card numbers, say. */
  pause(): void
  resume(): void
  /** Resolves when the file is whole and its row says so. */
  stop(): Promise<RecordOutcome>
  /** The same, for whatever ends it. Never rejects. */
  readonly ended: Promise<RecordOutcome>
}

/** One for each call, so that the operator finds the one that the flow has begun. */
const running = new WeakMap<Call, Monitor>()

/** The monitor of the call that runs now. */
export function monitorOf(call: Call): Monitor | null {
  return running.get(call) ?? null
}

/**
 * Begins to record the whole call. Throws StateError `action.monitored-already` where that is being done, and
 * `action.call-over`.
 */
export function monitor(call: Call, parts: RecordingParts, options: MonitorOptions = usualMonitor): Monitor {
  if (call.isGone) {
    throw new StateError('action.call-over', 'The call is over.', { facts: { callId: call.id } })
  }
  if (running.has(call)) {
    throw new StateError('action.monitored-already', 'The call is being recorded as a whole already.', {
      facts: { callId: call.id, recordingId: running.get(call)?.recordingId ?? null },
    })
  }
  const limits = {
    channels: options.channels,
    maxDurationMs: options.maxSeconds * 1000,
    silenceMs: null,
    pausedAs: options.pauseAs,
  }
  const kept = keepRecording(call, parts, limits, (whole) => call.leg.record(whole))
  kept.stopped.then(() => running.delete(call)).catch(() => {})
  const ended = kept.ended.then((result) => outcomeOf(kept, result, null, call.isGone))
  call.owe(ended)
  let isPaused = false
  const pause = (isWanted: boolean): void => {
    if (isPaused === isWanted || running.get(call) !== handle) return
    isPaused = isWanted
    kept.pause(isWanted)
  }
  const handle: Monitor = {
    recordingId: kept.id,
    file: kept.file,
    get isPaused() {
      return isPaused
    },
    pause: () => pause(true),
    resume: () => pause(false),
    stop: () => {
      kept.stop()
      return ended
    },
    ended,
  }
  running.set(call, handle)
  return handle
}
