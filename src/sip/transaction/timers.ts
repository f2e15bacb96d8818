import type { Cancel, Clock } from '../../base/clock.ts'
import type { SipTimers } from './types.ts'

/** The letters of RFC 3261 table 4 and RFC 6026, and two waits that have none. */
export type TimerName =
  /** Interval between sends of INVITE. */
  | 'timerA'
  /** Until an INVITE without any response is given up. */
  | 'timerB'
  /** Absorbs retransmitted final responses to INVITE. */
  | 'timerD'
  /** Interval between sends of another request. */
  | 'timerE'
  /** Until another request without final response is given up. */
  | 'timerF'
  /** Interval between sends of a non-2xx final response to INVITE. */
  | 'timerG'
  /** Until the ACK for it is given up. */
  | 'timerH'
  /** Absorbs retransmitted ACKs. */
  | 'timerI'
  /** Absorbs retransmitted requests other than INVITE. */
  | 'timerJ'
  /** Absorbs retransmitted final responses to them. */
  | 'timerK'
  /** RFC 6026: absorbs retransmitted INVITEs after a 2xx. */
  | 'timerL'
  /** RFC 6026: takes in further 2xx to an INVITE. */
  | 'timerM'
  /** §17.2.1: 100 is sent by itself when the user has not answered an INVITE by then. */
  | 'timer100'
  /** §9.1: an INVITE without final response so long after its CANCEL is over. */
  | 'cancelUnanswered'

const tryingAfterMs = 200

/** How long a timer waits when it is started. Zero: no wait at all, as on connections, where nothing is retransmitted. */
export function timerMs(name: TimerName, { t1Ms, t2Ms, t4Ms }: SipTimers, isReliable: boolean): number {
  switch (name) {
    case 'timerA':
    case 'timerE':
    case 'timerG':
      // T2 bounds E and G from the start where T1 was set above it.
      return name === 'timerA' ? t1Ms : Math.min(t1Ms, t2Ms)
    case 'timerB':
    case 'timerF':
    case 'timerH':
    case 'timerL':
    case 'timerM':
    case 'cancelUnanswered':
      return 64 * t1Ms
    case 'timerD':
    case 'timerJ':
      return isReliable ? 0 : 64 * t1Ms
    case 'timerI':
    case 'timerK':
      return isReliable ? 0 : t4Ms
    case 'timer100':
      return tryingAfterMs
  }
}

interface Running {
  readonly name: TimerName
  readonly cancel: Cancel
  next: Running | null
}

/** Whose timers they are. */
export interface TimerOwner {
  timerFired(name: TimerName): void
}

/** The timers of one transaction: seldom more than two, so a list is smaller and quicker than a map. */
export class TimerSet {
  readonly #clock: Clock
  readonly #owner: TimerOwner
  #first: Running | null = null

  constructor(clock: Clock, owner: TimerOwner) {
    this.#clock = clock
    this.#owner = owner
  }

  /** Starts it, or starts it anew. */
  start(name: TimerName, ms: number): void {
    this.stop(name)
    const cancel = this.#clock.after(ms, () => {
      this.#remove(name)
      this.#owner.timerFired(name)
    })
    this.#first = { name, cancel, next: this.#first }
  }

  stop(name: TimerName): void {
    this.#remove(name)?.cancel()
  }

  stopAll(): void {
    for (let one = this.#first; one !== null; one = one.next) one.cancel()
    this.#first = null
  }

  #remove(name: TimerName): Running | null {
    let before: Running | null = null
    for (let one = this.#first; one !== null; one = one.next) {
      if (one.name === name) {
        if (before === null) this.#first = one.next
        else before.next = one.next
        return one
      }
      before = one
    }
    return null
  }
}
