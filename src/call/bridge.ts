import type { Cancel } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { LegBridge, LegMixer } from '../leg/mixer.ts'
import type { Prompt } from '../media/prompt.ts'
import type { Party, PartyPlace } from './party.ts'
import { startLoop } from './sounds.ts'

export interface BridgeEnd {
  /** Who left first; null where nobody did. */
  readonly by: Party | null
  /** `left`: one hung up or was lost; `limit`: its time was up; `closed`: we parted them; `failed`: they could not be joined. */
  readonly why: 'left' | 'limit' | 'closed' | 'failed'
  readonly talkMs: number
}

export interface BridgeLimit {
  readonly limitMs: number
  /** Played to both so long before the end; null: no warning. */
  readonly warning: { readonly beforeMs: number; readonly prompts: readonly Prompt[] } | null
}

/**
 * Two parties, of one call or of two, that hear each other. While the telephone of one holds, the other hears music.
 * When one leaves, it ends and the homes of both are told; what becomes of the other is decided there.
 */
export class Bridge implements PartyPlace {
  readonly ended: Promise<BridgeEnd>
  readonly #mixer: LegMixer
  readonly #startedMs: number
  readonly #muted = new Set<Party>()
  readonly #changed = new Set<() => void>()
  readonly #tidy = new Map<Party, () => void>()
  readonly #music = new Map<Party, () => void>()
  #parties: readonly [Party, Party]
  #joined: LegBridge | null = null
  #transferor: Party | null = null
  #cancelLimit: Cancel = () => {}
  #end: BridgeEnd | null = null
  #resolve: (end: BridgeEnd) => void = () => {}

