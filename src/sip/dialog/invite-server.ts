import type { Cancel } from '../../base/clock.ts'
import type { LocalTag } from '../../base/ids.ts'
import { MessageError } from '../message/message-error.ts'
import { findBodyPart } from '../message/multipart.ts'
import type { SipRequest } from '../message/types.ts'
import { parseDeltaSeconds, parseRAck } from '../message/values.ts'
import type { ServerTransaction } from '../transaction/types.ts'
import type { Flow } from '../transport/types.ts'
import { type DialogContext, newTag } from './context.ts'
import { Dialog } from './dialog.ts'
import { readOr } from './lenient.ts'
import { Machine, type Table, to } from './machine.ts'
import { type Provisional, ProvisionalResponses } from './provisional-responses.ts'
import { reasonHeaders, reasonsOf } from './reasons.ts'
import { answerSession } from './session-expires.ts'
import type { ExtraHeaders, IncomingInvite, InviteUsageUser, Reason, UsageEnd } from './types.ts'
import { type EndOptions, type Opening, Usage } from './usage.ts'

type State = 'received' | 'early' | 'accepting' | 'answered' | 'hangingUp' | 'confirmed' | 'terminated'
type Input =
  | 'provisional'
  | 'accept'
  | 'acceptLater'
  | 'pracked'
  | 'refuse'
  | 'cancel'
  | 'bye'
  | 'prackMissing'
  | 'lost'
  | 'expire'
  | 'ack'
  | 'ackMissing'
  | 'hangUp'
type Effect = 'sendSuccess' | 'sendRefusal' | 'sendBye' | 'confirm' | 'noteLoss' | 'tellEnd' | 'release'

const unanswered = {
  refuse: to('terminated', 'sendRefusal', 'tellEnd', 'release'),
  cancel: to('terminated', 'sendRefusal', 'tellEnd', 'release'), // 487, §9.2
  bye: to('terminated', 'sendRefusal', 'tellEnd', 'release'), // 487, §15.1.2: a caller may give up by BYE
  expire: to('terminated', 'sendRefusal', 'tellEnd', 'release'), // 487: the time in its Expires is over, §13.3.1
  lost: to('terminated', 'tellEnd', 'release'),
} as const

/** A new INVITE from its arrival to its ACK: RFC 3261 §13.3.1, §15, RFC 3262 §3. */
const table: Table<State, Input, Effect> = {
  received: {
    ...unanswered,
    provisional: to('early'),
    accept: to('answered', 'sendSuccess'),
  },
  early: {
    ...unanswered,
    provisional: to('early'),
    accept: to('answered', 'sendSuccess'),
    acceptLater: to('accepting'), // a reliable 1xx with SDP waits for its PRACK: no 2xx before it
    prackMissing: to('terminated', 'sendRefusal', 'tellEnd', 'release'), // 504
  },
  accepting: {
    ...unanswered,
    pracked: to('answered', 'sendSuccess'),
    prackMissing: to('terminated', 'sendRefusal', 'tellEnd', 'release'),
  },
  answered: {
    ack: to('confirmed', 'confirm'),
    ackMissing: to('terminated', 'sendBye', 'tellEnd'), // 64·T1
    bye: to('terminated', 'tellEnd', 'release'),
    hangUp: to('hangingUp', 'tellEnd'), // "MUST NOT send a BYE on a confirmed dialog until it has received an ACK"
    lost: to('answered', 'noteLoss'), // the next retransmission may get through (RFC 6026 §7.1)
  },
  hangingUp: {
    ack: to('terminated', 'sendBye'),
    ackMissing: to('terminated', 'sendBye'),
    bye: to('terminated', 'release'),
    lost: to('hangingUp'),
  },
  confirmed: {},
  terminated: {},
}

interface RefusalOptions {
  readonly reason?: string
  readonly headers?: ExtraHeaders
  readonly reasons?: readonly Reason[]
}

/** What goes with an input that ends things. */
interface Ending {
  readonly end: UsageEnd
  readonly status?: number
  readonly reason?: string
  readonly headers?: ExtraHeaders
}

/** An Expires beyond this is as good as none. */
const maxExpiresMs = 24 * 3600 * 1000

/** The server's side of the INVITE that opens a call. */
export class InviteServer implements IncomingInvite, Opening {
  readonly request: SipRequest
  readonly flow: Flow
  readonly offer: Uint8Array | null
  readonly usage: Usage
  readonly replaces: Usage | null
  readonly #context: DialogContext
  readonly #transaction: ServerTransaction
  readonly #machine = new Machine<State, Input, Effect>(table, 'received')
  readonly #provisionals: ProvisionalResponses
  #accepted: { sdp: Uint8Array; headers: ExtraHeaders } | null = null
  #bye: EndOptions = {}
  /** The 200 could not be sent at least once. */
  #isLost = false
  #cancelExpiry: Cancel = () => {}

