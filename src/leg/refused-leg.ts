import type { LegId } from '../base/ids.ts'
import type { MediaStats } from '../media/plane/types.ts'
import type { IncomingInvite, InviteUsageUser, UsageEnd } from '../sip/dialog/types.ts'
import { type HangupCause, hangupCauses } from './hangup-cause.ts'
import type { Leg, LegEnd, LegParty, LegRecording, LegState, LegUser, Playing, Sending } from './leg.ts'
import { endOfUsage } from './usage-end.ts'

const noMedia: MediaStats = {
  packetsSent: 0,
  packetsReceived: 0,
  packetsLost: 0,
  jitterMs: 0,
  remotePacketsLost: null,
  roundTripMs: null,
  receivedFrom: null,
  maxLatenessMs: 0,
  discarded: { malformed: 0, stranger: 0, unknownPayload: 0 },
}

/**
 * An INVITE that no media could be found for (no common codec, no free port): it can only be refused, but the refusal
 * is to stand in a call record like that of any other call.
 */
export class RefusedLeg implements Leg, InviteUsageUser {
  readonly id: LegId
  readonly role = 'caller'
  readonly direction = 'inbound'
  readonly party: LegParty
  readonly codec = null
  readonly #invite: IncomingInvite
  #user: LegUser | null = null
  #ending: LegEnd | null = null

  constructor(id: LegId, invite: IncomingInvite, party: LegParty) {
    this.id = id
    this.party = party
    this.#invite = invite
    invite.attach(this)
  }

  get state(): LegState {
    return this.#ending ? 'ended' : 'ringing'
  }

  get ending(): LegEnd | null {
    return this.#ending
  }

  get sipCallId(): string {
    return this.#invite.usage.sipCallId
  }

  attach(user: LegUser): void {
    this.#user = user
  }

  end(cause: HangupCause, options: { readonly status?: number } = {}): void {
    if (this.#ending) return
    const status = options.status ?? hangupCauses[cause].sipStatus
    this.#finish({ by: 'local', cause, sipStatus: status, q850: null, sentence: null })
    this.#invite.reject(status, status === 503 ? { headers: [['Retry-After', '5']] } : {})
  }

  play(): Playing {
    return { ended: Promise.resolve({ end: 'stopped', playedMs: 0 }), stop: () => {} }
  }

  sendDigits(): Sending {
    return { ended: Promise.resolve('stopped'), stop: () => {} }
  }

  record(): LegRecording {
    const problem = 'The call had no media.'
    const ended = Promise.resolve({
      end: 'write-failed',
      durationMs: 0,
      fileBytes: 0,
      heardSound: false,
      problem,
    } as const)
    return { ended, pause: () => {}, stop: () => {} }
  }

  // Nothing can be rung, heard or answered on it.
  ring(): void {}
  openEarlyMedia(): void {}
  answer(): void {}
  echo(): void {}
  collectDigits(): void {}

  async stats(): Promise<MediaStats> {
    return noMedia
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
    this.#finish(endOfUsage(end))
  }

  #finish(end: LegEnd): void {
    if (this.#ending) return
    this.#ending = end
    this.#user?.legEnded(end)
  }
}
