import type { Random } from '../base/random.ts'

/** When an event is tried again: first soon, then ever more seldom. */
export interface RetryPlan {
  /** The waits one by one, where a published API names them; behind the last the others hold. */
  readonly waitsMs?: readonly number[]
  /** Before the second attempt. */
  readonly firstMs: number
  /** By how much each further wait is longer; doubled where absent. */
  readonly growth?: number
  readonly longestMs: number
}

/** 1 s, 2 s … 34 min, then once an hour: with 36 attempts about 24 hours in all. */
export const defaultRetryPlan: RetryPlan = { firstMs: 1000, longestMs: 3_600_000 }

/** What a receiver may ask for by Retry-After; more would outlive the events. */
const longestAskedMs = 24 * 3_600_000
/** Each wait is this much shorter or longer at most, so that what failed together is not tried together. */
const jitter = 0.25

/**
 * Milliseconds until the next attempt.
 * @param failed - attempts so far, 1 or more.
 * @param askedMs - what the receiver asked for, or null: it is waited for at least so long.
 */
export function retryDelayMs(plan: RetryPlan, failed: number, askedMs: number | null, random: Random): number {
  const grownMs = Math.min(plan.firstMs * (plan.growth ?? 2) ** Math.min(failed - 1, 40), plan.longestMs)
  const plainMs = plan.waitsMs?.[failed - 1] ?? grownMs
  const spread = 1 - jitter + (2 * jitter * random.uint32()) / 2 ** 32
  return Math.max(Math.round(plainMs * spread), Math.min(askedMs ?? 0, longestAskedMs))
}

/**
 * RFC 9110 §10.2.3: seconds, or a date.
 * @param nowMs - wall-clock ms.
 * @returns milliseconds from now, 0 or more; null when there is none or it cannot be read.
 */
export function readRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null
  if (/^\d{1,10}$/.test(text.trim())) return Number(text) * 1000
  // Only dates as HTTP writes them (RFC 9110 §5.6.7): `Date.parse` takes much else for one.
  const at = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isFinite(at) ? Math.max(0, at - nowMs) : null
}
