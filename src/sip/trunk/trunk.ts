import type { Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { TrunkSettings } from '../../config/settings.ts'
import type { Locator } from '../locate/locator.ts'
import type { Uri } from '../message/types.ts'
import type { Transactions } from '../transaction/types.ts'
import type { Destination, Flow, Transport } from '../transport/types.ts'
import type { Capacity, Permit } from './capacity.ts'
import { Health } from './health.ts'
import { type HostStatus, Hosts, printDestination, printTime } from './hosts.ts'
import { Registration } from './registration.ts'
import { type TrunkAddress, trunkAddress } from './trunk-address.ts'

/** What all trunks of a server share. */
export interface TrunkParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly transactions: Transactions
  readonly transport: Transport
  readonly locator: Locator
  /** User-Agent. */
  readonly serverName: string
}

/** How a call to a host of the trunk fared; `WayResult` of `leg/` is of this form. */
export type CallNews =
  | { readonly kind: 'alive' }
  | { readonly kind: 'failed'; readonly retryAfterSeconds: number | null }
  | { readonly kind: 'cancelled' }

/** What an INVITE by the trunk is made of, besides the destination. */
export interface TrunkCall {
  readonly uri: Uri
  /** The outbound proxy; empty without one. */
  readonly route: readonly Uri[]
  readonly credentials: { readonly username: string; readonly password: string } | null
  /** Host of From and of what is asserted. */
  readonly host: string
  /** How long a host may be silent, and how many 3xx are followed. */
  readonly firstResponseMs: number
  readonly redirects: number
}

/** `up`: calls go by it; `degraded`: by a part of its hosts, or outwards only; `down`: by none; `unknown`: not tried yet. */
export type TrunkState = 'unknown' | 'up' | 'degraded' | 'down'

/** A trunk as the admin API shows it. Times in ISO 8601. */
export interface TrunkStatus {
  readonly name: string
  readonly tenant: string
  readonly state: TrunkState
  readonly since: string
  /** Why, in one sentence. */
  readonly sentence: string
  /** Outbound calls that are up. */
  readonly calls: number
  /** Of any of its hosts; null: none yet. */
  readonly lastAnswer: string | null
  /** Null: we are not registered, or need not be. */
  readonly registeredUntil: string | null
  readonly hosts: readonly HostStatus[]
}

/** One way to the outside, watched and, where it is to be, registered at. */
export class Trunk {
  readonly tenant: string
  readonly #parts: TrunkParts
  readonly #capacity: Capacity
  readonly #address: TrunkAddress
  readonly #hosts: Hosts
  readonly #health: Health | null
  readonly #registration: Registration | null
  #settings: TrunkSettings
  #state: TrunkState = 'unknown'
  /** Of the state; wall time in ms. */
  #since: number
  /** Why its name leads nowhere; null while it does. */
  #unlocated: string | null = null
  #isClosed = false

