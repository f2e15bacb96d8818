import type { Cancel } from '../../base/clock.ts'
import type { TimeoutError, TransportError } from '../../base/errors.ts'
import type { LocalTag, SipCallId } from '../../base/ids.ts'
import { DigestClient } from '../auth/digest-client.ts'
import { tagOf, withTag } from '../message/addresses.ts'
import { createRequest } from '../message/build.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import type { ClientTransaction, ServerTransaction } from '../transaction/types.ts'
import { allow, allowEvents, supported } from './capabilities.ts'
import { type DialogContext, localContact, newTag } from './context.ts'
import type { Dialog } from './dialog.ts'
import { EarlyDialogs } from './early-dialogs.ts'
import { Machine, type Table, to } from './machine.ts'
import { presetRoutes } from './next-hop.ts'
import { reasonHeaders } from './reasons.ts'
import { sdpOf } from './sdp-of.ts'
import { askSession, leastSeconds, readAgreedSession, readMinSe } from './session-expires.ts'
import type { ExtraHeaders, OutgoingInviteOptions, OutgoingInviteUser, Reason, UsageEnd } from './types.ts'
import { type EndOptions, type Opening, Usage } from './usage.ts'

type State = 'calling' | 'proceeding' | 'cancelling' | 'confirmed' | 'terminated'
type Input = 'provisional' | 'success' | 'repeat' | 'refused' | 'failed' | 'silence' | 'hangUp'
type Effect = 'tellProvisional' | 'confirm' | 'sendAgain' | 'tellEnd' | 'sendCancel' | 'dropLate' | 'release'

const unanswered = {
  provisional: to('proceeding', 'tellProvisional'),
  success: to('confirmed', 'confirm'), // the first 2xx wins; those of other forks are ended
  repeat: to('calling', 'sendAgain'), // 401, 407, 422: once more, with what was asked for
  refused: to('terminated', 'tellEnd', 'release'),
  failed: to('terminated', 'tellEnd', 'release'), // Timer B, or nothing could be sent
  hangUp: to('cancelling', 'tellEnd', 'sendCancel'), // CANCEL waits for a provisional response, §9.1
} as const

/** An INVITE of ours until its final response: RFC 3261 §13.2, §9.1. */
const table: Table<State, Input, Effect> = {
  calling: {
    ...unanswered,
    silence: to('cancelling', 'tellEnd', 'sendCancel'), // given up sooner than timer B
  },
  proceeding: unanswered,
  cancelling: {
    provisional: to('cancelling'),
    success: to('terminated', 'dropLate'), // the 200 crossed our CANCEL: ACK, BYE
    refused: to('terminated', 'release'), // 487, or what it would have been anyway
    failed: to('terminated', 'release'),
  },
  confirmed: {},
  terminated: {},
}

/** Repeats for credentials and a longer session together. */
const maxAttempts = 5
/** Responses to one INVITE that are told and noted; whoever sends more provisional ones is not heard on them any more. */
const maxResponses = 200
/** Other forks that answered as well and were ended, remembered so that their repeated 2xx get an ACK and no second BYE. */
const maxForks = 16

