import type { Clock } from '../../base/clock.ts'
import { TimeoutError, TransportError, toError, unreachable } from '../../base/errors.ts'
import type { SipRequest, SipResponse } from '../message/index.ts'
import type { Destination, Flow, Transport } from '../transport/index.ts'
import {
  type InviteClientEffect,
  type InviteClientInput,
  type InviteClientState,
  inviteClient,
} from './invite-client.ts'
import type { Table } from './machine.ts'
import {
  type NonInviteClientEffect,
  type NonInviteClientInput,
  type NonInviteClientState,
  nonInviteClient,
} from './non-invite-client.ts'
import { ackFor } from './requests-of-transactions.ts'
import { type TimerName, type TimerOwner, TimerSet, timerMs } from './timers.ts'
import type { ClientTransaction, ClientTransactionUser, SipTimers } from './types.ts'

type State = InviteClientState | NonInviteClientState
type Input = InviteClientInput | NonInviteClientInput
type Effect = InviteClientEffect | NonInviteClientEffect

export interface Target {
  readonly flow?: Flow
  readonly destination?: Destination
}

/** What a client transaction needs of its layer. */
export interface ClientTransactionHost {
  readonly clock: Clock
  readonly transport: Transport
  readonly timers: SipTimers
  /** Sends the CANCEL of an INVITE as a transaction of its own. */
  sendCancel(transaction: Client, reason: string | null): void
  /** The first send went by that connection; the transaction wants to hear when it is lost. */
  sentBy(transaction: Client, flow: Flow): void
  terminated(transaction: Client): void
  /** Calls the user; a throw ends there. */
  guarded(call: () => void): void
}

/** A request of ours on its way: does what the tables of figures 5 and 6 say. */
export class Client implements ClientTransaction, TimerOwner {
  readonly key: string
  readonly request: SipRequest
  readonly isInvite: boolean
  readonly #host: ClientTransactionHost
  readonly #target: Target
  readonly #user: ClientTransactionUser
  readonly #table: Table<State, Input, Effect>
  readonly #timers: TimerSet
  #state: State
  #flow: Flow | null = null
  #isReliable: boolean
  /** Of timer A or E, milliseconds. */
  #intervalMs: number
  /** Opening a connection may outlast the first interval; nothing is sent twice meanwhile. */
  #isSending = false
  /** Undefined: none was asked for, or it has gone out. */
  #pendingCancel: string | null | undefined
  #isCancelled = false
  /** A timer of zero milliseconds that waits for the effects of its row to be done. */
  #immediate: TimerName | null = null

  constructor(
    key: string,
    request: SipRequest,
    target: Target,
    user: ClientTransactionUser,
    host: ClientTransactionHost,
  ) {
    this.key = key
    this.request = request
    this.isInvite = request.method === 'INVITE'
    this.#host = host
    this.#target = target
    this.#user = user
    this.#table = this.isInvite ? inviteClient : nonInviteClient
    this.#state = this.isInvite ? 'calling' : 'trying'
    this.#timers = new TimerSet(host.clock, this)
    this.#isReliable = isReliable(target)
    this.#intervalMs = timerMs(this.#interval, host.timers, false)
  }

  get flow(): Flow | null {
    return this.#flow
  }

  get state(): State {
    return this.#state
  }

  /** Where a request that belongs to this one (ACK, CANCEL) goes: the same way. */
  get sameWay(): Target {
    const flow = this.#flow
    return flow === null ? this.#target : { flow, destination: { protocol: flow.protocol, remote: flow.remote } }
  }

