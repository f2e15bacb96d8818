import type { Call } from './call.ts'
import type { Party, PartyPlace } from './party.ts'
import type { SupervisionMode, SupervisionTalk, TalkListener } from './supervision-talk.ts'

/** Which of the two a supervisor whispers to: the call's own caller, or who it is joined with. */
export type SupervisedSide = 'caller' | 'callee'

export interface SupervisionEnd {
  readonly outcome: /** One of the two calls was over. */
    | 'ended'
    /** The supervisor left by key. */
    | 'left'
    | 'stopped'
    /** There is nothing to hear: the call is not answered, supervises itself, or went into a conference. */
    | 'unavailable'
    /** The sound was lost through a fault of ours; the two go on. */
    | 'failed'
  readonly seconds: number
  /** Set with `unavailable` and `failed`. */
  readonly sentence: string | null
}

/** One supervisor at one call, from talk to talk as the call goes on. */
export class Supervision implements TalkListener, PartyPlace {
  readonly call: Call
  readonly ended: Promise<SupervisionEnd>
  readonly #own: Call
  readonly #side: SupervisedSide
  readonly #follow: (supervision: Supervision) => SupervisionTalk | string
  readonly #startedMs: number
  readonly #unwatchCall: () => void
  #unwatchParty: () => void = () => {}
  #unwatchCaller: () => void = () => {}
  /** Of the supervised call, as it was last seen. */
  #caller: Party | null = null
  #party: Party
  #mode: SupervisionMode
  #talk: SupervisionTalk | null = null
  #isOver = false
  #resolve: (end: SupervisionEnd) => void = () => {}

  /** @param follow - the talk that the call is in now, or a sentence that says why there is none to be heard. */
  constructor(
    own: Call,
    call: Call,
    options: { readonly mode: SupervisionMode; readonly side: SupervisedSide },
    follow: (supervision: Supervision) => SupervisionTalk | string,
  ) {
    this.call = call
    this.#own = own
    this.#party = own.party
    this.#side = options.side
    this.#mode = options.mode
    this.#follow = follow
    this.#startedMs = own.clock.now()
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#note('supervisionStarted')
    this.#watchParty()
    const onOver = (): void => this.#finish('ended')
    // A call that was transferred goes on without its program, and can still be heard.
    call.gone.addEventListener('abort', onOver, { once: true })
    this.#unwatchCall = () => call.gone.removeEventListener('abort', onOver)
    this.#move()
  }

  get party(): Party {
    return this.#party
  }

  get mode(): SupervisionMode {
    return this.#mode
  }

  setMode(mode: SupervisionMode): void {
    if (mode === this.#mode || this.#isOver) return
    this.#mode = mode
    this.#note('supervisionMode')
    this.#talk?.settle()
  }

  /** @param how - `left`: by key; `stopped`: by its program. */
  leave(how: 'left' | 'stopped'): void {
    this.#finish(how)
  }

  agentOf(parties: readonly Party[]): Party | null {
    const { party: caller } = this.call
    return parties.find((party) => (this.#side === 'caller' ? party === caller : party !== caller)) ?? null
  }

  talkOver(): void {
    this.#talk = null
    this.#move()
  }

  talkFailed(sentence: string): void {
    this.#talk = null
    this.#finish('failed', sentence)
  }

  partyReplaced(_old: Party, by: Party): void {
    this.#unwatchParty()
    this.#party = by
    this.#watchParty()
    if (by.isEnded) return this.#finish('ended')
    this.#talk?.rejoin(this)
  }

  #watchCaller(): void {
    const { party: caller } = this.call
    if (caller === this.#caller) return
    this.#unwatchCaller()
    this.#caller = caller
    // Behind whatever is going on: a bridge that begins joins its legs only after it has said so.
    const moveSoon = (): void => queueMicrotask(() => this.#move())
    const undo = [caller.on('placed', moveSoon), caller.on('ended', moveSoon)]
    this.#unwatchCaller = () => {
      for (const one of undo) one()
    }
  }

  #watchParty(): void {
    const leave = this.#party.enter(this)
    const deafen = this.#party.on('ended', () => this.#finish('ended'))
    this.#unwatchParty = () => {
      leave()
      deafen()
    }
  }

  /** Goes to where the call is now. */
  #move(): void {
    if (this.#isOver) return
    if (this.call.isGone) return this.#finish('ended')
    this.#watchCaller()
    const next = this.#follow(this)
    if (next === this.#talk) return
    this.#talk?.remove(this)
    if (this.#isOver) return
    if (typeof next === 'string') return this.#finish('unavailable', next)
    this.#talk = next
    next.add(this)
  }

  #finish(outcome: SupervisionEnd['outcome'], sentence: string | null = null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#unwatchCall()
    this.#unwatchCaller()
    this.#unwatchParty()
    this.#talk?.remove(this)
    this.#talk = null
    this.#note('supervisionEnded', { outcome })
    const seconds = Math.round((this.#own.clock.now() - this.#startedMs) / 100) / 10
    this.#resolve({ outcome, seconds, sentence })
  }

  /** Into both journals: who supervised whom is asked later, from either side. */
  #note(what: string, facts: { readonly outcome?: string } = {}): void {
    this.#own.note('decision', what, { supervises: this.call.id, mode: this.#mode, ...facts })
    if (!this.call.isGone) this.call.note('decision', what, { supervisor: this.#own.id, mode: this.#mode, ...facts })
  }
}
