import type { Clock } from '../base/clock.ts'
import { assert, toError } from '../base/errors.ts'
import type { CallId } from '../base/ids.ts'
import type { Logger } from '../base/log.ts'
import type { Leg, LegEnd, LegFacts, LegUser } from '../leg/leg.ts'
import type { DetectedDigit } from '../media/plane/types.ts'
import { DigitBuffer } from './digit-buffer.ts'
import { describeEnding, type OwnEnding } from './ending.ts'
import { CallJournal } from './journal.ts'
import type { CallRecord, CallRecords, LegRecord } from './records.ts'

export interface CallParts {
  readonly clock: Clock
  readonly log: Logger
  readonly records: CallRecords
}

/** Where a call is to go, decided before it exists. */
export interface CallTarget {
  readonly tenant: string
  /** The number or name dialled, as it is looked up: E.164 or an extension. */
  readonly to: string
  /** What takes the call, for the record; null where nothing does. */
  readonly app: string | null
}

/** Made once: an abort without a reason makes an error with its stack for every call. */
const callOver = new Error('The call is over.')

/**
 * One conversation: its caller's leg, its record, its journal, its digits. It knows no verbs; `action/` plays and
 * gathers on it. Everything about one call happens here one thing at a time, in the order it arrived.
 */
export class Call implements LegUser {
  readonly id: CallId
  readonly tenant: string
  readonly to: string
  readonly app: string | null
  readonly leg: Leg
  readonly digits: DigitBuffer
  /** Resolves with the closed record, once it is committed (or could not be: then with what would have been). */
  readonly ended: Promise<CallRecord>
  readonly #parts: CallParts
  readonly #log: Logger
  readonly #journal: CallJournal
  readonly #abort = new AbortController()
  readonly #startedAt: number
  readonly #startedMs: number
  readonly #owed = new Set<Promise<unknown>>()
  #answeredAt: number | null = null
  #answeredMs: number | null = null
  #own: OwnEnding | null = null
  #activity: string | null = null
  #resolveEnded: (record: CallRecord) => void = () => {}