  /** Joins them at once. One that is over already ends it before it began. */
  constructor(mixer: LegMixer, a: Party, b: Party, limit: BridgeLimit | null = null) {
    this.#mixer = mixer
    this.#parties = [a, b]
    this.#startedMs = a.clock.now()
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    const gone = this.#parties.find((party) => party.isEnded)
    if (gone) {
      this.#finish(gone, 'left')
      return
    }
    for (const party of this.#parties) this.#watch(party)
    for (const home of new Set(this.#parties.map((party) => party.home))) home.bridgeStarted(this)
    this.#join()
    if (limit && !this.isEnded) this.#arm(limit)
  }

  get parties(): readonly [Party, Party] {
    return this.#parties
  }

  get isEnded(): boolean {
    return this.#end !== null
  }

  get end(): BridgeEnd | null {
    return this.#end
  }

  /** Somebody of it is being transferred: until that is decided it outlives who asked for it. */
  get isTransferring(): boolean {
    return this.#transferor !== null
  }

  has(party: Party): boolean {
    return this.#parties.includes(party)
  }

  /** The one who is joined with `party`. */
  other(party: Party): Party {
    return this.#parties[0] === party ? this.#parties[1] : this.#parties[0]
  }

  /** Told when a party was replaced, or what one may hear has changed. Returns the way to stop listening. */
  onChanged(listener: () => void): () => void {
    this.#changed.add(listener)
    return () => this.#changed.delete(listener)
  }

  /** Keeps what a party says from the other: it is on hold. */
  mute(from: Party, isMuted: boolean): void {
    if (isMuted) this.#muted.add(from)
    else this.#muted.delete(from)
    this.#joined?.mute(from.leg, this.#isMuted(from))
    this.#tellChanged()
  }

  isMuted(party: Party): boolean {
    return this.#isMuted(party)
  }

  /** Joins them anew, after their legs were elsewhere: in the room of a supervision. */
  restore(): void {
    if (!this.isEnded) this.#join()
  }

  /** Parts them. Idempotent; neither leg is ended by it. */
  close(): void {
    this.#finish(null, 'closed')
  }

  partyReplaced(old: Party, by: Party): void {
    if (this.isEnded || !this.has(old)) return
    if (this.#transferor === old) this.#transferor = null
    this.#unwatch(old)
    this.#muted.delete(old)
    this.#parties = this.#parties[0] === old ? [by, this.#parties[1]] : [this.#parties[0], by]
    if (by.isEnded) return this.#finish(by, 'left')
    this.#watch(by)
    by.home.bridgeStarted(this)
    if (old.home !== by.home && !this.#parties.some((party) => party.home === old.home)) old.home.bridgeEnded(this)
    this.#join()
    this.#tellChanged()
  }

  /** `transferor` asked that the other be connected elsewhere: neither hears the other until that is decided. */
  beginTransfer(transferor: Party): void {
    if (this.isEnded) return
    this.#transferor = transferor
    for (const stop of this.#music.values()) stop()
    this.#music.clear()
    for (const party of this.#parties) this.#joined?.mute(party.leg, true)
    this.#tellChanged()
  }

  /** The transfer came to nothing: both are joined again, or, where the transferor has gone, it ends. */
  endTransfer(): void {
    const transferor = this.#transferor
    this.#transferor = null
    if (this.isEnded || !transferor) return
    if (transferor.isEnded) return this.#finish(transferor, 'left')
    this.#join()
    this.#tellChanged()
  }

  #watch(party: Party): void {
    const tidy = [
      party.enter(this),
      party.on('ended', () => {
        if (this.#transferor !== party) this.#finish(party, 'left')
      }),
      party.on('held', () => this.#playMusic()),
    ]
    this.#tidy.set(party, () => {
      for (const undo of tidy) undo()
    })
  }

  #unwatch(party: Party): void {
    this.#tidy.get(party)?.()
    this.#tidy.delete(party)
    this.#stopMusic(party)
  }

  #join(): void {
    const [a, b] = this.#parties
    try {
      this.#joined = this.#mixer.bridge(a.leg, b.leg)
    } catch (thrown) {
      a.note('problem', 'bridgeFailed', { why: toError(thrown).message })
      return this.#finish(null, 'failed')
    }
    for (const party of this.#parties) if (this.#isMuted(party)) this.#joined.mute(party.leg, true)
    this.#playMusic()
  }

  #isMuted(party: Party): boolean {
    return this.#muted.has(party) || this.#transferor !== null
  }

  /** Whoever's other side holds hears music; nobody else does. */
  #playMusic(): void {
    if (this.#transferor) return
    for (const party of this.#parties) {
      const waits = this.other(party).isHolding && !party.isHolding
      if (!waits) this.#stopMusic(party)
      else if (!this.#music.has(party)) {
        this.#music.set(
          party,
          startLoop(party, () => party.home.sound('music')),
        )
      }
    }
  }

  #stopMusic(party: Party): void {
    this.#music.get(party)?.()
    this.#music.delete(party)
  }

  #arm({ limitMs, warning }: BridgeLimit): void {
    const { clock } = this.#parties[0]
    const cancelEnd = clock.after(limitMs, () => this.#finish(null, 'limit'))
    const warn = (prompts: readonly Prompt[]): void => {
      for (const party of this.#parties) if (!party.isEnded) party.leg.play(prompts)
    }
    const cancelWarning =
      warning && warning.beforeMs < limitMs && warning.prompts.length > 0
        ? clock.after(limitMs - warning.beforeMs, () => warn(warning.prompts))
        : () => {}
    this.#cancelLimit = () => {
      cancelEnd()
      cancelWarning()
    }
  }

  #finish(by: Party | null, why: BridgeEnd['why']): void {
    if (this.#end) return
    const talkMs = this.#parties[0].clock.now() - this.#startedMs
    this.#end = { by, why, talkMs }
    this.#cancelLimit()
    this.#joined?.close()
    for (const party of this.#parties) this.#unwatch(party)
    this.#resolve(this.#end)
    for (const home of new Set(this.#parties.map((party) => party.home))) home.bridgeEnded(this)
    this.#tellChanged()
    this.#changed.clear()
  }

  #tellChanged(): void {
    for (const listener of [...this.#changed]) {
      try {
        listener()
      } catch (thrown) {
        this.#parties[0].note('problem', 'listenerThrew', { news: 'bridgeChanged', why: toError(thrown).message })
      }
    }
  }
}
