import type { CallId, IdFactory } from '../base/ids.ts'
import type { Call } from '../call/call.ts'
import type { CallRecord } from '../call/records.ts'
import type { Rooms } from '../call/rooms.ts'
import type { Supervisions } from '../call/supervisions.ts'
import { causeOfStatus, type HangupCause, hangupCauses } from '../leg/hangup-cause.ts'
import type { LegEndOptions, LegFacts, LegParty } from '../leg/leg.ts'
import type { Prompt } from '../media/prompt.ts'
import type { Language } from '../speech/types.ts'
import { type BridgeOptions, type BridgeOutcome, bridge } from './bridge.ts'
import { type ConferenceOptions, type ConferenceOutcome, conference, usualConference } from './conference.ts'
import { type DialOutcome, dial } from './dial.ts'
import type { DialOptions } from './dial-options.ts'
import { type GatherOptions, type GatherOutcome, gather, usualGather } from './gather.ts'
import { Hold, type HoldOutcome } from './hold.ts'
import { type Monitor, type MonitorOptions, monitor, usualMonitor } from './monitor.ts'
import { Peer } from './peer.ts'
import { type PlayOptions, type PlayOutcome, play } from './play.ts'
import { type Playable, say, sayDigits, tone } from './playable.ts'
import type { PromptResolver } from './prompts.ts'
import { type RecordOptions, type RecordOutcome, record, usualRecord } from './record.ts'
import { type RecordingPolicies, recordConversation } from './record-conversation.ts'
import { type SendDigitsOutcome, sendDigits } from './send-digits.ts'
import { type SuperviseOptions, type SuperviseOutcome, supervise, usualSupervise } from './supervise.ts'
import { type TransferOptions, type TransferOutcome, transfer, transferByRefer, transferToPeer } from './transfer.ts'

export interface FlowCallParts extends RecordingPolicies {
  readonly prompts: PromptResolver
  readonly ids: IdFactory
  readonly dataFolder: string
  readonly rooms: Rooms
  readonly supervisions: Supervisions
  /** The full address of a destination, for a telephone that is to call it itself. Without it only addresses will do there. */
  addressOf?(tenant: string, destination: string): string
}

export interface FlowCallContext {
  readonly language: Language
  readonly timeZone: string
}

/** How a flow ends its call, where that is not all in the cause. */
export interface HangUpOptions extends LegEndOptions {
  /** Why, for the record; the usual sentence of the cause if absent. */
  readonly sentence?: string
}

type GatherRequest = Partial<GatherOptions> & { readonly prompt?: Playable | readonly Playable[] }
type RecordRequest = Partial<RecordOptions> & {
  /** Given before the recording. */
  readonly prompt?: Playable | readonly Playable[]
  /** A beep behind the prompt; yes unless told otherwise. */
  readonly beep?: boolean
}

type ConferenceRequest = Partial<ConferenceOptions> & {
  /** Heard while nobody else is there, or a moderator is awaited; null: quiet. Music of ours unless told otherwise. */
  readonly music?: Playable | readonly Playable[] | null
  /** A tone for all when this call comes in, and two when it leaves; no unless told otherwise. */
  readonly beep?: boolean
}
type MonitorRequest = Partial<MonitorOptions> & {
  /** A beep for the caller before it begins; no unless told otherwise. */
  readonly beep?: boolean
}

/**
 * So many verbs may follow the end of the call, for flows that tidy up without looking. One that goes on beyond would loop
 * for ever and never let go of the thread: its next verb does not come back, and with nobody left to wake it, it is gone.
 */
const maxVerbsAfterEnd = 100

/** A call as a flow sees it: the verbs. Every verb returns its outcome and ends at once when the call does. */
export class FlowCall {
  /** What the call speaks where a verb does not say. */
  language: Language
  readonly #call: Call
  readonly #parts: FlowCallParts
  readonly #timeZone: string
  #running = 0
  #idleSinceMs: number
  #verbsAfterEnd = 0
  #isRecordedByPolicy = false
  #hold: Hold | null = null

