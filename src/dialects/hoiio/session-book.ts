import { toError } from '../../base/errors.ts'
import type { CallId, RecordingId } from '../../base/ids.ts'
import type { Logger } from '../../base/log.ts'
import type { CallRecord, RecordingRecord } from '../../call/records.ts'
import type { Application, Applications } from './applications.ts'
import { writeDate } from './codec.ts'
import { dialStatusOf } from './map.ts'
import type { Notifications } from './notifications.ts'
import { billingOf } from './rates.ts'
import type { Session } from './session.ts'
import type { Step, Transaction, Transactions } from './transactions.ts'
import { voiceNotification } from './voice-requests.ts'
import type { BlockResult } from './wire.ts'

export interface SessionBookParts {
  readonly transactions: Transactions
  readonly notifications: Pick<Notifications, 'send'>
  readonly applications: Pick<Applications, 'find'>
  readonly log: Logger
  linkOf(recording: RecordingId): string
  /** What is kept of a call, ended by now; null: there is nothing. */
  outlineOf(call: CallId, tenant: string): Promise<KeptCall | null>
}

export interface KeptCall {
  readonly call: CallRecord
  readonly recordings: readonly RecordingRecord[]
}

/** Keeps what is known of sessions, so that what they owe is told also when the server was killed meanwhile. */
export class SessionBook {
  readonly #parts: SessionBookParts
  readonly #open = new Map<string, Transaction>()

  constructor(parts: SessionBookParts) {
    this.#parts = parts
  }

  /** Resolves when it is kept, or could not be: a call is worth more than its entry. @param startedAt - wall-clock ms. */
  began(session: Session, callId: CallId, requestKey: string | null, startedAt: number): Promise<void> {
    const { start, application } = session
    const [dest1, dest2] = start.kind === 'dial' ? [start.dest, ''] : [start.from, start.to]
    const transaction: Transaction = {
      ref: session.txnRef,
      kind: 'ivr',
      startedAt,
      endedAt: null,
      requestKey,
      callId,
      session: session.id,
      room: null,
      tag: start.kind === 'dial' ? start.tag : null,
      dest1,
      dest2,
      status1: 'ongoing',
      status2: null,
      rate: start.kind === 'dial' ? start.rate : 0,
      currency: application.settings.currency,
      billing: null,
      step: session.step,
      monitor: session.monitor,
      standing: session.standing,
    }
    this.#open.set(session.id, transaction)
    return this.#put(application, transaction)
  }

  changed(session: Session): void {
    const transaction = this.#open.get(session.id)
    if (!transaction) return
    const { step, monitor } = session
    const changed = { ...transaction, step, monitor }
    this.#open.set(session.id, changed)
    void this.#put(session.application, changed)
  }

  ended(session: Session, record: CallRecord): void {
    const transaction = this.#open.get(session.id)
    if (!transaction) return
    this.#open.delete(session.id)
    const billing = session.billing(record)
    void this.#put(session.application, { ...transaction, ...endOf(record), billing })
  }

  /**
   * Ends what the server before this one left open, and tells it. To be called once, when the calls that were cut off are
   * closed, and before the first call.
   */
  async recover(): Promise<void> {
    const { transactions, applications, outlineOf } = this.#parts
    for (const { tenant, account, transaction } of await transactions.unfinished()) {
      const application = applications.find(`${tenant}/${account}`)
      if (!application) continue
      const kept = await outlineOf(transaction.callId, tenant)
      const record = kept?.call ?? null
      // A call that never had a record was never placed.
      const talkMs = record?.answeredAt ? (record.endedAt ?? record.answeredAt) - record.answeredAt : 0
      const billing = billingOf(transaction.currency, talkMs, [{ rate: transaction.rate, talkMs }])
      const end = record ? endOf(record) : { endedAt: transaction.startedAt, status1: 'failed' as const }
      const ended: Transaction = { ...transaction, ...end, billing }
      this.#tell(application, ended, this.#resultOf(ended, kept))
      await this.#put(application, ended)
    }
  }

  /** What the block that was cut off has brought: whether Dial reached anybody, and what Record has recorded until then. */
  #resultOf({ step, monitor }: Transaction, kept: KeptCall | null): BlockResult {
    if (step?.block === 'dial') return { dial_status: kept ? dialStatusOf(kept.call) : 'failed' }
    const cut = kept?.recordings.findLast(({ id, state }) => state === 'interrupted' && id !== monitor?.recordingId)
    return step?.block === 'record' && cut ? { record_url: this.#parts.linkOf(cut.id) } : {}
  }

  #tell(application: Application, ended: Transaction, result: BlockResult): void {
    const { notifications, linkOf } = this.#parts
    const { step, monitor, session } = ended
    if (session === null) {
      if (step) notifications.send(application, ended.ref, step.target, voiceNotification(ended))
      return
    }
    if (step) notifications.send(application, session, step.target, lastNotification(ended, session, step, result))
    if (!monitor?.step) return
    const own = { monitor_url: linkOf(monitor.recordingId) }
    notifications.send(application, session, monitor.step.target, lastNotification(ended, session, monitor.step, own))
  }

  async #put(application: Application, transaction: Transaction): Promise<void> {
    try {
      await this.#parts.transactions.put(application, transaction)
    } catch (thrown) {
      this.#parts.log.error(
        { reference: transaction.ref, err: toError(thrown) },
        'a session could not be put on record',
      )
    }
  }
}

function endOf(record: CallRecord): Pick<Transaction, 'endedAt' | 'status1'> {
  return { endedAt: record.endedAt ?? record.startedAt, status1: dialStatusOf(record) }
}

/** The end of a session that nobody could tell when it came. */
function lastNotification(
  { ref, startedAt, billing, standing }: Transaction,
  session: string,
  step: Step,
  own: BlockResult,
): Readonly<Record<string, string | undefined>> {
  return {
    session,
    txn_ref: ref,
    call_state: 'ended',
    ...(step.block !== null && { ivr_block: step.block }),
    ...(step.tag !== null && { tag: step.tag }),
    ...standing,
    ...own,
    date: writeDate(startedAt),
    ...billing,
  }
}