/** Why the others who answered are ended: RFC 3326 §3.1. */
const answeredElsewhere: Reason = { protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' }

/** What goes with an input. */
interface Facts {
  readonly response?: SipResponse
  readonly end?: UsageEnd
}

/** The client's side of the INVITE that opens a call. */
export class InviteClient implements Opening {
  readonly usage: Usage
  readonly isAnswered = false
  readonly #context: DialogContext
  readonly #options: OutgoingInviteOptions
  readonly #user: OutgoingInviteUser
  readonly #machine = new Machine<State, Input, Effect>(table, 'calling')
  readonly #early: EarlyDialogs
  /** Remote tags of the forks that answered and were ended. */
  readonly #forks = new Set<string>()
  #transaction: ClientTransaction | null = null
  #request: SipRequest
  #attempt = 0
  #minSe = leastSeconds
  #responses = 0
  #hasSeenResponse = false
  #cancelSilence: Cancel = () => {}
  /** Why we gave the call up: said in CANCEL, and in BYE where the 200 crosses it. */
  #reasons: readonly Reason[] = []

  constructor(context: DialogContext, options: OutgoingInviteOptions, user: OutgoingInviteUser) {
    this.#context = context
    this.#options = options
    const { random } = context
    const { credentials } = options
    this.usage = new Usage(context, {
      // 120 bits: nobody else may guess the id of a call (§8.1.1.4).
      sipCallId: random.token(24) as SipCallId,
      localTag: newTag(random) as LocalTag,
      isCaller: true,
      contactLike: options.from.uri,
      digest: credentials ? new DigestClient({ ...credentials, random }) : null,
    })
    this.#user = user
    this.usage.users.attach(user)
    this.usage.opening = this
    this.usage.localSdp = options.sdp
    this.usage.exchange.take('sendOffer')
    this.#early = new EarlyDialogs(this.usage)
    this.#request = this.#createRequest(1 + (random.uint32() % 10_000))
    context.usages.add(this.usage)
    this.#send()
  }

  end(options: EndOptions, end: UsageEnd = { by: 'local', how: 'cancel', status: null }): void {
    if (!this.#machine.takes('hangUp')) return
    this.#reasons = options.reasons ?? []
    this.#take('hangUp', { end })
  }

  /** A callee may not send BYE before it has answered (§15.1.1); one that does all the same has ended its dialog. */
  byeReceived(reasons: readonly Reason[]): void {
    this.#take('hangUp', { end: { by: 'remote', how: 'bye', reasons } })
  }

  /** While it rings. Of those who answer, one is the usage's own and the others are ended. */
  findFork(remoteTag: string): Dialog | null {
    return this.#early.find(remoteTag)?.dialog ?? null
  }

  forkEnded(dialog: Dialog): void {
    this.#early.drop(dialog)
  }

  /** PRACK goes to who sent a response, and the caller sent none. */
  prackReceived(transaction: ServerTransaction): void {
    this.usage.respond(transaction, 481)
  }

  #createRequest(cseq: number): SipRequest {
    const { from, to, uri, sdp, target, route, maxForwards } = this.#options
    const { serverName, sessionTimers, transport } = this.#context
    const peer = target.flow ?? target.destination
    const headers: ExtraHeaders = [
      ...presetRoutes(route).map((value) => ['Route', value] as const),
      ...(peer ? [['Contact', localContact(transport, peer, from.uri)] as const] : []),
      allow,
      allowEvents(this.#context),
      supported(this.#context),
      ...(sessionTimers === null ? [] : askSession(sessionTimers, this.#minSe, null)),
      ['User-Agent', serverName],
      ...this.usage.legal(this.#options.headers),
    ]
    return createRequest({
      method: 'INVITE',
      uri,
      from: withTag(from, this.usage.localTag),
      to: withTag(to, null),
      sipCallId: this.usage.sipCallId,
      cseq,
      ...(maxForwards === undefined ? {} : { maxForwards }),
      headers,
      body: sdp,
      contentType: 'application/sdp',
    })
  }

  #send(): void {
    const request = this.#request
    for (const [name, value] of this.usage.digest?.credentials(request) ?? []) request.headers.append(name, value)
    this.usage.seen('outgoing', request)
    const isCurrent = (): boolean => this.#request === request
    this.#armSilence()
    this.#transaction = this.#context.transactions.request(request, this.#options.target, {
      responseReceived: (response) => this.usage.guard(() => isCurrent() && this.#responseReceived(response)),
      failed: (error) => this.usage.guard(() => isCurrent() && this.#failed(error)),
    })
  }

  #armSilence(): void {
    const { firstResponseMs } = this.#options
    if (firstResponseMs === undefined) return
    const sentence = `Not one response came to our INVITE within ${firstResponseMs} ms.`
    this.#cancelSilence = this.#context.clock.after(firstResponseMs, () =>
      this.usage.guard(() => this.#take('silence', { end: { by: 'network', how: 'no-response', sentence } })),
    )
  }

  #responseReceived(response: SipResponse): void {
    const { status } = response
    this.#cancelSilence()
    if (!this.#hasSeenResponse) {
      this.#hasSeenResponse = true
      this.usage.users.tell(() => this.#user.responseSeen?.())
    }
    if (status === 100) return
    const isWithinBounds = this.#responses++ < maxResponses
    if (isWithinBounds) this.usage.seen('incoming', response)
    if (status < 200) return void (isWithinBounds && this.#take('provisional', { response }))
    if (status < 300) {
      if (!this.#take('success', { response })) this.#furtherSuccess(response)
      return
    }
    if (this.#isWorthRepeating(response) && this.#take('repeat')) return
    this.#take('refused', { end: { by: 'peer-refused', status, response } })
  }

  #isWorthRepeating(response: SipResponse): boolean {
    if (!this.#machine.takes('repeat') || this.#attempt >= maxAttempts) return false
    if (this.usage.digest?.takeChallenge(this.#request, response, this.#attempt)) return true
    if (response.status !== 422 || readMinSe(response) <= this.#minSe) return false
    this.#minSe = readMinSe(response)
    return true
  }

  #provisionalReceived(response: SipResponse): void {
    const dialog = this.#early.received(this.#request, response, this.#transaction?.flow ?? null)
    if (dialog === 'repeated') return
    const sdp = sdpOf(response)
    if (dialog) {
      this.usage.dialog = dialog
      this.usage.notePeer(response)
    }
    this.usage.users.tell(() => this.#user.provisionalReceived(response.status, sdp))
  }

  #confirm(response: SipResponse): void {
    const { usage } = this
    const request = this.#request
    const early = this.#early.find(tagOf(response.to))
    const dialog = this.#early.confirm(request, response, this.#transaction?.flow ?? null)
    usage.dialog = dialog
    usage.notePeer(response)
    usage.answered()
    usage.acknowledge(request, dialog)
    // From here on an end is by BYE, also one that the user asks for when it hears of the answer.
    usage.opening = null
    // What a reliable response of this very dialog had answered is not answered again (RFC 6337 §3.1.1).
    const answer = early?.answer ?? sdpOf(response)
    usage.exchange.take(answer ? 'receiveAnswer' : 'offerRefused')
    if (request.headers.has('Session-Expires')) usage.sessionTimer.agreed(readAgreedSession(request, response))
    if (!answer) return usage.end()
    // The user may have heard of another fork's media since: then it is told this one's again.
    const isKnown = early?.answer !== undefined && this.#early.lastAnswer === early.answer
    usage.users.tell(() => this.#user.accepted(isKnown ? null : answer, response))
    usage.confirm()
  }

  /** A 2xx behind the first: the same again gets its ACK again, that of another fork is ended (§13.2.2.4). */
  #furtherSuccess(response: SipResponse): void {
    const tag = tagOf(response.to) ?? ''
    if (this.usage.dialog?.remoteTag === tag || this.#forks.has(tag)) return this.usage.strayResponseReceived(response)
    // Beyond the bound it gets no ACK, and ends its call by itself for want of one (§13.3.1.4).
    if (this.#forks.size >= maxForks) return
    this.#forks.add(tag)
    const dialog = this.#early.confirm(this.#request, response, this.#transaction?.flow ?? null)
    this.usage.acknowledge(this.#request, dialog)
    const reasons = this.#machine.state === 'confirmed' ? [answeredElsewhere] : this.#reasons
    this.usage.sendByeIn(dialog, { reasons }, () => {})
  }

  #dropLate(response: SipResponse): void {
    const dialog = this.#early.confirm(this.#request, response, this.#transaction?.flow ?? null)
    this.usage.dialog = dialog
    this.usage.opening = null
    this.usage.acknowledge(this.#request, dialog)
    this.usage.sendBye({ reasons: this.#reasons })
  }

  #failed(error: TimeoutError | TransportError): void {
    const isTimeout = error.sipStatus === 408
    const sentence = isTimeout ? 'Nobody answered our INVITE.' : 'Our INVITE could not be sent.'
    this.#take('failed', { end: { by: 'network', how: isTimeout ? 'no-response' : 'transport-lost', sentence } })
  }

  #take(input: Input, facts: Facts = {}): boolean {
    const effects = this.#machine.step(input)
    if (effects) this.#cancelSilence()
    for (const effect of effects ?? []) this.#do(effect, facts)
    return effects !== null
  }

  #do(effect: Effect, { response, end }: Facts): void {
    switch (effect) {
      case 'tellProvisional':
        if (response) this.#provisionalReceived(response)
        return
      case 'confirm':
        if (response) this.#confirm(response)
        return
      case 'sendAgain':
        this.#attempt++
        this.#early.clear()
        this.#request = this.#createRequest(this.#request.cseq.number + 1)
        return this.#send()
      case 'tellEnd':
        if (end) this.usage.finish(end)
        return
      case 'sendCancel': {
        // One line, as the transaction takes it; Reason is a list (RFC 3326 §2).
        const reason = reasonHeaders(this.#reasons).map(([, value]) => value)
        return this.#transaction?.cancel(reason.length === 0 ? undefined : reason.join(', '))
      }
      case 'dropLate':
        if (response) this.#dropLate(response)
        return
      case 'release':
        this.usage.opening = null
        return this.usage.release()
    }
  }
}
