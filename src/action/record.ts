import { join } from 'node:path'
import { toError } from '../base/errors.ts'
import type { IdFactory, RecordingId } from '../base/ids.ts'
import type { Call } from '../call/call.ts'
import type { RecordingRecord } from '../call/records.ts'
import type { Digit, RecordEnd, RecordResult } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import { play } from './play.ts'

export interface RecordOptions {
  readonly maxDurationMs: number
  /** Ends after so much quiet; null: never. */
  readonly silenceMs: number | null
  /** A key that ends it; null: none does. */
  readonly endKey: Digit | 'any' | null
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

export interface RecordParts {
  readonly ids: IdFactory
  readonly dataFolder: string
}

/** Records what the caller says into a file of its own, written as it is spoken. */
export async function record(
  call: Call,
  parts: RecordParts,
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

async function capture(call: Call, parts: RecordParts, options: RecordOptions): Promise<RecordOutcome> {
  const row = newRecording(call, parts)
  const opened = call.records.openRecording(row)
  const recording = call.leg.record({
    recordingId: row.id,
    file: join(parts.dataFolder, row.file),
    channels: 'received',
    maxDurationMs: options.maxDurationMs,
    silenceMs: options.silenceMs,
  })
  call.note('recording', 'recordingStarted', { recordingId: row.id })
  const notDoing = call.doing('it was recorded')
  const endKey = watchEndKey(call, options.endKey, () => recording.stop())
  const onAbort = (): void => recording.stop()
  options.signal?.addEventListener('abort', onAbort, { once: true })

  const result = await recording.ended
  options.signal?.removeEventListener('abort', onAbort)
  endKey.close()
  notDoing()
  call.note('recording', 'recordingEnded', { recordingId: row.id, end: result.end, durationMs: result.durationMs })
  await opened.catch((thrown) => {
    call.log.error({ recordingId: row.id, err: toError(thrown) }, 'the row of a recording could not be opened')
  })
  await closeRow(call, row.id, result)
  const hasFailed = result.end === 'write-failed'
  return {
    outcome: hasFailed ? 'failed' : 'recorded',
    recordingId: row.id,
    file: row.file,
    durationMs: result.durationMs,
    endedBy: endKey.wasPressed ? 'end-key' : endedBy(result.end, call.isEnded),
    heardSound: result.heardSound,
    problem: result.problem,
  }
}

function newRecording(call: Call, parts: RecordParts): RecordingRecord {
  const id = parts.ids.recording()
  const startedAt = call.clock.wallTime()
  const day = new Date(startedAt).toISOString().slice(0, 10)
  return {
    id,
    callId: call.id,
    tenant: call.tenant,
    file: join('recordings', day, `${id}.wav`),
    channels: 1,
    state: 'recording',
    startedAt,
    durationMs: null,
    fileBytes: null,
    problem: null,
  }
}

async function closeRow(call: Call, id: RecordingId, result: RecordResult): Promise<void> {
  const { durationMs, fileBytes, problem } = result
  const state = result.end === 'write-failed' ? 'failed' : 'saved'
  if (problem !== null) call.note('problem', 'recordingFailed', { recordingId: id, problem })
  try {
    await call.records.closeRecording(id, { state, durationMs, fileBytes, problem })
  } catch (thrown) {
    call.log.error({ recordingId: id, err: toError(thrown) }, 'the row of a recording could not be closed')
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
