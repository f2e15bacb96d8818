import { toError } from '../../base/errors.ts'
import type { LocalTag, RemoteTag, SipCallId } from '../../base/ids.ts'
import type { DigestClient } from '../auth/digest-client.ts'
import { tagOf } from '../message/addresses.ts'
import { createResponse, type ResponseOptions } from '../message/build.ts'
import { isToken } from '../message/char-classes.ts'
import type { SipMessage, SipRequest, SipResponse, Uri } from '../message/types.ts'
import { tokenList } from '../message/values.ts'
import type { ServerTransaction } from '../transaction/types.ts'
import type { Flow } from '../transport/types.ts'
import { AckWaits } from './ack-waits.ts'
import { allow, allowEvents, supported } from './capabilities.ts'
import { type DialogContext, localContact } from './context.ts'
import type { Dialog } from './dialog.ts'
import { sendInDialog } from './dialog-request.ts'
import { readOr } from './lenient.ts'
import { OfferAnswerState } from './offer-answer-state.ts'
import { OfferSender } from './offer-sender.ts'
import { reasonHeaders } from './reasons.ts'
import { Referrals } from './referrals.ts'
import { SentAcks } from './sent-acks.ts'
import { SessionTimer } from './session-timer.ts'
import type { ExtraHeaders, InviteUsage, OfferOutcome, Reason, ReferOptions, ReferOutcome, UsageEnd } from './types.ts'
import { UserCalls } from './user-calls.ts'

export interface EndOptions {
  readonly reasons?: readonly Reason[]
  readonly refusal?: number
  readonly headers?: ExtraHeaders
}

/** The INVITE that opens a usage, until its ACK: the machine of the server's or of the client's side. */
export interface Opening {
  /** Whether a 2xx was sent: the dialog is there, only the ACK is not. */
  readonly isAnswered: boolean
  /** Refuses, cancels or hangs up, as the state asks. @param end - what the user is told; by default that it was we who ended it. */
  end(options: EndOptions, end?: UsageEnd): void
  byeReceived(reasons: readonly Reason[]): void
  prackReceived(transaction: ServerTransaction): void
  /** The dialogs that its provisional responses opened, but for the usage's own: other forks of an INVITE of ours. */
  findFork?(remoteTag: string): Dialog | null
  /** The peer has ended one of those. */
  forkEnded?(dialog: Dialog): void
}

/** What both sides of an INVITE dialog usage (RFC 5057) have in common: their offers, timers, requests and end. */
export class Usage implements InviteUsage {
  readonly context: DialogContext
  readonly sipCallId: SipCallId
  readonly localTag: LocalTag
  /** Whether the Call-ID is ours: it decides who waits longer when offers collide (§14.1). */
  readonly isCaller: boolean
  readonly digest: DigestClient | null
  readonly users: UserCalls
  readonly exchange = new OfferAnswerState()
  readonly acks: AckWaits
  readonly sessionTimer: SessionTimer
  readonly offers: OfferSender
  readonly referrals: Referrals
  dialog: Dialog | null = null
  opening: Opening | null = null
  /** Our description as it stands: sent again, unchanged, to refresh by re-INVITE. */
  localSdp: Uint8Array | null = null
  /** What the peer said in Allow. */
  peerAllowsUpdate = false
  readonly #contactLike: Uri
  #state: InviteUsage['state'] = 'early'
  readonly #sentAcks: SentAcks

