import type { RtpHeader } from '../../rtp/packet.ts'
import type { AudioCodec } from '../../sdp/types.ts'

/**
 * Where what an endpoint receives goes, packet by packet as it comes: to the other side of a bridge, into a room, across to
 * another worker. Headers are read before a call returns.
 */
export interface Outlet {
  /** @param bytes - the receiver's to write over, 12 bytes in front of the payload included. */
  sound(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array, nowMs: number): void
  /** A packet of a telephone-event; the bytes are only read. */
  event(header: RtpHeader, bytes: Uint8Array, nowMs: number): void
  /** A packet of comfort noise. */
  quiet(header: RtpHeader, nowMs: number): void
  /** Nothing more comes, for now: it was muted. */
  cut(nowMs: number): void
}

/** One joining of an endpoint, from its side. */
export interface Joint {
  /** Never used twice; what comes from the other side carries it. */
  readonly number: number
  readonly outlet: Outlet
  readonly passDigits: boolean
  isMuted: boolean
}

/** Where there is nobody: the other side is gone already. */
export const nowhere: Outlet = {
  sound: () => {},
  event: () => {},
  quiet: () => {},
  cut: () => {},
}
