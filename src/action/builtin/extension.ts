import { causeOfFailure, type DialFailure } from '../../call/dial-outcome.ts'
import type { Flow } from '../run-flow.ts'
import { connect } from './ring.ts'

/** How long the telephones of an extension ring. */
const ringSeconds = 30

/** Why an extension's mailbox takes the call. Not where the call itself was at fault. */
const mailboxTakes: ReadonlySet<DialFailure> = new Set([
  'busy',
  'declined',
  'do-not-disturb',
  'no-answer',
  'not-registered',
  'unreachable',
])

/**
 * A call to an extension: all its telephones ring. Where nobody takes it, its mailbox does; without one the caller's telephone
 * is told why: 486 for busy, 480, 603.
 * @param mailbox - leaves a message for the extension; null: it has none.
 */
export function extensionFlow(extension: string, mailbox: Flow | null = null): Flow {
  return async (call) => {
    call.recordByPolicy()
    const failure = await connect(call, [extension], ringSeconds)
    if (failure === null) return
    if (mailbox && mailboxTakes.has(failure)) await mailbox(call)
    else await call.reject(causeOfFailure[failure])
  }
}
