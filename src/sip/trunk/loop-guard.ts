import type { Clock } from '../../base/clock.ts'
import type { SipRequest } from '../message/types.ts'

/** A call that has left by a trunk. */
export interface Departure {
  /** It was answered: it does not ring any more, and cannot be one turn of a circle that still grows. */
  answered(): void
  /** It is over. To be called once; further calls do nothing. */
  ended(): void
}

export interface LoopGuardOptions {
  readonly clock: Clock
  /** How long after its end a call may still come back: an INVITE lives 32 s unanswered (timer B). */
  readonly graceMs?: number
  /** Unanswered calls with the same From and To that may be on their way at once. */
  readonly maxUnanswered?: number
  /** Pairs remembered. */
  readonly capacity?: number
}

interface Pair {
  live: number
  unanswered: number
  /** Of the last one that ended; monotonic milliseconds. */
  endedMs: number
}

/** RFC 3261 §8.1.1.6. */
export const usualMaxForwards = 70
/** Digits behind which countries and trunks differ in how they write one number. */
const significantDigits = 9

/**
 * Max-Forwards for the leg that passes this call on: one less than it came with, since a B2BUA that began anew at 70 with
 * every leg would go round for ever (RFC 7332 §4). Null: it has been passed on too often, and is answered 483.
 */
export function nextMaxForwards(request: Pick<SipRequest, 'maxForwards'>): number | null {
  const left = Math.min(request.maxForwards ?? usualMaxForwards, usualMaxForwards) - 1
  return left < 0 ? null : left
}

/**
 * Knows calls of ours that come back. Max-Forwards (above) ends every loop whose members pass it on, but gateways to the
 * telephone network begin anew, and what else a request carries (Via, Call-ID, a header of our own) is taken off by the
 * other B2BUAs on the way. What comes through is who calls and who is called, so these pairs are remembered:
 *
 * - A call that comes in by a trunk with the From and To of one that has just left is that very call, sent back: 482.
 * - A circle over forwarding (our number to theirs, theirs to ours) comes back with another To, yet each turn leaves the same
 *   pair once more, all of them ringing: beyond a bound the next is not let out.
 *
 * Numbers are compared by their last nine digits, for a trunk may bring `0912…` for what it was given as `+84912…`.
 */
export class LoopGuard {
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #maxUnanswered: number
  readonly #capacity: number
  readonly #pairs = new Map<string, Pair>()

  constructor(options: LoopGuardOptions) {
    this.#clock = options.clock
    this.#graceMs = options.graceMs ?? 32_000
    this.#maxUnanswered = options.maxUnanswered ?? 25
    this.#capacity = options.capacity ?? 10_000
  }

  /**
   * A call leaves by a trunk.
   * @param from - user part of the From as it is sent, `anonymous` among them.
   * @param to - user part of the Request-URI.
   */
  left(from: string, to: string): Departure {
    const key = pairKey(from, to)
    const pair = this.#pairs.get(key) ?? { live: 0, unanswered: 0, endedMs: Number.NEGATIVE_INFINITY }
    pair.live++
    pair.unanswered++
    // To the end of the line: the pair that was used longest ago goes first.
    this.#pairs.delete(key)
    this.#pairs.set(key, pair)
    const [oldest] = this.#pairs.keys()
    if (this.#pairs.size > this.#capacity && oldest !== undefined) this.#pairs.delete(oldest)
    let isUnanswered = true
    let isLive = true
    const answered = (): void => {
      if (isUnanswered) pair.unanswered--
      isUnanswered = false
    }
    return {
      answered,
      ended: () => {
        answered()
        if (!isLive) return
        isLive = false
        pair.live--
        pair.endedMs = this.#clock.now()
      },
    }
  }

  /** Whether a call that comes in by a trunk is one of ours that was sent back. */
  isLoop(from: string, to: string): boolean {
    const key = pairKey(from, to)
    const pair = this.#pairs.get(key)
    if (pair === undefined) return false
    if (pair.live > 0 || this.#clock.now() - pair.endedMs < this.#graceMs) return true
    this.#pairs.delete(key)
    return false
  }

  /** Whether so many calls with this From and To ring already that the next would be one more turn of a circle. */
  isCircling(from: string, to: string): boolean {
    return (this.#pairs.get(pairKey(from, to))?.unanswered ?? 0) >= this.#maxUnanswered
  }

  /** Pairs remembered, for metrics and tests. */
  get size(): number {
    return this.#pairs.size
  }
}

function pairKey(from: string, to: string): string {
  return `${partyKey(from)} ${partyKey(to)}`
}

function partyKey(user: string): string {
  return /^[+\d\s().-]+$/.test(user) ? user.replace(/\D/g, '').slice(-significantDigits) : user.toLowerCase()
}
