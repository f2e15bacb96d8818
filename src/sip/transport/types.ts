import type { ParseError } from '../../base/errors.ts'
import type { SipMessage, SipRequest, SipResponse, Via } from '../message/types.ts'

export type TransportProtocol = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** An IP literal without brackets (an advertised address may be a host name), and a port. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/**
 * The way a message came, and the way back: a pair of UDP addresses or one connection. RFC 5626 calls it a flow.
 * It may be kept (a registration, a dialog) and outlives a lost connection, which then is reopened or reported.
 */
export interface Flow {
  /** Equal ids are the same flow: protocol, both addresses, and for connections a counter. */
  readonly id: string
  readonly protocol: TransportProtocol
  /** True for all but UDP: no retransmission is needed, RFC 3261 §17. */
  readonly isReliable: boolean
  readonly local: SocketAddress
  readonly remote: SocketAddress
  /** False once the connection is gone. Always true for UDP. */
  readonly isOpen: boolean
}

/** Where a request is to go when no flow is known. IP literals only here; names are resolved before (RFC 3263). */
export interface Destination {
  readonly protocol: TransportProtocol
  readonly remote: SocketAddress
}

/** Reads what comes in: the transaction layer. */
export interface TransportUser {
  /** A whole, legal message. The topmost Via of a request already carries `received` and `rport` (§18.2.1, RFC 3581). */
  messageReceived(message: SipMessage, flow: Flow): void
  /**
   * Bytes that are no legal message. The transport has already answered a request whose reply could be built
   * (400, 505, 413 …) or dropped the bytes; this is for logs and counters.
   */
  garbageReceived(error: ParseError, flow: Flow): void
  /** A connection is gone; transactions on it fail, registrations on it may be reopened. */
  flowClosed(flow: Flow): void
}

/** A response in its printed form, and where it goes. */
export interface PreparedResponse {
  /**
   * Sends it, once more each time, as `sendResponse`. Rejects with TransportError.
   * @param retransmission - the way by which the request has come again, where that is another than it came at first.
   */
  send(retransmission?: { readonly flow: Flow; readonly via: Via }): Promise<void>
}

/** What the transport offers to the layers above. */
export interface Transport {
  /**
   * Sends a request: by `flow` where one is given and open, else to `destination` (reusing a connection to it).
   * Fills the sent-by of the topmost Via from the socket that is used (advertised address outside the local
   * networks), and adds rport. Requests over 1,300 bytes go by TCP where the peer may take it, and fall back to UDP.
   * @returns the flow used. Rejects with TransportError.
   */
  sendRequest(request: SipRequest, target: { flow?: Flow; destination?: Destination }): Promise<Flow>
  /** Sends a response the way §18.2.2 and RFC 3581 say: same flow, else the Via's address. Rejects with TransportError. */
  sendResponse(response: SipResponse, flow: Flow): Promise<void>
  /** Prints a response once, so that it can be sent again as the same bytes while the message itself is let go. */
  prepareResponse(response: SipResponse, flow: Flow): PreparedResponse
  /**
   * Host and port for Contact, Record-Route and Via as this peer should see them: the advertised address outside
   * the local networks, the socket's own inside, chosen per destination when listening on a wildcard address.
   */
  localAddress(peer: { protocol: TransportProtocol; remote: SocketAddress }): SocketAddress
  /** As `localAddress`, without advertised addresses: the interface's own address, for media sockets. */
  interfaceAddress(peer: { remote: SocketAddress }): string
}
