import type { LegId } from '../base/ids.ts'
import type { DetectedDigit, Digit, MediaStats, RecordOptions } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import type { HangupCause } from './hangup-cause.ts'
import type {
  Leg,
  LegEnd,
  LegEndOptions,
  LegFacts,
  LegParty,
  LegRecording,
  LegRole,
  LegState,
  LegUser,
  OutboundLeg,
  Playing,
  ReferEnd,
  Sending,
  TransferRequest,
} from './leg.ts'
import { setFaceOf } from './leg-directory.ts'
import { mediaOf, setMediaOf } from './leg-media.ts'

/** Which end of a telephone says most of what became of the call, where none of them answered: the first that is found. */
const mostTelling: readonly HangupCause[] = [
  'busy',
  'rejected',
  'do-not-disturb',
  'no-answer',
  'temporarily-unavailable',
]

/**
 * Several telephones of one party, rung together as if they were one: the first that answers is the leg from then on, the
 * others are told that the call was completed elsewhere. For a call of ours whose first party has them; `dial` forks by
 * parties of their own.
 */
export class ForkLeg implements OutboundLeg {
  readonly id: LegId
  readonly direction = 'outbound'
  readonly #legs: readonly OutboundLeg[]
  readonly #ringing: Set<OutboundLeg>
  readonly #ends: LegEnd[] = []
  #user: LegUser | null = null
  #winner: OutboundLeg | null = null
  #ending: LegEnd | null = null
  /** What we ended it with, before anybody answered. */
  #ownCause: HangupCause | null = null

  /** @param legs - at least two, not started. */
  constructor(legs: readonly [OutboundLeg, OutboundLeg, ...OutboundLeg[]]) {
    this.id = legs[0].id
    this.#legs = legs
    this.#ringing = new Set(legs)
  }

  get #current(): Leg {
    return this.#winner ?? (this.#legs[0] as Leg)
  }

  get role(): LegRole {
    return this.#current.role
  }

  get party(): LegParty {
    return this.#current.party
  }

  get state(): LegState {
    if (this.#ending) return 'ended'
    return this.#winner ? this.#winner.state : 'ringing'
  }

  get ending(): LegEnd | null {
    return this.#ending
  }

  get sipCallId(): string {
    return this.#current.sipCallId
  }

  get codec(): string | null {
    return this.#winner?.codec ?? null
  }

  attach(user: LegUser): void {
    this.#user = user
    for (const leg of this.#legs) leg.attach(new ForkUser(this, leg))
  }

  start(): void {
    for (const leg of this.#legs) leg.start()
  }

  ring(): void {}
  openEarlyMedia(): void {}
  answer(): void {}

  end(cause: HangupCause, options?: LegEndOptions): void {
    if (this.#winner) return this.#winner.end(cause, options)
    this.#ownCause ??= cause
    for (const leg of this.#legs) leg.end(cause, options)
  }

  play(prompts: readonly Prompt[], options?: { readonly loop?: boolean }): Playing {
    return this.#current.play(prompts, options)
  }

  sendDigits(digits: readonly Digit[]): Sending {
    return this.#current.sendDigits(digits)
  }

  record(options: RecordOptions): LegRecording {
    return this.#current.record(options)
  }

  echo(isOn: boolean): void {
    this.#current.echo(isOn)
  }

  hold(isHeld: boolean): Promise<'done' | 'refused' | 'ended'> {
    return this.#current.hold(isHeld)
  }

  refer(target: string, options: { readonly limitMs: number; readonly replaces?: Leg }): Promise<ReferEnd> {
    return this.#current.refer(target, options)
  }

  collectDigits(isCollecting: boolean): void {
    this.#current.collectDigits(isCollecting)
  }

  stats(): Promise<MediaStats> {
    return this.#current.stats()
  }

  // News from the telephones, by ForkUser.

  progressed(leg: OutboundLeg, status: number): void {
    // Which of several could be heard would be chance: none is, until one answers.
    if (!this.#winner && this.#ringing.has(leg)) this.#user?.legProgressed(status, false)
  }

  answeredBy(leg: OutboundLeg): void {
    if (this.#winner || this.#ending) return leg.end('answered-elsewhere')
    this.#winner = leg
    const media = mediaOf(leg)
    if (media) setMediaOf(this, media)
    setFaceOf(leg, this)
    for (const other of this.#legs) if (other !== leg) other.end('answered-elsewhere')
    this.#user?.legAnswered()
  }

  endedAt(leg: OutboundLeg, end: LegEnd): void {
    if (this.#winner) {
      if (leg === this.#winner) this.#finish(end)
      return
    }
    this.#ringing.delete(leg)
    this.#ends.push(end)
    if (this.#ringing.size === 0) this.#finish(this.#ownCause ? end : this.#mostTellingEnd(end))
  }

  /** Passed on from the one that answered; until then only notes. */
  userFor(leg: OutboundLeg): LegUser | null {
    return leg === this.#winner ? this.#user : null
  }

  noted(kind: 'sip' | 'media', what: string, facts: LegFacts): void {
    this.#user?.legNoted(kind, what, facts)
  }

  #mostTellingEnd(last: LegEnd): LegEnd {
    for (const cause of mostTelling) {
      const found = this.#ends.find((end) => end.cause === cause)
      if (found) return found
    }
    return last
  }

  #finish(end: LegEnd): void {
    if (this.#ending) return
    this.#ending = end
    this.#user?.legEnded(end)
  }
}

/** What one of the telephones tells. */
class ForkUser implements LegUser {
  readonly #fork: ForkLeg
  readonly #leg: OutboundLeg

  constructor(fork: ForkLeg, leg: OutboundLeg) {
    this.#fork = fork
    this.#leg = leg
  }

  legProgressed(status: number): void {
    this.#fork.progressed(this.#leg, status)
  }

  legAnswered(): void {
    this.#fork.answeredBy(this.#leg)
  }

  legHeld(isHeld: boolean): void {
    this.#fork.userFor(this.#leg)?.legHeld(isHeld)
  }

  transferRequested(request: TransferRequest): void {
    const user = this.#fork.userFor(this.#leg)
    if (user) user.transferRequested(request)
    else request.reject(603)
  }

  digitReceived(digit: DetectedDigit): void {
    this.#fork.userFor(this.#leg)?.digitReceived(digit)
  }

  legEnded(end: LegEnd): void {
    this.#fork.endedAt(this.#leg, end)
  }

  legNoted(kind: 'sip' | 'media', what: string, facts: LegFacts): void {
    this.#fork.noted(kind, what, facts)
  }
}
