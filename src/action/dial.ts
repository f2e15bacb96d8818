import type { RecordingId } from '../base/ids.ts'
import type { BridgeLimit } from '../call/bridge.ts'
import type { Call } from '../call/call.ts'
import type { DialFailure } from '../call/dial-outcome.ts'
import type { DialAttempt } from '../call/dialling.ts'
import type { RecordingParts } from '../call/recording.ts'
import { assertAlone, converse, dismiss } from './conversation.ts'
import { checkDial, type DialOptions } from './dial-options.ts'
import { type FlowVerbs, Peer, type ResolvePrompts } from './peer.ts'
import { tone } from './playable.ts'
import { type RingUpRequest, ringUp } from './ring-up.ts'
import type { RingbackKind } from './ringback.ts'

const usualConfirmSeconds = 10

interface DialResult {
  /** Who took the call, as it was dialled; null where nobody did. */
  readonly answeredBy: string | null
  readonly talkSeconds: number
  /** What became of each device. */
  readonly attempts: readonly DialAttempt[]
  /** Who left first; null where there was no conversation. */
  readonly endedBy: 'caller' | 'callee' | 'limit' | 'program' | 'network' | null
  readonly recordingId: RecordingId | null
  /** What happened, plainly: `137 was busy.` */
  readonly sentence: string
}

export type DialOutcome =
  | (DialResult & {
      /** With `bridge: false`: somebody has answered and waits for the program. */
      readonly outcome: 'answered'
      readonly peer: Peer
    })
  | (DialResult & {
      /**
       * `completed`: the two have talked; unless the caller left it is still there. `transferred`: one of them passed the other
       * on, and the call goes on without the program. `stopped`: by the signal. `ended`: the call was over first.
       */
      readonly outcome: 'completed' | DialFailure | 'transferred' | 'stopped' | 'ended'
      readonly peer: null
    })

/**
 * Calls somebody and joins the caller with who answers first. The caller is answered then, if it was not before.
 * @param to - extensions, numbers or addresses, 1 to 20.
 * Throws ParseError `action.dial-invalid`, StateError `action.already-joined`, and what `resolve` throws.
 */
export async function dial(
  call: Call,
  parts: RecordingParts,
  verbs: FlowVerbs,
  to: string | readonly string[],
  options: DialOptions,
): Promise<DialOutcome> {
  const { groups, ringMs } = checkDial(to, options)
  const { resolve } = verbs
  assertAlone(call)
  const { signal, confirm } = options
  // All is loaded before anybody's telephone rings: a prompt that is missing is the program's own trouble.
  const request: RingUpRequest = {
    groups,
    ringMs,
    callerId: options.callerId ?? null,
    callerName: options.callerName ?? null,
    divertedFrom: options.divertedFrom ?? null,
    trunk: options.trunk ?? null,
    ringback: await loadRingback(options, resolve),
    digits: options.digits ?? null,
    confirm: confirm
      ? {
          prompts: await resolve(confirm.prompt, signal),
          key: confirm.key ?? '1',
          timeoutMs: (confirm.seconds ?? usualConfirmSeconds) * 1000,
        }
      : null,
    announce: options.announce === undefined ? [] : await resolve(options.announce, signal),
    signal,
  }
  const limit = await loadLimit(options, resolve)
  const rung = await ringUp(call, request)
  const { attempts, party } = rung
  if (!party) {
    const { outcome, sentence } = rung
    if (!call.isEnded) call.remember({ sentence, endedBy: null })
    return { ...nobody, outcome, attempts, sentence, peer: null }
  }
  const answeredBy = party.number
  if (options.bridge === false) {
    const peer = new Peer(party, verbs)
    return { ...nobody, outcome: 'answered', answeredBy, attempts, sentence: rung.sentence, peer }
  }
  const end = await converse(call, parts, party, {
    limit,
    record: options.record ?? false,
    recordName: options.recordName,
    signal,
  })
  if (end.outcome !== 'transferred') dismiss(call, party, end)
  return { ...end, answeredBy, attempts, peer: null }
}

const nobody = { answeredBy: null, talkSeconds: 0, endedBy: null, recordingId: null } as const

async function loadRingback(options: DialOptions, resolve: ResolvePrompts): Promise<RingbackKind> {
  const { ringback = 'auto', signal } = options
  return ringback === 'auto' || ringback === 'none' ? ringback : await resolve(ringback, signal)
}

/** What limits a conversation, with the beep that warns of its end. */
export async function loadLimit(
  options: Pick<DialOptions, 'limitSeconds' | 'limitWarningSeconds' | 'signal'>,
  resolve: ResolvePrompts,
): Promise<BridgeLimit | null> {
  const { limitSeconds, limitWarningSeconds, signal } = options
  if (limitSeconds === undefined) return null
  const warning =
    limitWarningSeconds === undefined
      ? null
      : { beforeMs: limitWarningSeconds * 1000, prompts: await resolve(tone('beep'), signal) }
  return { limitMs: limitSeconds * 1000, warning }
}
