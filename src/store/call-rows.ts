import type { CallId, LegId, RecordingId } from '../base/ids.ts'
import type { ExtensionCall } from '../call/extension-calls.ts'
import type { CallRecord, JournalEvent, LegRecord, RecordingRecord } from '../call/records.ts'
import { foldText } from './fold-text.ts'
import type { CallRow, ExtensionCallRow, JournalRow, LegRow, RecordingRow } from './schema.ts'

/**
 * Records to rows and back. Milliseconds are rounded: PostgreSQL refuses fractions in whole-number columns. What is
 * read was written by this file, so the casts to ids and unions of literals only give back what was taken away.
 */

export function toCallRow(call: CallRecord): CallRow {
  return {
    id: call.id,
    tenant: call.tenant,
    direction: call.direction,
    from_party: call.from,
    from_name: call.fromName,
    to_party: call.to,
    extension: call.extension,
    app: call.app,
    serial: call.serial,
    absent: call.absent.length === 0 ? null : JSON.stringify(call.absent),
    answered_by: call.answeredBy,
    transferred_to: call.transferredTo,
    started_at: Math.round(call.startedAt),
    answered_at: round(call.answeredAt),
    ended_at: round(call.endedAt),
    cause: call.cause,
    sip_status: call.sipStatus,
    q850: call.q850,
    ended_by: call.endedBy,
    sentence: call.sentence,
    search_text: foldText([call.from, call.fromName, call.to, call.extension].filter(Boolean).join(' ')),
  }
}

export function toCallRecord(row: Omit<CallRow, 'search_text'>): CallRecord {
  return {
    id: row.id as CallId,
    serial: row.serial,
    tenant: row.tenant,
    direction: row.direction as CallRecord['direction'],
    from: row.from_party,
    fromName: row.from_name,
    to: row.to_party,
    extension: row.extension,
    app: row.app,
    answeredBy: row.answered_by,
    transferredTo: row.transferred_to,
    absent: row.absent === null ? [] : (JSON.parse(row.absent) as readonly string[]),
    startedAt: row.started_at,
    answeredAt: row.answered_at,
    endedAt: row.ended_at,
    cause: row.cause as CallRecord['cause'],
    sipStatus: row.sip_status,
    q850: row.q850,
    endedBy: row.ended_by as CallRecord['endedBy'],
    sentence: row.sentence,
  }
}

export function toLegRow(leg: LegRecord): LegRow {
  return {
    id: leg.id,
    call_id: leg.callId,
    role: leg.role,
    direction: leg.direction,
    label: leg.label,
    dialled: leg.dialled,
    extension: leg.extension,
    sip_call_id: leg.sipCallId,
    peer: leg.peer,
    user_agent: leg.userAgent,
    codec: leg.codec,
    started_at: Math.round(leg.startedAt),
    answered_at: round(leg.answeredAt),
    ended_at: round(leg.endedAt),
    cause: leg.cause,
    packets_sent: round(leg.packetsSent),
    packets_received: round(leg.packetsReceived),
    packets_lost: round(leg.packetsLost),
    jitter_ms: leg.jitterMs,
  }
}

export function toLegRecord(row: LegRow): LegRecord {
  return {
    id: row.id as LegId,
    callId: row.call_id as CallId,
    role: row.role as LegRecord['role'],
    direction: row.direction as LegRecord['direction'],
    label: row.label,
    dialled: row.dialled,
    extension: row.extension,
    sipCallId: row.sip_call_id,
    peer: row.peer,
    userAgent: row.user_agent,
    codec: row.codec,
    startedAt: row.started_at,
    answeredAt: row.answered_at,
    endedAt: row.ended_at,
    cause: row.cause as LegRecord['cause'],
    packetsSent: row.packets_sent,
    packetsReceived: row.packets_received,
    packetsLost: row.packets_lost,
    jitterMs: row.jitter_ms,
  }
}

export function toExtensionCallRow(entry: ExtensionCall): ExtensionCallRow {
  return {
    call_id: entry.callId,
    tenant: entry.tenant,
    extension: entry.extension,
    started_at: Math.round(entry.startedAt),
    serial: entry.serial,
    kind: entry.kind,
    outcome: entry.outcome,
    other_party: entry.other,
    talk_ms: Math.round(entry.talkMs),
  }
}

export function toExtensionCall(row: ExtensionCallRow): ExtensionCall {
  return {
    callId: row.call_id as CallId,
    serial: row.serial,
    tenant: row.tenant,
    extension: row.extension,
    startedAt: row.started_at,
    kind: row.kind as ExtensionCall['kind'],
    outcome: row.outcome as ExtensionCall['outcome'],
    other: row.other_party,
    talkMs: row.talk_ms,
  }
}

export function toRecordingRow(recording: RecordingRecord): RecordingRow {
  return {
    id: recording.id,
    call_id: recording.callId,
    tenant: recording.tenant,
    file: recording.file,
    channels: recording.channels,
    state: recording.state,
    started_at: Math.round(recording.startedAt),
    duration_ms: round(recording.durationMs),
    file_bytes: round(recording.fileBytes),
    problem: recording.problem,
  }
}

export function toRecordingRecord(row: RecordingRow): RecordingRecord {
  return {
    id: row.id as RecordingId,
    callId: row.call_id as CallId,
    tenant: row.tenant,
    file: row.file,
    channels: row.channels as RecordingRecord['channels'],
    state: row.state as RecordingRecord['state'],
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    fileBytes: row.file_bytes,
    problem: row.problem,
  }
}

export function toJournalRow(callId: CallId, batch: number, events: readonly JournalEvent[]): JournalRow {
  let lastAt = 0
  for (const event of events) lastAt = Math.max(lastAt, event.at)
  return {
    call_id: callId,
    batch,
    event_count: events.length,
    last_at: Math.floor(lastAt),
    events: JSON.stringify(events),
  }
}

export function toJournalEvents(row: Pick<JournalRow, 'events'>): readonly JournalEvent[] {
  return JSON.parse(row.events) as JournalEvent[]
}

export function round(value: number | null): number | null {
  return value === null ? null : Math.round(value)
}
