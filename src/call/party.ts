import type { Clock } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { CallId, LegId } from '../base/ids.ts'
import type { Leg, LegEnd, LegFacts, LegUser, TransferRequest } from '../leg/leg.ts'
import type { DetectedDigit } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import type { Bridge } from './bridge.ts'
import { DigitBuffer } from './digit-buffer.ts'
import type { Line } from './line.ts'
import type { JournalEvent, LegRecord } from './records.ts'
import type { SoundName } from './sounds.ts'

/** The call that a party belongs to, as the party sees it. */
export interface PartyHome {
  readonly id: CallId
  readonly tenant: string
  readonly clock: Clock
  /** Who hears whom in it. */
  readonly bridge: Bridge | null
  partyAnswered(party: Party): void
  partyEnded(party: Party, end: LegEnd): void
  transferRequested(party: Party, request: TransferRequest): void
  /** Two parties, this call's among them, hear each other from now on. */
  bridgeStarted(bridge: Bridge): void
  bridgeEnded(bridge: Bridge): void
  sound(name: SoundName): Promise<readonly Prompt[]>
  journal(kind: JournalEvent['kind'], legId: LegId | null, what: string, facts?: LegFacts): void
}

/** What a party takes part in: a bridge, a fork that rings it, a room. */
export interface PartyPlace {
  /** `by` comes in for `old`, which is ended right behind it. */
  partyReplaced(old: Party, by: Party): void
}

export interface PartyNews {
  progressed: { readonly status: number; readonly hasEarlyMedia: boolean }
  answered: undefined
  held: { readonly isHeld: boolean }
  /** It takes part in something more or less: see `places`. */
  placed: undefined
  ended: LegEnd
}

interface Listener {
  readonly name: keyof PartyNews
  readonly hear: (news: never) => void
}

export interface PartyOptions {
  /** The device, for records and sentences: `137 (udp:203.0.113.5:5060)`. */
  readonly label: string | null
  /** What was dialled to reach it; null for one that came by itself. */
  readonly dialled: string | null
  /** Whether it is the one that called. `callee` if absent. */
  readonly side?: 'caller' | 'callee'
}

/** One leg within a call: its digits, its row, and who wants to hear of it. It may move from one call to another. */
export class Party implements LegUser, Line {
  readonly leg: Leg
  readonly label: string | null
  readonly dialled: string | null
  /** How a sentence names it, and the record says who hung up. */
  readonly side: 'caller' | 'callee'
  /** True once the leg is answered; false when it ended before. */
  readonly answered: Promise<boolean>
  readonly ended: Promise<LegEnd>
  /** Its row with the last word, once its statistics are there. Never rejects. */
  readonly finalRow: Promise<LegRecord>
  #home: PartyHome
  #digits: DigitBuffer
  #answeredAt: number | null = null
  #answeredMs: number | null = null
  #endedAt: number | null = null
  #hasMedia = false
  #hasRung = false
  #isHolding = false
  readonly #startedAt: number
  readonly #startedMs: number
  readonly #places = new Set<PartyPlace>()
  /** One set for all news: most parties have few listeners, and many have none. */
  readonly #listeners = new Set<Listener>()
  #resolveAnswered: (isAnswered: boolean) => void = () => {}
  #resolveEnded: (end: LegEnd) => void = () => {}

