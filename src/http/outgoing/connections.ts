import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { type AgentOptions, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AddressPolicy } from './address-policy.ts'
import type { OutgoingTarget } from './outgoing-url.ts'

/** Every address of a host name. Rejects with what the system says (`ENOTFOUND`). */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

export interface ConnectionLimits {
  /** Connections to one host and port; further requests wait for one. */
  readonly perHost: number
  /** Unused ones that are kept, per host and in all. */
  readonly idlePerHost: number
  readonly idleTotal: number
}

const defaultConnectionLimits: ConnectionLimits = { perHost: 256, idlePerHost: 64, idleTotal: 256 }

/**
 * Below the two seconds after which the quickest of the usual servers close (gunicorn; Node and Apache after five): a request must
 * not meet a connection that is being closed. Questions of busy handlers follow one another faster.
 */
const idleMs = 1500
/** How long one address of a host may take before its next one is tried. */
const nextAddressMs = 500

/** An address that the policy refuses. Travels through Node's socket as the error of its lookup. */
export class AddressRefused extends Error {
  readonly address: string

  constructor(address: string) {
    super(`${address} is refused`)
    this.address = address
  }
}

/**
 * Connections, kept for the next request. Those made for trusted addresses are never used for others: they may lead where
 * others must not. What a name resolves to is checked in the connecting itself, and the socket gets the very
 * addresses that were checked, so that no second answer of DNS can come in between.
 */
export class Connections {
  readonly #policy: AddressPolicy
  readonly #resolve: Resolve
  readonly #idleTotal: number
  readonly #agents: Readonly<Record<'trusted' | 'other', { readonly http: HttpAgent; readonly https: HttpsAgent }>>
  /** Questions under way: a name server that does not answer holds one thread per name, not one per request. */
  readonly #asking = new Map<string, Promise<readonly LookupAddress[]>>()

  constructor(
    policy: AddressPolicy,
    options: { resolve?: Resolve; limits?: Partial<ConnectionLimits>; ca?: string } = {},
  ) {
    const limits = { ...defaultConnectionLimits, ...options.limits }
    this.#policy = policy
    this.#resolve = options.resolve ?? resolveBySystem
    this.#idleTotal = limits.idleTotal
    const agent: AgentOptions = {
      keepAlive: true,
      maxSockets: limits.perHost,
      maxFreeSockets: limits.idlePerHost,
      timeout: idleMs,
      scheduling: 'lifo',
    }
    const mayKeep = (): boolean => this.idle < this.#idleTotal
    const pair = () => ({
      http: new BoundedHttpAgent(agent, mayKeep),
      https: new BoundedHttpsAgent(options.ca === undefined ? agent : { ...agent, ca: options.ca }, mayKeep),
    })
    this.#agents = { trusted: pair(), other: pair() }
  }

  /** Connections that are open and unused. */
  get idle(): number {
    let count = 0
    for (const agent of this.#all()) for (const free of Object.values(agent.freeSockets)) count += free?.length ?? 0
    return count
  }

  /** What `http.request` needs to connect to the target. */
  optionsFor(target: OutgoingTarget): {
    readonly agent: HttpAgent | HttpsAgent
    readonly lookup: LookupFunction
    readonly autoSelectFamilyAttemptTimeout: number
  } {
    const agents = this.#agents[target.isTrusted ? 'trusted' : 'other']
    return {
      agent: target.url.protocol === 'https:' ? agents.https : agents.http,
      lookup: this.#lookupFor(target.isTrusted),
      autoSelectFamilyAttemptTimeout: nextAddressMs,
    }
  }

  /** Whether a request to the target may go over a connection that was used before. */
  hasIdle(target: OutgoingTarget): boolean {
    const { url, host, isTrusted } = target
    const isTls = url.protocol === 'https:'
    const agent = this.#agents[isTrusted ? 'trusted' : 'other'][isTls ? 'https' : 'http']
    // Names of the pool begin with the host and the port.
    const name = `${host}:${url.port === '' ? (isTls ? 443 : 80) : url.port}:`
    return Object.keys(agent.freeSockets).some((key) => key.startsWith(name))
  }

  close(): void {
    for (const agent of this.#all()) agent.destroy()
  }

  #all(): readonly (HttpAgent | HttpsAgent)[] {
    const { trusted, other } = this.#agents
    return [trusted.http, trusted.https, other.http, other.https]
  }

  #lookupFor(isTrusted: boolean): LookupFunction {
    return (host, options, callback) => {
      this.#ask(host).then(
        (addresses) => {
          const refused = isTrusted ? undefined : addresses.find(({ address }) => !this.#policy.isAllowed(address))
          const [first] = addresses
          if (refused) callback(new AddressRefused(refused.address), '')
          else if (!first) callback(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }), '')
          else if (options.all === true) callback(null, [...addresses])
          else callback(null, first.address, first.family)
        },
        (thrown: NodeJS.ErrnoException) => callback(thrown, ''),
      )
    }
  }

  #ask(host: string): Promise<readonly LookupAddress[]> {
    const under = this.#asking.get(host)
    if (under) return under
    const asking = this.#resolve(host).finally(() => this.#asking.delete(host))
    this.#asking.set(host, asking)
    return asking
  }
}

/** By the system, so that its hosts file and search domains count. */
function resolveBySystem(host: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true, verbatim: true }, (error, addresses) => {
      if (error) reject(error)
      else resolve(addresses)
    })
  })
}

// Node's own method says by what it returns whether a connection is kept; its declared type leaves that out.

class BoundedHttpAgent extends HttpAgent {
  readonly #mayKeep: () => boolean

  constructor(options: AgentOptions, mayKeep: () => boolean) {
    super(options)
    this.#mayKeep = mayKeep
  }

  override keepSocketAlive(socket: Duplex): unknown {
    return this.#mayKeep() && super.keepSocketAlive(socket)
  }
}

class BoundedHttpsAgent extends HttpsAgent {
  readonly #mayKeep: () => boolean

  constructor(options: AgentOptions & { ca?: string }, mayKeep: () => boolean) {
    super(options)
    this.#mayKeep = mayKeep
  }

  override keepSocketAlive(socket: Duplex): unknown {
    return this.#mayKeep() && super.keepSocketAlive(socket)
  }
}
