import type { Cancel, Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { DigestClient } from '../auth/digest-client.ts'
import { localContact } from '../dialog/context.ts'
import { Machine } from '../dialog/machine.ts'
import { parseNameAddress } from '../message/name-address.ts'
import { isSipUri, type SipRequest, type SipResponse, type SipUri } from '../message/types.ts'
import type { ClientTransaction, Transactions } from '../transaction/types.ts'
import type { Destination, Flow, Transport } from '../transport/types.ts'
import { isAbsence, retryAfterMs, secondsIn } from './answers.ts'
import { backoffMs, longBackoffMs } from './backoff.ts'
import { grantedSeconds } from './granted.ts'
import { type HostNews, printDestination } from './hosts.ts'
import {
  type RegistrationEffect,
  type RegistrationInput,
  type RegistrationState,
  registration,
} from './registration-machine.ts'
import { newSeries, type RequestSeries, type TrunkAddress, trunkRequest } from './trunk-address.ts'

export interface RegistrationOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly transactions: Transactions
  readonly transport: Transport
  readonly address: TrunkAddress
  readonly credentials: { readonly username: string; readonly password: string }
  readonly expiresSeconds: number
  /** How long a host may be silent while there is another. */
  readonly failoverMs: number
  /** User-Agent. */
  readonly serverName: string
  /** The hosts to try, in order. Rejects with what `Locator` rejects with. */
  locate(): Promise<readonly Destination[]>
  heard(destination: Destination, news: HostNews): void
  /** State, binding or sentence have changed. */
  changed(): void
}

/** How long the end of a registration waits for the answer to its removal. */
const removalPatienceMs = 2000
/** A Min-Expires beyond this is no registration any more. */
const mostExpiresSeconds = 86_400
/** Repeats of one REGISTER on demand: a challenge, a stale nonce, a 423, the challenge of a proxy. */
const maxRepeats = 4
const mostRetryAfterMs = 3_600_000

/** One registration of ours, kept alive until it is closed. */
export class Registration {
  readonly #options: RegistrationOptions
  readonly #machine = new Machine(registration, 'idle')
  readonly #digest: DigestClient
  readonly #series: RequestSeries
  #cseq = 0
  #expiresSeconds: number
  #timer: Cancel | null = null
  /** Counts requests: what answers an earlier one is not looked at. */
  #attempt = 0
  #repeats = 0
  #remaining: readonly Destination[] = []
  #destination: Destination | null = null
  #flow: Flow | null = null
  #contact: SipUri | null = null
  /** Monotonic milliseconds: the wall clock may be set meanwhile. */
  #boundUntilMs = Number.NEGATIVE_INFINITY
  #failures = 0
  #retryAfterMs: number | null = null
  #sentence: string | null = null
  /** The last failure was silence, not a refusal. */
  #isForWantOfHost = false
  #finished: (() => void) | null = null

  constructor(options: RegistrationOptions) {
    this.#options = options
    this.#digest = new DigestClient({ ...options.credentials, random: options.random })
    this.#series = newSeries(options.random)
    this.#expiresSeconds = options.expiresSeconds
  }

  get state(): RegistrationState {
    return this.#machine.state
  }

  /** Wall time in ms until which the other side holds our binding; null: it holds none. */
  get registeredUntil(): number | null {
    const { clock } = this.#options
    const leftMs = this.#boundUntilMs - clock.now()
    return leftMs > 0 ? clock.wallTime() + Math.round(leftMs) : null
  }

  /** Why it is not registered; null while nothing is wrong. */
  get sentence(): string | null {
    return this.#sentence
  }

  /** The way by which we are registered; null while we are not. */
  get flow(): Flow | null {
    return this.registeredUntil === null ? null : this.#flow
  }

  /** REGISTER in a row that came to nothing. */
  get failures(): number {
    return this.#failures
  }

  start(): void {
    this.#input('start')
  }

