import type { LegId } from '../base/ids.ts'
import type { IncomingInvite, InviteUsageUser, UsageEnd } from '../sip/dialog/types.ts'
import { type HangupCause, hangupCauses } from './hangup-cause.ts'
import type { LegEndOptions, LegParty } from './leg.ts'
import { MedialessLeg } from './medialess-leg.ts'
import { endOfUsage } from './usage-end.ts'

/**
 * An INVITE that no media could be found for (no common codec, no free port): it can only be refused, but the refusal
 * is to stand in a call record like that of any other call.
 */
export class RefusedLeg extends MedialessLeg implements InviteUsageUser {
  readonly direction = 'inbound'
  readonly #invite: IncomingInvite

  constructor(id: LegId, invite: IncomingInvite, party: LegParty) {
    super(id, 'caller', party)
    this.#invite = invite
    invite.attach(this)
  }

  get sipCallId(): string {
    return this.#invite.usage.sipCallId
  }

  end(cause: HangupCause, options: LegEndOptions = {}): void {
    if (this.ending) return
    const status = options.status ?? hangupCauses[cause].sipStatus
    this.finish({ by: 'local', cause, sipStatus: status, q850: null, sentence: null })
    this.#invite.reject(status, status === 503 ? { headers: [['Retry-After', '5']] } : {})
  }

  offerReceived(): null {
    return null
  }

  offerWanted(): Uint8Array {
    return new Uint8Array()
  }

  answerReceived(): boolean {
    return false
  }

  confirmed(): void {}

  infoReceived(): number {
    return 481
  }

  ended(end: UsageEnd): void {
    this.finish(endOfUsage(end))
  }
}
