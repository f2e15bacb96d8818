import type { Call } from '../call/call.ts'
import type { DialFailure } from '../call/dial-outcome.ts'
import { type DialAttempt, Dialling } from '../call/dialling.ts'
import type { Party } from '../call/party.ts'
import type { Digit } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import { gather, usualGather } from './gather.ts'
import { play } from './play.ts'
import { Ringback, type RingbackKind } from './ringback.ts'
import { sendDigits } from './send-digits.ts'

/** How often who answered may press a wrong key. */
const confirmTries = 3

export interface RingUpRequest {
  readonly groups: readonly (readonly string[])[]
  readonly ringMs: number
  readonly callerId: string | null
  readonly callerName: string | null
  readonly divertedFrom: string | null
  readonly trunk: string | null
  readonly ringback: RingbackKind
  readonly digits: string | null
  readonly confirm: { readonly prompts: readonly Prompt[]; readonly key: Digit; readonly timeoutMs: number } | null
  readonly announce: readonly Prompt[]
  readonly signal: AbortSignal | undefined
}

export type RingUpEnd =
  | {
      readonly outcome: 'answered'
      readonly party: Party
      readonly attempts: readonly DialAttempt[]
      readonly sentence: string
    }
  | {
      /** `ended`: the caller has gone, or the call goes on without its program. */
      readonly outcome: DialFailure | 'stopped' | 'ended'
      readonly party: null
      readonly attempts: readonly DialAttempt[]
      readonly sentence: string
    }

/**
 * Rings until somebody has answered, confirmed and heard the announcement; the caller hears ring-back to the end of that, and
 * is not answered by it. Whoever is not returned is hung up.
 */
export async function ringUp(call: Call, request: RingUpRequest): Promise<RingUpEnd> {
  const signal = request.signal ? AbortSignal.any([request.signal, call.signal]) : call.signal
  const names = request.groups.flat().join(', ')
  const notDoing = call.doing(`${names} was being called`)
  const ringback = new Ringback(call, request.ringback)
  try {
    const dialling = new Dialling(call, {
      groups: request.groups,
      ringMs: request.ringMs,
      callerId: request.callerId,
      callerName: request.callerName,
      onBehalfOf: call.leg,
      divertedFrom: request.divertedFrom,
      ...(request.trunk !== null && { trunk: request.trunk }),
      signal,
      progressed: (party, status, hasEarlyMedia, isOnly) => ringback.progressed(party, status, hasEarlyMedia, isOnly),
      ...((request.digits !== null || request.confirm !== null) && {
        screen: (party: Party) => {
          ringback.answered()
          return screen(party, request, signal)
        },
      }),
    })
    const end = await dialling.ended
    const { attempts } = end
    if (end.outcome !== 'answered') {
      const { sentence } = end
      return { outcome: call.isEnded ? 'ended' : end.outcome, party: null, attempts, sentence }
    }
    const { party } = end
    if (request.announce.length > 0) ringback.answered()
    const why = await announce(call, party, request.announce, signal)
    if (why === null) return { outcome: 'answered', party, attempts, sentence: `${party.number} answered.` }
    if (!party.isEnded) party.leg.end('normal')
    return { ...why, party: null, attempts }
  } finally {
    ringback.stop()
    if (!call.isEnded) notDoing()
  }
}

/** Null when it was heard, or there was nothing to be said. */
async function announce(
  call: Call,
  party: Party,
  prompts: readonly Prompt[],
  signal: AbortSignal,
): Promise<{ readonly outcome: 'stopped' | 'ended' | 'no-answer'; readonly sentence: string } | null> {
  if (prompts.length > 0) await play(party, prompts, { signal })
  if (call.isEnded) return { outcome: 'ended', sentence: 'The caller had gone before the two were joined.' }
  if (signal.aborted) return { outcome: 'stopped', sentence: 'The call was given up before the two were joined.' }
  if (!party.isEnded) return null
  return { outcome: 'no-answer', sentence: `${party.number} answered, and hung up before the two were joined.` }
}

/** Whether one who has answered takes the call. */
async function screen(party: Party, request: RingUpRequest, signal: AbortSignal): Promise<boolean> {
  if (request.digits !== null) await sendDigits(party, request.digits, signal)
  const { confirm } = request
  if (!confirm) return !party.isEnded
  for (let tries = 0; tries < confirmTries; tries++) {
    const options = { ...usualGather, maxDigits: 1, endKey: null, firstDigitTimeoutMs: confirm.timeoutMs, signal }
    const { outcome, digits } = await gather(party, confirm.prompts, options)
    if (outcome !== 'digits') return false
    if (digits === confirm.key) return true
  }
  return false
}
