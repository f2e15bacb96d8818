import type { Party } from '../call/party.ts'
import type { HangupCause } from '../leg/hangup-cause.ts'
import type { Prompt } from '../media/prompt.ts'
import { type GatherOptions, type GatherOutcome, gather, usualGather } from './gather.ts'
import { Hold, type HoldOutcome } from './hold.ts'
import { type PlayOptions, type PlayOutcome, play } from './play.ts'
import { type Playable, say, tone } from './playable.ts'
import { type SendDigitsOutcome, sendDigits } from './send-digits.ts'

/** Loads what is to be played; ends with the call and with the signal. */
export type ResolvePrompts = (
  what: Playable | readonly Playable[],
  signal: AbortSignal | undefined,
) => Promise<readonly Prompt[]>

/** What the verbs of a flow have in common with those of its peers. */
export interface FlowVerbs {
  readonly resolve: ResolvePrompts
  /** A flow that waits for this is not idle. */
  readonly during: <Outcome>(run: () => Promise<Outcome>) => Promise<Outcome>
}

type PeerGather = Partial<GatherOptions> & { readonly prompt?: Playable | readonly Playable[] }

/**
 * Somebody whom a flow has called besides its caller (`dial` with `bridge: false`): it can be spoken with alone, and then be
 * joined by `call.bridge(peer)` or handed the caller by `call.transfer(peer)`. It is hung up with the call.
 */
export class Peer {
  readonly #party: Party
  readonly #verbs: FlowVerbs
  #hold: Hold | null = null

  constructor(party: Party, verbs: FlowVerbs) {
    this.#party = party
    this.#verbs = verbs
  }

  /** The party behind it, for the verbs. */
  static partyOf(peer: Peer): Party {
    return peer.#party
  }

  /** What was dialled. */
  get number(): string {
    return this.#party.number
  }

  /** The device that answered: `137 (udp:203.0.113.5:5060)`. */
  get label(): string | null {
    return this.#party.label
  }

  get isEnded(): boolean {
    return this.#party.isEnded
  }

  /** Resolves with the cause when it has left. */
  get ended(): Promise<HangupCause> {
    return this.#party.ended.then(({ cause }) => cause)
  }

  play(what: Playable | readonly Playable[], options: PlayOptions = {}): Promise<PlayOutcome> {
    const { resolve, during } = this.#verbs
    return during(async () => await play(this.#party, await resolve(what, options.signal), options))
  }

  say(text: string, options: PlayOptions = {}): Promise<PlayOutcome> {
    return this.play(say(text), options)
  }

  gather(request: PeerGather = {}): Promise<GatherOutcome> {
    const { resolve, during } = this.#verbs
    return during(async () => {
      const { prompt, ...rest } = request
      const prompts = prompt === undefined ? [] : await resolve(prompt, rest.signal)
      return await gather(this.#party, prompts, { ...usualGather, ...rest })
    })
  }

  sendDigits(digits: string, options: { readonly signal?: AbortSignal } = {}): Promise<SendDigitsOutcome> {
    return this.#verbs.during(() => sendDigits(this.#party, digits, options.signal))
  }

  async hold(options: { readonly music?: Playable | readonly Playable[] } = {}): Promise<HoldOutcome> {
    this.#hold ??= new Hold(this.#party, () => this.#verbs.resolve(options.music ?? tone('music'), undefined))
    return await this.#hold.tell()
  }

  async unhold(): Promise<HoldOutcome> {
    const hold = this.#hold
    this.#hold = null
    return hold ? await hold.end() : { outcome: this.isEnded ? 'ended' : 'unheld', isSignalled: false }
  }

  async hangUp(cause: HangupCause = 'normal'): Promise<void> {
    this.#party.leg.end(cause)
  }
}
