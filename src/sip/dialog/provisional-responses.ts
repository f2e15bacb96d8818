import type { Cancel } from '../../base/clock.ts'
import type { SipResponse } from '../message/types.ts'
import { hasOption, type RAck } from '../message/values.ts'
import type { ServerTransaction } from '../transaction/types.ts'
import { readOr } from './lenient.ts'
import { ReliableProvisional } from './reliable-provisional.ts'
import type { ExtraHeaders } from './types.ts'
import type { Usage } from './usage.ts'

export interface Provisional {
  readonly status: number
  readonly reason?: string
  readonly sdp?: Uint8Array
  readonly headers?: ExtraHeaders
}

/** Reliable ones that may wait behind one without PRACK. */
const maxQueued = 8
/** RFC 3261 §13.3.1.1: one "at every minute", lest a proxy give up; RFC 3262 §3: reliable ones every 2.5 minutes. */
const repeatUnreliableMs = 60_000
const repeatReliableMs = 150_000

/** The 101 to 199 of one INVITE: which of them are sent reliably, which may carry SDP, and when they are repeated. */
export class ProvisionalResponses {
  readonly #usage: Usage
  readonly #transaction: ServerTransaction
  /** Header fields of every response that makes a dialog. */
  readonly #dialogHeaders: () => ExtraHeaders
  readonly #reliable: ReliableProvisional
  readonly #queue: Provisional[] = []
  #cancelRepeat: Cancel = () => {}

  /** @param missing - called when a reliable one was not acknowledged within 64·T1. */
  constructor(usage: Usage, transaction: ServerTransaction, dialogHeaders: () => ExtraHeaders, missing: () => void) {
    this.#usage = usage
    this.#transaction = transaction
    this.#dialogHeaders = dialogHeaders
    this.#reliable = new ReliableProvisional(usage.context, () => usage.guard(missing))
  }

  /** Whether the 2xx has to wait for a PRACK. */
  get holdsBackSuccess(): boolean {
    return this.#reliable.holdsBackSuccess
  }

  send(provisional: Provisional): void {
    if (!this.#isReliable(provisional)) return this.#sendUnreliable(provisional)
    if (!this.#reliable.isWaiting) return this.#sendReliable(provisional)
    // The one with least to say goes first.
    if (this.#queue.length >= maxQueued)
      this.#queue.splice(
        Math.max(
          0,
          this.#queue.findIndex((p) => !p.sdp),
        ),
        1,
      )
    this.#queue.push(provisional)
  }

  /** Returns whether the PRACK was for the response that waits. */
  prackReceived(rack: RAck): boolean {
    return this.#reliable.prackReceived(rack, this.#transaction.request.cseq.number)
  }

  /** Sends what waited behind the response that is acknowledged now. */
  sendNext(): void {
    const next = this.#queue.shift()
    if (next) this.#sendReliable(next)
  }

  /** A final response is sent. */
  stop(): void {
    this.#cancelRepeat()
    this.#queue.length = 0
    this.#reliable.stop()
  }

  /** RFC 3262 §3: who must get it reliably, who may, and who cannot. */
  #isReliable(provisional: Provisional): boolean {
    const { headers } = this.#transaction.request
    if (hasOption(headers, 'Require', '100rel')) return true
    if (!readOr(false, () => hasOption(headers, 'Supported', '100rel'))) return false
    // Our offer may go in nothing else (§5), and without it no other may be the first.
    if (this.#usage.owesOffer) return provisional.sdp !== undefined
    return this.#usage.context.reliableProvisional === 'when-supported'
  }

  #sendUnreliable(provisional: Provisional): void {
    // An answer that is only announced: the 200 repeats it. An offer of ours must not go this way.
    const sdp = this.#usage.exchange.phase === 'remoteOffer' ? provisional.sdp : undefined
    const response = this.#respond(provisional, sdp, [])
    this.#cancelRepeat()
    this.#repeatLater(response)
  }

  #repeatLater(response: SipResponse): void {
    this.#cancelRepeat = this.#usage.context.clock.after(repeatUnreliableMs, () => {
      this.#repeatLater(response)
      this.#usage.guard(() => this.#transaction.respond(response))
    })
  }

  #sendReliable(provisional: Provisional): void {
    const { exchange, owesOffer, context } = this.#usage
    // Where the INVITE had no offer, "one MUST appear in" the first reliable response (§5): without it none is sent.
    if (owesOffer && !provisional.sdp) return
    const sdp = exchange.phase === 'remoteOffer' || owesOffer ? provisional.sdp : undefined
    if (sdp) this.#usage.describe(sdp)
    const headers = [['Require', '100rel'] as const, ['RSeq', String(this.#reliable.nextRSeq())] as const]
    let sent: SipResponse | null = null
    const transmit = (): void => {
      const response = sent
      if (response) this.#usage.guard(() => this.#transaction.respond(response))
      else sent = this.#respond(provisional, sdp, headers)
    }
    this.#reliable.send(transmit, sdp !== undefined)
    this.#cancelRepeat()
    this.#cancelRepeat = context.clock.after(repeatReliableMs, () =>
      this.#usage.guard(() => this.send({ status: provisional.status })),
    )
  }

  #respond(provisional: Provisional, sdp: Uint8Array | undefined, headers: ExtraHeaders): SipResponse {
    return this.#usage.respond(this.#transaction, provisional.status, {
      ...(provisional.reason === undefined ? {} : { reason: provisional.reason }),
      headers: [...this.#dialogHeaders(), ...headers, ...this.#usage.legal(provisional.headers)],
      ...(sdp ? { body: sdp, contentType: 'application/sdp' } : {}),
    })
  }
}