  constructor(
    context: DialogContext,
    parts: {
      sipCallId: SipCallId
      localTag: LocalTag
      isCaller: boolean
      contactLike: Uri
      digest: DigestClient | null
    },
  ) {
    this.context = context
    this.sipCallId = parts.sipCallId
    this.localTag = parts.localTag
    this.isCaller = parts.isCaller
    this.digest = parts.digest
    this.#contactLike = parts.contactLike
    this.users = new UserCalls(context.log)
    this.acks = new AckWaits(context.clock, context.timers)
    this.offers = new OfferSender(this)
    this.referrals = new Referrals(this)
    this.#sentAcks = new SentAcks(context.transactions)
    this.sessionTimer = new SessionTimer(context.clock, {
      refresh: () => this.guard(() => this.offers.refresh()),
      expired: () => this.guard(() => this.#expired()),
    })
  }

  get remoteTag(): RemoteTag | null {
    return this.dialog?.remoteTag ?? null
  }

  get state(): InviteUsage['state'] {
    return this.#state
  }

  get flow(): Flow | null {
    return this.dialog?.flow ?? null
  }

  end(options: EndOptions = {}): void {
    if (this.#state === 'ended') return
    if (this.opening) return this.opening.end(options)
    this.sendBye(options)
    this.finish({ by: 'local', how: 'bye', status: null })
  }

  offer(sdp: Uint8Array): Promise<OfferOutcome> {
    return this.offers.offer(sdp)
  }

  info(contentType: string, body: Uint8Array): Promise<number> {
    const { dialog } = this
    if (!dialog || this.#state === 'ended') return Promise.resolve(481)
    return new Promise((resolve) => {
      sendInDialog(
        this,
        dialog,
        'INFO',
        { contentType, body },
        {
          final: (response) => {
            this.checkFatal('INFO', response.status)
            resolve(response.status)
          },
          failed: (error) => {
            this.checkFatal('INFO', error.sipStatus)
            resolve(error.sipStatus)
          },
        },
      )
    })
  }

  refer(options: ReferOptions, progress: (status: number) => void = () => {}): Promise<ReferOutcome> {
    return this.referrals.refer(options, progress)
  }

  // For the other files of this folder.

  /** The dialog of this usage with that tag of the peer's: its own, or one of another fork while the INVITE is unanswered. */
  findDialog(remoteTag: string): Dialog | null {
    if (this.dialog?.remoteTag === remoteTag) return this.dialog
    return this.opening?.findFork?.(remoteTag) ?? null
  }

  /** The 2xx was sent or received. */
  answered(): void {
    if (this.#state === 'early') this.#state = 'answered'
  }

  /** The ACK came or went. */
  confirm(): void {
    if (this.#state === 'ended') return
    this.#state = 'confirmed'
    this.opening = null
    this.users.tell((user) => user.confirmed())
    this.offers.pump()
  }

  /** The last thing the user hears. The usage stays in the store until `release`, to answer what is still on its way. */
  finish(end: UsageEnd): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.sessionTimer.stop()
    this.offers.close()
    this.referrals.close()
    this.users.close((user) => user.ended(end))
  }

  release(): void {
    this.acks.stopAll()
    this.context.usages.remove(this)
  }

  /** Sends BYE; answered or not, the usage is gone after it. */
  sendBye(options: EndOptions = {}): void {
    this.acks.stopAll()
    const { dialog } = this
    if (!dialog) return this.release()
    this.sendByeIn(dialog, options, () => this.release())
  }

  /** Sends BYE in one of the dialogs that our INVITE opened. */
  sendByeIn(dialog: Dialog, options: EndOptions, done: () => void): void {
    const headers = [...reasonHeaders(options.reasons), ...this.legal(options.headers)]
    sendInDialog(this, dialog, 'BYE', { headers }, { final: done, failed: done })
  }

  /** Something below gave way: BYE, and the user hears the sentence. */
  breakDown(how: Extract<UsageEnd, { by: 'network' }>['how'], sentence: string): void {
    if (this.#state === 'ended') return
    const end: UsageEnd = { by: 'network', how, sentence }
    if (this.opening) return this.opening.end({ refusal: 500 }, end)
    this.sendBye()
    this.finish(end)
  }

  #expired(): void {
    this.breakDown('session-expired', 'The session was not refreshed in time, so Switchhook hung up.')
  }

  /** RFC 3261 §12.2.1.2: 408, 481 and no response at all end the dialog. Returns whether it did. */
  checkFatal(method: string, status: number): boolean {
    if (status === 481)
      this.breakDown('dialog-gone', `The peer answered ${method} with 481: it knows nothing of this call.`)
    else if (status === 408) this.breakDown('no-response', `The peer did not answer ${method}.`)
    else return false
    return true
  }

  /** The peer's INVITE had no offer, and we have not made ours yet. */
  get owesOffer(): boolean {
    return this.exchange.phase === 'stable' && !this.exchange.isEstablished
  }

  /** A response to INVITE takes our first description to the peer: the answer to its offer, or our offer. */
  describe(sdp: Uint8Array): void {
    this.exchange.take(this.owesOffer ? 'sendOffer' : 'sendAnswer')
    this.localSdp = sdp
  }

  /** Asks the user for the answer to an offer: it, or the status to refuse with. */
  answerOffer(sdp: Uint8Array): Uint8Array | 488 | 500 {
    if (!this.exchange.take('receiveOffer')) return 500
    const answer = this.users.ask((user) => user.offerReceived(sdp))
    if (!answer) {
      this.exchange.take('refuseOffer')
      return answer === null ? 488 : 500
    }
    this.exchange.take('sendAnswer')
    this.localSdp = answer
    return answer
  }

  /** Hands the user the answer to an offer of ours. Returns whether it can be used. */
  takeAnswer(sdp: Uint8Array | null): boolean {
    this.exchange.take(sdp === null ? 'offerRefused' : 'receiveAnswer')
    return sdp !== null && this.users.ask((user) => user.answerReceived(sdp)) === true
  }

  /** Sends the ACK of a 2xx to `invite` (§13.2.2.4), with the INVITE's credentials (§22.1), or the same again. */
  acknowledge(invite: SipRequest, dialog: Dialog): void {
    if (this.#sentAcks.again(dialog.remoteTag, invite.cseq.number)) return
    const credentials = ['Authorization', 'Proxy-Authorization'].flatMap((name) =>
      invite.headers.getAll(name).map((value) => [name, value] as const),
    )
    const { request: ack, target } = dialog.createRequest('ACK', {
      cseq: invite.cseq.number,
      headers: [...credentials, ['User-Agent', this.context.serverName]],
    })
    this.seen('outgoing', ack)
    this.#sentAcks.send(dialog.remoteTag, ack, target)
  }

  /** A 2xx whose transaction is gone: acknowledged again. */
  strayResponseReceived(response: SipResponse): void {
    if (response.cseq.method === 'INVITE') this.#sentAcks.again(tagOf(response.to) ?? '', response.cseq.number)
  }

  /** Contact, Allow, Allow-Events and Supported: in requests and 2xx that refresh the target, and in all that open a dialog. */
  targetHeaders(flow: Flow | null): ExtraHeaders {
    const contact = flow ? localContact(this.context.transport, flow, this.#contactLike) : null
    return [
      ...(contact === null ? [] : [['Contact', contact] as const]),
      allow,
      allowEvents(this.context),
      supported(this.context),
    ]
  }

  /** Answers a request. A transaction that takes no answer any more is not our trouble. */
  respond(transaction: ServerTransaction, status: number, options: ResponseOptions = {}): SipResponse {
    const headers = [...(options.headers ?? []), ['Server', this.context.serverName] as const]
    const response = createResponse(transaction.request, status, { ...options, toTag: this.localTag, headers })
    this.seen('outgoing', response)
    this.guard(() => transaction.respond(response))
    return response
  }

  /** Header fields that a user gave, without those that cannot be sent: they must not cost the call its end. */
  legal(headers: ExtraHeaders = []): ExtraHeaders {
    const isLegal = ([name, value]: ExtraHeaders[number]): boolean => isToken(name) && !/[\r\n]/.test(value)
    if (headers.every(isLegal)) return headers
    this.context.log.error({ names: headers.map(([name]) => name) }, 'header fields with line breaks were left out')
    return headers.filter(isLegal)
  }

  notePeer(message: SipMessage): void {
    if (!message.headers.has('Allow')) return
    this.peerAllowsUpdate = readOr(false, () => tokenList(message.headers, 'Allow').includes('UPDATE'))
  }

  seen(direction: 'incoming' | 'outgoing', message: SipMessage): void {
    const { number, method } = message.cseq
    const text = message.kind === 'request' ? message.method : `${message.status} ${method}`
    this.users.seen(direction, { text, cseq: number })
  }

  /** Runs what a message or a timer set off; a slip there is logged and harms nobody else. */
  guard(run: () => void): void {
    try {
      run()
    } catch (thrown) {
      this.context.log.warn({ err: toError(thrown), sipCallId: this.sipCallId }, 'a dialog could not go on')
    }
  }
}
