import type { FlowCall } from '../../../action/flow-call.ts'
import type { Asked } from '../client.ts'

/** Why a service has not done what it was asked, in a sentence; null: it has. */
export function problemOf(asked: Asked): string | null {
  if (asked.kind === 'failure') return asked.sentence
  const { status, reason } = asked.object
  if (status === 'ok') return null
  // Its own words may name numbers; its codes do not.
  const code = typeof reason === 'string' && /^[A-Z_]{1,40}$/.test(reason) ? `: ${reason}` : ''
  return `The voicemail service refused${code}.`
}

/** Writes into the call's journal what the caller was told an apology for. A call that is over has no journal any more. */
export function noteServiceProblem(call: FlowCall, command: string, problem: string): void {
  if (!call.isEnded) call.noteProblem('voicemail', { command, problem })
}
