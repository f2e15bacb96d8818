import type { Clock } from '../../base/clock.ts'
import { StateError, TransportError, toError, unreachable } from '../../base/errors.ts'
import { createResponse, type SipRequest, type SipResponse, type Via, withTopVia } from '../message/index.ts'
import type { Flow, PreparedResponse, Transport } from '../transport/index.ts'
import {
  type InviteServerEffect,
  type InviteServerInput,
  type InviteServerState,
  inviteServer,
} from './invite-server.ts'
import type { Table } from './machine.ts'
import {
  type NonInviteServerEffect,
  type NonInviteServerInput,
  type NonInviteServerState,
  nonInviteServer,
} from './non-invite-server.ts'
import { type TimerName, type TimerOwner, TimerSet, timerMs } from './timers.ts'
import type { ServerTransaction, ServerTransactionUser, SipTimers } from './types.ts'

type State = InviteServerState | NonInviteServerState
type Input = InviteServerInput | NonInviteServerInput
type Effect = InviteServerEffect | NonInviteServerEffect

/** What a server transaction needs of its layer. */
export interface ServerTransactionHost {
  readonly clock: Clock
  readonly transport: Transport
  readonly timers: SipTimers
  /** The first final response is about to go out: what is left after it is there for retransmissions only. */
  answered(transaction: Server, status: number): void
  terminated(transaction: Server): void
  ackReceived(ack: SipRequest, flow: Flow): void
  /** Calls the user; a throw ends there. */
  guarded(call: () => void): void
}

/** Where a retransmission came from, when that was another way. */
interface Retransmission {
  readonly flow: Flow
  readonly via: Via
}

/**
 * A request of a peer and our answers: does what the tables of figures 7 and 8 say. There are two parts to it. This one is
 * kept by the layer until the last timer ends, and so holds the printed response at most; the user gets a `ServerHandle`,
 * which holds the request and is let go when the user lets go of it.
 */
export class Server implements TimerOwner {
  readonly key: string
  /** Null where the request has a To tag: it cannot be merged. */
  mergeKey: string | null
  /** Another key by which the peer also sends it; null where there is none. */
  aliasKey: string | null = null
  readonly isInvite: boolean
  user: ServerTransactionUser | null = null
  readonly #host: ServerTransactionHost
  readonly #table: Table<State, Input, Effect>
  readonly #timers: TimerSet
  #state: State
  #flow: Flow
  #other: Retransmission | null = null
  /** Until a response is there, to make a 100 from. */
  #request: SipRequest | null
  /** What a retransmission of the request is answered with. */
  #last: PreparedResponse | null = null
  #toTag: string | null = null
  #isAnswered = false
  /** Of timer G, milliseconds. */
  #intervalMs: number
  #immediate: TimerName | null = null

  constructor(
    keys: { key: string; mergeKey: string | null },
    request: SipRequest,
    flow: Flow,
    host: ServerTransactionHost,
  ) {
    this.key = keys.key
    this.mergeKey = keys.mergeKey
    this.isInvite = request.method === 'INVITE'
    this.#host = host
    this.#table = this.isInvite ? inviteServer : nonInviteServer
    this.#state = this.isInvite ? 'proceeding' : 'trying'
    this.#timers = new TimerSet(host.clock, this)
    this.#flow = flow
    this.#request = request
    this.#intervalMs = timerMs('timerG', host.timers, false)
    if (this.isInvite) this.#startTimer('timer100')
  }

  get flow(): Flow {
    return this.#flow
  }

  get state(): State {
    return this.#state
  }

  /** Finally. */
  get isAnswered(): boolean {
    return this.#isAnswered
  }

  /** The To tag of the responses so far, null where none has one. */
  get toTag(): string | null {
    return this.#toTag
  }

  /** The same request again, or an ACK. */
  requestReceived(request: SipRequest, flow: Flow): void {
    this.#followPeer(request, flow)
    if (request.method === 'ACK') this.#input('ack', request)
    else this.#input('request')
  }

