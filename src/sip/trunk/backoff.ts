import type { Random } from '../../base/random.ts'

/** RFC 5626 §4.5: base-time where no flow is left, and max-time. */
const baseMs = 30_000
const mostMs = 1_800_000

/**
 * How long to wait before the next REGISTER after so many failures in a row: RFC 5626 §4.5, the upper bound doubling from
 * one minute to half an hour, and 50 to 100 % of it by lot, so that the customers of a provider that was down do not all
 * come at once.
 * @param failures - 1 or more.
 * @returns milliseconds.
 */
export function backoffMs(failures: number, random: Random): number {
  const bound = Math.min(mostMs, baseMs * 2 ** Math.min(failures, 16))
  return bound * (0.5 + (random.uint32() / 2 ** 32) * 0.5)
}

/** After credentials were refused: nothing changes by itself, and many providers lock out who keeps trying. */
export function longBackoffMs(random: Random): number {
  return backoffMs(16, random)
}
