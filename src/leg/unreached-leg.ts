import type { LegId } from '../base/ids.ts'
import { type HangupCause, hangupCauses } from './hangup-cause.ts'
import type { LegEnd, LegParty, LegRole, OutboundLeg } from './leg.ts'
import { MedialessLeg } from './medialess-leg.ts'

/** A call of ours that nobody could be found for: it ends as it begins, so that it stands in a record like any other. */
export class UnreachedLeg extends MedialessLeg implements OutboundLeg {
  readonly direction = 'outbound'
  readonly sipCallId = ''
  readonly #why: { readonly cause: HangupCause; readonly sentence: string }

  constructor(
    id: LegId,
    role: LegRole,
    party: LegParty,
    why: { readonly cause: HangupCause; readonly sentence: string },
  ) {
    super(id, role, party)
    this.#why = why
  }

  start(): void {
    this.#end({ by: 'network', ...this.#why })
  }

  end(cause: HangupCause): void {
    this.#end({ by: 'local', cause, sentence: null })
  }

  #end(end: Pick<LegEnd, 'by' | 'cause' | 'sentence'>): void {
    this.finish({ ...end, sipStatus: null, q850: hangupCauses[end.cause].q850 })
  }
}
