import type { Cancel, Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { LocalTag } from '../../base/ids.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { localContact, newTag } from '../dialog/context.ts'
import { Dialog } from '../dialog/dialog.ts'
import { Machine } from '../dialog/machine.ts'
import { printParameters } from '../message/parameters.ts'
import type { SipRequest, SipResponse, SipUri } from '../message/types.ts'
import { parseDeltaSeconds } from '../message/values.ts'
import type { AddressOfRecord } from '../registrar/types.ts'
import type { ServerTransaction, Transactions } from '../transaction/types.ts'
import { hostText } from '../transport/address-text.ts'
import type { Flow, Transport } from '../transport/types.ts'
import {
  notifierTable,
  type SubscriptionEffect,
  type SubscriptionInput,
  type SubscriptionState,
} from './notifier-table.ts'
import type { AskedSubscription, HeaderLines } from './subscribe-request.ts'
import type { EventPackage, TerminationReason } from './types.ts'

export interface SubscriptionParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly transactions: Pick<Transactions, 'request'>
  readonly transport: Pick<Transport, 'localAddress'>
  /** User-Agent. */
  readonly serverName: string
  respond(transaction: ServerTransaction, status: number, headers: HeaderLines, toTag: string): void
  /** Nothing is under way any more. */
  forget(subscription: Subscription): void
}

/** A subscriber that says when to come again is not asked sooner than after a second, nor left alone for longer than this. */
const longestRetrySeconds = 300
/** What a subscriber is told to wait for when the server stops: some of it passes before the next one listens. */
const probationSeconds = 15

/** One subscription, from its SUBSCRIBE to the answer to its last NOTIFY. */
export class Subscription {
  readonly aor: AddressOfRecord
  readonly package: EventPackage
  readonly id: string | null
  readonly dialog: Dialog
  readonly localTag: LocalTag
  /** The host that the first SUBSCRIBE named: passwords are asked for in its name again. */
  readonly host: string
  readonly #parts: SubscriptionParts
  readonly #machine = new Machine<SubscriptionState, SubscriptionInput, SubscriptionEffect>(notifierTable, 'init')
  readonly #like: SipRequest
  #contact: SipUri
  #transaction: ServerTransaction
  #granted = 0
  #expiresAt = 0
  #cancelExpiry: Cancel = () => {}
  /** Of the wait that a subscriber has asked for; null: none. */
  #cancelRetry: Cancel | null = null
  /** The state has to be told, as soon as no NOTIFY is under way. */
  #isOwed = false
  #isSending = false
  #isForgotten = false
  #reason: TerminationReason = 'timeout'

  constructor(
    parts: SubscriptionParts,
    aor: AddressOfRecord,
    asked: AskedSubscription,
    transaction: ServerTransaction,
    host: string,
  ) {
    const { request, flow } = transaction
    this.#parts = parts
    this.aor = aor
    this.package = asked.package
    this.id = asked.id
    this.host = host
    this.localTag = newTag(parts.random) as LocalTag
    this.dialog = Dialog.ofServer(request, this.localTag, flow, parts.random)
    this.#like = request
    this.#contact = asked.contact
    this.#transaction = transaction
    this.#take('subscribe')
  }

  /** Where its NOTIFYs go. */
  get contact(): SipUri {
    return this.#contact
  }

  /** By which way it was heard last. */
  get flow(): Flow | null {
    return this.dialog.flow
  }

  get isTerminated(): boolean {
    return this.#machine.state === 'terminated'
  }

  /** The first SUBSCRIBE is answered, and the state told. @param seconds - 0: once. */
  accept(seconds: number): void {
    this.#granted = seconds
    this.#take(seconds === 0 ? 'fetched' : 'accepted')
  }

  /** One within the dialog, whose sender is known. Answers 500 for one that is out of order. */
  refresh(transaction: ServerTransaction, asked: AskedSubscription): void {
    if (!this.dialog.acceptRequest(transaction.request, transaction.flow)) {
      return this.#parts.respond(transaction, 500, [], this.localTag)
    }
    this.dialog.refreshTarget(transaction.request)
    this.#contact = asked.contact
    this.#transaction = transaction
    this.#granted = asked.expiresSeconds
    this.#take(asked.expiresSeconds === 0 ? 'unsubscribed' : 'refreshed')
  }

  /** What it watches is not what it was. */
  changed(): void {
    this.#take('changed')
  }

  /** There is nothing to watch any more. */
  revoke(): void {
    this.#take('revoked')
  }

  /** The server stops. */
  closing(): void {
    this.#take('closing')
  }

  /** A newer one of the same telephone takes its place: it knows nothing of this one, and is not bothered. */
  replaced(): void {
    this.#take('notifyFailed')
  }

  /** Nothing is sent any more. */
  drop(): void {
    this.#cancelExpiry()
    this.#forget()
  }

  #take(input: SubscriptionInput): void {
    for (const effect of this.#machine.step(input) ?? []) this.#do(effect)
  }

