import { promises } from 'node:dns'
import { TransportError, toError } from '../../base/errors.ts'
import { type HostPort, printHostPort } from '../../config/addresses.ts'
import type { DnsAnswer, DnsRecords, DnsSource, DnsType } from './types.ts'

/** One try; the second waits about twice as long. Together they leave time for the system's own way (`CachingResolver` waits 5 s). */
const tryMs = 1000
const tries = 2

/** What DNS says where it has nothing: an answer, not a failure. */
const nothingThere: ReadonlySet<string | undefined> = new Set(['ENOTFOUND', 'ENODATA'])

/** The system's own way to addresses, which knows its hosts file. @returns IP literals of the family. */
export type SystemLookup = (name: string, family: 4 | 6) => Promise<readonly string[]>

export interface NodeDnsOptions {
  /** Whom to ask. Empty: the system's servers, and behind them what else the system knows (its hosts file). */
  readonly servers: readonly HostPort[]
  /**
   * The last way to addresses. If absent: the system's lookup, but none where servers are given, for a name that the operator's
   * own servers do not know is not to be had from elsewhere.
   */
  readonly lookup?: SystemLookup
}

/** Questions asked over the network, by the resolver that comes with Node. */
export class NodeDns implements DnsSource {
  readonly #resolver = new promises.Resolver({ timeout: tryMs, tries })
  readonly #lookup: SystemLookup | null

  constructor(options: NodeDnsOptions) {
    if (options.servers.length > 0) this.#resolver.setServers(options.servers.map(printHostPort))
    this.#lookup = options.lookup ?? (options.servers.length > 0 ? null : systemLookup)
  }

  async ask<Type extends DnsType>(type: Type, name: string): Promise<DnsAnswer<Type>> {
    const local = localhostAnswer(type, name)
    if (local !== null) return local
    let failure: TransportError | null = null
    try {
      const answer = await this.#query(type, name)
      if (answer.records.length > 0) return answer
    } catch (thrown) {
      failure = asFailure(thrown, type, name)
    }
    const found = await this.#lookUp(type, name)
    if (found !== null) return found
    if (failure !== null) throw failure
    return { records: [], ttlSeconds: null }
  }

  /** Ends the questions that are open. */
  close(): void {
    this.#resolver.cancel()
  }

  async #query<Type extends DnsType>(type: Type, name: string): Promise<DnsAnswer<Type>> {
    try {
      return await queries[type](this.#resolver, name)
    } catch (thrown) {
      if (nothingThere.has(codeOf(thrown))) return { records: [], ttlSeconds: null }
      throw thrown
    }
  }

  /** Null: this is no question about addresses, or the system does not know either. */
  async #lookUp<Type extends DnsType>(type: Type, name: string): Promise<DnsAnswer<Type> | null> {
    if (this.#lookup === null || (type !== 'A' && type !== 'AAAA')) return null
    try {
      const records = await this.#lookup(name, type === 'A' ? 4 : 6)
      return records.length === 0 ? null : ({ records, ttlSeconds: null } as DnsAnswer<DnsType> as DnsAnswer<Type>)
    } catch {
      return null
    }
  }
}

type Query<Type extends DnsType> = (resolver: promises.Resolver, name: string) => Promise<DnsAnswer<Type>>

const queries: { readonly [Type in DnsType]: Query<Type> } = {
  NAPTR: async (resolver, name) => ({ records: await resolver.resolveNaptr(name), ttlSeconds: null }),
  SRV: async (resolver, name) => {
    const records = (await resolver.resolveSrv(name)).map((one) => ({ ...one, target: one.name }))
    return { records, ttlSeconds: null }
  },
  A: async (resolver, name) => withTtl(await resolver.resolve4(name, { ttl: true })),
  AAAA: async (resolver, name) => withTtl(await resolver.resolve6(name, { ttl: true })),
}

function withTtl(found: readonly { address: string; ttl: number }[]): { records: string[]; ttlSeconds: number | null } {
  const ttls = found.map(({ ttl }) => ttl)
  return { records: found.map(({ address }) => address), ttlSeconds: ttls.length === 0 ? null : Math.min(...ttls) }
}

const systemLookup: SystemLookup = async (name, family) => {
  const found = await promises.lookup(name, { family, all: true })
  return found.map(({ address }) => address)
}

/** RFC 6761 §6.3: `localhost` is this machine, and no server is asked. Null for every other name. */
function localhostAnswer<Type extends DnsType>(type: Type, name: string): DnsAnswer<Type> | null {
  if (name !== 'localhost' && !name.endsWith('.localhost')) return null
  const loopback: Readonly<Partial<Record<DnsType, string>>> = { A: '127.0.0.1', AAAA: '::1' }
  const address = loopback[type]
  return { records: (address === undefined ? [] : [address]) as DnsRecords[Type][], ttlSeconds: null }
}

function asFailure(thrown: unknown, type: DnsType, name: string): TransportError {
  const reason = codeOf(thrown) ?? toError(thrown).message
  return new TransportError('locate.dns-failed', `DNS gave no answer about ${name} (${type}): ${reason}.`, {
    facts: { host: name, type, reason },
    cause: thrown,
  })
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
}
