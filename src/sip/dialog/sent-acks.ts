import type { SipRequest } from '../message/types.ts'
import type { Transactions } from '../transaction/types.ts'
import type { RequestTarget } from './next-hop.ts'

interface Sent {
  readonly ack: SipRequest
  readonly target: RequestTarget
  repeats: number
}

/** ACKs remembered at once: of the forks of the first INVITE, and of the latest re-INVITEs. */
const maxAcks = 32
/** A UAS sends a 2xx eleven times within 64·T1 (RFC 3261 §13.3.1.4); whoever sends more is out of order, or out for a flood. */
const maxRepeats = 32

/** The ACKs that we sent for 2xx, to be sent again each time the 2xx comes again (RFC 3261 §13.2.2.4), within bounds. */
export class SentAcks {
  readonly #transactions: Transactions
  readonly #sent = new Map<string, Sent>()

  constructor(transactions: Transactions) {
    this.#transactions = transactions
  }

  /** @param remoteTag - of the dialog; @param ack - for the INVITE whose CSeq it has. */
  send(remoteTag: string, ack: SipRequest, target: RequestTarget): void {
    for (const oldest of this.#sent.keys()) {
      if (this.#sent.size < maxAcks) break
      this.#sent.delete(oldest)
    }
    this.#sent.set(keyOf(remoteTag, ack.cseq.number), { ack, target, repeats: 0 })
    this.#transactions.sendAck(ack, target)
  }

  /** The 2xx came again. Returns false when no ACK was sent for it yet. */
  again(remoteTag: string, cseq: number): boolean {
    const sent = this.#sent.get(keyOf(remoteTag, cseq))
    if (!sent) return false
    if (sent.repeats++ < maxRepeats) this.#transactions.sendAck(sent.ack, sent.target)
    return true
  }
}

function keyOf(remoteTag: string, cseq: number): string {
  return `${cseq} ${remoteTag}`
}
