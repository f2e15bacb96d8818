import type { FreePair } from './messages.ts'

/** More free pairs than this many times what is wanted are given back. */
const surplusFactor = 2

/**
 * The main thread's free pairs of one worker and one local address, the one unused longest first. It alone hands them
 * out, so that no two calls get the same.
 */
export class PairStock {
  readonly #free: FreePair[] = []
  #inUse = 0

  get freeCount(): number {
    return this.#free.length
  }

  /** A pair, now; null when none is free. */
  take(): FreePair | null {
    const pair = this.#free.shift() ?? null
    if (pair) this.#inUse++
    return pair
  }

  add(pairs: readonly FreePair[]): void {
    this.#free.push(...pairs)
  }

  /** An endpoint was closed; its pair comes back by `add` in its time, or not at all. */
  gaveBack(): void {
    this.#inUse--
  }

  /**
   * Takes out what is more than will be needed soon.
   * @param ahead - how many are to be free at least.
   */
  takeSurplus(ahead: number): number[] {
    const wanted = Math.max(ahead, Math.ceil(this.#inUse / 4)) * surplusFactor
    const surplus: number[] = []
    while (this.freeCount > wanted) surplus.push(this.#free.pop()?.pair ?? -1)
    return surplus
  }
}
