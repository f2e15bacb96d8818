import { IdFactory } from '../../src/base/ids.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { CallRecord, JournalEvent, LegRecord, RecordingRecord } from '../../src/call/records.ts'
import { TestClock } from './test-clock.ts'

/** When sample calls begin, if nothing else is said. */
export const sampleStart = Date.UTC(2026, 0, 15, 9, 0, 0)

const ids = new IdFactory(new TestClock(), new SeededRandom(7))

/** An open call as it stands when the INVITE has come. */
export function sampleCall(change: Partial<CallRecord> = {}): CallRecord {
  return {
    id: ids.call(),
    serial: null,
    tenant: 'acme',
    direction: 'inbound',
    from: '+6591234567',
    fromName: 'Lan',
    to: '1000',
    extension: null,
    app: 'menu',
    answeredBy: null,
    transferredTo: null,
    absent: [],
    startedAt: sampleStart,
    answeredAt: null,
    endedAt: null,
    cause: null,
    sipStatus: null,
    q850: null,
    endedBy: null,
    sentence: null,
    ...change,
  }
}

/** The same call, answered after 2 s and hung up by the caller after 12 s. */
export function endedCall(call: CallRecord, change: Partial<CallRecord> = {}): CallRecord {
  return {
    ...call,
    answeredAt: call.startedAt + 2000,
    endedAt: call.startedAt + 12_000,
    cause: 'normal',
    q850: 16,
    endedBy: 'caller',
    sentence: 'The caller hung up after 10 s.',
    ...change,
  }
}

export function sampleLeg(call: CallRecord, change: Partial<LegRecord> = {}): LegRecord {
  return {
    id: ids.leg(),
    callId: call.id,
    role: 'caller',
    direction: 'inbound',
    label: null,
    dialled: null,
    extension: null,
    sipCallId: 'a84b4c76e66710@192.0.2.17',
    peer: 'udp:192.0.2.17:5060',
    userAgent: 'Sample phone 1.0',
    codec: null,
    startedAt: call.startedAt,
    answeredAt: null,
    endedAt: null,
    cause: null,
    packetsSent: null,
    packetsReceived: null,
    packetsLost: null,
    jitterMs: null,
    ...change,
  }
}

export function endedLeg(leg: LegRecord, change: Partial<LegRecord> = {}): LegRecord {
  return {
    ...leg,
    codec: 'PCMU',
    answeredAt: leg.startedAt + 2000,
    endedAt: leg.startedAt + 12_000,
    cause: 'normal',
    packetsSent: 500,
    packetsReceived: 498,
    packetsLost: 2,
    jitterMs: 1.25,
    ...change,
  }
}

export function sampleRecording(call: CallRecord, change: Partial<RecordingRecord> = {}): RecordingRecord {
  const id = ids.recording()
  return {
    id,
    callId: call.id,
    tenant: call.tenant,
    file: `recordings/${id}.wav`,
    channels: 1,
    state: 'recording',
    startedAt: call.startedAt + 3000,
    durationMs: null,
    fileBytes: null,
    problem: null,
    ...change,
  }
}

export function sampleEvents(count: number, at: number): readonly JournalEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    at: at + index + 0.125,
    kind: 'digit',
    legId: null,
    what: 'digit',
    facts: { digit: String(index % 10), carrier: 'rfc4733', durationMs: 100 },
  }))
}
