import type { CallId, RecordingId } from '../../base/ids.ts'
import type { Ledger, LedgerEntry } from '../../store/ledger.ts'
import type { Application } from './applications.ts'
import type { NotifyTarget } from './blocks.ts'
import { Refusal, writeDate } from './codec.ts'
import type { Billing } from './rates.ts'
import type { AnswerFields, BlockName, ReachStatus } from './wire.ts'

/** Where something is told, and as what. */
export interface Step {
  readonly block: BlockName | null
  readonly target: NotifyTarget
  readonly tag: string | null
}

/** A call as its application knows it: a session, a click to call, a member of a conference. */
export interface Transaction {
  readonly ref: string
  readonly kind: 'ivr' | 'voice' | 'conference'
  readonly startedAt: number
  readonly endedAt: number | null
  readonly requestKey: string | null
  readonly callId: CallId
  readonly session: string | null
  readonly room: string | null
  readonly tag: string | null
  readonly dest1: string
  readonly dest2: string
  readonly status1: ReachStatus | null
  readonly status2: ReachStatus | null
  /** Per minute, of all that it pays for as it begins. */
  readonly rate: number
  readonly currency: string
  /** Null until it has ended. */
  readonly billing: Billing | null
  /** Where its end is told; null: nowhere. */
  readonly step: Step | null
  readonly monitor: { readonly recordingId: RecordingId; readonly step: Step | null } | null
  /** What stands in each of its notifications. */
  readonly standing: Readonly<Record<string, string>>
}

/** Transactions as they are kept. */
export class Transactions {
  readonly #ledger: Pick<Ledger, 'put' | 'get' | 'ofRequest' | 'list' | 'count' | 'unfinished'>

  constructor(ledger: Pick<Ledger, 'put' | 'get' | 'ofRequest' | 'list' | 'count' | 'unfinished'>) {
    this.#ledger = ledger
  }

  put({ tenant, settings }: Application, transaction: Transaction): Promise<void> {
    const { ref, startedAt, endedAt, requestKey, ...data } = transaction
    return this.#ledger.put({
      ref,
      startedAt,
      endedAt,
      requestKey,
      tenant: tenant.name,
      account: settings.name,
      data: JSON.stringify(data),
    })
  }

  /** Throws Refusal `error_txn_ref_invalid`, `error_txn_ref_access_denied`. */
  async find({ tenant, settings }: Application, ref: string): Promise<Transaction> {
    const entry = await this.#ledger.get(ref)
    if (!entry) throw new Refusal('error_txn_ref_invalid')
    if (entry.tenant !== tenant.name || entry.account !== settings.name) {
      throw new Refusal('error_txn_ref_access_denied')
    }
    return toTransaction(entry)
  }

  async ofRequest({ tenant, settings }: Application, requestKey: string): Promise<readonly Transaction[]> {
    return (await this.#ledger.ofRequest(tenant.name, settings.name, requestKey)).map(toTransaction)
  }

  /** One page, newest first, and how many there are in all. */
  async page(
    { tenant, settings }: Application,
    period: { readonly from?: number; readonly before?: number },
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly total: number; readonly entries: readonly Transaction[] }> {
    const filter = { tenant: tenant.name, account: settings.name, ...period }
    const [total, entries] = await Promise.all([this.#ledger.count(filter), this.#ledger.list(filter, page)])
    return { total, entries: entries.map(toTransaction) }
  }

  /** After a start: what the server before this one left open, by tenant and account. */
  async unfinished(): Promise<readonly { tenant: string; account: string; transaction: Transaction }[]> {
    const entries = await this.#ledger.unfinished()
    return entries.map((entry) => ({
      tenant: entry.tenant,
      account: entry.account,
      transaction: toTransaction(entry),
    }))
  }
}

/**
 * As `query_status` and `get_history` show it; without `duration` and `debit` while it goes on. Until then both of its numbers are
 * `ongoing`, also one that has answered: hoiio-java takes any other status for the sign that `duration` and `debit` are there.
 */
export function viewTransaction(transaction: Transaction): AnswerFields {
  const { ref, tag, dest1, dest2, startedAt, currency, rate, billing } = transaction
  const status1 = billing ? transaction.status1 : 'ongoing'
  const status2 = billing || dest2 === '' ? transaction.status2 : 'ongoing'
  return {
    txn_ref: ref,
    tag: tag ?? '',
    dest1,
    dest2,
    call_status_dest1: status1 ?? '',
    call_status_dest2: status2 ?? '',
    // hoiio-java reads them so.
    call_status_dest_1: status1 ?? '',
    call_status_dest_2: status2 ?? '',
    date: writeDate(startedAt),
    currency,
    rate: billing?.rate ?? rate.toFixed(3),
    ...(billing && { duration: billing.duration, debit: billing.debit }),
  }
}

/** The entry was written by `put`. */
function toTransaction({ ref, startedAt, endedAt, requestKey, data }: LedgerEntry): Transaction {
  const rest = JSON.parse(data) as Omit<Transaction, 'ref' | 'startedAt' | 'endedAt' | 'requestKey'>
  return { ...rest, ref, startedAt, endedAt, requestKey }
}
