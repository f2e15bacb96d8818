import type { CallId, LegId, RecordingId } from '../../src/base/ids.ts'
import type { CallRecord, CallRecords, JournalEvent, LegRecord, RecordingRecord } from '../../src/call/records.ts'

/** Call records in memory, with the rules of the real store: closed once, rows in the order of their writes. */
export class MemoryRecords implements CallRecords {
  readonly calls = new Map<CallId, CallRecord>()
  readonly legs = new Map<LegId, LegRecord>()
  readonly recordings = new Map<RecordingId, RecordingRecord>()
  readonly journal: JournalEvent[] = []
  /** Makes `open` fail: a full disk. */
  failOpening: Error | null = null
  /** Makes `close` fail so many times: a locked database. */
  failClosing = 0

  async open(call: CallRecord, leg: LegRecord): Promise<void> {
    if (this.failOpening) throw this.failOpening
    this.calls.set(call.id, call)
    this.legs.set(leg.id, leg)
  }

  async update(id: CallId, change: Partial<CallRecord>): Promise<void> {
    const call = this.calls.get(id)
    if (call && call.endedAt === null) this.calls.set(id, { ...call, ...change })
  }

  async addLeg(leg: LegRecord): Promise<void> {
    this.legs.set(leg.id, leg)
  }

  async updateLeg(id: LegId, change: Partial<LegRecord>): Promise<void> {
    const leg = this.legs.get(id)
    if (leg) this.legs.set(id, { ...leg, ...change })
  }

  async close(call: CallRecord, legs: readonly LegRecord[]): Promise<boolean> {
    if (this.failClosing > 0) {
      this.failClosing--
      throw new Error('the database is locked')
    }
    if (this.calls.get(call.id)?.endedAt !== null) return false
    this.calls.set(call.id, call)
    for (const leg of legs) this.legs.set(leg.id, leg)
    return true
  }

  async openRecording(recording: RecordingRecord): Promise<void> {
    this.recordings.set(recording.id, recording)
  }

  async closeRecording(id: RecordingId, change: Partial<RecordingRecord>): Promise<void> {
    const recording = this.recordings.get(id)
    if (recording) this.recordings.set(id, { ...recording, ...change })
  }

  async appendJournal(_callId: CallId, _batch: number, events: readonly JournalEvent[]): Promise<void> {
    this.journal.push(...events)
  }
}
