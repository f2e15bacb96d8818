import type { Clock } from '../../base/clock.ts'
import { SwitchhookError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { DigestServer } from '../auth/digest-server.ts'
import { tagOf } from '../message/addresses.ts'
import { createResponse } from '../message/build.ts'
import { isSipUri, type Uri } from '../message/types.ts'
import { uriEquals } from '../message/uri-compare.ts'
import type { Subscriber, Subscribers } from '../registrar/subscribers.ts'
import type { AddressOfRecord } from '../registrar/types.ts'
import type { ServerTransaction, Transactions } from '../transaction/types.ts'
import { isSameAddress } from '../transport/address-text.ts'
import type { Destination, Flow, Transport } from '../transport/types.ts'
import { type AskedSubscription, type HeaderLines, readSubscribe } from './subscribe-request.ts'
import { Subscription, type SubscriptionParts } from './subscription.ts'
import { Subscriptions } from './subscriptions.ts'
import type { EventPackage } from './types.ts'

export interface NotifierOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly digest: DigestServer
  /** Who may register may subscribe. */
  readonly subscribers: Subscribers
  readonly transactions: Pick<Transactions, 'request'>
  readonly transport: Pick<Transport, 'localAddress'>
  readonly packages: readonly EventPackage[]
  /** Server and User-Agent. */
  readonly serverName: string
  readonly maxPerExtension?: number
  readonly maxInAll?: number
  /** Requests whose password is being looked up at once; beyond it 503. */
  readonly maxPending?: number
}

/** How long a server that stops waits for the answers to its last NOTIFYs. */
const closingMs = 500

/** Takes SUBSCRIBE and tells subscribers of changes: RFC 6665 §4.2. */
export class Notifier {
  readonly #options: NotifierOptions
  readonly #subscriptions = new Subscriptions()
  readonly #parts: SubscriptionParts
  #pending = 0
  #isClosed = false
  #emptied: () => void = () => {}

  constructor(options: NotifierOptions) {
    this.#options = options
    const { clock, random, log, transactions, transport, serverName } = options
    this.#parts = {
      clock,
      random,
      log,
      transactions,
      transport,
      serverName,
      respond: (transaction, status, headers, toTag) => this.#respond(transaction, status, headers, toTag),
      forget: (subscription) => {
        this.#subscriptions.remove(subscription)
        if (this.#subscriptions.size === 0) this.#emptied()
      },
    }
  }

  /** Subscriptions alive, those included whose last NOTIFY is under way. */
  get count(): number {
    return this.#subscriptions.size
  }

  /** What an extension watches has changed. Who may watch it no longer is told that, and that it is over. */
  changed(aor: AddressOfRecord, event: string): void {
    for (const one of this.#subscriptions.of(aor)) {
      if (one.package.name !== event) continue
      if (one.package.admit(aor, aor.extension) === 'watch') one.changed()
      else one.revoke()
    }
  }

