import type { Cancel } from '../base/clock.ts'
import { LimitError, toError } from '../base/errors.ts'
import type { Leg, LegEnd } from '../leg/leg.ts'
import type { Call } from './call.ts'
import { causeText, type DialFailure, failureOf, failureSentence, failuresBestFirst } from './dial-outcome.ts'
import type { Party, PartyPlace } from './party.ts'
import type { Device, Reach } from './reach.ts'

/** A Reacher asks databases and DNS. One that does not come back is taken for a failure, so that no caller waits for ever. */
const reachLimitMs = 5000
/** Telephones that ring together, at most. More are a slip of the configuration or an attack. */
const maxDevices = 40

export interface DiallingOptions {
  /** One group after the other; all destinations of a group together. */
  readonly groups: readonly (readonly string[])[]
  /** How long each group rings. */
  readonly ringMs: number
  readonly callerId: string | null
  readonly callerName: string | null
  readonly onBehalfOf: Leg | null
  readonly divertedFrom: string | null
  readonly replaces?: string
  /** As in `ReachRequest`. */
  readonly trunk?: string
  readonly isByTelephone?: boolean
  /** Stops it. */
  readonly signal: AbortSignal
  /**
   * Looks at one who has answered before it is taken: plays, asks for a key. Whoever is not taken is hung up, and counts as
   * one that did not answer. The others ring on meanwhile.
   */
  readonly screen?: (party: Party) => Promise<boolean>
  /** @param isOnly - nobody else is being rung: what it lets hear may be passed on. */
  readonly progressed?: (party: Party, status: number, hasEarlyMedia: boolean, isOnly: boolean) => void
}

/** What became of one device, or of a destination that has none. */
export interface DialAttempt {
  readonly destination: string
  /** The device; null where it came to none. */
  readonly label: string | null
  /** `answered-elsewhere`: another was quicker; `stopped`: we gave up. */
  readonly outcome: 'answered' | DialFailure | 'answered-elsewhere' | 'stopped'
  readonly sipStatus: number | null
  /** Whether it said that it rings (180). Announcements of a provider (183) are no ringing. */
  readonly hasRung: boolean
  readonly seconds: number
  readonly sentence: string
}

export type DiallingEnd =
  | { readonly outcome: 'answered'; readonly party: Party; readonly attempts: readonly DialAttempt[] }
  | {
      readonly outcome: DialFailure | 'stopped'
      readonly sentence: string
      /** The status of the attempt that decided the outcome, where a peer gave one. */
      readonly sipStatus: number | null
      readonly attempts: readonly DialAttempt[]
    }

interface Ringing {
  readonly destination: string
  readonly label: string
  readonly startedMs: number
  readonly party: Party
  readonly tidy: () => void
  isScreening: boolean
  /** Why we end it, where the leg itself would say only that we did. */
  ourReason: 'no-answer' | 'answered-elsewhere' | 'stopped' | 'not-taken' | null
}

/** Rings devices, group by group, until one answers: forking, seen from the call. Every leg but the winner's is ended by it. */
export class Dialling implements PartyPlace {
  /** Never rejects. */
  readonly ended: Promise<DiallingEnd>
  readonly #call: Call
  readonly #options: DiallingOptions
  readonly #attempts: DialAttempt[] = []
  readonly #ringing = new Set<Ringing>()
  /** Of the destinations that are being looked for. */
  readonly #reachLimits = new Set<Cancel>()
  readonly #onAbort = (): void => this.#stop()
  #group = -1
  #reaching = 0
  #devices = 0
  #isRingingOver = false
  #isSettled = false
  #cancelRing: Cancel = () => {}
  #resolve: (end: DiallingEnd) => void = () => {}

