import { join } from 'node:path'
import { toError } from '../base/errors.ts'
import type { IdFactory, RecordingId } from '../base/ids.ts'
import type { LegFacts, LegRecording } from '../leg/leg.ts'
import type { RecordOptions, RecordResult } from '../media/plane/types.ts'
import type { Call } from './call.ts'
import type { RecordingRecord } from './records.ts'

export interface RecordingParts {
  readonly ids: IdFactory
  readonly dataFolder: string
}

/** A recording and its row, from the first sample to the last word about it. */
export interface KeptRecording {
  readonly id: RecordingId
  /** Relative to the data folder. */
  readonly file: string
  /** The sound has ended and the file is whole; the row may still say `recording`. */
  readonly stopped: Promise<RecordResult>
  /** The row says so, too. Never rejects. To be owed to a call whose record must not be closed before. */
  readonly ended: Promise<RecordResult>
  pause(isPaused: boolean): void
  stop(): void
}

/**
 * Starts a recording of something that is heard in a call, and keeps its row: opened now, closed as `saved` or `failed`
 * when the file is whole. What the program's death leaves open is closed as `interrupted` at the next start.
 * @param options.fileName - what the file's name begins with, before its id: up to 64 letters, digits, `_` and `-`, others left out.
 * @param start - begins the recording itself: of a leg, of a room.
 */
export function keepRecording(
  call: Call,
  parts: RecordingParts,
  {
    fileName = '',
    ...options
  }: Omit<RecordOptions, 'recordingId' | 'file'> & { readonly fileName?: string | undefined },
  start: (options: RecordOptions) => LegRecording,
): KeptRecording {
  const row = newRow(call, parts.ids.recording(), options.channels === 'both' ? 2 : 1, fileName)
  const opened = call.records.openRecording(row)
  // Awaited only once the sound has ended; a failure meanwhile is told then, and must not count as unheard.
  opened.catch(() => {})
  const running = start({ ...options, recordingId: row.id, file: join(parts.dataFolder, row.file) })
  // The recording of a room may outlast the call that began it, whose journal is closed then.
  let isJournalOpen = true
  call.ended.then(() => (isJournalOpen = false)).catch(() => {})
  const note = (kind: 'recording' | 'problem', what: string, facts: LegFacts = {}): void => {
    if (isJournalOpen) call.note(kind, what, { recordingId: row.id, ...facts })
  }
  note('recording', 'recordingStarted')
  const stopped = running.ended.then((result) => {
    note('recording', 'recordingEnded', { end: result.end, durationMs: result.durationMs })
    if (result.problem !== null) note('problem', 'recordingFailed', { problem: result.problem })
    return result
  })
  const finish = async (): Promise<RecordResult> => {
    const result = await stopped
    await opened.catch((thrown) => {
      call.log.error({ recordingId: row.id, err: toError(thrown) }, 'the row of a recording could not be opened')
    })
    await closeRow(call, row.id, result)
    return result
  }
  return {
    id: row.id,
    file: row.file,
    stopped,
    ended: finish(),
    pause: (isPaused) => {
      note('recording', isPaused ? 'recordingPaused' : 'recordingResumed')
      running.pause(isPaused)
    },
    stop: () => running.stop(),
  }
}

function newRow(call: Call, id: RecordingId, channels: 1 | 2, fileName: string): RecordingRecord {
  const startedAt = call.clock.wallTime()
  const day = new Date(startedAt).toISOString().slice(0, 10)
  const beginning = fileName.replace(/[^\w-]/g, '').slice(0, 64)
  return {
    id,
    callId: call.id,
    tenant: call.tenant,
    file: join('recordings', day, `${beginning === '' ? '' : `${beginning}-`}${id}.wav`),
    channels,
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
  try {
    await call.records.closeRecording(id, { state, durationMs, fileBytes, problem })
  } catch (thrown) {
    call.log.error({ recordingId: id, err: toError(thrown) }, 'the row of a recording could not be closed')
  }
}
