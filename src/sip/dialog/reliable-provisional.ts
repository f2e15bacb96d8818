import type { Cancel, Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { RAck } from '../message/values.ts'
import type { SipTimers } from '../transaction/types.ts'
import { Machine, type Table, to } from './machine.ts'

type State = 'idle' | 'unacknowledged' | 'finalSent' | 'stopped'
type Input = 'send' | 'resendDue' | 'prack' | 'giveUpDue' | 'stop'
type Effect = 'transmit' | 'armResend' | 'armGiveUp' | 'disarm' | 'tellMissing'

/** One INVITE's reliable provisional responses, RFC 3262 §3. */
const table: Table<State, Input, Effect> = {
  idle: {
    send: to('unacknowledged', 'armGiveUp', 'armResend', 'transmit'),
    stop: to('stopped'),
  },
  unacknowledged: {
    resendDue: to('unacknowledged', 'armResend', 'transmit'), // T1, doubled each time, with no upper bound but 64·T1
    prack: to('idle', 'disarm'),
    giveUpDue: to('stopped', 'disarm', 'tellMissing'), // 64·T1: the INVITE is refused with a 5xx
    stop: to('finalSent', 'disarm'), // no more retransmissions, but its PRACK may be on its way
  },
  finalSent: {
    prack: to('stopped'),
  },
  stopped: {},
}

/** Sends provisional responses one at a time until each was acknowledged by PRACK. */
export class ReliableProvisional {
  readonly #clock: Clock
  readonly #t1Ms: number
  readonly #missing: () => void
  readonly #machine = new Machine<State, Input, Effect>(table, 'idle')
  #rseq: number
  #resendMs = 0
  #transmit: () => void = () => {}
  #hasSdp = false
  #cancelResend: Cancel = () => {}
  #cancelGiveUp: Cancel = () => {}

  /** @param missing - called when no PRACK came within 64·T1. */
  constructor(parts: { clock: Clock; timers: SipTimers; random: Random }, missing: () => void) {
    this.#clock = parts.clock
    this.#t1Ms = parts.timers.t1Ms
    this.#missing = missing
    // §3: chosen "between 1 and 2**31 - 1"; halved again so that it never has to wrap.
    this.#rseq = parts.random.uint32() >>> 2 || 1
  }

  /** Whether a response waits for its PRACK: the next reliable one has to wait too. */
  get isWaiting(): boolean {
    return this.#machine.state === 'unacknowledged'
  }

  /** Whether the response that waits carried a session description: then no 2xx may be sent (§3). */
  get holdsBackSuccess(): boolean {
    return this.isWaiting && this.#hasSdp
  }

  /** The RSeq of the next response. */
  nextRSeq(): number {
    return this.#rseq + 1
  }

  /** Sends one, whose RSeq is that of `nextRSeq`, now and until it is acknowledged. */
  send(transmit: () => void, hasSdp: boolean): void {
    if (!this.#machine.takes('send')) return
    this.#rseq++
    this.#resendMs = this.#t1Ms
    this.#transmit = transmit
    this.#hasSdp = hasSdp
    this.#take('send')
  }

  /** Returns whether the PRACK acknowledges the response that waits. */
  prackReceived(rack: RAck, inviteCseq: number): boolean {
    const isOurs = rack.rseq === this.#rseq && rack.cseq === inviteCseq && rack.method === 'INVITE'
    return isOurs && this.#take('prack')
  }

  stop(): void {
    this.#take('stop')
  }

  #take(input: Input): boolean {
    const effects = this.#machine.step(input)
    for (const effect of effects ?? []) this.#do(effect)
    return effects !== null
  }

  #do(effect: Effect): void {
    switch (effect) {
      case 'transmit':
        return this.#transmit()
      case 'armResend':
        this.#cancelResend = this.#clock.after(this.#resendMs, () => this.#take('resendDue'))
        this.#resendMs *= 2
        return
      case 'armGiveUp':
        this.#cancelGiveUp = this.#clock.after(64 * this.#t1Ms, () => this.#take('giveUpDue'))
        return
      case 'disarm':
        this.#cancelResend()
        this.#cancelGiveUp()
        return
      case 'tellMissing':
        return this.#missing()
    }
  }
}
