import type { Call } from '../call/call.ts'
import type { SupervisedSide, SupervisionEnd } from '../call/supervision.ts'
import type { SupervisionMode } from '../call/supervision-talk.ts'
import type { Supervisions } from '../call/supervisions.ts'
import { assertAlone } from './conversation.ts'
import { KeySequences, watchKeys } from './key-sequences.ts'

export type SuperviseKey = SupervisionMode | 'leave'

export interface SuperviseOptions {
  readonly mode: SupervisionMode
  /** Whom a whisper is for: the supervised call's own party, or who it is joined with. */
  readonly side: SupervisedSide
  /** What the keys do. */
  readonly keys: Readonly<Record<string, SuperviseKey>>
  readonly signal?: AbortSignal
}

export const usualSupervise: SuperviseOptions = {
  mode: 'listen',
  side: 'callee',
  keys: { '4': 'listen', '5': 'whisper', '6': 'barge', '#': 'leave' },
}

export interface SuperviseOutcome {
  /**
   * `ended`: one of the two calls was over; `left`: by key; `stopped`: by the signal; `not-found`: the tenant has no live call
   * of that id; `unavailable`: there is nothing to be heard, see the sentence; `failed`: the sound was lost through a fault of
   * ours, and the supervised go on.
   */
  readonly outcome: SupervisionEnd['outcome'] | 'not-found'
  readonly seconds: number
  /** Set with `unavailable` and `failed`. */
  readonly sentence: string | null
}

/**
 * Hears another live call of the same tenant, and speaks to one or both sides of it. Answers an unanswered call.
 * Throws ParseError `action.keys-invalid`, StateError `action.already-joined`.
 */
export async function supervise(
  call: Call,
  supervisions: Supervisions,
  callId: string,
  options: SuperviseOptions,
): Promise<SuperviseOutcome> {
  const keys = new KeySequences(Object.entries(options.keys))
  if (call.isEnded) return { outcome: 'ended', seconds: 0, sentence: null }
  assertAlone(call)
  if (options.signal?.aborted) return { outcome: 'stopped', seconds: 0, sentence: null }
  call.answer()
  if (call.isEnded) return { outcome: 'ended', seconds: 0, sentence: null }
  const { mode, side } = options
  const supervision = supervisions.start(call, callId, { mode, side })
  if (!supervision) return { outcome: 'not-found', seconds: 0, sentence: null }
  const notDoing = call.doing('it supervised another call')
  const watching = watchKeys(call, keys, (key) =>
    key === 'leave' ? supervision.leave('left') : supervision.setMode(key),
  )
  const stop = options.signal ? AbortSignal.any([options.signal, call.signal]) : call.signal
  const onAbort = (): void => supervision.leave('stopped')
  stop.addEventListener('abort', onAbort, { once: true })
  const end = await supervision.ended
  stop.removeEventListener('abort', onAbort)
  watching.stop()
  notDoing()
  return call.isEnded && end.outcome === 'stopped' ? { ...end, outcome: 'ended' } : end
}
