import type { Cancel, Clock } from '../../base/clock.ts'
import { Machine, type Table, to } from './machine.ts'
import type { SessionInterval } from './session-expires.ts'

type State = 'off' | 'refreshing' | 'awaitingAnswer' | 'watching' | 'over'
type Input = 'agreedLocal' | 'agreedRemote' | 'agreedNone' | 'refreshDue' | 'refreshRefused' | 'expiryDue' | 'stop'
type Effect = 'armRefresh' | 'armRetry' | 'armExpiry' | 'disarm' | 'sendRefresh' | 'tellExpired'

/** Every 2xx to INVITE or UPDATE sets the timer anew (RFC 4028 §7.2, §9). */
const agreed = {
  agreedLocal: to('refreshing', 'disarm', 'armRefresh', 'armExpiry'),
  agreedRemote: to('watching', 'disarm', 'armExpiry'),
  agreedNone: to('off', 'disarm'),
  stop: to('over', 'disarm'), // the call has ended
} as const

/** RFC 4028 §10. `refreshing` is our turn, `watching` the peer's. */
const table: Table<State, Input, Effect> = {
  off: { ...agreed },
  refreshing: {
    ...agreed,
    refreshDue: to('awaitingAnswer', 'sendRefresh'), // half of the interval has passed
    expiryDue: to('over', 'disarm', 'tellExpired'),
  },
  awaitingAnswer: {
    ...agreed,
    refreshRefused: to('refreshing', 'armRetry'), // 408 and 481 have ended the dialog already
    expiryDue: to('over', 'disarm', 'tellExpired'),
  },
  watching: {
    ...agreed,
    expiryDue: to('over', 'disarm', 'tellExpired'),
  },
  over: {},
}

/** Refused refreshes are repeated at half of what is left, down to this; then the session is left to expire. */
const leastRetryMs = 2000

/** Keeps a session alive, or ends it when the peer does not. */
export class SessionTimer {
  readonly #clock: Clock
  readonly #on: { readonly refresh: () => void; readonly expired: () => void }
  readonly #machine = new Machine<State, Input, Effect>(table, 'off')
  #interval: SessionInterval | null = null
  #expiresAt = 0
  #cancelRefresh: Cancel = () => {}
  #cancelExpiry: Cancel = () => {}

  /** @param on - `refresh`: send UPDATE or re-INVITE now. `expired`: end the session by BYE. */
  constructor(clock: Clock, on: { refresh: () => void; expired: () => void }) {
    this.#clock = clock
    this.#on = on
  }

  /** What is agreed on now. */
  get interval(): SessionInterval | null {
    return this.#interval
  }

  /** A 2xx to INVITE or UPDATE was sent or received; null when it agreed on no timer. */
  agreed(interval: SessionInterval | null): void {
    this.#interval = interval
    this.#take(interval === null ? 'agreedNone' : interval.refresher === 'local' ? 'agreedLocal' : 'agreedRemote')
  }

  /** Our refresh was refused for a reason that does not end the dialog: tried again before the session expires. */
  refreshRefused(): void {
    this.#take('refreshRefused')
  }

  stop(): void {
    this.#interval = null
    this.#take('stop')
  }

  #take(input: Input): void {
    for (const effect of this.#machine.step(input) ?? []) this.#do(effect)
  }

  #do(effect: Effect): void {
    const seconds = this.#interval?.seconds ?? 0
    switch (effect) {
      case 'armRefresh':
        this.#cancelRefresh = this.#clock.after(seconds * 500, () => this.#take('refreshDue'))
        return
      case 'armRetry': {
        const ms = (this.#expiresAt - this.#clock.now()) / 2
        if (ms >= leastRetryMs) this.#cancelRefresh = this.#clock.after(ms, () => this.#take('refreshDue'))
        return
      }
      case 'armExpiry': {
        // §10: "The minimum of 32 seconds and one third of the session interval is RECOMMENDED" for the time before it expires.
        const ms = (seconds - Math.min(32, seconds / 3)) * 1000
        this.#expiresAt = this.#clock.now() + ms
        this.#cancelExpiry = this.#clock.after(ms, () => this.#take('expiryDue'))
        return
      }
      case 'disarm':
        this.#cancelRefresh()
        this.#cancelExpiry()
        return
      case 'sendRefresh':
        return this.#on.refresh()
      case 'tellExpired':
        return this.#on.expired()
    }
  }
}