  #do(effect: SubscriptionEffect): void {
    switch (effect) {
      case 'sendOk':
        return this.#sendOk()
      case 'armExpiry':
        return this.#armExpiry()
      case 'stopExpiry':
        return this.#cancelExpiry()
      case 'notify':
        return this.#owe()
      case 'notifyTimeout':
        return this.#owe('timeout')
      case 'notifyNoResource':
        return this.#owe('noresource')
      case 'notifyProbation':
        return this.#owe('probation')
      case 'forget':
        return this.#forget()
    }
  }

  #sendOk(): void {
    const { request, flow } = this.#transaction
    const routes = request.headers.getAll('Record-Route').map((route) => ['Record-Route', route] as const)
    const expires = ['Expires', String(this.#granted)] as const
    this.#parts.respond(
      this.#transaction,
      200,
      [...routes, ['Contact', this.#ownContact(flow)], expires],
      this.localTag,
    )
  }

  #ownContact(flow: Flow): string {
    return localContact(this.#parts.transport, flow, this.#like.to.uri)
  }

  #armExpiry(): void {
    const { clock } = this.#parts
    this.#cancelExpiry()
    this.#expiresAt = clock.now() + this.#granted * 1000
    this.#cancelExpiry = clock.after(this.#granted * 1000, () => this.#take('expired'))
  }

  #owe(reason: TerminationReason | null = null): void {
    this.#isOwed = true
    if (reason !== null) {
      this.#reason = reason
      // There is no later any more.
      this.#stopWaiting()
    }
    this.#pump()
  }

  /** One at a time: over UDP they would overtake each other, and the older state would be the last that is heard. */
  #pump(): void {
    if (!this.#isOwed || this.#isSending || this.#isForgotten || this.#cancelRetry !== null) return
    this.#isOwed = false
    this.#isSending = true
    this.#notify().catch((thrown) => {
      this.#parts.log.warn({ ...this.aor, err: toError(thrown) }, 'a NOTIFY could not be sent')
      this.#isSending = false
      this.#take('notifyFailed')
    })
  }

  async #notify(): Promise<void> {
    const body = await this.#state()
    // It may have ended while the state was looked up.
    if (this.#isForgotten) return
    const isLast = this.isTerminated
    const { serverName, transactions } = this.#parts
    const { flow } = this.dialog
    const event = this.package.name + printParameters(new Map(this.id === null ? [] : [['id', this.id]]))
    const { request, target } = this.dialog.createRequest('NOTIFY', {
      headers: [
        ...(flow ? [['Contact', this.#ownContact(flow)] as const] : []),
        ['Event', event],
        ['Subscription-State', this.#stateText()],
        ['User-Agent', serverName],
      ],
      ...(body === null ? {} : { body, contentType: this.package.contentType }),
    })
    transactions.request(request, target, {
      responseReceived: (response) => {
        if (response.status >= 200) this.#answered(response, isLast)
      },
      failed: (error) => {
        this.#parts.log.debug({ ...this.aor, err: error }, 'a NOTIFY was not answered')
        this.#isSending = false
        this.#failed(isLast)
      },
    })
  }

  async #state(): Promise<string | null> {
    const { log, transport } = this.#parts
    if (this.isTerminated && this.#reason === 'noresource') return null
    const { flow } = this.dialog
    try {
      const host = flow ? hostText(transport.localAddress(flow).address) : 'localhost'
      return await this.package.state(this.aor, host)
    } catch (thrown) {
      log.warn(
        { ...this.aor, event: this.package.name, err: toError(thrown) },
        'the state for a NOTIFY could not be read',
      )
      return null
    }
  }

  #stateText(): string {
    if (!this.isTerminated) {
      const left = Math.max(0, Math.ceil((this.#expiresAt - this.#parts.clock.now()) / 1000))
      return `active;expires=${left}`
    }
    const retry = this.#reason === 'probation' ? `;retry-after=${probationSeconds}` : ''
    return `terminated;reason=${this.#reason}${retry}`
  }

  #answered(response: SipResponse, isLast: boolean): void {
    this.#isSending = false
    if (response.status < 300) {
      if (isLast) this.#take('delivered')
      return this.#pump()
    }
    const { log, clock } = this.#parts
    log.debug({ ...this.aor, status: response.status }, 'a NOTIFY was refused')
    const retrySeconds = retryAfterOf(response)
    if (retrySeconds === null || this.isTerminated) return this.#failed(isLast)
    // RFC 6665 §4.2.2: with Retry-After it has not failed.
    this.#isOwed = true
    this.#cancelRetry = clock.after(retrySeconds * 1000, () => {
      this.#cancelRetry = null
      this.#pump()
    })
  }

  /** A subscription that has ended meanwhile has its last word to say all the same, once. */
  #failed(isLast: boolean): void {
    if (this.isTerminated && !isLast && this.#isOwed) return this.#pump()
    this.#take('notifyFailed')
  }

  #stopWaiting(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = null
  }

  #forget(): void {
    if (this.#isForgotten) return
    this.#isForgotten = true
    this.#stopWaiting()
    this.#parts.forget(this)
  }
}

/** Seconds, bounded; null where nothing legible was said. */
function retryAfterOf({ headers }: SipResponse): number | null {
  const value = headers.get('Retry-After')
  if (value === undefined) return null
  try {
    return Math.min(longestRetrySeconds, Math.max(1, parseDeltaSeconds(value).seconds))
  } catch {
    return null
  }
}
