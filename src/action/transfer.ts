import { ParseError, StateError } from '../base/errors.ts'
import type { Call } from '../call/call.ts'
import { type DialFailure, failureOf, failureSentence } from '../call/dial-outcome.ts'
import type { DialAttempt } from '../call/dialling.ts'
import type { Party } from '../call/party.ts'
import { causeOfStatus } from '../leg/hangup-cause.ts'
import { assertAlone } from './conversation.ts'
import { checkDial, type DialOptions } from './dial-options.ts'
import type { ResolvePrompts } from './peer.ts'
import { tone } from './playable.ts'
import { ringUp } from './ring-up.ts'

export interface TransferOptions
  extends Pick<DialOptions, 'seconds' | 'callerId' | 'callerName' | 'announce' | 'signal'> {
  /**
   * `bridge`: we call the target and join the two. `refer`: the caller's telephone is asked to call the target itself. `auto`
   * (the usual) is `bridge`, which every telephone can do.
   */
  readonly mode?: 'bridge' | 'refer' | 'auto'
  /** What the caller hears meanwhile, where it is answered. Music of ours if absent. */
  readonly music?: DialOptions['ringback']
}

export interface TransferOutcome {
  /** `transferred`: the call goes on without the program. With all else the caller is still there, unless `ended`. */
  readonly outcome: 'transferred' | DialFailure | 'stopped' | 'ended'
  readonly answeredBy: string | null
  readonly attempts: readonly DialAttempt[]
  readonly sentence: string
}

/** The longest that a telephone which was sent elsewhere may take to say how that went: as long as one rings, and some. */
const referLimitMs = 120_000

/**
 * Passes the caller on. On success the program's part is over, and the call ends when one of the two hangs up.
 * Throws ParseError `action.dial-invalid`, StateError `action.already-joined`, `action.not-answered`.
 */
export async function transfer(
  call: Call,
  resolve: ResolvePrompts,
  to: string,
  options: TransferOptions,
): Promise<TransferOutcome> {
  const { groups, ringMs } = checkDial(to, options.seconds === undefined ? {} : { seconds: options.seconds })
  if (call.isEnded) return over
  assertAlone(call)
  const { signal, music = tone('music') } = options
  const rung = await ringUp(call, {
    groups,
    ringMs,
    callerId: options.callerId ?? null,
    callerName: options.callerName ?? null,
    divertedFrom: null,
    trunk: null,
    ringback: call.isAnswered && music !== 'auto' && music !== 'none' ? await resolve(music, signal) : 'auto',
    digits: null,
    confirm: null,
    announce: options.announce === undefined ? [] : await resolve(options.announce, signal),
    signal,
  })
  const { attempts, sentence, party } = rung
  if (party) return { ...handOver(call, party, to), attempts }
  if (!call.isEnded) call.remember({ sentence, endedBy: null })
  return { outcome: rung.outcome, answeredBy: null, attempts, sentence }
}

/** Passes the caller on to somebody whom the program has called before: an attended transfer. */
export function transferToPeer(call: Call, party: Party): TransferOutcome {
  if (call.isEnded) return over
  if (!call.bridge?.has(party)) assertAlone(call)
  if (party.isEnded) {
    const sentence = `${party.number} had gone before the call was transferred.`
    return { outcome: 'failed', answeredBy: null, attempts: [], sentence }
  }
  return handOver(call, party, party.number)
}

/**
 * Asks the caller's telephone to call the target itself (REFER, RFC 3515). When it was connected, our call with it ends.
 * @param target - an address: `sip:137@pbx.example`, `tel:+6560000001`. Throws ParseError `action.dial-invalid` for others.
 */
export async function transferByRefer(
  call: Call,
  target: string,
  to: string,
  signal: AbortSignal | undefined,
): Promise<TransferOutcome> {
  if (!/^(sips?|tel):[^\s<>"]+$/i.test(target)) {
    throw new ParseError(
      'action.dial-invalid',
      'A telephone can be sent only to a full address: sip:137@pbx.example, tel:+65….',
    )
  }
  if (call.isEnded) return over
  assertAlone(call)
  if (!call.isAnswered)
    throw new StateError('action.not-answered', 'Only an answered call can be transferred by REFER.')
  if (signal?.aborted) return stopped
  const notDoing = call.doing(`it was being transferred to ${to}`)
  call.note('decision', 'referSent', { to })
  // A telephone that hangs up right behind its 202 has gone there.
  call.transferredTo(to)
  const waiting = new AbortController()
  const aborted = whenAborted(signal, waiting.signal)
  const end = await Promise.race([call.leg.refer(target, { limitMs: referLimitMs }), aborted])
  waiting.abort()
  notDoing()
  if (end?.outcome !== 'transferred') call.transferredTo(null)
  if (end === null) return stopped
  call.note('decision', 'referEnded', { outcome: end.outcome, status: 'status' in end ? end.status : null })
  switch (end.outcome) {
    case 'transferred': {
      const sentence = `The program had the caller's telephone call ${to}, and it was connected.`
      call.end({ by: 'program', cause: 'transferred', sentence })
      return { outcome: 'transferred', answeredBy: to, attempts: [], sentence }
    }
    case 'failed': {
      const cause = causeOfStatus(end.status)
      const outcome = failureOf(cause, true)
      const sentence = failureSentence(outcome, [to], referLimitMs / 1000, `${end.status}`)
      return { outcome, answeredBy: null, attempts: [], sentence }
    }
    case 'refused': {
      const sentence = `The caller's telephone refused to be transferred (${end.status}).`
      return { outcome: 'refused', answeredBy: null, attempts: [], sentence }
    }
    case 'timeout': {
      const sentence = `The caller's telephone did not say within ${referLimitMs / 1000} s what became of its transfer to ${to}.`
      return { outcome: 'failed', answeredBy: null, attempts: [], sentence }
    }
    case 'ended':
      return over
  }
}

const over: TransferOutcome = {
  outcome: 'ended',
  answeredBy: null,
  attempts: [],
  sentence: 'The call was over before it was transferred.',
}
const stopped: TransferOutcome = {
  outcome: 'stopped',
  answeredBy: null,
  attempts: [],
  sentence: 'The transfer was given up.',
}

function handOver(
  call: Call,
  party: Party,
  to: string,
): Omit<TransferOutcome, 'attempts'> & { attempts: readonly DialAttempt[] } {
  const sentence = `The program transferred the call to ${to}.`
  call.answer()
  if (call.isEnded) return over
  if (!call.bridge?.has(party)) {
    const bridge = call.join(call.party, party)
    if (bridge.isEnded) {
      if (!party.isEnded) party.leg.end('normal')
      return {
        outcome: 'failed',
        answeredBy: null,
        attempts: [],
        sentence: `The caller and ${to} could not be joined.`,
      }
    }
  }
  call.transferredTo(to)
  call.handOver(sentence)
  return { outcome: 'transferred', answeredBy: party.number, attempts: [], sentence }
}

function whenAborted(signal: AbortSignal | undefined, waiting: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    signal?.addEventListener('abort', () => resolve(null), { once: true, signal: waiting })
  })
}
