import type { CallId, IdFactory } from '../base/ids.ts'
import type { Call } from '../call/call.ts'
import type { CallRecord } from '../call/records.ts'
import { causeOfStatus, type HangupCause, hangupCauses } from '../leg/hangup-cause.ts'
import type { LegParty } from '../leg/leg.ts'
import type { Language } from '../speech/types.ts'
import { type GatherOptions, type GatherOutcome, gather, usualGather } from './gather.ts'
import { type PlayOptions, type PlayOutcome, play } from './play.ts'
import { type Playable, say, sayDigits, tone } from './playable.ts'
import type { PromptResolver } from './prompts.ts'
import { type RecordOptions, type RecordOutcome, record, usualRecord } from './record.ts'
import { type SendDigitsOutcome, sendDigits } from './send-digits.ts'

export interface FlowCallParts {
  readonly prompts: PromptResolver
  readonly ids: IdFactory
  readonly dataFolder: string
}

export interface FlowCallContext {
  readonly language: Language
  readonly timeZone: string
}

type GatherRequest = Partial<GatherOptions> & { readonly prompt?: Playable | readonly Playable[] }
type RecordRequest = Partial<RecordOptions> & {
  /** Given before the recording. */
  readonly prompt?: Playable | readonly Playable[]
  /** A beep behind the prompt; yes unless told otherwise. */
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
    return this.#call.leg.party.user
  }

  /** What was dialled. */
  get to(): string {
    return this.#call.to
  }

  get party(): LegParty {
    return this.#call.leg.party
  }

  /** Aborted when the call ends. */
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
    this.#call.leg.openEarlyMedia()
  }

  async answer(): Promise<{ readonly outcome: 'answered' | 'ended' }> {
    const stopped = this.#stopWhenOver()
    if (stopped) await stopped
    this.#touch()
    this.#call.answer()
    return { outcome: this.#call.isEnded ? 'ended' : 'answered' }
  }

  /** Refuses an unanswered call; hangs up an answered one. @param status - 400 to 699; else the cause's own. */
  async reject(cause: HangupCause | number = 'busy'): Promise<void> {
    const stopped = this.#stopWhenOver()
    if (stopped) await stopped
    const status = typeof cause === 'number' ? cause : hangupCauses[cause].sipStatus
    const name = typeof cause === 'number' ? causeOfStatus(cause) : cause
    this.#call.end({ by: 'program', cause: name, sentence: null }, { status })
  }

  async hangUp(cause: HangupCause = 'normal'): Promise<void> {
    const stopped = this.#stopWhenOver()
    if (stopped) await stopped
    this.#call.end({ by: 'program', cause, sentence: null })
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
  note(what: string, facts: Readonly<Record<string, string | number | boolean | null>> = {}): void {
    this.#call.note('decision', what, facts)
  }

  /**
   * Loading what is to be played ends with the call, too. Then nothing is left to play, and the verb that asked sees
   * that the call is over.
   */
  async #resolve(
    what: Playable | readonly Playable[],
    signal: AbortSignal | undefined,
  ): Promise<Awaited<ReturnType<PromptResolver['resolve']>>> {
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