  /** A connection was lost: registers anew where it was ours. */
  flowClosed(flow: Flow): void {
    if (flow.id === this.#flow?.id) this.#input('wayLost')
  }

  /** A host is held to be silent: where we are registered there, calls to us are lost, and another host may do better. */
  hostLost(destination: Destination): void {
    if (this.#destination === null || printDestination(destination) !== printDestination(this.#destination)) return
    if (this.state !== 'registered') return
    this.#destination = null
    this.#flow = null
    this.#input('wayLost')
  }

  /** A host answers again: what waited for that need not wait longer. It may have lost our binding with its memory. */
  hostBack(): void {
    if (this.#isForWantOfHost) this.#input('hostBack')
  }

  /** Takes the binding back (RFC 3261 §10.2.2). Resolves when that is answered, after two seconds at the latest. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.state === 'closed') return resolve()
      const before = this.#finished
      this.#finished = () => {
        before?.()
        resolve()
      }
      this.#input(this.registeredUntil === null ? 'stopUnbound' : 'stop')
    })
  }

  #input(input: RegistrationInput): void {
    const effects = this.#machine.step(input)
    if (effects === null) return
    for (const effect of effects) this.#perform(effect)
    this.#options.changed()
  }

  #perform(effect: RegistrationEffect): void {
    switch (effect) {
      case 'begin':
        return this.#begin()
      case 'send':
        return this.#send()
      case 'tryNextHost':
        return this.#tryNextHost()
      case 'noteBinding':
        this.#failures = 0
        this.#sentence = null
        return
      case 'scheduleRefresh':
        return this.#after(this.#refreshMs(), 'due')
      case 'scheduleRetry':
        return this.#retry(backoffMs(this.#failures + 1, this.#options.random))
      case 'scheduleLateRetry':
        return this.#retry(longBackoffMs(this.#options.random))
      case 'stopTimers':
        return this.#stopTimer()
      case 'sendRemoval':
        return this.#sendRemoval()
      case 'finish':
        this.#attempt++
        this.#boundUntilMs = Number.NEGATIVE_INFINITY
        this.#finished?.()
        this.#finished = null
    }
  }

  #begin(): void {
    this.#isForWantOfHost = false
    const attempt = ++this.#attempt
    this.#repeats = 0
    this.#retryAfterMs = null
    this.#options.locate().then(
      (located) => {
        if (attempt !== this.#attempt) return
        this.#remaining = startingWith(this.#destination, located)
        this.#tryNextHost()
      },
      (thrown: unknown) => {
        if (attempt === this.#attempt) this.#fail(toError(thrown).message, 'failed')
      },
    )
  }

  #tryNextHost(): void {
    const [next, ...others] = this.#remaining
    if (next === undefined) return this.#fail('The trunk has no host.', 'failed')
    this.#remaining = others
    if (this.#destination === null || printDestination(next) !== printDestination(this.#destination)) this.#flow = null
    this.#destination = next
    this.#send()
  }

  #send(): void {
    const { address, transport, transactions, clock, serverName, failoverMs } = this.#options
    const destination = this.#destination
    if (destination === null) return
    const isRemoval = this.state === 'removing'
    const attempt = ++this.#attempt
    const contact = parseNameAddress(localContact(transport, this.#flow ?? destination, address.account.uri))
    this.#contact = isSipUri(contact.uri) ? contact.uri : null
    const request = trunkRequest(address, this.#series, {
      method: 'REGISTER',
      cseq: ++this.#cseq,
      headers: [
        ['Contact', localContact(transport, this.#flow ?? destination, address.account.uri)],
        ['Expires', String(isRemoval ? 0 : this.#expiresSeconds)],
        ['User-Agent', serverName],
      ],
    })
    for (const [name, value] of this.#digest.credentials(request)) request.headers.append(name, value)
    this.#stopTimer()
    if (isRemoval) this.#after(removalPatienceMs, 'patienceOver')
    else if (this.#remaining.length > 0) {
      this.#timer = clock.after(failoverMs, () => this.#silent(destination, `no answer within ${failoverMs} ms`))
    }
    const target = this.#flow?.isOpen === true ? { flow: this.#flow, destination } : { destination }
    let transaction: ClientTransaction | null = null
    transaction = transactions.request(request, target, {
      responseReceived: (response) => {
        if (attempt === this.#attempt && response.status >= 200) this.#answered(request, response, transaction)
      },
      failed: (error) => {
        if (attempt === this.#attempt) this.#silent(destination, error.message)
      },
    })
  }

  #answered(request: SipRequest, response: SipResponse, transaction: ClientTransaction | null): void {
    const { status } = response
    const destination = this.#destination
    if (destination === null) return
    if (isAbsence(status)) {
      this.#retryAfterMs = retryAfterMs(response)
      this.#options.heard(destination, { kind: 'failed', retryAfterMs: this.#retryAfterMs })
      return this.#hostFailed(`${printDestination(destination)} answered ${status} ${response.reason}`)
    }
    this.#options.heard(destination, { kind: 'answered' })
    if (status < 300) return this.#accepted(response, transaction)
    if (this.#canRepeat(request, response)) return this.#input('askedAgain')
    this.#retryAfterMs = retryAfterMs(response)
    const isRefused = status === 401 || status === 407 || status === 403
    const why = status === 403 ? 'the account may not register' : 'the user name or the password is wrong'
    const sentence = isRefused
      ? `The registration was refused (${status}): ${why}.`
      : `The registration was answered ${status} ${response.reason}.`
    this.#fail(sentence, isRefused ? 'refused' : 'failed')
  }

  /** Whether a 401, 407 or 423 is answered by the same request in another form, which then is prepared. */
  #canRepeat(request: SipRequest, response: SipResponse): boolean {
    if (this.#repeats >= maxRepeats) return false
    const isChallenge = response.status === 401 || response.status === 407
    if (isChallenge && this.#digest.takeChallenge(request, response, this.#repeats)) {
      this.#repeats++
      return true
    }
    const least = response.status === 423 ? secondsIn(response, 'Min-Expires') : null
    if (least === null || least <= this.#expiresSeconds || least > mostExpiresSeconds) return false
    this.#expiresSeconds = least
    this.#repeats++
    return true
  }

  #accepted(response: SipResponse, transaction: ClientTransaction | null): void {
    const { clock } = this.#options
    this.#flow = transaction?.flow ?? this.#flow
    if (this.state === 'removing' || this.#contact === null) return this.#input('accepted')
    const seconds = Math.min(grantedSeconds(response, this.#contact, this.#expiresSeconds), mostExpiresSeconds)
    if (seconds <= 0) return this.#fail('The registrar accepted the registration and keeps no binding of it.', 'failed')
    this.#boundUntilMs = clock.now() + seconds * 1000
    this.#input('accepted')
  }

  #silent(destination: Destination, why: string): void {
    this.#options.heard(destination, { kind: 'failed', retryAfterMs: null })
    this.#hostFailed(`${printDestination(destination)} could not be reached: ${why}`)
  }

  #hostFailed(sentence: string): void {
    // What comes of this request now is not waited for any more.
    this.#attempt++
    if (this.#remaining.length > 0 || this.state === 'removing') return this.#input('hostFailed')
    this.#isForWantOfHost = true
    this.#fail(`${sentence.replace(/\.$/, '')}.`, 'failed')
  }

  #fail(sentence: string, input: 'failed' | 'refused'): void {
    this.#attempt++
    this.#sentence = sentence
    this.#options.log.warn({ sentence }, 'a trunk could not be registered')
    this.#input(input)
  }

  #retry(ms: number): void {
    this.#failures++
    const asked = Math.min(this.#retryAfterMs ?? 0, mostRetryAfterMs)
    this.#after(Math.max(ms, asked), 'due')
  }

  #sendRemoval(): void {
    this.#repeats = 0
    this.#remaining = []
    // Never sent anywhere: there is nothing to take back.
    if (this.#destination === null) return this.#after(0, 'patienceOver')
    this.#send()
  }

  /** Before it runs out: after 80 to 90 % of its time, so that one lost REGISTER (32 s) can be repeated within ten minutes. */
  #refreshMs(): number {
    const leftMs = Math.max(0, this.#boundUntilMs - this.#options.clock.now())
    return leftMs * (0.8 + 0.1 * (this.#options.random.uint32() / 2 ** 32))
  }

  #after(ms: number, input: RegistrationInput): void {
    this.#stopTimer()
    this.#timer = this.#options.clock.after(ms, () => {
      this.#timer = null
      this.#input(input)
    })
  }

  #stopTimer(): void {
    this.#timer?.()
    this.#timer = null
  }
}

/** The place where the last registration went first, while the name still leads there: it knows our binding. */
function startingWith(last: Destination | null, located: readonly Destination[]): readonly Destination[] {
  const key = last === null ? null : printDestination(last)
  const same = located.find((one) => printDestination(one) === key)
  return same === undefined ? located : [same, ...located.filter((one) => one !== same)]
}