  /** @throws StateError `transaction.response-refused` where the figure has no arrow for it. */
  respond(response: SipResponse): void {
    const input = statusInput(response.status, this.isInvite)
    if (this.#table[this.#state]?.[input] === undefined) throw refused(response.status, this.#state, this.isInvite)
    this.#toTag = response.to.parameters.get('tag') ?? this.#toTag
    if (response.status >= 200 && !this.#isAnswered) {
      this.#isAnswered = true
      this.#host.answered(this, response.status)
    }
    this.#input(input, response)
  }

  /** The peer cancels it (§9.2); after a final response that means nothing. */
  cancelled(cancel: SipRequest): void {
    if (this.#state === 'proceeding') this.#tell((user) => user.cancelled(cancel))
  }

  /** Ends what only waits for retransmissions before its time, since memory is wanted: as if its last timer had come. */
  endEarly(): void {
    if (this.#state === 'completed') this.#input(this.isInvite ? 'timerH' : 'timerJ')
    else if (this.#state === 'confirmed') this.#input('timerI')
  }

  /** Every timer of these two tables is an input of its name. */
  timerFired(name: TimerName): void {
    this.#input(name as Input)
  }

  /** Ends it without a word: the layer is closing. */
  abandon(): void {
    this.#state = 'terminated'
    this.#timers.stopAll()
  }

  #input(input: Input, news?: SipResponse | SipRequest | TransportError): void {
    const row = this.#table[this.#state]?.[input]
    // Without a row: late, or out of place, and from the network. Nothing is to be done about it.
    if (row === undefined) return
    this.#state = row.state
    if (row.state === 'terminated') this.#terminate()
    for (const effect of row.effects) this.#perform(effect, news)
    const due = this.#immediate
    this.#immediate = null
    if (due !== null) this.#input(due as Input)
  }

  #perform(effect: Effect, news: SipResponse | SipRequest | TransportError | undefined): void {
    switch (effect) {
      case 'send':
        if (news !== undefined && 'status' in news) this.#send(news)
        return
      case 'sendTrying':
        if (this.#request !== null) this.#send(createResponse(this.#request, 100))
        return
      case 'resend':
        return this.#transmit()
      case 'forgetResponse':
        this.#last = null
        return
      case 'startTimerG':
        // Over UDP only: §17.2.1.
        if (!this.#flow.isReliable) this.#startTimer('timerG')
        return
      case 'doubleTimerG':
        this.#intervalMs = Math.min(this.#intervalMs * 2, this.#host.timers.t2Ms)
        return this.#timers.start('timerG', this.#intervalMs)
      case 'startTimerH':
        return this.#startTimer('timerH')
      case 'startTimerI':
        return this.#startTimer('timerI')
      case 'startTimerJ':
        return this.#startTimer('timerJ')
      case 'startTimerL':
        return this.#startTimer('timerL')
      case 'stopTimers':
        return this.#timers.stopAll()
      case 'passAckUp':
        if (news !== undefined && 'method' in news) this.#host.ackReceived(news, this.#flow)
        return
      case 'informTransport':
        if (news instanceof TransportError) this.#tell((user) => user.transportFailed(news))
        return
      case 'informAckTimeout':
        return this.#tell((user) => user.ackTimedOut())
      default:
        return unreachable(effect)
    }
  }

  #terminate(): void {
    this.#timers.stopAll()
    this.#last = null
    this.#request = null
    this.#host.terminated(this)
  }

  #startTimer(name: TimerName): void {
    const ms = timerMs(name, this.#host.timers, this.#flow.isReliable)
    if (ms === 0) this.#immediate = name
    else this.#timers.start(name, ms)
  }

  #send(response: SipResponse): void {
    this.#timers.stop('timer100')
    this.#request = null
    const via = this.#other?.via
    const { transport } = this.#host
    this.#last = transport.prepareResponse(via === undefined ? response : withTopVia(response, via), this.#flow)
    this.#transmit()
  }

  #transmit(): void {
    this.#last?.send(this.#other ?? undefined).catch((thrown: unknown) => {
      const error = thrown instanceof TransportError ? thrown : noWay(thrown)
      this.#input('transportError', error)
    })
  }

  /**
   * A peer that fell back from TCP to UDP, or whose NAT gave it another port, sends the same request by another flow and
   * waits for the answer there. Believed only from the address it had, or when its connection is lost: anybody may know
   * a branch.
   */
  #followPeer(request: SipRequest, flow: Flow): void {
    if (flow.id === this.#flow.id) return
    if (this.#flow.isOpen && flow.remote.address !== this.#flow.remote.address) return
    this.#flow = flow
    this.#other = { flow, via: request.vias[0] }
  }

  #tell(say: (user: ServerTransactionUser) => void): void {
    const { user } = this
    if (user !== null) this.#host.guarded(() => say(user))
  }
}

/** What the user of a server transaction holds. */
export class ServerHandle implements ServerTransaction {
  readonly request: SipRequest
  readonly #transaction: Server

  constructor(request: SipRequest, transaction: Server) {
    this.request = request
    this.#transaction = transaction
  }

  get flow(): Flow {
    return this.#transaction.flow
  }

  get user(): ServerTransactionUser | null {
    return this.#transaction.user
  }

  set user(user: ServerTransactionUser | null) {
    this.#transaction.user = user
  }

  get isTerminated(): boolean {
    return this.#transaction.state === 'terminated'
  }

  respond(response: SipResponse): void {
    this.#transaction.respond(response)
  }
}

function statusInput(status: number, isInvite: boolean): Input {
  if (status < 200) return 'respond1xx'
  if (!isInvite) return 'respond200to699'
  return status < 300 ? 'respond2xx' : 'respond300to699'
}

function refused(status: number, state: State, isInvite: boolean): StateError {
  const rule = isInvite ? 'RFC 3261 §17.2.1 and RFC 6026 §7.1' : 'RFC 3261 §17.2.2'
  const sentence = `A ${status} cannot be sent any more: the transaction is ${state} (${rule}).`
  return new StateError('transaction.response-refused', sentence, { facts: { status, state } })
}

function noWay(cause: unknown): TransportError {
  return new TransportError('transport.send-failed', `The response could not be sent: ${toError(cause).message}.`, {
    cause,
  })
}