  start(): void {
    this.#startTimer(this.isInvite ? 'timerB' : 'timerF')
    if (!this.#isReliable) this.#startTimer(this.#interval)
    this.#send()
  }

  /** Of this transaction, told by its key. */
  responseReceived(response: SipResponse): void {
    this.#input(statusInput(response.status, this.isInvite), response)
  }

  connectionLost(error: TransportError): void {
    this.#input('connectionLost', error)
  }

  cancel(reason?: string): void {
    if (!this.isInvite || this.#isCancelled) return
    if (this.#state === 'calling') this.#pendingCancel = reason ?? null
    else if (this.#state === 'proceeding') this.#sendCancel(reason ?? null)
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

  get #interval(): 'timerA' | 'timerE' {
    return this.isInvite ? 'timerA' : 'timerE'
  }

  #input(input: Input, news?: SipResponse | TransportError): void {
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

  #perform(effect: Effect, news: SipResponse | TransportError | undefined): void {
    switch (effect) {
      case 'resend':
        return this.#send()
      case 'doubleTimerA':
        return this.#restartInterval(this.#intervalMs * 2)
      case 'doubleTimerE':
        return this.#restartInterval(Math.min(this.#intervalMs * 2, this.#host.timers.t2Ms))
      case 'timerEAtT2':
        return this.#restartInterval(this.#host.timers.t2Ms)
      case 'startTimerD':
        return this.#startTimer('timerD')
      case 'startTimerK':
        return this.#startTimer('timerK')
      case 'startTimerM':
        return this.#startTimer('timerM')
      case 'stopTimers':
        return this.#timers.stopAll()
      case 'passUp':
        if (news !== undefined && 'status' in news) this.#host.guarded(() => this.#user.responseReceived(news))
        return
      case 'sendAck':
        if (news !== undefined && 'status' in news) this.#sendAck(news)
        return
      case 'sendPendingCancel':
        if (this.#pendingCancel !== undefined) this.#sendCancel(this.#pendingCancel)
        return
      case 'informTimeout':
        return this.#fail(this.#timeout())
      case 'informTransport':
        return this.#fail(news instanceof TransportError ? news : noWay(news))
      default:
        return unreachable(effect)
    }
  }

  #terminate(): void {
    this.#timers.stopAll()
    this.#host.terminated(this)
  }

  #startTimer(name: TimerName): void {
    const ms = timerMs(name, this.#host.timers, this.#isReliable)
    if (ms === 0) this.#immediate = name
    else this.#timers.start(name, ms)
  }

  #restartInterval(ms: number): void {
    this.#intervalMs = ms
    if (!this.#isReliable) this.#timers.start(this.#interval, ms)
  }

  #send(): void {
    if (this.#isSending) return
    this.#isSending = true
    this.#host.transport.sendRequest(this.request, this.#flow === null ? this.#target : this.sameWay).then(
      (flow) => this.#sent(flow),
      (thrown: unknown) => {
        this.#isSending = false
        this.#input('transportError', asTransportError(thrown))
      },
    )
  }

  #sent(flow: Flow): void {
    this.#isSending = false
    if (this.#flow === flow || this.#state === 'terminated') return
    this.#flow = flow
    this.#isReliable = flow.isReliable
    // A large request may have gone by TCP after all, RFC 3261 §18.1.1: then nothing is sent again.
    if (!flow.isReliable) return
    this.#timers.stop(this.#interval)
    this.#host.sentBy(this, flow)
  }

  #sendAck(response: SipResponse): void {
    const { transport } = this.#host
    transport.sendRequest(ackFor(this.request, response), this.sameWay).catch((thrown: unknown) => {
      this.#input('transportError', asTransportError(thrown))
    })
  }

  #sendCancel(reason: string | null): void {
    this.#pendingCancel = undefined
    this.#isCancelled = true
    this.#startTimer('cancelUnanswered')
    this.#host.sendCancel(this, reason)
  }

  #fail(error: TimeoutError | TransportError): void {
    this.#host.guarded(() => this.#user.failed(error))
  }

  #timeout(): TimeoutError {
    const { method } = this.request
    if (this.#isCancelled) {
      return new TimeoutError(
        'transaction.cancel-unanswered',
        'No final response came to an INVITE that was cancelled.',
      )
    }
    const [name, code] = this.isInvite
      ? (['B', 'transaction.timer-b'] as const)
      : (['F', 'transaction.timer-f'] as const)
    return new TimeoutError(code, `No answer to ${method} within timer ${name} (${64 * this.#host.timers.t1Ms} ms).`, {
      facts: { method },
    })
  }
}

function statusInput(status: number, isInvite: boolean): Input {
  if (status < 200) return 'status1xx'
  if (!isInvite) return 'status200to699'
  return status < 300 ? 'status2xx' : 'status300to699'
}

function isReliable({ flow, destination }: Target): boolean {
  if (flow?.isOpen === true || destination === undefined) return flow?.isReliable ?? false
  return destination.protocol !== 'udp'
}

function asTransportError(thrown: unknown): TransportError {
  return thrown instanceof TransportError ? thrown : noWay(thrown)
}

function noWay(cause: unknown): TransportError {
  return new TransportError('transport.send-failed', `The request could not be sent: ${toError(cause).message}.`, {
    cause,
  })
}
