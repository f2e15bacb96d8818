/** How far `to` lies ahead of `from`, the short way round a 16-bit circle: -32768 to 32767. RFC 3550 §5.1. */
export function sequenceDistance(from: number, to: number): number {
  return ((to - from) << 16) >> 16
}

/** How far `to` lies ahead of `from`, the short way round a 32-bit circle, in ticks. RFC 3550 §5.1. */
export function timestampDistance(from: number, to: number): number {
  return (to - from) | 0
}
