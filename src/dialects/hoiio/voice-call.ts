import type { FlowCall } from '../../action/flow-call.ts'
import type { Flow } from '../../action/run-flow.ts'
import { ringSeconds, roomManners } from './blocks.ts'
import { transferStatusOf } from './map.ts'
import type { ReachStatus } from './wire.ts'

/** What is known of a call that is on its way, for whoever asks meanwhile and for its end. */
export interface VoiceProgress {
  /** Of the second number; null while it has not been called, or there is none. */
  status2: ReachStatus | null
  /** How long the two have talked. */
  talkMs: number
}

/** Click to call: whoever was called first is joined with the second. */
export function clickToCall(
  progress: VoiceProgress,
  second: { readonly number: string; readonly callerId: string | null; readonly maxSeconds: number | null },
): Flow {
  return async (call: FlowCall) => {
    progress.status2 = 'ongoing'
    const outcome = await call.dial(second.number, {
      seconds: ringSeconds,
      ...(second.callerId !== null && { callerId: second.callerId }),
      ...(second.maxSeconds !== null && { limitSeconds: second.maxSeconds }),
    })
    progress.status2 = transferStatusOf(outcome) ?? 'unanswered'
    progress.talkMs = outcome.talkSeconds * 1000
    if (!call.isEnded) await call.hangUp('normal', { sentence: outcome.sentence })
  }
}

/** A member of a conference: whoever answers comes into the room. */
export function joinRoom(room: string): Flow {
  return async (call: FlowCall) => {
    const { sentence } = await call.conference(room, roomManners)
    if (!call.isEnded) await call.hangUp('normal', sentence === null ? {} : { sentence })
  }
}
