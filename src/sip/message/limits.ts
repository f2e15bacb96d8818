/** Bounds on what is taken from the network. Every one is a count or a number of bytes (of characters for text that was decoded). */
export interface MessageLimits {
  /** Head and body together. 65,535 is what a UDP datagram can hold; streams get no more. */
  readonly messageBytes: number
  /** Start line and header fields, the empty line included. */
  readonly headBytes: number
  /** The body alone. */
  readonly bodyBytes: number
  /** One header field, its folded lines together, or the start line. */
  readonly lineLength: number
  readonly headerFields: number
  /** Via values; Max-Forwards starts at 70 (RFC 3261 §8.1.1.6), so no longer way is legal. */
  readonly vias: number
  /** A URI; longer ones are refused with 414. */
  readonly uriLength: number
}

export const defaultLimits: MessageLimits = {
  messageBytes: 65_535,
  headBytes: 65_535,
  bodyBytes: 65_535,
  lineLength: 8192,
  headerFields: 200,
  vias: 70,
  uriLength: 2048,
}

/** Parameters behind one address, Via or URI. Not a setting: no use is known for more, and each costs a map entry. */
export const maxParameters = 64

/** Values of one comma-separated header field. A line of 8 KiB could else hold 4,096 of them. */
export const maxListValues = 256
