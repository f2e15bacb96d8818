//  RFC 3550 §5.1
//   0                   1                   2                   3
//   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//  |                           timestamp                           |
//  |           synchronization source (SSRC) identifier            |
//  |            contributing source (CSRC) identifiers, CC × 32    |
//  |      defined by profile       | length in words | extension … |  when X

/** Header without CSRCs and extension: what we send. */
export const rtpHeaderBytes = 12

/** A header as read. One object is filled again and again: nothing is made per packet. */
export interface RtpHeader {
  /** 0 to 127. */
  payloadType: number
  isMarked: boolean
  /** 0 to 65535. */
  sequence: number
  /** Unsigned, 32 bits, in ticks of the payload's clock. */
  timestamp: number
  /** Unsigned, 32 bits. */
  ssrc: number
  /** Where the payload begins: behind CSRCs and extension. */
  payloadOffset: number
  /** Without padding; may be 0. */
  payloadBytes: number
}

/** An empty header to read into. */
export function newRtpHeader(): RtpHeader {
  // The large number makes V8 keep timestamp and SSRC as doubles from the start; their writes then never allocate.
  const wide = 0xffff_ffff
  return {
    payloadType: 0,
    isMarked: false,
    sequence: 0,
    timestamp: wide,
    ssrc: wide,
    payloadOffset: 0,
    payloadBytes: 0,
  }
}

/**
 * Reads the header of one datagram. RFC 3550 §5.1 and the checks of A.1 that need one packet only.
 * @param bytes - the whole datagram, of any length and content.
 * @param into - filled when the answer is true, undefined content when false.
 * @returns false when it is no RTP packet: version, lengths or padding do not add up, or the type is RTCP's (72 to 76).
 */
export function readRtpHeader(bytes: Uint8Array, into: RtpHeader): boolean {
  const total = bytes.length
  if (total < rtpHeaderBytes) return false
  const first = bytes[0] as number
  if (first >> 6 !== 2) return false
  const second = bytes[1] as number
  const payloadType = second & 0x7f
  // With the marker these would be RTCP's 200 to 204 (RFC 5761 §4); no codec has these numbers.
  if (payloadType >= 72 && payloadType <= 76) return false
  let offset = rtpHeaderBytes + (first & 0x0f) * 4
  if ((first & 0x10) !== 0) {
    if (offset + 4 > total) return false
    offset += 4 + (((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number)) * 4
  }
  let end = total
  if ((first & 0x20) !== 0) {
    const padding = bytes[total - 1] as number
    if (padding === 0) return false
    end -= padding
  }
  if (offset > end) return false
  into.payloadType = payloadType
  into.isMarked = (second & 0x80) !== 0
  into.sequence = ((bytes[2] as number) << 8) | (bytes[3] as number)
  into.timestamp = readUint32(bytes, 4)
  into.ssrc = readUint32(bytes, 8)
  into.payloadOffset = offset
  into.payloadBytes = end - offset
  return true
}

/**
 * Writes 12 bytes of header: version 2, no padding, extension or CSRCs.
 * @param bytes - must hold `offset` + 12 bytes; the payload follows.
 * @param sequence - taken modulo 2^16.
 * @param timestamp - taken modulo 2^32, ticks.
 */
export function writeRtpHeader(
  bytes: Uint8Array,
  offset: number,
  payloadType: number,
  isMarked: boolean,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  bytes[offset] = 0x80
  bytes[offset + 1] = (isMarked ? 0x80 : 0) | (payloadType & 0x7f)
  bytes[offset + 2] = sequence >>> 8
  bytes[offset + 3] = sequence
  writeUint32(bytes, offset + 4, timestamp)
  writeUint32(bytes, offset + 8, ssrc)
}

/** Big-endian, unsigned. The caller has checked the length. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return (
    (((bytes[offset] as number) << 24) |
      ((bytes[offset + 1] as number) << 16) |
      ((bytes[offset + 2] as number) << 8) |
      (bytes[offset + 3] as number)) >>>
    0
  )
}

/** Big-endian, modulo 2^32. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24
  bytes[offset + 1] = value >>> 16
  bytes[offset + 2] = value >>> 8
  bytes[offset + 3] = value
}