  /** @throws MessageError when the body cannot be taken apart. */
  constructor(context: DialogContext, transaction: ServerTransaction, replaces: Usage | null) {
    const { request, flow } = transaction
    this.#context = context
    this.replaces = replaces
    this.#transaction = transaction
    this.request = request
    this.flow = flow
    this.offer = findBodyPart(request, 'application/sdp')
    const localTag = newTag(context.random) as LocalTag
    const { sipCallId } = request
    this.usage = new Usage(context, { sipCallId, localTag, isCaller: false, contactLike: request.uri, digest: null })
    this.usage.dialog = Dialog.ofServer(request, localTag, flow, context.random)
    this.usage.opening = this
    this.usage.notePeer(request)
    if (this.offer) this.usage.exchange.take('receiveOffer')
    this.#provisionals = new ProvisionalResponses(
      this.usage,
      transaction,
      () => this.#dialogHeaders(),
      () => this.#prackMissing(),
    )
    transaction.user = {
      cancelled: (cancel) => this.usage.guard(() => this.#cancelled(cancel)),
      transportFailed: () => this.usage.guard(() => this.#lost()),
      ackTimedOut: () => {},
    }
    context.usages.add(this.usage)
    const expires = request.headers.get('Expires')
    const seconds = expires === undefined ? null : readOr(null, () => parseDeltaSeconds(expires).seconds)
    if (seconds === null) return
    const expired = (): void => this.usage.guard(() => this.#expired())
    this.#cancelExpiry = context.clock.after(Math.min(seconds * 1000, maxExpiresMs), expired)
  }

  get isAnswered(): boolean {
    const { state } = this.#machine
    return state === 'answered' || state === 'hangingUp'
  }

  attach(user: InviteUsageUser): void {
    this.usage.users.attach(user)
    this.usage.seen('incoming', this.request)
  }

  provisional(status: number, options: Omit<Provisional, 'status'> = {}): void {
    if (status <= 100 || status >= 200 || !this.#take('provisional')) return
    this.#provisionals.send({ status, ...options })
  }

  accept(options: { sdp: Uint8Array; headers?: ExtraHeaders }): void {
    if (!this.#machine.takes('accept')) return
    this.#accepted = { sdp: options.sdp, headers: this.usage.legal(options.headers) }
    this.#take(this.#provisionals.holdsBackSuccess ? 'acceptLater' : 'accept')
  }

  reject(status: number, options: RefusalOptions = {}): void {
    this.#refuse(status, options, { by: 'local', how: 'refused', status })
  }

  end(options: EndOptions, end?: UsageEnd): void {
    const { refusal = 480 } = options
    if (this.#machine.takes('refuse')) {
      return this.#refuse(refusal, options, end ?? { by: 'local', how: 'refused', status: refusal })
    }
    this.#bye = options
    this.#take('hangUp', { end: end ?? { by: 'local', how: 'bye', status: null } })
  }

  byeReceived(reasons: readonly Reason[]): void {
    this.#take('bye', { end: { by: 'remote', how: 'bye', reasons }, status: 487 })
  }

  /** RFC 3262 §3 and §5: the acknowledgement, with the answer to our offer, or with an offer of its own. */
  prackReceived(transaction: ServerTransaction): void {
    const { request } = transaction
    const value = request.headers.get('RAck')
    if (value === undefined) throw new MessageError('sip-message.header-missing', 'A PRACK without RAck.')
    if (!this.#provisionals.prackReceived(parseRAck(value))) {
      return void this.usage.respond(transaction, 481)
    }
    const { exchange } = this.usage
    const sdp = findBodyPart(request, 'application/sdp')
    if (exchange.phase === 'localOffer') {
      this.usage.respond(transaction, 200)
      if (!this.usage.takeAnswer(sdp)) return this.reject(488)
    } else if (sdp) {
      const answer = this.usage.answerOffer(sdp)
      const isAnswer = typeof answer !== 'number'
      // A PRACK that matches "MUST be responded to with a 2xx"; an offer in it is refused by ending the call (RFC 6337 §2.3).
      this.usage.respond(transaction, 200, isAnswer ? { body: answer, contentType: 'application/sdp' } : {})
      if (!isAnswer) return this.reject(answer)
    } else this.usage.respond(transaction, 200)
    this.#afterPrack()
  }

  #refuse(status: number, options: RefusalOptions, end: UsageEnd): void {
    const reason = options.reason === undefined ? {} : { reason: options.reason }
    const headers = [...this.usage.legal(options.headers), ...reasonHeaders(options.reasons)]
    this.#take('refuse', { end, status, ...reason, headers })
  }

  #afterPrack(): void {
    if (this.#take('pracked')) return
    if (this.#machine.state === 'early') this.#provisionals.sendNext()
    this.usage.offers.pump()
  }

  /** §12.1.1: what every response has that makes a dialog. */
  #dialogHeaders(): ExtraHeaders {
    const recordRoutes = this.request.headers.getAll('Record-Route').map((route) => ['Record-Route', route] as const)
    return [...recordRoutes, ...this.usage.targetHeaders(this.flow)]
  }

  #sendSuccess(): void {
    const { usage } = this
    const { sessionTimers } = this.#context
    const sdp = this.#firstDescription()
    const session = sessionTimers === null ? null : answerSession(this.request, sessionTimers)
    const response = usage.respond(this.#transaction, 200, {
      headers: [...this.#dialogHeaders(), ...(session?.headers ?? []), ...(this.#accepted?.headers ?? [])],
      ...(sdp ? { body: sdp, contentType: 'application/sdp' } : {}),
    })
    usage.answered()
    usage.acks.start(this.request.cseq.number, {
      resend: () => usage.guard(() => this.#transaction.respond(response)),
      acknowledged: (answer) => usage.guard(() => this.#acknowledged(answer)),
      missing: () => usage.guard(() => this.#ackMissing()),
    })
    if (session) usage.sessionTimer.agreed(session.interval)
  }

  /** The SDP of the 200: our answer, or our offer; nothing when a reliable response has had it (RFC 6337 §3.1.1). */
  #firstDescription(): Uint8Array | null {
    const { exchange, owesOffer } = this.usage
    const sdp = this.#accepted?.sdp
    if (!sdp || !(exchange.phase === 'remoteOffer' || owesOffer)) return null
    this.usage.describe(sdp)
    return sdp
  }

  #acknowledged(answer: Uint8Array | null): void {
    const isAnswerOwed = this.usage.exchange.phase === 'localOffer'
    if (this.#machine.state !== 'answered' || !isAnswerOwed) return void this.#take('ack')
    const isUsable = this.usage.takeAnswer(answer)
    this.#take('ack')
    if (!isUsable) this.usage.end()
  }

  #ackMissing(): void {
    const end: UsageEnd = this.#isLost
      ? {
          by: 'network',
          how: 'transport-lost',
          sentence: 'Our 200 OK could not be sent: the way to the caller was lost.',
        }
      : { by: 'network', how: 'ack-missing', sentence: 'The ACK for our 200 OK never came, so Switchhook hung up.' }
    this.#take('ackMissing', { end })
  }

  #expired(): void {
    const sentence = 'The time that the caller had set in Expires was over before the call was answered.'
    this.#take('expire', { end: { by: 'network', how: 'no-response', sentence }, status: 487 })
  }

  #prackMissing(): void {
    const sentence = 'The PRACK for our provisional response never came, so the call was refused.'
    this.#take('prackMissing', { end: { by: 'network', how: 'no-response', sentence }, status: 504 })
  }

  #cancelled(cancel: SipRequest): void {
    this.usage.seen('incoming', cancel)
    this.#take('cancel', { end: { by: 'remote', how: 'cancel', reasons: reasonsOf(cancel) }, status: 487 })
  }