  constructor(tenant: string, settings: TrunkSettings, capacity: Capacity, parts: TrunkParts) {
    const { clock, random, transactions, transport, serverName } = parts
    this.tenant = tenant
    this.#parts = { ...parts, log: parts.log.child({ tenant, trunk: settings.name }) }
    this.#settings = settings
    this.#capacity = capacity
    this.#address = trunkAddress(settings)
    this.#since = clock.wallTime()
    const address = this.#address
    const heard = this.#hear.bind(this)
    const health =
      settings.health === 0
        ? null
        : new Health({
            clock,
            random,
            transactions,
            address,
            serverName,
            intervalMs: settings.health * 1000,
            patienceMs: settings.failoverMs,
            hosts: () => this.#awakeHosts(),
            heard,
          })
    this.#health = health
    this.#hosts = new Hosts({
      clock,
      random,
      probe: health === null ? null : (destination) => health.ask(destination, true),
      changed: (destination, state) => {
        this.#parts.log.info({ host: printDestination(destination), state }, 'a host of a trunk has changed')
        if (state === 'open') this.#registration?.hostLost(destination)
        if (state === 'closed') this.#registration?.hostBack()
        this.#judge()
      },
    })
    const { username, password } = settings
    this.#registration =
      settings.register && username !== null && password !== null
        ? new Registration({
            clock,
            random,
            log: this.#parts.log,
            transactions,
            transport,
            address,
            credentials: { username, password },
            expiresSeconds: settings.expires,
            failoverMs: settings.failoverMs,
            serverName,
            locate: () => this.destinations(),
            heard,
            changed: () => this.#judge(),
          })
        : null
  }

  get settings(): TrunkSettings {
    return this.#settings
  }

  /** No host of it answers, or its name leads nowhere: better try another trunk first. */
  get isDown(): boolean {
    return this.#unlocated !== null || this.#hosts.isDown
  }

  /** The way by which we are registered; null while we are not, or need not be. */
  get registeredFlow(): Flow | null {
    return this.#registration?.flow ?? null
  }

  start(): void {
    if (this.#isClosed) return
    this.#registration?.start()
    this.#health?.start()
  }

  /** Takes other settings over that concern no request on its way: see `isSameWire`. */
  change(settings: TrunkSettings): void {
    this.#settings = settings
    this.#capacity.setLimits(settings)
  }

  /** Ends watching at once, and the registration; resolves when that is answered, after two seconds at the latest. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#health?.close()
    await this.#registration?.close()
    this.#hosts.close()
  }

  flowClosed(flow: Flow): void {
    this.#registration?.flowClosed(flow)
  }

  /** Takes up one call, to be released when it is over; or says why not. */
  acquire(): Permit {
    return this.#capacity.acquire()
  }

  /** @param user - in the trunk's number format. */
  call(user: string): TrunkCall {
    const { username, password, failoverMs, redirects } = this.#settings
    const { uri, routes } = this.#address
    return {
      uri: { ...uri, user },
      route: routes,
      credentials: username !== null && password !== null ? { username, password } : null,
      host: uri.host,
      firstResponseMs: failoverMs,
      redirects,
    }
  }

  /** The places to send an INVITE to, best first; those whose breaker is open last. Rejects as `Locator.locate`. */
  async destinations(signal?: AbortSignal): Promise<readonly Destination[]> {
    try {
      const located = await this.#parts.locator.locate(this.#address.nextHop, signal)
      this.#found(null)
      return this.#hosts.arrange(located)
    } catch (thrown) {
      if (signal?.aborted !== true) this.#found(toError(thrown).message)
      throw thrown
    }
  }

  /** Tells how a call to one of `destinations` fared. */
  report(destination: Destination, news: CallNews): void {
    if (news.kind === 'alive') this.#hear(destination, { kind: 'answered' })
    else if (news.kind === 'cancelled') this.#hear(destination, { kind: 'undecided' })
    else {
      const { retryAfterSeconds } = news
      this.#hear(destination, {
        kind: 'failed',
        retryAfterMs: retryAfterSeconds === null ? null : retryAfterSeconds * 1000,
      })
    }
  }

  status(): TrunkStatus {
    const { state, sentence } = this.#judge()
    const lastAnswer = this.#hosts.lastAnswer
    const registeredUntil = this.#registration?.registeredUntil ?? null
    return {
      name: this.#settings.name,
      tenant: this.tenant,
      state,
      since: printTime(this.#since),
      sentence,
      calls: this.#capacity.calls,
      lastAnswer: lastAnswer === null ? null : printTime(lastAnswer),
      registeredUntil: registeredUntil === null ? null : printTime(registeredUntil),
      hosts: this.#hosts.status(),
    }
  }

  get counts(): {
    readonly optionsSent: number
    readonly breakersOpened: number
    readonly registrationFailures: number
  } {
    return {
      optionsSent: this.#health?.sent ?? 0,
      breakersOpened: this.#hosts.opened,
      registrationFailures: this.#registration?.failures ?? 0,
    }
  }

  #hear(...[destination, news]: Parameters<Hosts['report']>): void {
    if (this.#isClosed) return
    this.#hosts.report(destination, news)
  }

  /** Whom to ask for health. Never rejects. */
  async #awakeHosts(): Promise<readonly Destination[]> {
    try {
      const located = await this.#parts.locator.locate(this.#address.nextHop)
      this.#found(null)
      this.#hosts.keepOnly(located)
      return this.#hosts.awake(located)
    } catch (thrown) {
      this.#found(toError(thrown).message)
      return []
    }
  }

  #found(sentence: string | null): void {
    if (this.#unlocated === sentence) return
    this.#unlocated = sentence
    this.#judge()
  }

  #judge(): { readonly state: TrunkState; readonly sentence: string } {
    const judged = this.#judgement()
    if (judged.state !== this.#state) {
      const { log, clock } = this.#parts
      const from = this.#state
      this.#state = judged.state
      this.#since = clock.wallTime()
      const fields = { from, state: judged.state, sentence: judged.sentence }
      if (judged.state === 'down' || judged.state === 'degraded') log.warn(fields, 'a trunk has changed')
      else log.info(fields, 'a trunk has changed')
    }
    return judged
  }

  #judgement(): { readonly state: TrunkState; readonly sentence: string } {
    const hosts = this.#hosts
    if (this.#unlocated !== null) return { state: 'down', sentence: this.#unlocated }
    const silent = hosts.status().filter(({ state }) => state !== 'closed')
    const silentHosts = silent.map(({ address }) => address).join(', ')
    if (hosts.isDown) return { state: 'down', sentence: `None of its hosts answers (${silentHosts}).` }
    const registration = this.#registration
    if (registration !== null && registration.registeredUntil === null) {
      const { sentence } = registration
      if (sentence === null) return { state: 'unknown', sentence: 'It is being registered at.' }
      return { state: hosts.lastAnswer === null ? 'down' : 'degraded', sentence }
    }
    if (silent.length > 0) return { state: 'degraded', sentence: `Some of its hosts do not answer (${silentHosts}).` }
    if (hosts.lastAnswer === null) return { state: 'unknown', sentence: 'Nothing has been heard of it yet.' }
    return { state: 'up', sentence: registration === null ? 'It answers.' : 'It answers, and we are registered there.' }
  }
}

/** The settings that requests, timers and addresses are made of: where one of them changes, the trunk begins anew. */
const wireKeys = [
  'uri',
  'proxy',
  'username',
  'password',
  'register',
  'expires',
  'health',
  'failoverMs',
] as const satisfies readonly (keyof TrunkSettings)[]

export function isSameWire(a: TrunkSettings, b: TrunkSettings): boolean {
  return wireKeys.every((key) => a[key] === b[key])
}
