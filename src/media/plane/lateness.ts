/** Fine enough for a p99 of a millisecond; 256 of them reach 64 ms, what lies beyond shares the last. */
const bucketMs = 0.25
const bucketCount = 257

/** Upper bounds of the coarse buckets that metrics publish, milliseconds; the last bucket has no bound. */
export const latenessBoundsMs = [1, 2, 3, 5, 10, 20, 40] as const

/** How late things happened, cumulated since the start. */
export interface LatenessSnapshot {
  readonly count: number
  readonly sumMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** How many lay at or below each of `latenessBoundsMs`, not cumulated; one more for the rest. */
  readonly buckets: readonly number[]
}

/** Counts latenesses without keeping or allocating anything per value. */
export class LatenessHistogram {
  readonly #buckets = new Uint32Array(bucketCount)
  #count = 0
  #sumMs = 0
  #maxMs = 0

  /** @param lateMs - below 0 counts as 0. */
  add(lateMs: number): void {
    const late = lateMs > 0 ? lateMs : 0
    // A value on a border belongs below it, so that "late by 1 ms" is not "over 1 ms".
    const bucket = Math.min(late === 0 ? 0 : Math.ceil(late / bucketMs) - 1, bucketCount - 1)
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#count++
    this.#sumMs += late
    if (late > this.#maxMs) this.#maxMs = late
  }

  snapshot(): LatenessSnapshot {
    return {
      count: this.#count,
      sumMs: this.#sumMs,
      p50Ms: this.#quantile(0.5),
      p99Ms: this.#quantile(0.99),
      maxMs: this.#maxMs,
      buckets: this.#coarse(),
    }
  }

  /** The upper border of the bucket in which the quantile lies, so never too kind. */
  #quantile(share: number): number {
    let left = Math.ceil(this.#count * share)
    if (left === 0) return 0
    for (let i = 0; i < bucketCount - 1; i++) {
      left -= this.#buckets[i] ?? 0
      if (left <= 0) return Math.min((i + 1) * bucketMs, this.#maxMs)
    }
    return this.#maxMs
  }

  #coarse(): number[] {
    const counts = Array.from({ length: latenessBoundsMs.length + 1 }, () => 0)
    for (let i = 0; i < bucketCount; i++) {
      const upperMs = i === bucketCount - 1 ? Number.POSITIVE_INFINITY : (i + 1) * bucketMs
      const at = latenessBoundsMs.findIndex((bound) => upperMs <= bound)
      const into = at === -1 ? latenessBoundsMs.length : at
      counts[into] = (counts[into] ?? 0) + (this.#buckets[i] ?? 0)
    }
    return counts
  }
}

/** Several threads' snapshots as one; the quantiles are the worst of them, which is what an operator asks about. */
export function worstLateness(snapshots: readonly LatenessSnapshot[]): LatenessSnapshot {
  const most = (pick: (one: LatenessSnapshot) => number): number =>
    snapshots.reduce((max, one) => Math.max(max, pick(one)), 0)
  const total = (pick: (one: LatenessSnapshot) => number): number => snapshots.reduce((sum, one) => sum + pick(one), 0)
  return {
    count: total((one) => one.count),
    sumMs: total((one) => one.sumMs),
    p50Ms: most((one) => one.p50Ms),
    p99Ms: most((one) => one.p99Ms),
    maxMs: most((one) => one.maxMs),
    buckets: Array.from({ length: latenessBoundsMs.length + 1 }, (_, i) => total((one) => one.buckets[i] ?? 0)),
  }
}