  #lost(): void {
    const sentence = 'Our response could not be sent: the connection to the caller was lost.'
    this.#take('lost', { end: { by: 'network', how: 'transport-lost', sentence } })
  }

  /** Returns whether the input has a row now. */
  #take(input: Input, ending?: Ending): boolean {
    const effects = this.#machine.step(input)
    if (effects && input !== 'provisional' && input !== 'acceptLater') {
      this.#cancelExpiry()
      this.#provisionals.stop()
    }
    for (const effect of effects ?? []) this.#do(effect, ending)
    return effects !== null
  }

  #do(effect: Effect, ending: Ending | undefined): void {
    switch (effect) {
      case 'sendSuccess':
        return this.#sendSuccess()
      case 'sendRefusal': {
        const reason = ending?.reason === undefined ? {} : { reason: ending.reason }
        this.usage.respond(this.#transaction, ending?.status ?? 500, { ...reason, headers: ending?.headers ?? [] })
        return
      }
      case 'sendBye':
        this.#letGo()
        return this.usage.sendBye(this.#bye)
      case 'confirm':
        this.#transaction.user = null
        return this.usage.confirm()
      case 'noteLoss':
        this.#isLost = true
        return
      case 'tellEnd':
        if (ending) this.usage.finish(ending.end)
        return
      case 'release':
        this.#letGo()
        return this.usage.release()
    }
  }

  /** The transaction waits on for retransmissions, up to 32 s: the call must not wait in memory with it. */
  #letGo(): void {
    this.usage.opening = null
    this.#transaction.user = null
  }
}