  constructor(call: Call, parts: FlowCallParts, context: FlowCallContext) {
    this.#call = call
    this.#parts = parts
    this.language = context.language
    this.#timeZone = context.timeZone
    this.#idleSinceMs = call.clock.now()
  }

  get id(): CallId {
    return this.#call.id
  }

  get tenant(): string {
    return this.#call.tenant
  }

  /** Who calls: the user part of its address. Not proven; see `party.extension`. */
  get from(): string {
    return this.#call.record().from
  }

  /** What was dialled. */
  get to(): string {
    return this.#call.to
  }

  get party(): LegParty {
    return this.#call.leg.party
  }

  /** Whether the caller, or the one whom we called, has been connected. */
  get isAnswered(): boolean {
    return this.#call.isAnswered
  }

  /** Whether the caller hears what is played: it is answered, or has early media. */
  get hasMedia(): boolean {
    return this.#call.party.hasMedia
  }

  /** For a call that we placed: resolves with true when it is answered, with false when it ended before. */
  get answered(): Promise<boolean> {
    return this.#call.answered
  }

  /** Aborted when the call is over for this flow: it ended, or was transferred. */
  get signal(): AbortSignal {
    return this.#call.signal
  }

  /** The call's record, once it is closed. */
  get ended(): Promise<CallRecord> {
    return this.#call.ended
  }

  get isEnded(): boolean {
    return this.#call.isEnded
  }

  /** Since when no verb runs, in clock ms; null while one does. */
  get idleSinceMs(): number | null {
    return this.#running > 0 ? null : this.#idleSinceMs
  }

  /** 180 Ringing. */
  ring(): void {
    this.#touch()
    this.#call.leg.ring()
  }

  /** Lets the caller hear prompts without answering. */
  openEarlyMedia(): void {
    this.#touch()
    this.#call.party.openEarlyMedia()
  }

  async answer(): Promise<{ readonly outcome: 'answered' | 'ended' }> {
    const stopped = this.#stopWhenOver()
    if (stopped) await stopped
    this.#touch()
    this.#call.answer()
    return { outcome: this.#call.isEnded ? 'ended' : 'answered' }
  }

  /**
   * Refuses an unanswered call; hangs up an answered one.
   * @param cause - our name for it, or a status of 400 to 699.
   */
  async reject(cause: HangupCause | number = 'busy', options: HangUpOptions = {}): Promise<void> {
    const stopped = this.#stopWhenOver()
    if (stopped) await stopped
    const status = typeof cause === 'number' ? cause : hangupCauses[cause].sipStatus
    const name = typeof cause === 'number' ? causeOfStatus(cause) : cause
    const { sentence = null, ...told } = options
    this.#call.end({ by: 'program', cause: name, sentence }, { status, ...told })
  }

  async hangUp(cause: HangupCause = 'normal', options: HangUpOptions = {}): Promise<void> {
    const stopped = this.#stopWhenOver()
    if (stopped) await stopped
    const { sentence = null, ...told } = options
    this.#call.end({ by: 'program', cause, sentence }, told)
  }

  play(what: Playable | readonly Playable[], options: PlayOptions = {}): Promise<PlayOutcome> {
    return this.#verb(async () => {
      const prompts = await this.#resolve(what, options.signal)
      return await play(this.#call, prompts, options)
    })
  }

  say(
    text: string,
    options: PlayOptions & { readonly language?: Language; readonly voice?: string } = {},
  ): Promise<PlayOutcome> {
    return this.play(say(text, options), options)
  }

  /** Speaks digits one by one. */
  sayDigits(digits: string, options: PlayOptions & { readonly language?: Language } = {}): Promise<PlayOutcome> {
    return this.play(sayDigits(digits, options), options)
  }

