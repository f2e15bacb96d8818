import type { Clock } from '../../base/clock.ts'
import { SwitchhookError, toError } from '../../base/errors.ts'
import { Events } from '../../base/events.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { DigestServer } from '../auth/digest-server.ts'
import type { RequestTarget } from '../dialog/next-hop.ts'
import { createResponse } from '../message/build.ts'
import { printNameAddress } from '../message/name-address.ts'
import { printSipDate } from '../message/sip-date.ts'
import { isSipUri, type SipRequest } from '../message/types.ts'
import { parseUri } from '../message/uri.ts'
import type { ServerTransaction } from '../transaction/types.ts'
import type { Flow } from '../transport/types.ts'
import { type BindingChanges, Bindings, type LiveBinding, type RegisterOrigin } from './bindings.ts'
import { contactNote, targetOf } from './contact-target.ts'
import { type ExpiryLimits, readRegister } from './contact-updates.ts'
import { ExpiryTimer } from './expiry-timer.ts'
import type { Subscriber, Subscribers } from './subscribers.ts'
import type { AddressOfRecord, Binding, BindingStore } from './types.ts'
import { WriteBehind } from './write-behind.ts'

export interface RegistrarOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly digest: DigestServer
  readonly subscribers: Subscribers
  readonly store: BindingStore
  /** The Server header field. */
  readonly serverName: string
  readonly expiry?: ExpiryLimits
  /** Telephones per extension. */
  readonly maxContacts?: number
  /** Requests whose password is being looked up at once; beyond it 503. */
  readonly maxPending?: number
}

/** One telephone that can be called now. */
export interface RegisteredContact {
  readonly binding: Binding
  /** The flow it registered by: null after a restart; a connection may be closed since. */
  readonly flow: Flow | null
  /** What `Transport.sendRequest` is to be given. */
  readonly target: RequestTarget
}

export type RegistrarEvents = {
  /** `note` says where Contact and source differ. A refresh is told too, with `isNew` false. */
  registered: { readonly binding: Binding; readonly flow: Flow; readonly isNew: boolean; readonly note: string | null }
  /** By the telephone itself, or to make room for another of its contacts. */
  unregistered: { readonly binding: Binding }
  expired: { readonly binding: Binding }
}

/** RFC 3261 §10.2: an hour where the telephone does not say, and a minute at least. */
export const defaultExpiry: ExpiryLimits = { defaultSeconds: 3600, minSeconds: 60, maxSeconds: 7200 }

type HeaderLines = readonly (readonly [name: string, value: string])[]

/** Takes REGISTER and knows where each extension's telephones are: RFC 3261 §10.3. */
export class Registrar {
  readonly events: Events<RegistrarEvents>
  readonly #options: RegistrarOptions
  readonly #expiry: ExpiryLimits
  readonly #bindings: Bindings
  readonly #writes: WriteBehind
  readonly #timer: ExpiryTimer
  #pending = 0

  constructor(options: RegistrarOptions) {
    this.#options = options
    this.#expiry = options.expiry ?? defaultExpiry
    this.#bindings = new Bindings({ maxPerAor: options.maxContacts ?? 10 })
    this.#writes = new WriteBehind(options.log)
    this.#timer = new ExpiryTimer(options.clock, (wallTime) => this.#sweep(wallTime))
    this.events = new Events(options.log)
  }

  /** Takes back the bindings of an earlier process. To be called before the first REGISTER. Rejects as the store does. */
  async start(): Promise<void> {
    const now = this.#options.clock.wallTime()
    for (const stored of await this.#options.store.load()) {
      const contact = parseUri(stored.contactText)
      if (stored.expiresAt <= now || !isSipUri(contact)) continue
      // Read from its text: what a store gives back of the URI itself has been through JSON.
      this.#bindings.restore({ ...stored, contact })
      this.#timer.expect(stored.expiresAt)
    }
  }

  /** Resolves when every change is stored. Nothing expires any more. */
  async stop(): Promise<void> {
    this.#timer.stop()
    await this.#writes.flush()
  }

  /** How many telephones are registered. */
  get count(): number {
    return this.#bindings.count
  }

  /** The telephones of an extension, in the order of their q, the latest first where it is equal. */
  lookup(aor: AddressOfRecord): readonly RegisteredContact[] {
    const now = this.#options.clock.wallTime()
    return this.#bindings
      .of(aor)
      .filter(({ binding }) => binding.expiresAt > now)
      .toReversed()
      .sort((a, b) => b.binding.q - a.binding.q)
      .map((live) => ({ ...live, target: targetOf(live) }))
  }