  constructor(call: Call, options: DiallingOptions) {
    this.#call = call
    this.#options = options
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    call.gone.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal.aborted || call.isGone) this.#stop()
    else this.#nextGroup()
  }

  /** Somebody has picked the call up from another telephone: that one is the winner. */
  partyReplaced(old: Party, by: Party): void {
    const ringing = [...this.#ringing].find(({ party }) => party === old)
    if (!ringing || this.#isSettled) return
    this.#drop(ringing)
    this.#attempts.push(this.#attempt(ringing, 'answered', null, `${by.number} picked up for ${ringing.destination}.`))
    this.#win(by)
  }

  #nextGroup(): void {
    const group = this.#options.groups[++this.#group]
    if (!group) return this.#fail()
    this.#isRingingOver = false
    this.#devices = 0
    this.#reaching = group.length
    this.#cancelRing = this.#call.clock.after(this.#options.ringMs, () => this.#ringingTooLong())
    for (const destination of group) {
      this.#reachAndRing(destination, this.#group).catch((thrown) =>
        this.#call.log.error({ err: toError(thrown) }, 'ringing a destination failed'),
      )
    }
    this.#checkGroup()
  }

  async #reachAndRing(destination: string, group: number): Promise<void> {
    const startedMs = this.#call.clock.now()
    const reach = await this.#reach(destination)
    if (this.#isSettled || group !== this.#group || this.#isRingingOver) return
    this.#reaching--
    if (reach.kind === 'unreachable') {
      const outcome = failureOf(reach.cause, false)
      if (reach.cause === 'not-registered') this.#call.noteAbsent(destination)
      this.#note({
        destination,
        label: null,
        outcome,
        sipStatus: null,
        hasRung: false,
        seconds: this.#since(startedMs),
        sentence: reach.sentence,
      })
    } else {
      for (const device of reach.devices) this.#ring(destination, device)
    }
    this.#checkGroup()
  }

  async #reach(destination: string): Promise<Reach> {
    const { callerId, callerName, onBehalfOf, divertedFrom, replaces, trunk, isByTelephone = false } = this.#options
    const { reacher, clock } = this.#call.parts
    let cancel: Cancel = () => {}
    const tooLate = new Promise<Reach>((resolve) => {
      const sentence = `Where ${destination} is to be reached could not be found out within ${reachLimitMs / 1000} s.`
      cancel = clock.after(reachLimitMs, () => resolve({ kind: 'unreachable', cause: 'server-error', sentence }))
    })
    this.#reachLimits.add(cancel)
    try {
      const { tenant } = this.#call
      const asked = { tenant, destination, callerId, callerName, onBehalfOf, divertedFrom, isByTelephone }
      const request = trunk === undefined ? asked : { ...asked, trunk }
      return await Promise.race([reacher.reach(replaces === undefined ? request : { ...request, replaces }), tooLate])
    } catch (thrown) {
      const { message } = toError(thrown)
      this.#call.log.error({ err: toError(thrown) }, 'finding out where to ring failed')
      return { kind: 'unreachable', cause: 'server-error', sentence: `The call to ${destination} failed: ${message}` }
    } finally {
      cancel()
      this.#reachLimits.delete(cancel)
    }
  }

  #ring(destination: string, device: Device): void {
    if (this.#isSettled) return
    const { label } = device
    if (++this.#devices > maxDevices) {
      return this.#call.journal('problem', null, 'deviceLeftOut', { destination, label, most: maxDevices })
    }
    const startedMs = this.#call.clock.now()
    let ringing: Ringing | null = null
    try {
      const leg = device.makeLeg('callee')
      const party = this.#call.add(leg, { label, dialled: destination })
      ringing = { destination, label, startedMs, party, tidy: this.#watch(party), isScreening: false, ourReason: null }
      this.#ringing.add(ringing)
      leg.start()
    } catch (thrown) {
      const error = toError(thrown)
      // No port, or the trunk has as many calls as it may: that is no fault of the destination's.
      const outcome = error instanceof LimitError ? 'refused' : 'failed'
      if (!(error instanceof LimitError)) this.#call.log.error({ err: error, label }, 'a leg could not be made')
      if (ringing) this.#drop(ringing)
      const sentence = `The call to ${destination} failed: ${error.message}`
      const seconds = this.#since(startedMs)
      this.#note({ destination, label, outcome, sipStatus: null, hasRung: false, seconds, sentence })
      ringing?.party.leg.end('server-error')
    }
  }

  #watch(party: Party): () => void {
    const tidy = [
      party.enter(this),
      party.on('progressed', ({ status, hasEarlyMedia }) => {
        const isOnly = this.#ringing.size === 1 && this.#reaching === 0
        if (!this.#isSettled) this.#options.progressed?.(party, status, hasEarlyMedia, isOnly)
      }),
      party.on('answered', () => this.#answered(party)),
      party.on('ended', (end) => this.#left(party, end)),
    ]
    return () => {
      for (const undo of tidy) undo()
    }
  }

  #answered(party: Party): void {
    const ringing = [...this.#ringing].find((one) => one.party === party)
    if (!ringing || this.#isSettled) return
    const { screen } = this.#options
    if (!screen) return this.#taken(ringing)
    ringing.isScreening = true
    const decide = (isTaken: boolean): void => {
      if (this.#isSettled || party.isEnded) return
      if (isTaken) return this.#taken(ringing)
      ringing.ourReason = 'not-taken'
      party.leg.end('normal')
    }
    screen(party).then(decide, (thrown: unknown) => {
      party.note('problem', 'screeningFailed', { why: toError(thrown).message })
      decide(false)
    })
  }

  #taken(ringing: Ringing): void {
    this.#attempts.push(this.#attempt(ringing, 'answered', null, `${ringing.destination} answered.`))
    this.#win(ringing.party)
  }

  #left(party: Party, end: LegEnd): void {
    const ringing = [...this.#ringing].find((one) => one.party === party)
    if (!ringing) return
    this.#drop(ringing)
    this.#note(this.#lost(ringing, end))
    this.#checkGroup()
  }

  /** What is written of one that did not make it. */
  #lost(ringing: Ringing, end: LegEnd): DialAttempt {
    const { destination, ourReason } = ringing
    const { sipStatus } = end
    const seconds = this.#since(ringing.startedMs)
    if (ourReason === 'answered-elsewhere') {
      return this.#attempt(
        ringing,
        ourReason,
        sipStatus,
        `${destination} stopped ringing because the call was taken elsewhere.`,
      )
    }
    if (ourReason === 'stopped' || this.#isSettled) {
      return this.#attempt(ringing, 'stopped', sipStatus, `${destination} was no longer rung after ${seconds} s.`)
    }
    if (ringing.isScreening) {
      return this.#attempt(ringing, 'no-answer', sipStatus, `${destination} answered, but did not take the call.`)
    }
    if (ourReason === 'no-answer') {
      return this.#attempt(ringing, 'no-answer', null, failureSentence('no-answer', [destination], seconds, null))
    }
    const outcome = failureOf(end.cause, ringing.party.hasRung)
    const sentence =
      (end.by === 'network' ? end.sentence : null) ??
      failureSentence(outcome, [destination], Math.round(seconds), causeText(end.cause, sipStatus))
    return this.#attempt(ringing, outcome, sipStatus, sentence)
  }

  #ringingTooLong(): void {
    this.#isRingingOver = true
    if (this.#reaching > 0) {
      this.#reaching = 0
      const destination = this.#options.groups[this.#group]?.join(', ') ?? ''
      const sentence = `Where ${destination} is to be reached was not found out in time.`
      this.#note({
        destination,
        label: null,
        outcome: 'failed',
        sipStatus: null,
        hasRung: false,
        seconds: this.#options.ringMs / 1000,
        sentence,
      })
    }
    // With the last of them the next group begins.
    const silent = [...this.#ringing].filter(({ isScreening }) => !isScreening)
    if (silent.length === 0) return this.#checkGroup()
    for (const ringing of silent) {
      ringing.ourReason = 'no-answer'
      ringing.party.leg.end('no-answer')
    }
  }

  #checkGroup(): void {
    if (this.#isSettled || this.#reaching > 0 || this.#ringing.size > 0) return
    this.#cancelRing()
    this.#nextGroup()
  }

  #win(party: Party): void {
    for (const one of this.#ringing) if (one.party === party) this.#drop(one)
    this.#settle('answered-elsewhere', () => ({ outcome: 'answered', party, attempts: this.#attempts }))
  }

  #stop(): void {
    const sentence = 'The call was given up before anybody answered.'
    this.#settle('stopped', () => ({ outcome: 'stopped', sentence, sipStatus: null, attempts: this.#attempts }))
  }

  #fail(): void {
    const outcome =
      failuresBestFirst.find((failure) => this.#attempts.some((one) => one.outcome === failure)) ?? 'failed'
    const decisive = this.#attempts.filter((one) => one.outcome === outcome)
    const whom = [...new Set(decisive.map(({ destination }) => destination))]
    const seconds = Math.round(this.#options.ringMs / 1000)
    // Of several with one fate one sentence; of one alone its own, which knows more.
    const sentence = whom.length > 1 ? failureSentence(outcome, whom, seconds, null) : decisive[0]?.sentence
    const sipStatus = decisive.find((one) => one.sipStatus !== null)?.sipStatus ?? null
    const end = { outcome, sentence: sentence ?? 'There was nobody to call.', sipStatus, attempts: this.#attempts }
    this.#settle('stopped', () => end)
  }

  #settle(reason: 'answered-elsewhere' | 'stopped', end: () => DiallingEnd): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#cancelRing()
    for (const cancel of this.#reachLimits) cancel()
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#call.gone.removeEventListener('abort', this.#onAbort)
    for (const ringing of [...this.#ringing]) {
      ringing.ourReason ??= reason
      ringing.party.leg.end(reason === 'stopped' ? (ringing.party.isAnswered ? 'normal' : 'cancelled') : reason)
    }
    this.#resolve(end())
  }

  #drop(ringing: Ringing): void {
    ringing.tidy()
    this.#ringing.delete(ringing)
  }

  #note(attempt: DialAttempt): void {
    this.#attempts.push(attempt)
    const { label, destination, outcome, sipStatus, seconds } = attempt
    this.#call.journal('decision', null, 'attemptEnded', { destination, label, outcome, sipStatus, seconds })
  }

  #attempt(
    { destination, label, startedMs, party }: Ringing,
    outcome: DialAttempt['outcome'],
    sipStatus: number | null,
    sentence: string,
  ): DialAttempt {
    const { hasRung } = party
    return { destination, label, outcome, sipStatus, hasRung, seconds: this.#since(startedMs), sentence }
  }

  #since(startedMs: number): number {
    return Math.round((this.#call.clock.now() - startedMs) / 100) / 10
  }
}
