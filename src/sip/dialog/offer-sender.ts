import type { Cancel } from '../../base/clock.ts'
import type { TimeoutError, TransportError } from '../../base/errors.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import { parseDeltaSeconds } from '../message/values.ts'
import type { Dialog } from './dialog.ts'
import { type InDialogRequest, sendInDialog } from './dialog-request.ts'
import { readOr } from './lenient.ts'
import { sdpOf } from './sdp-of.ts'
import { askSession, leastSeconds, readAgreedSession, readMinSe } from './session-expires.ts'
import type { OfferOutcome } from './types.ts'
import type { Usage } from './usage.ts'

interface Job {
  /** Null: a refresh of the session, which changes nothing. */
  readonly sdp: Uint8Array | null
  /** How many offers the peer had made when this one was. */
  readonly peerOffers: number
  readonly done: (outcome: OfferOutcome) => void
  repeats: number
  minSe: number
}

/** How often an offer that collided with the peer's, came too early for it, or asked for too short a session, is tried again. */
const maxRepeats = 5
/** The longest Retry-After of a 500 that is waited for: what §14.2 lets a peer say that is busy with an INVITE. */
const longestRetrySeconds = 10
/** Offers that may wait for their turn: nobody has a use for more. */
const maxWaiting = 8

/**
 * Sends our offers and refreshes within a dialog one after the other: re-INVITE (RFC 3261 §14.1), UPDATE while early
 * (RFC 3311 §5.1), UPDATE for refreshes where the peer knows it (RFC 4028 §7.4).
 */
export class OfferSender {
  readonly #usage: Usage
  readonly #waiting: Job[] = []
  #current: { readonly job: Job; readonly method: 'INVITE' | 'UPDATE' } | null = null
  #request: InDialogRequest | null = null
  /** A peer may answer 100 and then nothing; no timer of the transaction ends that. */
  #cancelLimit: Cancel = () => {}
  #cancelBackOff: Cancel | null = null

  constructor(usage: Usage) {
    this.#usage = usage
  }

  /** Whether a re-INVITE of ours is on its way: the peer's then gets 491 (§14.2). */
  get isInviting(): boolean {
    return this.#current?.method === 'INVITE'
  }

