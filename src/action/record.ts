import { toError } from '../base/errors.ts'
import type { RecordingId } from '../base/ids.ts'
import type { Call } from '../call/call.ts'
import { type KeptRecording, keepRecording, type RecordingParts } from '../call/recording.ts'
import type { Digit, RecordEnd, RecordResult } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import { play } from './play.ts'

export interface RecordOptions {
  readonly maxDurationMs: number
  /** Ends after so much quiet; null: never. */
  readonly silenceMs: number | null
  /** A key that ends it; null: none does. */
  readonly endKey: Digit | 'any' | null
  /** What the file's name begins with: an id that its owner knows the call by. */
  readonly fileName?: string
  readonly signal?: AbortSignal
}

export const usualRecord: RecordOptions = { maxDurationMs: 120_000, silenceMs: 5000, endKey: '#' }

export interface RecordOutcome {
  /** `recorded`, however it ended, the caller's hang-up included; `failed`: see `problem`. */
  readonly outcome: 'recorded' | 'failed'
  readonly recordingId: RecordingId
  /** Relative to the data folder. */
  readonly file: string
  readonly durationMs: number
  readonly endedBy: 'end-key' | 'max-duration' | 'silence' | 'stopped' | 'hang-up'
  /** Whether anything but quiet was heard. */
  readonly heardSound: boolean
  readonly problem: string | null
}

/** Records what the caller says into a file of its own, written as it is spoken. */
export async function record(
  call: Call,
  parts: RecordingParts,
  lead: readonly Prompt[],
  options: RecordOptions,
): Promise<RecordOutcome | { readonly outcome: 'ended' | 'stopped' }> {
  if (lead.length > 0) {
    const led = await play(call, lead, options.signal ? { signal: options.signal } : {})
    if (led.outcome !== 'finished') return { outcome: led.outcome }
  }
  if (call.isEnded) return { outcome: 'ended' }
  if (options.signal?.aborted) return { outcome: 'stopped' }
  const finished = capture(call, parts, options)
  // Owed: the call's record is closed only when the file is whole and its row says so.
  call.owe(finished)
  return await finished
}

async function capture(call: Call, parts: RecordingParts, options: RecordOptions): Promise<RecordOutcome> {
  const { maxDurationMs, silenceMs, fileName } = options
  const kept = keepRecording(call, parts, { channels: 'received', maxDurationMs, silenceMs, fileName }, (whole) =>
    call.leg.record(whole),
  )
  const notDoing = call.doing('it was recorded')
  const endKey = watchEndKey(call, options.endKey, () => kept.stop())
  const onAbort = (): void => kept.stop()
  options.signal?.addEventListener('abort', onAbort, { once: true })

  await kept.stopped
  options.signal?.removeEventListener('abort', onAbort)
  endKey.close()
  notDoing()
  return outcomeOf(kept, await kept.ended, endKey.wasPressed ? 'end-key' : null, call.isEnded)
}

/** What became of a recording, for whoever asked for it. */
export function outcomeOf(
  kept: KeptRecording,
  result: RecordResult,
  key: 'end-key' | null,
  isCallOver: boolean,
): RecordOutcome {
  return {
    outcome: result.end === 'write-failed' ? 'failed' : 'recorded',
    recordingId: kept.id,
    file: kept.file,
    durationMs: result.durationMs,
    endedBy: key ?? endedBy(result.end, isCallOver),
    heardSound: result.heardSound,
    problem: result.problem,
  }
}

/** Stops at the end key. Other keys are dropped: nobody asked for them, and they would answer the next question. */
function watchEndKey(
  call: Call,
  endKey: Digit | 'any' | null,
  stop: () => void,
): { readonly wasPressed: boolean; close(): void } {
  const state = { wasPressed: false, isClosed: false, cancel: () => {} }
  const watch = async (): Promise<void> => {
    while (!state.isClosed && !state.wasPressed) {
      const waiting = call.digits.next(null)
      state.cancel = () => waiting.cancel()
      const result = await waiting.result
      if (result.kind !== 'digit') return
      if (endKey !== 'any' && result.digit.digit !== endKey) continue
      state.wasPressed = true
      stop()
    }
  }
  if (endKey !== null) {
    // A key pressed before the recording was meant for something else.
    call.digits.clear()
    call.leg.collectDigits(true)
    watch().catch((thrown) => call.log.error({ err: toError(thrown) }, 'watching for the end key failed'))
  }
  return {
    get wasPressed() {
      return state.wasPressed
    },
    close: () => {
      state.isClosed = true
      state.cancel()
      if (endKey !== null) call.leg.collectDigits(false)
    },
  }
}

function endedBy(end: RecordEnd, isCallOver: boolean): RecordOutcome['endedBy'] {
  switch (end) {
    case 'max-duration':
    case 'silence':
      return end
    case 'endpoint-closed':
    case 'write-failed':
    case 'stopped':
      return isCallOver ? 'hang-up' : 'stopped'
  }
}
