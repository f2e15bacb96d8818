import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** Ours, one per conversation: what the admin API, the logs and the recordings go by. */
export type CallId = Branded<'CallId'>
/** Ours, one per party of a call. */
export type LegId = Branded<'LegId'>
/** Ours, one per recording. */
export type RecordingId = Branded<'RecordingId'>
/** The Call-ID header field of RFC 3261 §20.8. Never used as a key alone: a peer chooses it. */
export type SipCallId = Branded<'SipCallId'>
/** Our tag of a dialog, RFC 3261 §12. */
export type LocalTag = Branded<'LocalTag'>
/** The peer's tag of a dialog, RFC 3261 §12. Empty for peers of RFC 2543. */
export type RemoteTag = Branded<'RemoteTag'>

/** Crockford's base 32 in lower case: sorts as its number does, and has no letters that are misread. */
const base32 = '0123456789abcdefghjkmnpqrstvwxyz'

/** Makes ids that sort by the time they were made, so that database indexes grow at their end. */
export class IdFactory {
  readonly #clock: Clock
  readonly #random: Random
  #serial: number

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
    // Not from the same number at each start: two may fall into one second.
    this.#serial = 1000 + (Math.floor(clock.wallTime()) % 90_000)
  }

  call(): CallId {
    return this.#make('call') as CallId
  }

  leg(): LegId {
    return this.#make('leg') as LegId
  }

  recording(): RecordingId {
    return this.#make('rec') as RecordingId
  }

  /**
   * Counts up to 99,999 and begins again: with the second it is made in it is unique, unless a hundred thousand calls come in
   * one. Never a multiple of ten, which loses its zero where somebody reads `second.serial` as a number.
   */
  serial(): number {
    this.#serial = this.#serial >= 99_999 ? 1 : this.#serial + 1
    if (this.#serial % 10 === 0) this.#serial++
    return this.#serial
  }

  /** `prefix_` + 9 digits of time (1,100 years of milliseconds) + 16 random digits (80 bits: cannot be guessed). */
  #make(prefix: string): string {
    let time = this.#clock.wallTime()
    let text = ''
    for (let i = 0; i < 9; i++) {
      text = base32[time % 32] + text
      time = Math.floor(time / 32)
    }
    for (const byte of this.#random.bytes(16)) text += base32[byte & 31]
    return `${prefix}_${text}`
  }
}
