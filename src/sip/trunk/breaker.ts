import type { Cancel, Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { Machine, type Table, to } from '../dialog/machine.ts'

/** Closed: in use. Open: given a rest. Half-open: the rest is over, and one attempt decides. */
export type BreakerState = 'closed' | 'open' | 'half-open'

export type BreakerInput =
  /** Somebody is there: any answer that is none of the ones below. */
  | 'answered'
  /** Silence, a lost connection, 503 and their like. */
  | 'failed'
  /** The same, as many times in a row as are taken for an answer. */
  | 'failedAgain'
  /** 503 with Retry-After: it says itself how long it wants to be left alone. */
  | 'askedToWait'
  | 'waitOver'

export type BreakerEffect = 'countFailure' | 'forgetFailures' | 'startWait' | 'lengthenWait' | 'stopWait' | 'probe'

/** Whether a host is used. No RFC draws it; RFC 3263 §4.3 and RFC 3261 §21.5.4 ask for what it does. */
const breaker: Table<BreakerState, BreakerInput, BreakerEffect> = {
  closed: {
    answered: to('closed', 'forgetFailures'),
    failed: to('closed', 'countFailure'), // one may be a lost packet
    failedAgain: to('open', 'startWait'),
    askedToWait: to('open', 'startWait'),
  },
  open: {
    waitOver: to('half-open', 'probe'),
    answered: to('closed', 'stopWait', 'forgetFailures'), // a call that had no better host got through
    askedToWait: to('open', 'startWait'),
  },
  'half-open': {
    answered: to('closed', 'forgetFailures'),
    failed: to('open', 'lengthenWait', 'startWait'),
    failedAgain: to('open', 'lengthenWait', 'startWait'),
    askedToWait: to('open', 'startWait'),
  },
}

/** Failures in a row that open it: the first may be a lost packet, the second hardly. */
const failuresToOpen = 2
/** The first rest, doubled each time it was in vain. */
const firstWaitMs = 10_000
const mostWaitMs = 300_000
/** Closed for so long, a host is held to be well: the next rest is a short one again. */
const steadyMs = 300_000
/** A call that was to be the probe and of which nothing was heard gives the turn to the next. */
const probeLeaseMs = 60_000

export interface BreakerOptions {
  readonly clock: Clock
  readonly random: Random
  /** Asks the host by OPTIONS whether it is back; null: the next call finds out. */
  readonly probe: (() => void) | null
  changed(state: BreakerState): void
}

/** The circuit breaker of one host. */
export class Breaker {
  readonly #options: BreakerOptions
  readonly #machine = new Machine(breaker, 'closed')
  #failures = 0
  #waitMs = firstWaitMs
  /** Of the present state; monotonic milliseconds. */
  #sinceMs: number
  #probeTakenUntilMs = 0
  #cancelWait: Cancel | null = null

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#sinceMs = options.clock.now() - steadyMs
  }

  get state(): BreakerState {
    return this.#machine.state
  }

  answered(): void {
    this.#input('answered')
  }

  /** @param retryAfterMs - how long the host asked to be left alone; null where it did not. */
  failed(retryAfterMs: number | null = null): void {
    if (retryAfterMs !== null && retryAfterMs > 0) return this.#input('askedToWait', Math.min(retryAfterMs, mostWaitMs))
    this.#input(this.#failures + 1 >= failuresToOpen ? 'failedAgain' : 'failed')
  }

  /** Whether the next call may go to the host as if it were well: closed, or half-open and this call is to find out. */
  admitsCall(): boolean {
    if (this.state === 'closed') return true
    if (this.state === 'open' || this.#options.probe !== null) return false
    const now = this.#options.clock.now()
    if (now < this.#probeTakenUntilMs) return false
    this.#probeTakenUntilMs = now + probeLeaseMs
    return true
  }

  /** The call that was to find out was given up before it did: the next may. */
  undecided(): void {
    this.#probeTakenUntilMs = 0
  }

  close(): void {
    this.#cancelWait?.()
    this.#cancelWait = null
  }

  #input(input: BreakerInput, askedMs: number | null = null): void {
    const before = this.state
    const wasSteady = before === 'closed' && this.#options.clock.now() - this.#sinceMs >= steadyMs
    const effects = this.#machine.step(input)
    if (effects === null) return
    const { state } = this
    if (before === 'closed' && state === 'open') this.#waitMs = wasSteady ? firstWaitMs : this.#longer()
    if (state !== before) this.#sinceMs = this.#options.clock.now()
    for (const effect of effects) this.#perform(effect, askedMs)
    if (state !== before) this.#options.changed(state)
  }

  #perform(effect: BreakerEffect, askedMs: number | null): void {
    switch (effect) {
      case 'countFailure':
        this.#failures++
        return
      case 'forgetFailures':
        this.#failures = 0
        return
      case 'lengthenWait':
        this.#waitMs = this.#longer()
        return
      case 'startWait':
        return this.#startWait(askedMs ?? this.#jittered())
      case 'stopWait':
        return this.close()
      case 'probe':
        this.#probeTakenUntilMs = 0
        this.#options.probe?.()
    }
  }

  #startWait(ms: number): void {
    this.close()
    this.#cancelWait = this.#options.clock.after(ms, () => {
      this.#cancelWait = null
      this.#input('waitOver')
    })
  }

  #longer(): number {
    return Math.min(this.#waitMs * 2, mostWaitMs)
  }

  /** 75 to 100 %: the trunks of many tenants at one provider do not all come back in the same instant. */
  #jittered(): number {
    return this.#waitMs * (0.75 + (this.#options.random.uint32() / 2 ** 32) * 0.25)
  }
}
