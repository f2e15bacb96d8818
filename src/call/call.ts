import type { Clock } from '../base/clock.ts'
import { assert, toError } from '../base/errors.ts'
import type { CallId, LegId } from '../base/ids.ts'
import type { Logger } from '../base/log.ts'
import type { Leg, LegEnd, LegEndOptions, LegFacts, OutboundLeg, TransferRequest } from '../leg/leg.ts'
import type { Prompt } from '../media/prompt.ts'
import { Bridge, type BridgeLimit } from './bridge.ts'
import { CallBook } from './call-book.ts'
import type { CallParts, CallTarget } from './call-parts.ts'
import { CallStory } from './call-story.ts'
import { failureSentence } from './dial-outcome.ts'
import type { DigitBuffer } from './digit-buffer.ts'
import type { CallNews, Ending, OwnEnding } from './ending.ts'
import type { Line } from './line.ts'
import { Party, type PartyHome, type PartyOptions } from './party.ts'
import type { CallRecord, CallRecords, JournalEvent } from './records.ts'
import type { SoundName } from './sounds.ts'
import { Vacancy } from './vacancy.ts'

export type { CallParts, CallTarget } from './call-parts.ts'

/** Made once: an abort without a reason makes an error with its stack for every call. */
const callOver = new Error('The call is over.')

/**
 * One conversation: its parties, its record, its journal. It knows no verbs; `action/` plays, gathers and dials on it.
 * The program talks to one party, the call's own (`leg`, `digits`), and may bring in others. When that one leaves, the
 * call is over and all others are ended; unless the call was transferred: then it goes on without its program until
 * one of the two who were joined leaves. Everything about one call happens here one thing at a time, in the order it arrived.
 */
export class Call implements PartyHome, Line {
  readonly id: CallId
  readonly tenant: string
  readonly to: string
  readonly app: string | null
  /** For a call that we place: true once it is answered, false when it ended before. */
  readonly answered: Promise<boolean>
  /** Resolves with the closed record, once it is committed (or could not be: then with what would have been). */
  readonly ended: Promise<CallRecord>
  readonly #parts: CallParts
  readonly #target: CallTarget
  readonly #book: CallBook
  readonly #story = new CallStory()
  readonly #vacancy = new Vacancy()
  readonly #abort = new AbortController()
  readonly #gone = new AbortController()
  readonly #first: Party
  readonly #parties = new Set<Party>()
  #own: Party
  #bridge: Bridge | null = null
  #transferor: Party | null = null
  #cancelRinging: () => void = () => {}
  #resolveEnded: (record: CallRecord) => void = () => {}

  constructor(id: CallId, leg: Leg, target: CallTarget, parts: CallParts) {
    this.id = id
    this.tenant = target.tenant
    this.to = target.to
    this.app = target.app
    this.#parts = parts
    this.#target = target
    this.#book = new CallBook(id, target, parts)
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    const [dialled, side] =
      leg.direction === 'outbound' ? ([target.to, 'callee'] as const) : ([null, 'caller'] as const)
    this.#first = this.#enrol(leg, { label: target.label ?? null, dialled, side })
    this.#own = this.#first
    this.answered = this.#first.answered
  }

  /** The party that the program talks to. */
  get party(): Party {
    return this.#own
  }

  get leg(): Leg {
    return this.#own.leg
  }

  get digits(): DigitBuffer {
    return this.#own.digits
  }