  /** Every telephone there is, for the console. */
  *all(): Generator<Binding> {
    for (const { binding } of this.#bindings.all()) yield binding
  }

  /** Ends the registrations of these extensions: their telephones have to prove themselves anew. */
  revoke(isGone: (aor: AddressOfRecord) => boolean): void {
    for (const { binding } of this.#bindings.drop(isGone)) {
      this.#forget(binding.aor, binding.contactText)
      this.#options.log.info({ ...binding.aor, contact: binding.contactText }, 'a registration was revoked')
      this.events.emit('unregistered', { binding })
    }
  }

  /** Answers a REGISTER. */
  requestReceived(transaction: ServerTransaction): void {
    if (this.#pending >= (this.#options.maxPending ?? 1000)) {
      return this.#respond(transaction, 503, [['Retry-After', '10']])
    }
    this.#pending++
    this.#serve(transaction)
      .catch((thrown: unknown) => {
        const error = toError(thrown)
        this.#options.log.error({ err: error }, 'a REGISTER could not be served')
        this.#respond(transaction, error instanceof SwitchhookError ? error.sipStatus : 500)
      })
      .finally(() => this.#pending--)
  }

  async #serve(transaction: ServerTransaction): Promise<void> {
    const { request, flow } = transaction
    const { digest, subscribers, log } = this.#options
    const host = isSipUri(request.uri) ? request.uri.host : ''
    const realm = subscribers.realm(host)
    const source = { address: flow.remote.address }
    const find = (username: string): ReturnType<Subscribers['find']> => subscribers.find(host, username)
    const verdict = await digest.verify<Subscriber>(request, realm, find, source)
    switch (verdict.outcome) {
      case 'challenge':
        return this.#respond(transaction, 401, digest.challengeHeaders(realm, { stale: verdict.stale }))
      case 'refused':
        log.warn({ from: flow.remote.address, sentence: verdict.sentence }, 'a registration was refused')
        return this.#respond(transaction, verdict.status)
      case 'accepted':
        return this.#register(transaction, verdict.credential.aor)
    }
  }

  /** §10.3 from step 4 on: the sender is known. Everything from here to the response happens in one go. */
  #register(transaction: ServerTransaction, aor: AddressOfRecord): void {
    const { request, flow } = transaction
    const { log, clock } = this.#options
    const refuse = (status: number, sentence: string, headers: HeaderLines = []): void => {
      log.warn({ ...aor, from: flow.remote.address, sentence }, 'a registration was refused')
      this.#respond(transaction, status, headers)
    }
    const { uri } = request.to
    if (!isSipUri(uri)) return refuse(404, 'To is no SIP address.')
    if (uri.user !== aor.extension) return refuse(403, 'The password is that of another extension.')
    const asked = readRegister(request, this.#expiry)
    if (asked.kind === 'illegal') return refuse(400, asked.sentence)
    if (asked.kind === 'tooBrief') {
      const { minSeconds } = this.#expiry
      return refuse(423, 'The interval is too brief.', [['Min-Expires', String(minSeconds)]])
    }
    if (asked.kind !== 'query') {
      const origin = originOf(request, flow, clock.wallTime())
      const result =
        asked.kind === 'removeAll'
          ? this.#bindings.removeAll(aor, origin)
          : this.#bindings.update(aor, asked.contacts, origin)
      // "the update MUST be aborted and the request fails" (step 7); 500 is what §10.3 has for a failed update.
      if (result.kind === 'outOfOrder') return refuse(500, 'The CSeq is not higher than that of the request before.')
      if (result.kind === 'tooMany') return refuse(403, 'The extension has as many telephones as are allowed.')
      this.#publish(aor, result.changes)
    }
    this.#respond(transaction, 200, this.#listing(aor))
  }

  #publish(aor: AddressOfRecord, changes: BindingChanges): void {
    const { store, log } = this.#options
    for (const text of changes.respelled) this.#forget(aor, text)
    for (const { binding } of changes.removed) {
      this.#forget(aor, binding.contactText)
      this.events.emit('unregistered', { binding })
    }
    for (const live of [...changes.added, ...changes.refreshed]) {
      const { binding, flow } = live
      this.#timer.expect(binding.expiresAt)
      this.#writes.write(bindingKey(aor, binding.contactText), () => store.put(binding))
      if (!flow) continue
      const isNew = changes.added.includes(live)
      const note = contactNote(binding, flow)
      if (isNew) log.info({ ...aor, contact: binding.contactText, from: binding.via.remote, note }, 'registered')
      this.events.emit('registered', { binding, flow, isNew, note })
    }
  }

  #forget(aor: AddressOfRecord, contactText: string): void {
    this.#writes.write(bindingKey(aor, contactText), () => this.#options.store.remove(aor, contactText))
  }

  #sweep(wallTime: number): number | null {
    const { expired, next } = this.#bindings.sweep(wallTime)
    for (const { binding } of expired) {
      this.#forget(binding.aor, binding.contactText)
      this.events.emit('expired', { binding })
    }
    return next
  }

  /** §10.3 step 8: every current binding, each with what is left of it, and the Date. */
  #listing(aor: AddressOfRecord): HeaderLines {
    const now = this.#options.clock.wallTime()
    const contacts = this.#bindings.of(aor).map(({ binding }: LiveBinding) => {
      const parameters = new Map<string, string | null>()
      parameters.set('expires', String(Math.max(0, Math.ceil((binding.expiresAt - now) / 1000))))
      if (binding.q !== 1) parameters.set('q', String(binding.q))
      if (binding.instance !== null) parameters.set('+sip.instance', binding.instance)
      return ['Contact', printNameAddress({ displayName: null, uri: binding.contact, parameters })] as const
    })
    return [...contacts, ['Date', printSipDate(now)]]
  }

  #respond(transaction: ServerTransaction, status: number, headers: HeaderLines = []): void {
    const { random, serverName, log } = this.#options
    try {
      const options = { toTag: random.token(12), headers: [...headers, ['Server', serverName] as const] }
      transaction.respond(createResponse(transaction.request, status, options))
    } catch (thrown) {
      log.debug({ err: toError(thrown) }, 'a response to REGISTER could not be sent')
    }
  }
}

function originOf(request: SipRequest, flow: Flow, at: number): RegisterOrigin {
  return {
    sipCallId: request.sipCallId,
    cseq: request.cseq.number,
    userAgent: request.headers.get('User-Agent') ?? null,
    flow,
    at,
  }
}

function bindingKey({ tenant, extension }: AddressOfRecord, contactText: string): string {
  return `${tenant}\n${extension}\n${contactText}`
}
