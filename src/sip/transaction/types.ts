import type { TimeoutError, TransportError } from '../../base/errors.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import type { Destination, Flow } from '../transport/types.ts'

/** RFC 3261 §17.2. One request from a peer, and our answers to it. */
export interface ServerTransaction {
  readonly request: SipRequest
  readonly flow: Flow
  /** Sends a response; later ones replace it for retransmissions as the figures say. Refused (StateError) after a final one, but for a repeated 2xx to INVITE. */
  respond(response: SipResponse): void
  /** Set by the transaction user that takes the request; without one the events are dropped. */
  user: ServerTransactionUser | null
  readonly isTerminated: boolean
}

export interface ServerTransactionUser {
  /** A CANCEL matched this INVITE (§9.2). The layer has answered the CANCEL with 200; the user answers 487 if it still may. */
  cancelled(cancel: SipRequest): void
  /** The last response could not be sent by any way. */
  transportFailed(error: TransportError): void
  /** Timer H: no ACK came for our non-2xx final response. */
  ackTimedOut(): void
}

/** RFC 3261 §17.1. One request of ours. */
export interface ClientTransaction {
  readonly request: SipRequest
  /** null until the first send has been done. */
  readonly flow: Flow | null
  /** Sends CANCEL for an INVITE, now or as soon as a provisional response allows it (§9.1); does nothing after a final response. */
  cancel(reason?: string): void
}

export interface ClientTransactionUser {
  /** Every provisional response and the final one; for INVITE also each further 2xx (RFC 6026 §7.2). Non-2xx ACKs are the layer's. */
  responseReceived(response: SipResponse): void
  /** No final response will come: Timer B or F, or the transport failed. */
  failed(error: TimeoutError | TransportError): void
}

/** Takes what belongs to no transaction: the dialog layer. */
export interface TransactionUser {
  /** A new request: not a retransmission, not a CANCEL, not an ACK; a merged request (§8.2.2.2) has been answered 482. */
  requestReceived(transaction: ServerTransaction): void
  /** An ACK for a 2xx (§13.3.1.4): its own transaction, matched to a dialog above. */
  ackReceived(ack: SipRequest, flow: Flow): void
  /** A 2xx to INVITE whose client transaction is gone: the dialog above acknowledges it again or ends what it opened. */
  strayResponseReceived(response: SipResponse, flow: Flow): void
  flowClosed(flow: Flow): void
}

export interface Transactions {
  /** Starts a client transaction: sets the branch, sends, retransmits. ACK is not sent this way. */
  request(
    request: SipRequest,
    target: { flow?: Flow; destination?: Destination },
    user: ClientTransactionUser,
  ): ClientTransaction
  /** Sends an ACK for a 2xx: no transaction, no retransmission (§13.2.2.4). */
  sendAck(ack: SipRequest, target: { flow?: Flow; destination?: Destination }): void
  /** Transactions alive, for metrics and tests. */
  readonly counts: { readonly client: number; readonly server: number }
}

/** RFC 3261 §17.1.1.1, table 4. Values of one stack; everything else is computed from these three. */
export interface SipTimers {
  /** T1, an estimate of the round trip. Milliseconds. */
  readonly t1Ms: number
  /** T2, the longest interval between retransmissions. */
  readonly t2Ms: number
  /** T4, how long a message stays in the network. */
  readonly t4Ms: number
}

export const defaultTimers: SipTimers = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 }
