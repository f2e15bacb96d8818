import type { Cancel, Clock } from '../../base/clock.ts'
import { Machine, type Table, to } from './machine.ts'
import type { ReferOutcome } from './types.ts'

type State = 'notifyWait' | 'active' | 'settled' | 'terminated'
type Input = 'progress' | 'final' | 'terminating' | 'refused' | 'limit' | 'ended'
type Effect = 'tellProgress' | 'settle' | 'forget'

const open = {
  progress: to('active', 'tellProgress'),
  final: to('settled', 'tellProgress', 'settle'), // its subscription is still to be terminated
  terminating: to('terminated', 'tellProgress', 'settle', 'forget'),
  refused: to('terminated', 'settle', 'forget'),
  limit: to('terminated', 'settle', 'forget'),
  ended: to('terminated', 'settle', 'forget'),
} as const

/** The subscription that a REFER of ours makes: RFC 6665 §4.1.2 figure 1, without the pending state that RFC 3515 has not. */
const table: Table<State, Input, Effect> = {
  notifyWait: open, // a NOTIFY may overtake the 202
  active: open,
  settled: {
    progress: to('settled'),
    final: to('settled'),
    terminating: to('terminated', 'forget'),
    limit: to('terminated', 'forget'),
    ended: to('terminated', 'forget'),
  },
  terminated: {},
}

/** What a NOTIFY said. */
export interface ReferNews {
  /** Of the peer's own INVITE; null where its body said none. */
  readonly status: number | null
  readonly isTerminated: boolean
}

interface ReferClientUser {
  readonly progress: (status: number) => void
  readonly settled: (outcome: ReferOutcome) => void
  /** Its NOTIFYs are not expected any more. */
  readonly forget: () => void
}

/** One REFER of ours, until its subscription is over. */
export class ReferClient {
  readonly #machine = new Machine<State, Input, Effect>(table, 'notifyWait')
  readonly #on: ReferClientUser
  readonly #cancelLimit: Cancel
  /** CSeq of the REFER, and of its repetitions with credentials: the `id` of its NOTIFYs (RFC 3515 §2.4.6). */
  readonly #ids = new Set<number>()

  constructor(clock: Clock, limitMs: number, on: ReferClientUser) {
    this.#on = on
    this.#cancelLimit = clock.after(limitMs, () => this.#take('limit', { outcome: { kind: 'timeout' } }))
  }

  sent(cseq: number): void {
    this.#ids.add(cseq)
  }

  /** Whether an Event with this `id` is of this REFER. Without one it can only be the one there is. */
  isOf(id: string | null | undefined): boolean {
    return id === undefined || this.#ids.has(Number(id))
  }

  refused(status: number): void {
    this.#take('refused', { outcome: { kind: 'refused', status } })
  }

  notified({ status, isTerminated }: ReferNews): void {
    const isFinal = status !== null && status >= 200
    // A subscription that ends without a last word leaves it open how the call went.
    const outcome: ReferOutcome = isFinal ? { kind: 'done', status } : { kind: 'timeout' }
    this.#take(isTerminated ? 'terminating' : isFinal ? 'final' : 'progress', { status, outcome })
  }

  ended(): void {
    this.#take('ended', { outcome: { kind: 'ended' } })
  }

  #take(input: Input, facts: { status?: number | null; outcome?: ReferOutcome }): void {
    for (const effect of this.#machine.step(input) ?? []) this.#do(effect, facts)
  }

  #do(effect: Effect, { status, outcome }: { status?: number | null; outcome?: ReferOutcome }): void {
    switch (effect) {
      case 'tellProgress':
        if (typeof status === 'number') this.#on.progress(status)
        return
      case 'settle':
        if (outcome) this.#on.settled(outcome)
        return
      case 'forget':
        this.#cancelLimit()
        return this.#on.forget()
    }
  }
}
