import { causeOfFailure, type DialFailure } from '../../call/dial-outcome.ts'
import type { DialAppSettings } from '../../config/settings.ts'
import type { FlowCall } from '../flow-call.ts'
import type { Flow } from '../run-flow.ts'

/**
 * A ring group: all ring at once, and who answers first talks with the caller. When nobody takes the call, `otherwise` runs;
 * without it the caller's telephone is told why, as if it had called one telephone.
 */
export function ringFlow(settings: Pick<DialAppSettings, 'targets' | 'seconds'>, otherwise: Flow | null): Flow {
  const destinations = settings.targets.map((target) =>
    target.kind === 'extension' ? target.extension : target.number,
  )
  return async (call) => {
    call.recordByPolicy()
    const failure = await connect(call, destinations, settings.seconds)
    if (failure === null) return
    if (otherwise) await otherwise(call)
    else await call.reject(causeOfFailure[failure])
  }
}

/** Rings them and lets them talk. Returns why nobody took the call; null where somebody did, or the caller has gone. */
export async function connect(call: FlowCall, to: readonly string[], seconds: number): Promise<DialFailure | null> {
  const { outcome, answeredBy } = await call.dial(to, { mode: 'all', seconds })
  if (call.isEnded) return null
  if (answeredBy === null && outcome in causeOfFailure) return outcome as DialFailure
  await call.hangUp()
  return null
}