  gather(request: GatherRequest = {}): Promise<GatherOutcome> {
    return this.#verb(async () => {
      const { prompt, ...rest } = request
      const prompts = prompt === undefined ? [] : await this.#resolve(prompt, rest.signal)
      return await gather(this.#call, prompts, { ...usualGather, ...rest })
    })
  }

  record(request: RecordRequest = {}): Promise<RecordOutcome | { readonly outcome: 'ended' | 'stopped' }> {
    return this.#verb(async () => {
      const { prompt = [], beep = true, ...rest } = request
      const spoken = Array.isArray(prompt) ? (prompt as readonly Playable[]) : [prompt as Playable]
      const lead = await this.#resolve(beep ? [...spoken, tone('beep')] : spoken, rest.signal)
      return await record(this.#call, this.#parts, lead, { ...usualRecord, ...rest })
    })
  }

  /**
   * Records the whole call beside all that follows, on two channels: the caller left, what it hears right.
   * Rejects with StateError `action.monitored-already`, `action.call-over`.
   */
  monitor(request: MonitorRequest = {}): Promise<Monitor> {
    return this.#verb(async () => {
      const { beep = false, ...rest } = request
      if (beep) await play(this.#call, await this.#resolve(tone('beep'), undefined))
      return monitor(this.#call, this.#parts, { ...usualMonitor, ...rest })
    })
  }

  /** Records what is talked from now on, where the extensions in it want that of all their calls. Once is enough for a call. */
  recordByPolicy(): void {
    if (this.#isRecordedByPolicy) return
    this.#isRecordedByPolicy = true
    recordConversation(this.#call, this.#parts)
  }

  /**
   * Brings the caller into a conference room of its tenant until it leaves, is sent out, or the room ends. The first to come
   * makes the room. @param name - 1 to 64 letters, digits, blanks and `._@+-`.
   * Rejects with ParseError `room.name-invalid`, `room.size`, `action.keys-invalid`, LimitError `room.too-many`,
   * StateError `action.already-joined`.
   */
  conference(name: string, request: ConferenceRequest = {}): Promise<ConferenceOutcome> {
    return this.#verb(async () => {
      const { music = tone('music'), beep = false, ...rest } = request
      const load = (what: Playable | readonly Playable[]): Promise<readonly Prompt[]> =>
        this.#resolve(what, rest.signal)
      const sounds = {
        music: await load(music ?? []),
        joinTone: await load(beep ? [tone('beep')] : []),
        leaveTone: await load(beep ? [tone('beep'), tone('beep')] : []),
      }
      return await conference(this.#call, this.#parts.rooms, name, sounds, { ...usualConference, ...rest })
    })
  }

  /**
   * Hears another live call of the same tenant (`listen`), and speaks to one side of it (`whisper`) or to both (`barge`).
   * While it does, the keys 4, 5 and 6 change the mode and `#` leaves. Rejects with ParseError `action.keys-invalid`,
   * StateError `action.already-joined`.
   */
  supervise(callId: string, request: Partial<SuperviseOptions> = {}): Promise<SuperviseOutcome> {
    return this.#verb(() => supervise(this.#call, this.#parts.supervisions, callId, { ...usualSupervise, ...request }))
  }

  /**
   * Calls somebody and joins the caller with who answers first; the caller is answered then, if it was not before. When the
   * two have talked and the callee has hung up, the caller is still there and the flow goes on.
   * @param to - extensions, numbers or addresses, 1 to 20.
   * Rejects with ParseError `action.dial-invalid`, StateError `action.already-joined`, and what a prompt rejects with.
   */
  dial(to: string | readonly string[], options: DialOptions = {}): Promise<DialOutcome> {
    const verbs = { resolve: this.#resolve.bind(this), during: this.#verb.bind(this) }
    return this.#verb(() => dial(this.#call, this.#parts, verbs, to, options))
  }

  /**
   * Joins the caller with somebody who is there already: a peer of this call, or the caller of another flow's call, whose
   * own flow waits meanwhile. Whoever has not hung up is still there when it comes back.
   */
  bridge(other: Peer | FlowCall, options: BridgeOptions = {}): Promise<BridgeOutcome> {
    const resolve = this.#resolve.bind(this)
    const join = (target: Parameters<typeof bridge>[3]): Promise<BridgeOutcome> =>
      this.#verb(() => bridge(this.#call, this.#parts, resolve, target, options))
    if (other instanceof Peer) return join({ party: Peer.partyOf(other), call: this.#call })
    return other.#verb(() => join({ party: other.#call.party, call: other.#call }))
  }

  /** Puts the caller on hold: it hears music, and who is joined with it hears nothing. */
  hold(options: { readonly music?: Playable | readonly Playable[] } = {}): Promise<HoldOutcome> {
    return this.#verb(() => {
      this.#hold ??= new Hold(this.#call.party, () => this.#resolve(options.music ?? tone('music'), undefined))
      return this.#hold.tell()
    })
  }

  unhold(): Promise<HoldOutcome> {
    return this.#verb(async () => {
      const hold = this.#hold
      this.#hold = null
      return hold ? await hold.end() : { outcome: this.isEnded ? 'ended' : 'unheld', isSignalled: false }
    })
  }

  /**
   * Passes the caller on to a number, or to a peer that the flow has called before. With `transferred` the call goes on
   * without this flow; with all else the caller is still there.
   * Rejects with ParseError `action.dial-invalid`, StateError `action.already-joined`, `action.not-answered`.
   */
  transfer(to: string | Peer, options: TransferOptions = {}): Promise<TransferOutcome> {
    return this.#verb(async () => {
      if (to instanceof Peer) return transferToPeer(this.#call, Peer.partyOf(to))
      if (options.mode !== 'refer') return await transfer(this.#call, this.#resolve.bind(this), to, options)
      const address = this.#parts.addressOf?.(this.tenant, to) ?? to
      return await transferByRefer(this.#call, address, to, options.signal)
    })
  }

  sendDigits(digits: string, options: { readonly signal?: AbortSignal } = {}): Promise<SendDigitsOutcome> {
    return this.#verb(() => sendDigits(this.#call, digits, options.signal))
  }

  /** Gives the caller back what it says until the signal stops it or the call ends. */
  echo(options: { readonly signal?: AbortSignal } = {}): Promise<{ readonly outcome: 'stopped' | 'ended' }> {
    return this.#verb(async () => {
      const signal = options.signal ? AbortSignal.any([options.signal, this.signal]) : this.signal
      this.#call.leg.echo(true)
      if (!signal.aborted)
        await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }))
      this.#call.leg.echo(false)
      return { outcome: this.isEnded ? 'ended' : 'stopped' }
    })
  }

  /** Notes a decision of the flow in the call's journal. Never put digits or secrets into it. */
  note(what: string, facts: LegFacts = {}): void {
    this.#call.note('decision', what, facts)
  }

  /** Notes what went wrong. The same holds of digits and secrets. */
  noteProblem(what: string, facts: LegFacts = {}): void {
    this.#call.note('problem', what, facts)
  }

  /**
   * Loading what is to be played ends with the call, too. Then nothing is left to play, and the verb that asked sees
   * that the call is over.
   */
  async #resolve(what: Playable | readonly Playable[], signal: AbortSignal | undefined): Promise<readonly Prompt[]> {
    const both = signal ? AbortSignal.any([signal, this.signal]) : this.signal
    try {
      return await this.#parts.prompts.resolve(
        what,
        { tenant: this.tenant, language: this.language, timeZone: this.#timeZone },
        both,
      )
    } catch (thrown) {
      if (both.aborted) return []
      throw thrown
    }
  }

  /** Comes back at once, but for a flow that goes on and on after the end of its call: see `maxVerbsAfterEnd`. */
  #stopWhenOver(): Promise<void> | undefined {
    if (!this.isEnded || ++this.#verbsAfterEnd <= maxVerbsAfterEnd) return undefined
    if (this.#verbsAfterEnd === maxVerbsAfterEnd + 1) {
      this.#call.log.warn({}, 'a flow went on with its verbs after the end of its call, and was stopped')
    }
    return new Promise<never>(() => {})
  }

  async #verb<Outcome>(run: () => Promise<Outcome>): Promise<Outcome> {
    const stopped = this.#stopWhenOver()
    if (stopped) await stopped
    this.#running++
    try {
      // Its caller passes itself on, and has gone: who comes in its stead is being called.
      while (this.#call.vacancy) await this.#call.vacancy
      return await run()
    } finally {
      this.#running--
      this.#touch()
    }
  }

  #touch(): void {
    this.#idleSinceMs = this.#call.clock.now()
  }
}