  constructor(id: CallId, leg: Leg, target: CallTarget, parts: CallParts) {
    this.id = id
    this.leg = leg
    this.tenant = target.tenant
    this.to = target.to
    this.app = target.app
    this.#parts = parts
    this.#log = parts.log.child({ callId: id })
    this.digits = new DigitBuffer(parts.clock)
    this.#startedAt = parts.clock.wallTime()
    this.#startedMs = parts.clock.now()
    this.#journal = new CallJournal({
      callId: id,
      clock: parts.clock,
      sink: parts.records,
      onLost: (thrown) => this.#log.error({ err: toError(thrown) }, 'a part of the journal could not be kept'),
    })
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    leg.attach(this)
  }

  /** Aborted when the call ends; its reason is not an error. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get isEnded(): boolean {
    return this.#abort.signal.aborted
  }

  get isAnswered(): boolean {
    return this.#answeredAt !== null
  }

  get clock(): Clock {
    return this.#parts.clock
  }

  get records(): CallRecords {
    return this.#parts.records
  }

  get log(): Logger {
    return this.#log
  }

  /** Opens the record; resolves when it is committed, which must be before any response above 100. */
  async open(): Promise<void> {
    await this.#parts.records.open(this.record(), this.legRecord())
  }

  /** Answers the caller. Does nothing when it is answered or over. */
  answer(): void {
    if (this.isAnswered || this.isEnded) return
    this.#answeredAt = this.#parts.clock.wallTime()
    this.#answeredMs = this.#parts.clock.now()
    this.leg.answer()
    if (this.isEnded) return
    this.#keep(this.#parts.records.update(this.id, { answeredAt: this.#answeredAt }), 'the time of answer')
  }

  /** Ends the call in whatever state it is. The first to say so is whose words the record keeps. */
  end(own: OwnEnding, options: { readonly status?: number; readonly text?: string } = {}): void {
    if (this.isEnded) return
    this.#own ??= own
    this.leg.end(own.cause, options)
  }

  /** What is going on, for the sentence should the call end meanwhile. Returns the way to say that it is over. */
  doing(activity: string): () => void {
    this.#activity = activity
    return () => {
      if (this.#activity === activity && !this.isEnded) this.#activity = null
    }
  }

  /** The record is closed only after these have settled: recordings that are being finished. */
  owe(work: Promise<unknown>): void {
    this.#owed.add(work)
    work
      .catch(() => {})
      .finally(() => this.#owed.delete(work))
      .catch(() => {})
  }

  note(kind: 'prompt' | 'decision' | 'recording' | 'problem', what: string, facts: LegFacts = {}): void {
    this.#journal.note(kind, this.leg.id, what, facts)
  }

  // LegUser: news from the wire.

  digitReceived(digit: DetectedDigit): void {
    const { carrier, durationMs } = digit
    this.#journal.note('digit', this.leg.id, 'digitReceived', { digit: digit.digit, carrier, durationMs })
    this.digits.push(digit)
  }

  legNoted(kind: 'sip' | 'media', what: string, facts: LegFacts): void {
    this.#journal.note(kind, this.leg.id, what, facts)
  }

  legEnded(end: LegEnd): void {
    assert(!this.isEnded, 'A leg ended twice.', { callId: this.id })
    const now = this.#parts.clock.now()
    const endedAt = this.#parts.clock.wallTime()
    const ending = describeEnding(end, this.#own, {
      wasAnswered: this.isAnswered,
      ringMs: now - this.#startedMs,
      talkMs: this.#answeredMs === null ? 0 : now - this.#answeredMs,
      activity: this.#activity,
    })
    this.#journal.note('decision', this.leg.id, 'callEnded', { cause: ending.cause, endedBy: ending.endedBy })
    this.#abort.abort(callOver)
    this.digits.close()
    this.#close({ ...this.record(), ...ending, endedAt }).catch((thrown) => {
      this.#log.error({ err: toError(thrown) }, 'closing the call failed')
    })
  }

  /** The row as it stands. */
  record(): CallRecord {
    const { party, direction } = this.leg
    return {
      id: this.id,
      tenant: this.tenant,
      direction,
      from: party.user,
      fromName: party.displayName,
      to: this.to,
      extension: party.extension,
      app: this.app,
      startedAt: this.#startedAt,
      answeredAt: this.#answeredAt,
      endedAt: null,
      cause: null,
      sipStatus: null,
      q850: null,
      endedBy: null,
      sentence: null,
    }
  }

  legRecord(): LegRecord {
    const { leg } = this
    return {
      id: leg.id,
      callId: this.id,
      role: leg.role,
      direction: leg.direction,
      sipCallId: leg.sipCallId,
      peer: leg.party.address,
      userAgent: leg.party.userAgent,
      codec: leg.codec,
      startedAt: this.#startedAt,
      answeredAt: this.#answeredAt,
      endedAt: null,
      cause: null,
      packetsSent: null,
      packetsReceived: null,
      packetsLost: null,
      jitterMs: null,
    }
  }

  async #close(record: CallRecord): Promise<void> {
    const stats = await this.leg.stats()
    while (this.#owed.size > 0) await Promise.allSettled(this.#owed)
    const legRecord: LegRecord = {
      ...this.legRecord(),
      endedAt: record.endedAt,
      cause: record.cause,
      packetsSent: stats.packetsSent,
      packetsReceived: stats.packetsReceived,
      packetsLost: stats.packetsLost,
      jitterMs: Math.round(stats.jitterMs * 10) / 10,
    }
    this.#journal.flush()
    try {
      await this.#parts.records.close(record, [legRecord])
    } catch (thrown) {
      this.#log.error({ err: toError(thrown), sentence: record.sentence }, 'the call record could not be closed')
    }
    this.#resolveEnded(record)
  }

  #keep(write: Promise<void>, what: string): void {
    write.catch((thrown) => this.#log.error({ err: toError(thrown) }, `${what} could not be written to the record`))
  }
}