  /** Ends the subscriptions of these extensions: they may not watch any more, or have to prove themselves anew. */
  revoke(isGone: (aor: AddressOfRecord) => boolean): void {
    for (const one of this.#subscriptions.all()) if (isGone(one.aor)) one.revoke()
  }

  /**
   * Whether a telephone of an extension has subscribed: known by its Contact, or by the address it sends from.
   * @param at - where it was heard from, or is reached; null: unknown.
   */
  isSubscribed(aor: AddressOfRecord, event: string, contact: Uri, at: Flow | Destination | null): boolean {
    return this.#subscriptions.of(aor).some((one) => {
      if (one.isTerminated || one.package.name !== event) return false
      return uriEquals(one.contact, contact) || (at !== null && isSameSource(one.flow, at))
    })
  }

  /** Answers a SUBSCRIBE, in a dialog or without. */
  requestReceived(transaction: ServerTransaction): void {
    const known = tagOf(transaction.request.to) === null ? null : this.#subscriptions.find(transaction.request)
    if (tagOf(transaction.request.to) !== null && known === null) return this.#respond(transaction, 481)
    const asked = readSubscribe(transaction.request, this.#options.packages)
    if (asked.kind === 'refused') {
      const from = transaction.flow.remote.address
      this.#options.log.debug({ from, sentence: asked.sentence }, 'a SUBSCRIBE was refused')
      return this.#respond(transaction, asked.status, asked.headers)
    }
    // RFC 6665 §4.5.2 forbids to open a second subscription in a dialog that has one.
    if (known && (known.package !== asked.package || known.id !== asked.id)) return this.#respond(transaction, 481)
    if (this.#isClosed || this.#pending >= (this.#options.maxPending ?? 1000)) return this.#refuseForNow(transaction)
    this.#pending++
    this.#serve(transaction, asked, known)
      .catch((thrown: unknown) => {
        const error = toError(thrown)
        this.#options.log.error({ err: error }, 'a SUBSCRIBE could not be served')
        this.#respond(transaction, error instanceof SwitchhookError ? error.sipStatus : 500)
      })
      .finally(() => this.#pending--)
  }

  /** Tells every subscriber that it is over for now. Resolves when they have heard it, or after half a second. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const one of this.#subscriptions.all()) one.closing()
    if (this.#subscriptions.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#options.clock.after(closingMs, resolve)
        this.#emptied = () => {
          cancel()
          resolve()
        }
      })
    }
    for (const one of this.#subscriptions.all()) one.drop()
  }

  async #serve(transaction: ServerTransaction, asked: AskedSubscription, known: Subscription | null): Promise<void> {
    const { request, flow } = transaction
    const { digest, subscribers, log } = this.#options
    // Within a dialog the Request-URI is our Contact, an address; the tenant is that of the first request.
    const host = known?.host ?? (isSipUri(request.uri) ? request.uri.host : '')
    const realm = subscribers.realm(host)
    const source = { address: flow.remote.address }
    const find = (username: string): ReturnType<Subscribers['find']> => subscribers.find(host, username)
    const verdict = await digest.verify<Subscriber>(request, realm, find, source)
    switch (verdict.outcome) {
      case 'challenge':
        return this.#respond(transaction, 401, digest.challengeHeaders(realm, { stale: verdict.stale }))
      case 'refused':
        log.warn({ from: flow.remote.address, sentence: verdict.sentence }, 'a subscription was refused')
        return this.#respond(transaction, verdict.status)
      case 'accepted': {
        const { aor } = verdict.credential
        if (known) return this.#refresh(transaction, asked, aor, known)
        return this.#subscribe(transaction, asked, aor, host)
      }
    }
  }

  #refresh(transaction: ServerTransaction, asked: AskedSubscription, aor: AddressOfRecord, known: Subscription): void {
    if (known.aor.tenant !== aor.tenant || known.aor.extension !== aor.extension) return this.#respond(transaction, 403)
    // Its last word may have been said while the password was looked up.
    if (known.isTerminated) return this.#respond(transaction, 481)
    if (asked.package.admit(aor, aor.extension) !== 'watch') {
      this.#respond(transaction, 404)
      return known.revoke()
    }
    known.refresh(transaction, asked)
  }

  #subscribe(transaction: ServerTransaction, asked: AskedSubscription, aor: AddressOfRecord, host: string): void {
    const { log, maxPerExtension = 10, maxInAll = 20_000 } = this.#options
    const { uri } = transaction.request
    const refuse = (status: number, sentence: string): void => {
      log.warn({ ...aor, from: transaction.flow.remote.address, sentence }, 'a subscription was refused')
      this.#respond(transaction, status)
    }
    if (this.#isClosed) return this.#refuseForNow(transaction)
    const admitted = asked.package.admit(aor, isSipUri(uri) ? uri.user : null)
    if (admitted === 403) return refuse(403, 'What it asks for is that of another extension.')
    if (admitted === 404) return refuse(404, 'There is nothing to watch.')
    if (this.#subscriptions.of(aor).length >= maxPerExtension) {
      const older = this.#subscriptions.oldestAt(aor, asked.contact)
      if (older === null) return refuse(403, 'The extension has as many subscriptions as are allowed.')
      older.replaced()
    }
    if (this.#subscriptions.size >= maxInAll) return this.#refuseForNow(transaction)
    const subscription = new Subscription(this.#parts, aor, asked, transaction, host)
    this.#subscriptions.add(subscription)
    subscription.accept(asked.expiresSeconds)
  }

  #refuseForNow(transaction: ServerTransaction): void {
    this.#respond(transaction, 503, [['Retry-After', '10']])
  }

  #respond(transaction: ServerTransaction, status: number, headers: HeaderLines = [], toTag?: string): void {
    const { random, serverName, log } = this.#options
    try {
      const options = { toTag: toTag ?? random.token(12), headers: [...headers, ['Server', serverName] as const] }
      transaction.respond(createResponse(transaction.request, status, options))
    } catch (thrown) {
      log.debug({ err: toError(thrown) }, 'a response to SUBSCRIBE could not be sent')
    }
  }
}

function isSameSource(flow: Flow | null, at: Flow | Destination): boolean {
  if (flow === null || flow.protocol !== at.protocol || flow.remote.port !== at.remote.port) return false
  return isSameAddress(flow.remote.address, at.remote.address)
}
