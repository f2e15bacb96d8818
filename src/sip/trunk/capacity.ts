import type { Clock } from '../../base/clock.ts'

export interface CapacityLimits {
  readonly maxCalls: number | null
  readonly callsPerSecond: number | null
}

export type Permit =
  | { readonly isAdmitted: true /** Once the call is over; further calls do nothing. */; release(): void }
  | { readonly isAdmitted: false; readonly retryAfterSeconds: number; readonly sentence: string }

/** Calls of one trunk, counted against its bounds. */
export class Capacity {
  readonly #clock: Clock
  readonly #name: string
  #limits: CapacityLimits
  #calls = 0
  /** Token bucket of one second's depth. */
  #tokens = Number.POSITIVE_INFINITY
  #filledMs: number

  constructor(clock: Clock, name: string, limits: CapacityLimits) {
    this.#clock = clock
    this.#name = name
    this.#limits = limits
    this.#filledMs = clock.now()
  }

  get calls(): number {
    return this.#calls
  }

  /** Calls in progress stay, also where there are more of them than from now on. */
  setLimits(limits: CapacityLimits): void {
    this.#limits = limits
  }

  acquire(): Permit {
    const { maxCalls, callsPerSecond } = this.#limits
    if (maxCalls !== null && this.#calls >= maxCalls) {
      const sentence = `The trunk ${this.#name} has its ${maxCalls} concurrent calls already (maxCalls).`
      return { isAdmitted: false, retryAfterSeconds: 10, sentence }
    }
    if (callsPerSecond !== null && !this.#takeToken(callsPerSecond)) {
      const sentence = `The trunk ${this.#name} takes no more than ${callsPerSecond} new calls per second (callsPerSecond).`
      return { isAdmitted: false, retryAfterSeconds: Math.max(1, Math.ceil(1 / callsPerSecond)), sentence }
    }
    this.#calls++
    let isReleased = false
    const release = (): void => {
      if (isReleased) return
      isReleased = true
      this.#calls--
    }
    return { isAdmitted: true, release }
  }

  #takeToken(perSecond: number): boolean {
    const now = this.#clock.now()
    const filled = this.#tokens + ((now - this.#filledMs) / 1000) * perSecond
    this.#tokens = Math.min(Math.max(1, perSecond), filled)
    this.#filledMs = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