  constructor(leg: Leg, home: PartyHome, options: PartyOptions) {
    this.leg = leg
    this.label = options.label
    this.dialled = options.dialled
    this.side = options.side ?? 'callee'
    this.#home = home
    this.#digits = new DigitBuffer(home.clock)
    this.#startedAt = home.clock.wallTime()
    this.#startedMs = home.clock.now()
    this.answered = new Promise((resolve) => {
      this.#resolveAnswered = resolve
    })
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    this.finalRow = this.ended.then((end) => this.#finalRow(end))
    leg.attach(this)
  }

  get home(): PartyHome {
    return this.#home
  }

  get clock(): Clock {
    return this.#home.clock
  }

  /** What it has typed. Whoever takes its place goes on with them. */
  get digits(): DigitBuffer {
    return this.#digits
  }

  get isEnded(): boolean {
    return this.#endedAt !== null
  }

  get isAnswered(): boolean {
    return this.#answeredAt !== null
  }

  /** Whether it can hear anything: answered, or in early media. */
  get hasMedia(): boolean {
    return this.#hasMedia && !this.isEnded
  }

  /** Whether a telephone of ours rang: 180 came. */
  get hasRung(): boolean {
    return this.#hasRung
  }

  /** Its telephone has put us on hold. */
  get isHolding(): boolean {
    return this.#isHolding
  }

  /** How it is known to others: its extension, or the number it calls from or was dialled by. */
  get number(): string {
    return this.dialled ?? this.leg.party.extension ?? this.leg.party.user
  }

  get talkMs(): number {
    return this.#answeredMs === null ? 0 : this.clock.now() - this.#answeredMs
  }

  get lifeMs(): number {
    return this.clock.now() - this.#startedMs
  }

  get answeredAt(): number | null {
    return this.#answeredAt
  }

  get places(): readonly PartyPlace[] {
    return [...this.#places]
  }

  /** Says that it takes part in something. Returns the way out. */
  enter(place: PartyPlace): () => void {
    this.#places.add(place)
    this.#tell('placed', undefined)
    return () => {
      if (this.#places.delete(place)) this.#tell('placed', undefined)
    }
  }

  /** Told at once, in the order of asking, before the party's call is. Returns the way to stop listening. */
  on<Name extends keyof PartyNews>(name: Name, listener: (news: PartyNews[Name]) => void): () => void {
    const entry: Listener = { name, hear: listener }
    this.#listeners.add(entry)
    return () => this.#listeners.delete(entry)
  }

  /** 183 with media, for an inbound leg that is not answered. */
  openEarlyMedia(): void {
    if (this.isEnded || this.isAnswered || this.leg.direction === 'outbound') return
    this.#hasMedia = true
    this.leg.openEarlyMedia()
  }

  /** 200 OK, for an inbound leg. Does nothing when answered or over. */
  answer(): void {
    if (this.isEnded || this.isAnswered || this.leg.direction === 'outbound') return
    this.#markAnswered()
    this.leg.answer()
    if (!this.isEnded) this.#resolveAnswered(true)
  }

  /** It takes the place of `old`: whoever reads its digits goes on with those of this one. */
  takeDigitsOf(old: Party): void {
    if (old.isEnded) return
    this.#digits.close()
    this.#digits = old.#digits
    old.#digits = new DigitBuffer(this.clock)
  }

  /** Whoever reads its digits is told that they come no more; what it types from now on is for others. */
  renewDigits(): void {
    this.#digits.close()
    this.#digits = new DigitBuffer(this.clock)
  }

  moveTo(home: PartyHome): void {
    this.#home = home
  }

  doing(): () => void {
    return () => {}
  }

  note(kind: JournalEvent['kind'], what: string, facts: LegFacts = {}): void {
    this.#home.journal(kind, this.leg.id, what, facts)
  }

  /** Its row as it stands. */
  row(): LegRecord {
    const { leg } = this
    return {
      id: leg.id,
      callId: this.#home.id,
      role: leg.role,
      direction: leg.direction,
      label: this.label,
      dialled: this.dialled,
      extension: leg.party.extension,
      sipCallId: leg.sipCallId,
      peer: leg.party.address,
      userAgent: leg.party.userAgent,
      codec: leg.codec,
      startedAt: this.#startedAt,
      answeredAt: this.#answeredAt,
      endedAt: null,
      cause: null,
      packetsSent: null,
      packetsReceived: null,
      packetsLost: null,
      jitterMs: null,
    }
  }

  // LegUser: news from the wire.

  legProgressed(status: number, hasEarlyMedia: boolean): void {
    if (this.isEnded) return
    if (hasEarlyMedia) this.#hasMedia = true
    if (status === 180) this.#hasRung = true
    this.#tell('progressed', { status, hasEarlyMedia })
  }

  legAnswered(): void {
    if (this.isEnded || this.isAnswered) return
    this.#markAnswered()
    this.note('decision', 'partyAnswered', { role: this.leg.role, label: this.label })
    this.#resolveAnswered(true)
    this.#tell('answered', undefined)
    if (!this.isEnded) this.#home.partyAnswered(this)
  }

  legHeld(isHeld: boolean): void {
    if (this.isEnded || isHeld === this.#isHolding) return
    this.#isHolding = isHeld
    this.note('decision', isHeld ? 'heldByPeer' : 'resumedByPeer')
    this.#tell('held', { isHeld })
  }

  transferRequested(request: TransferRequest): void {
    if (this.isEnded) return request.reject(481)
    this.#home.transferRequested(this, request)
  }

  digitReceived(digit: DetectedDigit): void {
    const { carrier, durationMs } = digit
    this.note('digit', 'digitReceived', { digit: digit.digit, carrier, durationMs })
    this.#digits.push(digit)
  }

  legNoted(kind: 'sip' | 'media', what: string, facts: LegFacts): void {
    this.note(kind, what, facts)
  }

  legEnded(end: LegEnd): void {
    if (this.isEnded) return
    this.#endedAt = this.clock.wallTime()
    this.#digits.close()
    this.#resolveAnswered(false)
    this.#resolveEnded(end)
    this.#tell('ended', end)
    this.#home.partyEnded(this, end)
  }

  #markAnswered(): void {
    this.#hasMedia = true
    this.#answeredAt = this.clock.wallTime()
    this.#answeredMs = this.clock.now()
  }

  #tell<Name extends keyof PartyNews>(name: Name, news: PartyNews[Name]): void {
    if (this.#listeners.size === 0) return
    for (const listener of [...this.#listeners]) {
      if (listener.name !== name || !this.#listeners.has(listener)) continue
      try {
        listener.hear(news as never)
      } catch (thrown) {
        // The others are to hear of it all the same, and the call above all: nobody is left behind for one faulty reader.
        this.note('problem', 'listenerThrew', { news: name, why: toError(thrown).message })
      }
    }
  }

  async #finalRow(end: LegEnd): Promise<LegRecord> {
    const row = { ...this.row(), endedAt: this.#endedAt, cause: end.cause }
    try {
      const { packetsSent, packetsReceived, packetsLost, jitterMs } = await this.leg.stats()
      return { ...row, packetsSent, packetsReceived, packetsLost, jitterMs: Math.round(jitterMs * 10) / 10 }
    } catch {
      // Statistics are nice to have; a row without them is still true.
      return row
    }
  }
}
