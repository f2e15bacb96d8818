interface Entry {
  readonly issuedAt: number
  highest: number
  /** Bit i is set when `highest - i` was seen. */
  seen: number
}

/** How far behind the highest count a request may come: UDP reorders. As wide as the bit mask. */
const windowSize = 32

/**
 * Which nonce counts were used (RFC 7616 §3.4, `nc`): each may be used once. Memory is bounded: when `capacity` nonces are
 * known, the one first used longest ago is forgotten, and from then on every unknown nonce made no later than it counts as
 * used, for it may be that one. Its owner is challenged anew, which costs one round trip and nothing else.
 */
export class NonceCounts {
  readonly #entries = new Map<string, Entry>()
  readonly #capacity: number
  #forgottenUpTo = Number.NEGATIVE_INFINITY

  constructor(options: { capacity: number }) {
    this.#capacity = options.capacity
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * Uses a count of a nonce.
   * @param nonce - one whose signature was checked, so that none but ours take up room.
   * @param count - 1 or more.
   * @returns false when it was used before, or may have been.
   */
  use(nonce: string, issuedAt: number, count: number): boolean {
    const entry = this.#entries.get(nonce)
    if (!entry) {
      if (issuedAt <= this.#forgottenUpTo) return false
      this.#makeRoom()
      this.#entries.set(nonce, { issuedAt, highest: count, seen: 1 })
      return true
    }
    const ahead = count - entry.highest
    if (ahead > 0) {
      entry.seen = ahead >= windowSize ? 1 : (entry.seen << ahead) | 1
      entry.highest = count
      return true
    }
    if (-ahead >= windowSize) return false
    const bit = 1 << -ahead
    if ((entry.seen & bit) !== 0) return false
    entry.seen |= bit
    return true
  }

  /** Forgets nonces made before `issuedBefore`: they have outlived their life and are refused without this. */
  forgetExpired(issuedBefore: number): void {
    for (const [nonce, entry] of this.#entries) {
      // In order of first use, which follows the order of making closely enough: what stays is found the next time.
      if (entry.issuedAt >= issuedBefore) return
      this.#entries.delete(nonce)
    }
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#capacity) return
    const [oldest] = this.#entries
    if (!oldest) return
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, oldest[1].issuedAt)
    this.#entries.delete(oldest[0])
  }
}
