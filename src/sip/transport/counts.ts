/** What the transport has done since it was made. Read by the metrics page; only ever grows, but for `open`. */
export interface TransportCounts {
  readonly udp: DirectionCounts
  readonly tcp: DirectionCounts
  /** Bytes that were no legal message. */
  malformed: number
  /** Malformed requests that were answered. */
  refusalsSent: number
  /** Malformed requests left without an answer, because their source had got enough of them. */
  refusalsWithheld: number
  keepAlives: number
  sendFailures: number
  readonly connections: ConnectionCounts
}

export interface DirectionCounts {
  /** Whole messages, legal or not. */
  received: number
  sent: number
}

export interface ConnectionCounts {
  /** Now. */
  open: number
  accepted: number
  opened: number
  /** Turned away at a bound on their number. */
  refused: number
  /** Closed for want of a first message, or of the rest of one that had begun. */
  timedOut: number
  /** Closed after a long silence. */
  idle: number
  /** Closed because the peer did not read. */
  tooSlow: number
}

export function newCounts(): TransportCounts {
  return {
    udp: { received: 0, sent: 0 },
    tcp: { received: 0, sent: 0 },
    malformed: 0,
    refusalsSent: 0,
    refusalsWithheld: 0,
    keepAlives: 0,
    sendFailures: 0,
    connections: { open: 0, accepted: 0, opened: 0, refused: 0, timedOut: 0, idle: 0, tooSlow: 0 },
  }
}
