/** RFC 3550 §6.2: the shortest mean interval, halved before the first report. Milliseconds. */
const minIntervalMs = 5000

/** A.7: what the reconsideration of §6.3.3 shortens the mean by, e - 3/2. */
const compensation = Math.E - 1.5

/** §6.2: RTCP takes a twentieth of the session's bandwidth. */
const rtcpShare = 0.05

/** §6.3.2: what an RTCP packet is taken for before one was seen, UDP and IPv4 headers included. */
export const firstAverageBytes = 128

/** Facts the interval is computed from, named as in RFC 3550 §6.3. */
export interface IntervalFacts {
  /** Those who report: 1 or 2 in a telephone call. */
  readonly members: number
  readonly senders: number
  readonly isSender: boolean
  /** Of compound packets sent and received, with headers. */
  readonly averageBytes: number
  readonly isFirst: boolean
  /** Of the media, one direction, headers included: 80 kbit/s for G.711 at 20 ms. */
  readonly sessionBitsPerSecond: number
}

/**
 * The randomised interval T of RFC 3550 §6.3.1 and A.7.
 * @param random - 0 to 1, 1 excluded.
 * @returns milliseconds.
 */
export function rtcpIntervalMs(facts: IntervalFacts, random: number): number {
  const { members, senders, isSender } = facts
  let bytesPerSecond = (facts.sessionBitsPerSecond / 8) * rtcpShare
  let count = members
  // Where senders are few they share a quarter, so that their reports stay frequent.
  if (senders > 0 && senders <= members * 0.25) {
    bytesPerSecond *= isSender ? 0.25 : 0.75
    count = isSender ? senders : members - senders
  }
  const minMs = facts.isFirst ? minIntervalMs / 2 : minIntervalMs
  const meanMs = Math.max(minMs, (count * facts.averageBytes * 1000) / bytesPerSecond)
  return (meanMs * (random + 0.5)) / compensation
}
