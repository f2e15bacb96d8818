/** The audio codecs we speak. Names as in RFC 3551 and SDP's rtpmap. */
export type AudioCodec = 'PCMU' | 'PCMA'

/** RFC 3264 §5.1, seen from us: `sendonly` means that we send. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** What an offer and its answer came to, for the one audio stream that is used. Everything media needs to know. */
export interface AgreedMedia {
  /** Where our RTP goes: IP literal. `0.0.0.0` (RFC 2543 hold) has become direction without sending. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** Where our RTCP goes: a=rtcp (RFC 3605), else port + 1. 0 where there is no such port: then none is sent. */
  readonly remoteRtcpPort: number
  /** Only where a=rtcp names another host for it than `remoteAddress`. */
  readonly remoteRtcpAddress?: string
  /** What we send, with the number the peer gave it. */
  readonly sendCodec: AudioCodec
  readonly sendPayloadType: number
  /** What may come: our numbers, each with its codec. The peer may change between them at any packet. */
  readonly receivePayloadTypes: ReadonlyMap<number, AudioCodec>
  /** RFC 4733; null where not agreed. Numbers may differ per direction. */
  readonly telephoneEvent: { readonly sendPayloadType: number; readonly receivePayloadType: number } | null
  /** Packet time for sending: the peer's ptime within 10 to 60, else 20. Milliseconds. */
  readonly ptimeMs: 10 | 20 | 30 | 40 | 50 | 60
  readonly direction: Direction
  /** True when a hold put the direction where it is (the media time-out does not run then). */
  readonly isHeld: boolean
}