  /** All who take part. */
  parties(): readonly Party[] {
    return [...this.#parties].filter((party) => !party.isEnded)
  }

  /** Who hears whom at present; null while nobody is joined. */
  get bridge(): Bridge | null {
    return this.#bridge
  }

  /** Aborted when the call is over for its program: it ended, or was transferred. Its reason is not an error. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Whether the call is over for its program. */
  get isEnded(): boolean {
    return this.#abort.signal.aborted
  }

  /** Aborted when the last party is ended. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  get isGone(): boolean {
    return this.#gone.signal.aborted
  }

  /** It goes on without its program. */
  get isTransferred(): boolean {
    return this.#story.handover !== null
  }

  /** A REFER of this party is being carried out; null: none is. */
  get transferor(): Party | null {
    return this.#transferor
  }

  /** The program's party has left, and who takes its place is being rung: resolves when that is decided. Null: it is there. */
  get vacancy(): Promise<void> | null {
    return this.#vacancy.filled
  }

  get isAnswered(): boolean {
    return this.#book.isAnswered
  }

  get news(): CallNews | null {
    return this.#story.news
  }

  get clock(): Clock {
    return this.#parts.clock
  }

  get records(): CallRecords {
    return this.#parts.records
  }

  get log(): Logger {
    return this.#book.log
  }

  get parts(): CallParts {
    return this.#parts
  }

  sound(name: SoundName): Promise<readonly Prompt[]> {
    return this.#parts.sounds.load(name, this.tenant)
  }

  /** Opens the record; resolves when it is committed, which must be before any response above 100. */
  async open(): Promise<void> {
    await this.#parts.records.open(this.record(), this.#first.row())
    this.#book.isOpen = true
  }

  /** For a call that we place: rings. Does nothing for one that came in. */
  start(): void {
    const { leg, clock } = this
    if (leg.direction !== 'outbound' || this.isGone) return
    const { ringLimitMs } = this.#target
    if (ringLimitMs !== undefined) {
      this.#cancelRinging = clock.after(ringLimitMs, () => {
        const sentence = failureSentence('no-answer', [this.to], Math.round(ringLimitMs / 1000), null)
        if (!this.isAnswered) this.end({ by: 'server', cause: 'no-answer', sentence })
      })
    }
    // What `direction` says, the type says.
    ;(leg as OutboundLeg).start()
  }

  /** Answers the caller. Does nothing when it is answered or over. */
  answer(): void {
    if (this.isAnswered || this.isEnded || this.#own.leg.direction === 'outbound') return
    this.#book.setAnswered()
    this.#own.answer()
  }

  /** Ends the call in whatever state it is. The first to say so is whose words the record keeps. */
  end(words: OwnEnding, options: LegEndOptions = {}): void {
    if (this.isGone) return
    this.#story.say(words)
    if (!this.#own.isEnded && this.#own.home === this) this.#own.leg.end(words.cause, options)
    if (this.isGone) return
    // Its own party had left before, by a transfer: nobody's end brings the call's.
    this.#finish(this.#account({ by: 'local', cause: words.cause, sipStatus: null, q850: null, sentence: null }))
  }

  /** What is going on, for the sentence should the call end meanwhile. Returns the way to say that it is over. */
  doing(activity: string): () => void {
    return this.#story.doing(activity)
  }

  /** What happened between the parties: if the program now hangs up, that is why. Forgotten when it does something else. */
  remember(news: CallNews | null): void {
    this.#story.news = news
  }

  /** The record is closed only after these have settled: recordings that are being finished. */
  owe(work: Promise<unknown>): void {
    this.#book.owe(work)
  }

  note(kind: JournalEvent['kind'], what: string, facts: LegFacts = {}): void {
    this.journal(kind, this.leg.id, what, facts)
  }

  journal(kind: JournalEvent['kind'], legId: LegId | null, what: string, facts: LegFacts = {}): void {
    this.#book.note(kind, legId, what, facts)
  }

  // Other parties.

  /** Takes a leg in as one more party and opens its row. The call must not be over. */
  add(leg: Leg, options: PartyOptions): Party {
    assert(!this.isGone, 'A leg came into a call that is over.', { callId: this.id })
    const party = this.#enrol(leg, options)
    this.#book.addLeg(party)
    return party
  }

  /** Joins two parties; neither may be in a bridge. `a` is one of this call. */
  join(a: Party, b: Party, limit: BridgeLimit | null = null): Bridge {
    return new Bridge(this.#parts.mixer, a, b, limit)
  }

  /** Ends all parties but the program's own. */
  dismissOthers(): void {
    this.#bridge?.close()
    for (const party of this.parties()) if (party !== this.#own) this.#endLeg(party, 'normal')
  }

  /**
   * From now on the call goes on without its program, until one of those who are joined leaves.
   * @param sentence - why, for the record: `The caller transferred the call to 140.`
   */
  handOver(sentence: string): void {
    if (this.isGone) return
    this.#story.handOver(sentence)
    this.journal('decision', null, 'handedOver', { why: sentence })
    this.#own.renewDigits()
    this.#abort.abort(callOver)
  }

  /** An extension was to ring and has no telephone registered: for the record. */
  noteAbsent(extension: string): void {
    this.#book.absent.add(extension)
  }

  /** Where it was passed on to, for the record. */
  transferredTo(destination: string | null): void {
    this.#book.transferredTo = destination
  }

  /** A REFER of this party is carried out from now on: that it hangs up does not end the call. */
  beginTransfer(transferor: Party): void {
    this.#transferor = transferor
    if (this.#bridge?.has(transferor)) this.#bridge.beginTransfer(transferor)
  }

  /** The transfer is decided, one way or the other. Whose transferor has gone for nothing, ends. */
  endTransfer(): void {
    const transferor = this.#transferor
    this.#transferor = null
    this.#bridge?.endTransfer()
    const end = transferor?.leg.ending
    // Nobody took its place: this is its end at last.
    if (end && this.#own === transferor && !this.isGone) this.#finish(this.#account(end))
  }

  /** `by` comes in for `old`: in its bridge, its room, the fork that rings it, and as the one whom the program talks to. */
  putInPlace(old: Party, by: Party): void {
    this.journal('decision', by.leg.id, 'tookPlace', { of: old.leg.id, by: by.number })
    const wasOwn = this.#own === old
    if (wasOwn) {
      by.takeDigitsOf(old)
      this.#own = by
    }
    for (const place of old.places) place.partyReplaced(old, by)
    if (wasOwn) this.#vacancy.fill()
  }

  /**
   * A telephone asks by INVITE with Replaces (RFC 3891) to take over from a leg of this call: it is answered and takes the
   * place of the old one, which is ended. False when the old one is over by now or the new one is lost: refuse with 481.
   */
  replaceLeg(oldLeg: Leg, newLeg: Leg): boolean {
    const old = this.#parts.parties.get(oldLeg)
    if (!old || old.isEnded || this.isGone || old.home !== this) return false
    const by = this.add(newLeg, { label: null, dialled: null, side: old.side })
    by.answer()
    if (by.isEnded || this.isGone) return false
    if (old === this.#own && !this.isAnswered) this.#book.setAnswered()
    this.putInPlace(old, by)
    this.#endLeg(old, old.isAnswered ? 'transferred' : 'answered-elsewhere')
    return true
  }

  /** Takes in a party of another call, which lets it go. */
  adopt(party: Party): void {
    const from = party.home
    if (from instanceof Call) from.#parties.delete(party)
    this.#parties.add(party)
    party.moveTo(this)
    this.#book.moveLeg(party)
  }

  // PartyHome: news of the parties.

  partyAnswered(party: Party): void {
    if (party !== this.#own || this.isAnswered) return
    this.#cancelRinging()
    this.#book.answeredBy = party.number
    this.#book.setAnswered()
  }

  partyEnded(party: Party, end: LegEnd): void {
    this.#parts.parties.delete(party.leg)
    if (this.isGone) return // Its row is written when the call is closed.
    const isOwn = party === this.#own && !this.isTransferred
    // Its REFER is being carried out: whoever is rung for it comes before the program in its stead.
    const isVacated = isOwn && party === this.#transferor && !this.#story.hasWords && !this.#bridge
    if (isVacated) this.#vacancy.open()
    else if (isOwn) return this.#finish(this.#account(end))
    this.#parties.delete(party)
    this.#book.endLeg(party)
    if (this.isTransferred && this.parties().length === 0) this.#finish(this.#account(end))
  }

  transferRequested(party: Party, request: TransferRequest): void {
    this.#parts.transfers.requested(this, party, request)
  }

  bridgeStarted(bridge: Bridge): void {
    this.#bridge = bridge
    const other = bridge.parties.find((party) => party !== this.#own)
    if (other && this.#first.side === 'caller') this.#book.answeredBy = other.number
    this.journal('decision', null, 'bridgeStarted', { with: other?.number ?? null })
  }

  bridgeEnded(bridge: Bridge): void {
    if (this.#bridge !== bridge) return
    this.#bridge = null
    const { end } = bridge
    this.journal('decision', null, 'bridgeEnded', { why: end?.why ?? null, by: end?.by?.number ?? null })
    const parting = this.#story.parting(end)
    if (parting && !this.isGone) this.#finish(parting)
  }

  /** The row as it stands. */
  record(): CallRecord {
    return this.#book.record(this.#first)
  }

  #enrol(leg: Leg, options: PartyOptions): Party {
    const party = new Party(leg, this, options)
    this.#parties.add(party)
    this.#parts.parties.set(leg, party)
    return party
  }

  #account(end: LegEnd): Ending {
    const { isAnswered, talkMs } = this.#book
    return this.#story.ending(end, this.#first, { to: this.to, isAnswered, talkMs })
  }

  #finish(ending: Ending): void {
    this.journal('decision', this.leg.id, 'callEnded', { cause: ending.cause, endedBy: ending.endedBy })
    const record = { ...this.record(), ...ending, endedAt: this.#parts.clock.wallTime() }
    this.#cancelRinging()
    this.#gone.abort(callOver)
    this.#abort.abort(callOver)
    this.#vacancy.fill()
    if (this.#own.home === this) this.#own.digits.close()
    for (const party of this.parties()) {
      const isOurs = ending.cause === 'shutdown' || ending.cause === 'transferred'
      this.#endLeg(party, isOurs ? ending.cause : party.isAnswered ? 'normal' : 'cancelled')
    }
    this.#book
      .close(record, [...this.#parties])
      .then(() => this.#resolveEnded(record))
      .catch((thrown) => this.log.error({ err: toError(thrown) }, 'closing the call failed'))
  }

  /** One that fails to end must not keep the others from it. */
  #endLeg(party: Party, cause: Ending['cause']): void {
    try {
      party.leg.end(cause)
    } catch (thrown) {
      this.log.error({ legId: party.leg.id, err: toError(thrown) }, 'ending a leg failed')
    }
  }
}
