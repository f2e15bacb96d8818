import type { MessageError } from '../message/index.ts'
import type { Flow, SocketAddress, TransportProtocol } from './types.ts'

/**
 * A flow seen from inside: what a socket can be asked to send by. Every `Flow` that leaves this folder is one; TLS and
 * WebSocket join by bringing their own.
 */
export interface Wire extends Flow {
  /** The socket it belongs to: answers leave from there, RFC 3581 §4. */
  readonly listener: Listener
  /**
   * Hands the bytes of one message to the kernel.
   * Rejects with TransportError `transport.send-failed`, `transport.connection-lost` or `transport.peer-too-slow`.
   */
  send(bytes: Uint8Array): Promise<void>
}

/** Flows that sockets of this folder made. */
export function isWire(flow: Flow): flow is Wire {
  return 'listener' in flow && 'send' in flow
}

/** One socket that peers send to, with the connections or addresses behind it. */
export interface Listener {
  readonly protocol: TransportProtocol
  /** What it was asked to listen on; the port is the true one once it is bound. */
  readonly local: SocketAddress
  /** Whether it listens on every IPv6 address and serves IPv4 too. */
  readonly isDualStack: boolean
  /** Rejects with ConfigError `transport.address-in-use`, `transport.address-unknown` or `transport.bind-failed`. */
  start(): Promise<void>
  /** Ends the socket and every connection of it. Resolves when the port is free again. */
  close(): Promise<void>
  /**
   * The way to a peer: made up for UDP, for the others an open connection or a new one.
   * Rejects with TransportError `transport.connect-failed`, `transport.connect-timed-out` or
   * `transport.too-many-connections`.
   */
  open(remote: SocketAddress): Promise<Wire>
}

/** Hears what sockets receive: the transport. Nothing here may throw. */
export interface ListenerUser {
  /** One datagram, or one message as it was framed on a stream. The bytes are the reader's to keep. */
  messageArrived(bytes: Uint8Array, wire: Wire): void
  /** A stream that can be framed no further. It is closed once an answer, if one is due, has gone out. */
  framingFailed(error: MessageError, wire: Wire): void
  keepAliveArrived(wire: Wire): void
  wireClosed(wire: Wire): void
}
