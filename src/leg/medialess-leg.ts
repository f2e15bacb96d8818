import type { LegId } from '../base/ids.ts'
import type { MediaStats } from '../media/plane/types.ts'
import type { HangupCause } from './hangup-cause.ts'
import type {
  Leg,
  LegDirection,
  LegEnd,
  LegEndOptions,
  LegParty,
  LegRecording,
  LegRole,
  LegState,
  LegUser,
  Playing,
  ReferEnd,
  Sending,
} from './leg.ts'

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

/** A leg on which nothing can be rung, heard or answered: all it can do is end. */
export abstract class MedialessLeg implements Leg {
  readonly id: LegId
  readonly role: LegRole
  readonly party: LegParty
  readonly codec = null
  abstract readonly direction: LegDirection
  abstract readonly sipCallId: string
  #user: LegUser | null = null
  #ending: LegEnd | null = null

  constructor(id: LegId, role: LegRole, party: LegParty) {
    this.id = id
    this.role = role
    this.party = party
  }

  get state(): LegState {
    return this.#ending ? 'ended' : 'ringing'
  }

  get ending(): LegEnd | null {
    return this.#ending
  }

  attach(user: LegUser): void {
    this.#user = user
  }

  abstract end(cause: HangupCause, options?: LegEndOptions): void

  ring(): void {}
  openEarlyMedia(): void {}
  answer(): void {}
  echo(): void {}
  collectDigits(): void {}

  async hold(): Promise<'ended'> {
    return 'ended'
  }

  async refer(): Promise<ReferEnd> {
    return { outcome: 'ended' }
  }

  play(): Playing {
    return { ended: Promise.resolve({ end: 'stopped', playedMs: 0 }), stop: () => {} }
  }

  sendDigits(): Sending {
    return { ended: Promise.resolve('stopped'), stop: () => {} }
  }

  record(): LegRecording {
    const result = { durationMs: 0, fileBytes: 0, heardSound: false, problem: 'The call had no media.' }
    return { ended: Promise.resolve({ ...result, end: 'write-failed' }), pause: () => {}, stop: () => {} }
  }

  async stats(): Promise<MediaStats> {
    return noMedia
  }

  protected finish(end: LegEnd): void {
    if (this.#ending) return
    this.#ending = end
    this.#user?.legEnded(end)
  }
}
