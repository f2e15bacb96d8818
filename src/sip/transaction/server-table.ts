import type { SipRequest } from '../message/index.ts'
import { hasBranch, isGlobal, mergeKey, ownText, serverKey } from './keys.ts'
import type { Server } from './server-transaction.ts'

/** Bounds on server transactions. */
export interface ServerLimits {
  /**
   * All together. Most wait for retransmissions (64·T1 after the answer); beyond this the oldest of those are let go early.
   * 1,500 calls a second over UDP hold some 100,000 of about 1 KiB each.
   */
  readonly all: number
  /** Of these, not answered finally yet: they hold the request. */
  readonly unanswered: number
}

export const defaultServerLimits: ServerLimits = { all: 150_000, unanswered: 20_000 }

/** So much room above the bounds is kept for requests within dialogs: calls go on and can be hung up in a flood. */
const dialogReserve = 1.25

/** What a request is to the transactions that are there. */
export type Match =
  /** A retransmission, an ACK, or whatever else belongs to it. */
  | { readonly kind: 'known'; readonly transaction: Server }
  | { readonly kind: 'new'; readonly key: string; readonly mergeKey: string | null }
  /** The same request by another path: RFC 3261 §8.2.2.2. */
  | { readonly kind: 'merged'; readonly key: string }

/** The server transactions of one layer: matching (RFC 3261 §17.2.3) and bounds. */
export class ServerTable {
  readonly #limits: ServerLimits
  readonly #byKey = new Map<string, Server>()
  readonly #byMergeKey = new Map<string, Server>()
  /** Finally answered, oldest first; those with a 2xx to INVITE not, since their calls hang on them. */
  readonly #answered = new Set<Server>()
  /** Not answered finally. */
  #unanswered = 0

  constructor(limits: ServerLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#byKey.size
  }

  all(): Iterable<Server> {
    return this.#byKey.values()
  }

  match(request: SipRequest): Match {
    const key = serverKey(request)
    const transaction = this.#byKey.get(key)
    if (transaction !== undefined) return { kind: 'known', transaction }
    if (request.method === 'ACK' || request.method === 'CANCEL' || request.to.parameters.has('tag')) {
      return newOne(key, null)
    }
    const merge = mergeKey(request)
    const other = this.#byMergeKey.get(merge)
    if (other === undefined) return newOne(key, merge)
    const branch = request.vias[0].parameters.get('branch')
    // One branch, one request: sent again with another sent-by, as after falling back from TCP to UDP.
    if (isGlobal(branch) && hasBranch(other.key, branch)) {
      this.#addAlias(other, key)
      return { kind: 'known', transaction: other }
    }
    // A client whose connection died and which tries again by a new transaction (RFC 3263 §4.3), not a fork: no proxy is between.
    if (!other.flow.isOpen && request.vias.length === 1) return newOne(key, merge)
    return { kind: 'merged', key: ownText(key) }
  }

  /** The INVITE that a CANCEL means: RFC 3261 §9.2. CANCEL of another method has no effect there and none is looked for. */
  cancelled(cancel: SipRequest): Server | undefined {
    return this.#byKey.get(serverKey(cancel, 'INVITE'))
  }

  /** Whether one more may be added; lets go of old ones where that makes the room. */
  makeRoom(isInDialog: boolean): boolean {
    const factor = isInDialog ? dialogReserve : 1
    if (this.#unanswered >= this.#limits.unanswered * factor) return false
    if (this.#byKey.size < this.#limits.all * factor) return true
    for (const oldest of this.#answered) {
      oldest.endEarly()
      break
    }
    return this.#byKey.size < this.#limits.all * factor
  }

  add(transaction: Server): void {
    this.#byKey.set(transaction.key, transaction)
    this.#unanswered++
    if (transaction.mergeKey !== null) this.#byMergeKey.set(transaction.mergeKey, transaction)
  }

  /** Its final response is about to go out. */
  answered(transaction: Server, status: number): void {
    this.#unanswered--
    if (!transaction.isInvite || status >= 300) this.#answered.add(transaction)
    // Kind to clients that send credentials without a new CSeq, against §22.2: that is no merged request.
    if (status === 401 || status === 407) this.#forgetMergeKey(transaction)
  }

  remove(transaction: Server): void {
    if (!transaction.isAnswered) this.#unanswered--
    this.#byKey.delete(transaction.key)
    if (transaction.aliasKey !== null) this.#byKey.delete(transaction.aliasKey)
    this.#answered.delete(transaction)
    this.#forgetMergeKey(transaction)
  }

  clear(): void {
    this.#byKey.clear()
    this.#byMergeKey.clear()
    this.#answered.clear()
    this.#unanswered = 0
  }

  /** The ACK or CANCEL that follows will have the new sent-by too. */
  #addAlias(transaction: Server, key: string): void {
    if (transaction.aliasKey !== null) this.#byKey.delete(transaction.aliasKey)
    transaction.aliasKey = ownText(key)
    this.#byKey.set(transaction.aliasKey, transaction)
  }

  #forgetMergeKey(transaction: Server): void {
    const key = transaction.mergeKey
    if (key !== null && this.#byMergeKey.get(key) === transaction) this.#byMergeKey.delete(key)
    transaction.mergeKey = null
  }
}

function newOne(key: string, mergeKey: string | null): Match {
  return { kind: 'new', key: ownText(key), mergeKey: mergeKey === null ? null : ownText(mergeKey) }
}
