import type { Call } from '../call/call.ts'
import type { Party, PartyPlace } from '../call/party.ts'
import { startLoop } from '../call/sounds.ts'
import type { LegBridge } from '../leg/mixer.ts'
import type { Prompt } from '../media/prompt.ts'

/**
 * `auto`: 180 is passed on; what a single device lets hear before its answer is passed on, too; where the caller has media
 * already, the ring-back tone. `none`: nothing. Prompts: these, over and over, in early media if need be.
 */
export type RingbackKind = 'auto' | 'none' | readonly Prompt[]

/** What the caller hears while others are rung for it. */
export class Ringback implements PartyPlace {
  readonly #call: Call
  readonly #kind: RingbackKind
  #leave: () => void
  #hush: () => void = () => {}
  #early: { readonly from: Party; readonly joined: LegBridge } | null = null
  #isRinging = false
  #isStopped = false

  constructor(call: Call, kind: RingbackKind) {
    this.#call = call
    this.#kind = kind
    this.#leave = call.party.enter(this)
    if (typeof kind !== 'string') {
      call.party.openEarlyMedia()
      this.#loop(async () => kind)
    }
  }

  /** @param isOnly - nobody else is rung besides. */
  progressed(from: Party, status: number, hasEarlyMedia: boolean, isOnly: boolean): void {
    if (this.#isStopped || this.#kind !== 'auto') return
    if (hasEarlyMedia && isOnly) return this.#passOn(from)
    if (this.#early || this.#isRinging || status < 180) return
    this.#ring()
  }

  /** Whom the caller has heard so far is asked and told things now that are not for the caller: a ring-back tone instead. */
  answered(): void {
    const early = this.#early
    if (!early) return
    this.#early = null
    early.joined.close()
    this.#ring()
  }

  /** Somebody else waits from now on in the caller's stead. */
  partyReplaced(_old: Party, by: Party): void {
    if (this.#isStopped) return
    this.#leave()
    this.#leave = by.enter(this)
    this.#hush()
    const { from } = this.#early ?? {}
    this.#early = null
    if (typeof this.#kind !== 'string') this.#loop(async () => this.#kind as readonly Prompt[])
    else if (from) this.#passOn(from)
    else if (this.#isRinging) this.#ring()
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#leave()
    this.#hush()
    this.#early?.joined.close()
  }

  #ring(): void {
    this.#isRinging = true
    if (this.#call.party.hasMedia) this.#loop(() => this.#call.sound('ringback'))
    else this.#call.leg.ring()
  }

  #passOn(from: Party): void {
    if (this.#early) return
    this.#hush()
    this.#call.party.openEarlyMedia()
    if (this.#call.isEnded) return
    this.#early = { from, joined: this.#call.parts.mixer.bridge(this.#call.leg, from.leg) }
    // The next one that rings starts over.
    from.on('ended', () => {
      if (this.#early?.from !== from) return
      this.#early.joined.close()
      this.#early = null
      this.#isRinging = false
    })
  }

  #loop(load: () => Promise<readonly Prompt[]>): void {
    this.#hush = startLoop(this.#call.party, load)
  }
}