  offer(sdp: Uint8Array): Promise<OfferOutcome> {
    return new Promise((resolve) => {
      const { state, exchange } = this.#usage
      if (state === 'ended') return resolve({ kind: 'ended' })
      if (this.#waiting.length >= maxWaiting) return resolve({ kind: 'refused', status: 491 })
      this.#add(sdp, exchange.peerOffers, resolve)
    })
  }

  refresh(): void {
    this.#add(null, 0, (outcome) => {
      if (outcome.kind === 'refused') this.#usage.sessionTimer.refreshRefused()
    })
  }

  /** Sends what may be sent now. To be called whenever something that was waited for is over. */
  pump(): void {
    const { dialog, state } = this.#usage
    const job = this.#waiting[0]
    if (!job || !dialog || this.#current || this.#cancelBackOff || state === 'ended') return
    // The peer's latest offer has changed what ours was made from: whoever made it has to think again.
    const isOutdated = job.sdp !== null && job.peerOffers !== this.#usage.exchange.peerOffers
    const method = isOutdated ? 'never' : this.#method(job)
    if (method === 'later') return
    this.#waiting.shift()
    if (method !== 'never') return this.#send(job, method, dialog)
    job.done({ kind: 'refused', status: 491 })
    this.pump()
  }

  /** The usage has ended. */
  close(): void {
    this.#cancelBackOff?.()
    this.#cancelBackOff = null
    const jobs = [...(this.#current ? [this.#current.job] : []), ...this.#waiting.splice(0)]
    // Or its transaction would wait for ever: a peer may forget what it had not answered.
    if (this.#current) this.#request?.cancel()
    this.#clearCurrent()
    for (const job of jobs) job.done({ kind: 'ended' })
  }

  #add(sdp: Uint8Array | null, peerOffers: number, done: Job['done']): void {
    this.#waiting.push({ sdp, peerOffers, done, repeats: 0, minSe: leastSeconds })
    this.pump()
  }

  #method(job: Job): 'INVITE' | 'UPDATE' | 'later' | 'never' {
    const { state, exchange, acks, peerAllowsUpdate } = this.#usage
    if (state === 'early') {
      // RFC 3311 §5.1: not before the first offer was answered, and only to a peer that knows UPDATE.
      if (!exchange.isEstablished || !peerAllowsUpdate) return 'never'
      return exchange.phase === 'stable' ? 'UPDATE' : 'later'
    }
    if (state !== 'confirmed') return 'later'
    if (job.sdp === null && peerAllowsUpdate) return 'UPDATE'
    // §14.1: no INVITE of either side may be under way.
    return exchange.phase === 'stable' && acks.count === 0 ? 'INVITE' : 'later'
  }

  #send(job: Job, method: 'INVITE' | 'UPDATE', dialog: Dialog): void {
    const usage = this.#usage
    const { sessionTimers } = usage.context
    const current = { job, method }
    this.#current = current
    // A refresh by re-INVITE repeats what stands (RFC 4028 §7.4).
    const body = job.sdp ?? (method === 'INVITE' ? usage.localSdp : null)
    if (body) usage.exchange.take('sendOffer')
    const isTimed = sessionTimers !== null && usage.state === 'confirmed'
    const headers = [
      ...usage.targetHeaders(dialog.flow),
      ...(isTimed ? askSession(sessionTimers, job.minSe, usage.sessionTimer.interval) : []),
    ]
    const isCurrent = (): boolean => this.#current === current
    if (method === 'INVITE') {
      this.#cancelLimit = usage.context.clock.after(64 * usage.context.timers.t1Ms, () => this.#request?.cancel())
    }
    const options = { headers, ...(body ? { body, contentType: 'application/sdp' } : {}) }
    this.#request = sendInDialog(usage, dialog, method, options, {
      final: (response, request) => {
        const isSuccess = response.status < 300
        // Every 2xx, also one that comes again or too late.
        if (isSuccess && method === 'INVITE') usage.acknowledge(request, dialog)
        if (!isCurrent()) return
        this.#clearCurrent()
        if (isSuccess) this.#succeeded(job, body, dialog, request, response)
        else this.#refused(job, method, body, response)
        this.pump()
      },
      failed: (error) => {
        if (!isCurrent()) return
        this.#clearCurrent()
        this.#failed(job, method, body, error)
        this.pump()
      },
    })
  }

  #clearCurrent(): void {
    this.#current = null
    this.#request = null
    this.#cancelLimit()
  }

  #succeeded(job: Job, body: Uint8Array | null, dialog: Dialog, request: SipRequest, response: SipResponse): void {
    const usage = this.#usage
    dialog.refreshTarget(response)
    usage.notePeer(response)
    if (request.headers.has('Session-Expires')) usage.sessionTimer.agreed(readAgreedSession(request, response))
    // An UPDATE that only refreshes: nobody waits for its outcome.
    if (!body) return
    const answer = sdpOf(response)
    if (job.sdp === null) {
      if (!usage.takeAnswer(answer)) usage.end()
      return
    }
    usage.exchange.take(answer ? 'receiveAnswer' : 'offerRefused')
    if (!answer) return job.done({ kind: 'refused', status: 488 })
    usage.localSdp = job.sdp
    job.done({ kind: 'answered', sdp: answer })
  }

  #refused(job: Job, method: 'INVITE' | 'UPDATE', body: Uint8Array | null, response: SipResponse): void {
    const usage = this.#usage
    const { status } = response
    if (body) usage.exchange.take('offerRefused')
    if (usage.checkFatal(method, status)) return job.done({ kind: 'ended' })
    if (status === 491 && job.repeats < maxRepeats) {
      job.repeats++
      this.#waiting.unshift(job)
      this.#backOff(this.#glareMs())
      return
    }
    const retryMs = status === 500 ? retryAfterMs(response) : null
    if (retryMs !== null && job.repeats < maxRepeats) {
      job.repeats++
      this.#waiting.unshift(job)
      this.#backOff(retryMs)
      return
    }
    if (status === 422 && readMinSe(response) > job.minSe && job.repeats < maxRepeats) {
      job.repeats++
      job.minSe = readMinSe(response)
      this.#waiting.unshift(job)
      return
    }
    // 504: the peer would have to ask its user, for which UPDATE leaves no time (RFC 3311 §5.2).
    if (method === 'UPDATE' && (status === 405 || status === 501 || status === 504)) {
      usage.peerAllowsUpdate = false
      if (job.sdp === null) {
        this.#waiting.unshift(job)
        return
      }
    }
    job.done({ kind: 'refused', status })
  }

  #failed(job: Job, method: string, body: Uint8Array | null, error: TimeoutError | TransportError): void {
    if (body) this.#usage.exchange.take('offerRefused')
    if (this.#usage.checkFatal(method, error.sipStatus)) return job.done({ kind: 'ended' })
    job.done({ kind: 'refused', status: error.sipStatus })
  }

  /** §14.1: the owner of the Call-ID waits 2.1 to 4 s, the other side 0 to 2 s, both in units of 10 ms. */
  #glareMs(): number {
    const { context, isCaller } = this.#usage
    return 10 * (isCaller ? 210 + (context.random.uint32() % 191) : context.random.uint32() % 201)
  }

  #backOff(ms: number): void {
    const { clock } = this.#usage.context
    this.#cancelBackOff = clock.after(ms, () => {
      this.#cancelBackOff = null
      this.#usage.guard(() => this.pump())
    })
  }
}

/** Null without a Retry-After, or with one that is too long to wait for. */
function retryAfterMs({ headers }: SipResponse): number | null {
  const value = headers.get('Retry-After')
  const seconds = value === undefined ? null : readOr(null, () => parseDeltaSeconds(value).seconds)
  return seconds !== null && seconds <= longestRetrySeconds ? seconds * 1000 : null
}
