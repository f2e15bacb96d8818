import type { Cancel, Clock } from '../../base/clock.ts'
import type { SipTimers } from '../transaction/types.ts'

interface Wait {
  readonly acknowledged: (sdp: Uint8Array | null) => void
  cancelResend: Cancel
  readonly cancelGiveUp: Cancel
}

/**
 * The 2xx responses to INVITE that no ACK has come for yet. RFC 3261 §13.3.1.4: each is sent again after T1, then at
 * doubled intervals up to T2, over every transport, until the ACK is there or 64·T1 have passed.
 */
export class AckWaits {
  readonly #clock: Clock
  readonly #timers: SipTimers
  /** By CSeq of the INVITE. */
  readonly #waits = new Map<number, Wait>()

  constructor(clock: Clock, timers: SipTimers) {
    this.#clock = clock
    this.#timers = timers
  }

  get count(): number {
    return this.#waits.size
  }

  /** @param cseq - of the INVITE, which the ACK repeats. */
  start(
    cseq: number,
    on: { resend: () => void; acknowledged: (sdp: Uint8Array | null) => void; missing: () => void },
  ): void {
    const giveUp = (): void => {
      this.#stop(cseq)
      on.missing()
    }
    const wait: Wait = {
      acknowledged: on.acknowledged,
      cancelResend: () => {},
      cancelGiveUp: this.#clock.after(64 * this.#timers.t1Ms, giveUp),
    }
    const armResend = (afterMs: number): void => {
      wait.cancelResend = this.#clock.after(afterMs, () => {
        armResend(Math.min(afterMs * 2, this.#timers.t2Ms))
        on.resend()
      })
    }
    armResend(this.#timers.t1Ms)
    this.#waits.set(cseq, wait)
  }

  /** @param sdp - what the ACK carried. Returns false when nothing waits for it: a repeated ACK. */
  ackReceived(cseq: number, sdp: Uint8Array | null): boolean {
    const wait = this.#waits.get(cseq)
    if (!wait) return false
    this.#stop(cseq)
    wait.acknowledged(sdp)
    return true
  }

  stopAll(): void {
    for (const cseq of this.#waits.keys()) this.#stop(cseq)
  }

  #stop(cseq: number): void {
    const wait = this.#waits.get(cseq)
    wait?.cancelResend()
    wait?.cancelGiveUp()
    this.#waits.delete(cseq)
  }
}
