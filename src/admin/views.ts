import type { CallRecord, JournalEvent, LegRecord, RecordingRecord } from '../call/records.ts'
import type { CallView, JournalEventView, LegView, RecordingView } from './schemas.ts'

export function viewCall(row: CallRecord): CallView {
  const talkMs = row.answeredAt !== null && row.endedAt !== null ? row.endedAt - row.answeredAt : null
  return {
    ...row,
    absent: [...row.absent],
    startedAt: iso(row.startedAt),
    answeredAt: isoOrNull(row.answeredAt),
    endedAt: isoOrNull(row.endedAt),
    talkSeconds: talkMs === null ? null : talkMs / 1000,
  }
}

export function viewLeg(row: LegRecord): LegView {
  const { callId: _callId, ...rest } = row
  return {
    ...rest,
    startedAt: iso(row.startedAt),
    answeredAt: isoOrNull(row.answeredAt),
    endedAt: isoOrNull(row.endedAt),
  }
}

export function viewRecording(row: RecordingRecord): RecordingView {
  const hasAudio = row.state !== 'deleted' && row.state !== 'failed'
  return {
    id: row.id,
    callId: row.callId,
    tenant: row.tenant,
    channels: row.channels,
    state: row.state,
    startedAt: iso(row.startedAt),
    durationSeconds: row.durationMs === null ? null : row.durationMs / 1000,
    bytes: row.fileBytes,
    problem: row.problem,
    audio: hasAudio ? `/api/v1/recordings/${row.id}/audio` : null,
  }
}

/** @param showsDigits - keys may be a PIN: they stand in the journal as `*` unless asked for by name. */
export function viewEvent(event: JournalEvent, showsDigits: boolean): JournalEventView {
  const facts = event.kind === 'digit' && !showsDigits ? { ...event.facts, digit: '*' } : event.facts
  const micros = String(Math.round((event.at % 1) * 1000)).padStart(3, '0')
  const at = iso(Math.floor(event.at)).replace('Z', `${micros}Z`)
  return { at, kind: event.kind, legId: event.legId, what: event.what, facts }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}
