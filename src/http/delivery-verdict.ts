import type { OutgoingAnswer, OutgoingOutcome } from './outgoing/types.ts'
import { readRetryAfter } from './retry-plan.ts'

/** What became of an attempt. */
export type Verdict =
  | { readonly kind: 'delivered'; readonly problem: null }
  | {
      /** `refused-for-good`: 410, RFC 9110 §15.5.11: it wants no more of this. */
      readonly kind: 'failed' | 'refused-for-good'
      readonly problem: string
      /** Milliseconds that the receiver asked us to wait; null when it did not. */
      readonly askedMs: number | null
    }

/**
 * The status decides: with 2xx the receiver has the event, even if its answer breaks off, is compressed or has no end.
 * @param findFault - a dialect's own look at an answer of 2xx.
 * @param nowMs - wall-clock ms.
 */
export function judge(
  outcome: OutgoingOutcome,
  findFault: ((answer: OutgoingAnswer) => string | null) | null,
  nowMs: number,
): Verdict {
  const { status } = outcome
  if (status === null || outcome.kind === 'failure') {
    const hasIt = status !== null && isSuccess(status) && findFault === null
    if (hasIt) return { kind: 'delivered', problem: null }
    const problem = outcome.kind === 'failure' ? outcome.sentence : 'There was no answer.'
    return { kind: status === 410 ? 'refused-for-good' : 'failed', problem, askedMs: null }
  }
  if (isSuccess(status)) {
    const problem = findFault?.(outcome) ?? null
    return problem === null ? { kind: 'delivered', problem } : { kind: 'failed', problem, askedMs: null }
  }
  const askedMs = readRetryAfter(outcome.headers.get('retry-after'), nowMs)
  const location =
    status >= 300 && status < 400 ? ' Redirects are not followed: configure the address they lead to.' : ''
  const problem = `${outcome.url} answered ${status}.${location}`
  return { kind: status === 410 ? 'refused-for-good' : 'failed', problem, askedMs }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}
