import type { UsageEnd } from '../sip/dialog/types.ts'
import type { SipResponse } from '../sip/message/types.ts'
import type { WayResult } from './way.ts'

/** What was heard on a way before its INVITE came to an end. */
export interface Heard {
  /** Any response at all, 100 among them. */
  readonly hasResponded: boolean
  /** A response of 101 to 199: a telephone may be ringing. */
  readonly isInProgress: boolean
}

/** What an INVITE that was not answered leaves to do. */
export type Verdict =
  /** Try the next way. */
  | { readonly kind: 'next'; readonly result: Extract<WayResult, { kind: 'failed' }> }
  | { readonly kind: 'redirected'; readonly response: SipResponse }
  /** That was the answer. */
  | { readonly kind: 'over' }

/**
 * When another host may be tried without a second telephone ringing: RFC 3263 §4.3 names 503, a transport failure and no
 * response at all, and it ends there. Not 500, 502 or 504: a gateway or a proxy sends them when something behind it went wrong, and
 * that something may have been rung, or be ringing still. Not 408 either: somebody was asked. And nothing once a provisional
 * response has come, or, where the way was lost, once so much as 100 has.
 */
export function verdictOn(end: UsageEnd, heard: Heard): Verdict {
  if (end.by === 'peer-refused') {
    const { status, response } = end
    if (status >= 300 && status < 400) return { kind: 'redirected', response }
    if (status !== 503 || heard.isInProgress) return { kind: 'over' }
    const retryAfterSeconds = readRetryAfter(response)
    const sentence = 'It answered 503: it has no room for the call.'
    return { kind: 'next', result: { kind: 'failed', why: 'overloaded', sentence, retryAfterSeconds } }
  }
  if (end.by !== 'network' || heard.isInProgress) return { kind: 'over' }
  const failed = { kind: 'failed', sentence: end.sentence, retryAfterSeconds: null } as const
  // Where a challenge came before, it is the INVITE with credentials that was not answered.
  if (end.how === 'no-response') return { kind: 'next', result: { ...failed, why: 'silent' } }
  if (end.how !== 'transport-lost' || heard.hasResponded) return { kind: 'over' }
  return { kind: 'next', result: { ...failed, why: 'unreachable' } }
}

/** RFC 3261 §20.33: seconds, with a comment or parameters behind them. */
function readRetryAfter({ headers }: SipResponse): number | null {
  const digits = /^\s*(\d{1,6})/.exec(headers.get('Retry-After') ?? '')?.[1]
  return digits === undefined ? null : Number(digits)
}
