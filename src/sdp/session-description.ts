export type AddressFamily = 'ip4' | 'ip6'

/** A c= line, RFC 8866 §5.7. */
export interface Connection {
  readonly family: AddressFamily
  /** As written: usually an IP literal, a host name from some. */
  readonly address: string
  /** Of multicast: `/127`, `/127/3`; empty for a single host. */
  readonly suffix: string
}

/** An a= line, RFC 8866 §5.13. `a=sendrecv` has the value null. */
export interface Attribute {
  readonly name: string
  readonly value: string | null
}

/** A line that we only carry: i, u, e, p, b, z, k. */
export interface OtherLine {
  readonly type: string
  readonly value: string
}

/** The o= line, RFC 8866 §5.2. Numbers as text: they may have more digits than a double holds. */
export interface Origin {
  readonly username: string
  readonly sessionId: string
  readonly version: string
  readonly family: AddressFamily
  readonly address: string
}

/** One m= line and what belongs to it, RFC 8866 §5.14. */
export interface MediaDescription {
  /** `audio`, `video`, `image`, `application` … */
  readonly media: string
  /** 0 in an answer: refused; in an offer: switched off. */
  readonly port: number
  /** The number behind `/`; 1 where absent. */
  readonly portCount: number
  /** `RTP/AVP`, `RTP/SAVP`, `udptl` … */
  readonly protocol: string
  /** For RTP: payload type numbers. */
  readonly formats: readonly string[]
  readonly connection: Connection | null
  readonly attributes: readonly Attribute[]
  readonly otherLines: readonly OtherLine[]
}

/** A whole description. RFC 8866. */
export interface SessionDescription {
  readonly origin: Origin
  readonly sessionName: string
  readonly connection: Connection | null
  /** t= and the r= behind each, in order, values only with their letter: `t=0 0`. */
  readonly timings: readonly string[]
  readonly attributes: readonly Attribute[]
  readonly otherLines: readonly OtherLine[]
  readonly media: readonly MediaDescription[]
}
