import { createHmac } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { type ParseError, TransportError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { createResponse, magicCookie, type SipMessage, type SipRequest, type SipResponse } from '../message/index.ts'
import type { Destination, Flow, Transport, TransportUser } from '../transport/index.ts'
import { Client, type ClientTransactionHost } from './client-transaction.ts'
import { clientKey, isGlobal } from './keys.ts'
import { cancelFor, withBranch } from './requests-of-transactions.ts'
import { defaultServerLimits, type ServerLimits, ServerTable } from './server-table.ts'
import { Server, ServerHandle, type ServerTransactionHost } from './server-transaction.ts'
import {
  type ClientTransaction,
  type ClientTransactionUser,
  defaultTimers,
  type SipTimers,
  type Transactions,
  type TransactionUser,
} from './types.ts'

export interface TransactionLayerOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  /** Its `user` is set by whoever made it. */
  readonly transport: Transport
  readonly timers?: SipTimers
  readonly limits?: Partial<ServerLimits>
}

/** Together with the cookie: 83 bits, so that nobody guesses a branch of ours. */
const branchLength = 16
/** §21.5.4: a phone that is turned away in a flood comes back when it may be over. */
const retryAfterSeconds = 10

const noUser: ClientTransactionUser = { responseReceived: () => {}, failed: () => {} }

/** The transactions of one stack: RFC 3261 §17. Between the transport, whose user it is, and the dialogs, which are its own. */
export class TransactionLayer implements Transactions, TransportUser {
  /** Who takes new requests; without one they are answered 503. */
  user: TransactionUser | null = null
  readonly #log: Logger
  readonly #random: Random
  readonly #transport: Transport
  readonly #clients = new Map<string, Client>()
  readonly #clientsByFlow = new WeakMap<Flow, Set<Client>>()
  readonly #servers: ServerTable
  readonly #clientHost: ClientTransactionHost
  readonly #serverHost: ServerTransactionHost
  /** Makes the To tags of answers that no transaction remembers. */
  readonly #tagKey: Uint8Array
  #turnedAway = 0

