import { delay } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { CallId, LegId } from '../base/ids.ts'
import type { Logger } from '../base/log.ts'
import type { LegFacts } from '../leg/leg.ts'
import type { CallParts, CallTarget } from './call-parts.ts'
import { CallJournal } from './journal.ts'
import type { Party } from './party.ts'
import type { CallRecord, JournalEvent } from './records.ts'

/** A database that somebody locks for a while, or a disk that was full: the record of a call is closed when that is over. */
const closeAgainMs = [1000, 5000, 15_000]

/** What is written of one call: its row, the rows of its legs, its journal. A write that fails is logged and harms nobody. */
export class CallBook {
  readonly log: Logger
  readonly startedAt: number
  answeredBy: string | null = null
  transferredTo: string | null = null
  /** The row is there. */
  isOpen = false
  readonly absent = new Set<string>()
  readonly #serial: number
  readonly #id: CallId
  readonly #target: CallTarget
  readonly #parts: CallParts
  readonly #journal: CallJournal
  readonly #owed = new Set<Promise<unknown>>()
  #answeredAt: number | null = null
  #answeredMs: number | null = null

  constructor(id: CallId, target: CallTarget, parts: CallParts) {
    this.#id = id
    this.#target = target
    this.#parts = parts
    this.#serial = parts.nextSerial()
    this.log = parts.log.child({ callId: id })
    this.startedAt = parts.clock.wallTime()
    this.#journal = new CallJournal({
      callId: id,
      clock: parts.clock,
      sink: parts.records,
      onLost: (thrown) => this.log.error({ err: toError(thrown) }, 'a part of the journal could not be kept'),
    })
  }

  get isAnswered(): boolean {
    return this.#answeredAt !== null
  }

  /** Since the answer; 0 before. */
  get talkMs(): number {
    return this.#answeredMs === null ? 0 : this.#parts.clock.now() - this.#answeredMs
  }

  note(kind: JournalEvent['kind'], legId: LegId | null, what: string, facts: LegFacts): void {
    this.#journal.note(kind, legId, what, facts)
  }

  setAnswered(): void {
    this.#answeredAt = this.#parts.clock.wallTime()
    this.#answeredMs = this.#parts.clock.now()
    this.#keep(this.#parts.records.update(this.#id, { answeredAt: this.#answeredAt }), 'the time of answer')
  }

  addLeg(party: Party): void {
    this.#keep(this.#parts.records.addLeg(party.row()), 'the row of a leg')
  }

  /** The leg came from another call. */
  moveLeg(party: Party): void {
    this.#keep(this.#parts.records.updateLeg(party.leg.id, { callId: this.#id }), 'the new call of a leg')
  }

  /** Writes the last word on a leg that ended while the call goes on. */
  endLeg(party: Party): void {
    const write = party.finalRow.then((row) => this.#parts.records.updateLeg(row.id, row))
    this.owe(write)
    this.#keep(write, 'the end of a leg')
  }

  /** The record is closed only after this has settled. */
  owe(work: Promise<unknown>): void {
    this.#owed.add(work)
    work
      .catch(() => {})
      .finally(() => this.#owed.delete(work))
      .catch(() => {})
  }

  /** The row as it stands. @param first - the party that the call began with. */
  record(first: Party): CallRecord {
    const { party, direction } = first.leg
    const { tenant, to, app, from } = this.#target
    return {
      id: this.#id,
      serial: this.#serial,
      tenant,
      direction,
      from: from ? from.user : party.user,
      fromName: from ? from.name : party.displayName,
      to,
      extension: direction === 'inbound' ? party.extension : (this.#target.extension ?? null),
      app,
      answeredBy: this.answeredBy,
      transferredTo: this.transferredTo,
      absent: [...this.absent],
      startedAt: this.startedAt,
      answeredAt: this.#answeredAt,
      endedAt: null,
      cause: null,
      sipStatus: null,
      q850: null,
      endedBy: null,
      sentence: null,
    }
  }

  /** Writes the closed row with those of the legs that were up to the end. Resolves when all is committed or given up. */
  async close(record: CallRecord, parties: readonly Party[]): Promise<void> {
    const legs = await Promise.all(parties.map((party) => party.finalRow))
    while (this.#owed.size > 0) await Promise.allSettled(this.#owed)
    this.#journal.flush()
    for (let failed = 0; ; failed++) {
      try {
        await this.#parts.records.close(record, legs)
        return
      } catch (thrown) {
        const waitMs = this.isOpen ? closeAgainMs[failed] : undefined
        const facts = { err: toError(thrown), sentence: record.sentence }
        if (waitMs === undefined) return this.log.error(facts, 'the call record could not be closed')
        this.log.warn({ ...facts, waitMs }, 'the call record could not be closed yet')
        await delay(this.#parts.clock, waitMs)
      }
    }
  }

  #keep(write: Promise<void>, what: string): void {
    write.catch((thrown) => this.log.error({ err: toError(thrown) }, `${what} could not be written to the record`))
  }
}