  constructor(options: TransactionLayerOptions) {
    this.#log = options.log
    this.#random = options.random
    this.#transport = options.transport
    this.#tagKey = options.random.bytes(16)
    this.#servers = new ServerTable({ ...defaultServerLimits, ...options.limits })
    const guarded = (call: () => void): void => this.#guarded(call)
    const common = {
      clock: options.clock,
      transport: options.transport,
      timers: options.timers ?? defaultTimers,
      guarded,
    }
    this.#clientHost = {
      ...common,
      sendCancel: (invite, reason) => this.#sendCancel(invite, reason),
      sentBy: (transaction, flow) => this.#noteFlow(transaction, flow),
      terminated: (transaction) => this.#clientTerminated(transaction),
    }
    this.#serverHost = {
      ...common,
      answered: (transaction, status) => this.#servers.answered(transaction, status),
      terminated: (transaction) => this.#servers.remove(transaction),
      ackReceived: (ack, flow) => this.user?.ackReceived(ack, flow),
    }
  }

  get counts(): { readonly client: number; readonly server: number; readonly turnedAway: number } {
    return { client: this.#clients.size, server: this.#servers.size, turnedAway: this.#turnedAway }
  }

  request(
    request: SipRequest,
    target: { flow?: Flow; destination?: Destination },
    user: ClientTransactionUser,
  ): ClientTransaction {
    return this.#start(withBranch(request, this.#newBranch()), target, user)
  }

  sendAck(ack: SipRequest, target: { flow?: Flow; destination?: Destination }): void {
    // The same ACK again keeps its branch.
    const hasBranch = isGlobal(ack.vias[0].parameters.get('branch'))
    const request = hasBranch ? ack : withBranch(ack, this.#newBranch())
    this.#transport.sendRequest(request, target).catch((thrown: unknown) => {
      // The peer sends its 2xx again, and the user this ACK.
      this.#log.info({ err: toError(thrown) }, 'an ACK could not be sent')
    })
  }

  messageReceived(message: SipMessage, flow: Flow): void {
    if (message.kind === 'response') this.#responseReceived(message, flow)
    else this.#requestReceived(message, flow)
  }

  garbageReceived(error: ParseError, flow: Flow): void {
    if (this.#log.isDebug) this.#log.debug({ code: error.code, facts: error.facts, remote: flow.remote }, error.message)
  }

  flowClosed(flow: Flow): void {
    const waiting = this.#clientsByFlow.get(flow)
    if (waiting !== undefined) {
      const error = new TransportError(
        'transport.connection-lost',
        'The connection was lost while an answer was awaited.',
      )
      for (const transaction of waiting) transaction.connectionLost(error)
    }
    this.#guarded(() => this.user?.flowClosed(flow))
  }

  /** Forgets every transaction and stops every timer; nobody is told. */
  close(): void {
    for (const transaction of this.#clients.values()) transaction.abandon()
    for (const transaction of this.#servers.all()) transaction.abandon()
    this.#clients.clear()
    this.#servers.clear()
  }

  #responseReceived(response: SipResponse, flow: Flow): void {
    // §8.1.3.3: with a second Via it is somebody else's.
    if (response.vias.length > 1) return
    const transaction = this.#clients.get(clientKey(response))
    // That sent-by is ours (§18.1.2) is not asked: the branch cannot be guessed, and some NATs rewrite the address.
    if (transaction !== undefined) transaction.responseReceived(response)
    else if (response.cseq.method === 'INVITE' && response.status >= 200 && response.status < 300) {
      this.#guarded(() => this.user?.strayResponseReceived(response, flow))
    }
  }

  #requestReceived(request: SipRequest, flow: Flow): void {
    const match = this.#servers.match(request)
    if (match.kind === 'known' && isOf(request, match.transaction))
      return match.transaction.requestReceived(request, flow)
    if (request.method === 'ACK') return this.#guarded(() => this.user?.ackReceived(request, flow))
    if (match.kind === 'known') return
    if (!this.#servers.makeRoom(request.to.parameters.has('tag'))) return this.#turnAway(request, flow)
    const mergeKey = match.kind === 'new' ? match.mergeKey : null
    const transaction = new Server({ key: match.key, mergeKey }, request, flow, this.#serverHost)
    this.#servers.add(transaction)
    if (match.kind === 'merged') this.#answer(transaction, request, 482)
    else if (request.method === 'CANCEL') this.#cancelReceived(transaction, request)
    else this.#passUp(transaction, request)
  }

  #passUp(transaction: Server, request: SipRequest): void {
    const { user } = this
    if (user === null) return this.#answer(transaction, request, 503)
    try {
      user.requestReceived(new ServerHandle(request, transaction))
    } catch (thrown) {
      this.#log.error({ err: toError(thrown), method: request.method }, 'a request made a layer above throw')
      if (!transaction.isAnswered) this.#answer(transaction, request, 500)
    }
  }

  /** RFC 3261 §9.2. */
  #cancelReceived(transaction: Server, cancel: SipRequest): void {
    const invite = this.#servers.cancelled(cancel)
    // The To tag is that of the INVITE's responses where there are any.
    this.#answer(transaction, cancel, invite === undefined ? 481 : 200, invite?.toTag)
    invite?.cancelled(cancel)
  }

  #answer(transaction: Server, request: SipRequest, status: number, toTag?: string | null): void {
    transaction.respond(createResponse(request, status, { toTag: toTag ?? this.#random.token(10) }))
  }

  /** RFC 3261 §8.2.7: without a transaction, so that a flood costs no memory; the same tag for each retransmission. */
  #turnAway(request: SipRequest, flow: Flow): void {
    this.#turnedAway++
    const branch = request.vias[0].parameters.get('branch') ?? ''
    const toTag = createHmac('sha1', this.#tagKey).update(`${branch} ${request.sipCallId}`).digest('hex').slice(0, 10)
    const headers = [['Retry-After', String(retryAfterSeconds)]] as const
    this.#transport.sendResponse(createResponse(request, 503, { toTag, headers }), flow).catch((thrown: unknown) => {
      if (this.#log.isDebug) this.#log.debug({ err: toError(thrown) }, 'a 503 could not be sent')
    })
  }

  #start(request: SipRequest, target: { flow?: Flow; destination?: Destination }, user: ClientTransactionUser): Client {
    const transaction = new Client(clientKey(request), request, target, user, this.#clientHost)
    this.#clients.set(transaction.key, transaction)
    transaction.start()
    return transaction
  }

  #sendCancel(invite: Client, reason: string | null): void {
    this.#start(cancelFor(invite.request, reason), invite.sameWay, noUser)
  }

  #noteFlow(transaction: Client, flow: Flow): void {
    const known = this.#clientsByFlow.get(flow)
    if (known === undefined) this.#clientsByFlow.set(flow, new Set([transaction]))
    else known.add(transaction)
    // Lost between sending and hearing of it.
    if (!flow.isOpen)
      transaction.connectionLost(new TransportError('transport.connection-lost', 'The connection was lost.'))
  }

  #clientTerminated(transaction: Client): void {
    this.#clients.delete(transaction.key)
    const { flow } = transaction
    if (flow !== null) this.#clientsByFlow.get(flow)?.delete(transaction)
  }

  #newBranch(): string {
    return magicCookie + this.#random.token(branchLength)
  }

  /** A throw above costs its own message, not the stack. */
  #guarded(call: () => void): void {
    try {
      call()
    } catch (thrown) {
      this.#log.error({ err: toError(thrown) }, 'a layer above threw')
    }
  }
}

/**
 * Whether a request with the key of a transaction is part of it. An ACK of RFC 2543 has the key of its INVITE also when it
 * is for a 2xx; its To tag must be that of our response (§17.2.3).
 */
function isOf(request: SipRequest, transaction: Server): boolean {
  if (request.method !== 'ACK' || isGlobal(transaction.key)) return true
  return (request.to.parameters.get('tag') ?? null) === transaction.toTag
}
