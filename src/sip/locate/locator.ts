import { NegotiationError, TransportError, toError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { weightedOrder } from '../../base/weighted-order.ts'
import { isSipUri, type SipUri, type Uri } from '../message/types.ts'
import { hostAddress, printAddress } from '../transport/address-text.ts'
import type { Destination } from '../transport/types.ts'
import type { NaptrRecord, Resolver, SrvRecord } from './types.ts'

/** What this version sends requests by. */
export type LocatedProtocol = 'udp' | 'tcp'

export interface LocatorOptions {
  readonly resolver: Resolver
  readonly random: Random
  /** Protocols there are sockets for, the preferred one first. UDP and TCP if absent. */
  readonly protocols?: readonly LocatedProtocol[]
  /** Address families there are sockets for, the preferred one first. IPv4 and IPv6 if absent. */
  readonly families?: readonly (4 | 6)[]
}

/** More ways than these are not tried for one request; an answer of DNS may hold hundreds. */
const maxDestinations = 16
/** SRV records and NAPTR records of one name that are looked at. */
const maxRecords = 32
const defaultPort = 5060

const services: Readonly<Record<string, LocatedProtocol>> = { 'sip+d2u': 'udp', 'sip+d2t': 'tcp' }

/** A name and a port that addresses are to be found for. */
interface Target {
  readonly protocol: LocatedProtocol
  readonly host: string
  readonly port: number
}

/** What a NAPTR record says that is of use: where the SRV records for a protocol are. */
interface NaptrService {
  readonly protocol: LocatedProtocol
  readonly replacement: string
}

/** Finds out where a request to a URI goes: RFC 3263 §4. */
export class Locator {
  readonly #resolver: Resolver
  readonly #random: Random
  readonly #protocols: readonly LocatedProtocol[]
  readonly #families: readonly (4 | 6)[]

  constructor(options: LocatorOptions) {
    this.#resolver = options.resolver
    this.#random = options.random
    this.#protocols = options.protocols ?? ['udp', 'tcp']
    this.#families = options.families ?? [4, 6]
  }

  /**
   * The places to try, in this order (§4.3), each once; at least one, at most 16.
   * Rejects with NegotiationError `locate.unsupported` for a scheme or transport that this version does not speak,
   * TransportError `locate.host-unknown`, `locate.no-service` or `locate.dns-failed`, and with the signal's reason.
   */
  async locate(uri: Uri, signal?: AbortSignal): Promise<readonly Destination[]> {
    signal?.throwIfAborted()
    const protocol = askedProtocol(uri)
    if (!isSipUri(uri)) throw unsupported(`Only sip: addresses can be called, not ${uri.scheme}:.`)
    return signal === undefined ? this.#locate(uri, protocol) : abortable(this.#locate(uri, protocol), signal)
  }

  async #locate(uri: SipUri, asked: LocatedProtocol | null): Promise<readonly Destination[]> {
    const host = uri.parameters.get('maddr') ?? uri.host
    const address = hostAddress(host)
    // §4.1: UDP where nothing else is said.
    const usual = this.#protocols.includes('udp') ? 'udp' : (this.#protocols[0] ?? 'udp')
    if (address !== null) {
      return [{ protocol: asked ?? usual, remote: { address, port: uri.port ?? defaultPort } }]
    }
    const targets =
      uri.port === null
        ? ((await this.#services(host, asked)) ?? [{ protocol: asked ?? usual, host, port: defaultPort }])
        : [{ protocol: asked ?? usual, host, port: uri.port }]
    return this.#addresses(host, targets)
  }

  /**
   * The servers that SRV records name, §4.1 and §4.2; null where the domain has none, and its own address is meant.
   * NAPTR and SRV are asked together: one round trip in place of two, and a server that swallows NAPTR costs no more.
   */
  async #services(host: string, asked: LocatedProtocol | null): Promise<readonly Target[] | null> {
    const protocols = asked === null ? this.#protocols : [asked]
    const [naptr, ...direct] = await Promise.all([
      asked === null ? this.#quietly(this.#resolver.resolve('NAPTR', host)) : [],
      ...protocols.map(async (protocol) => ({
        protocol,
        records: await this.#quietly(this.#resolver.resolve('SRV', `_sip._${protocol}.${host}`)),
      })),
    ])
    const named = await this.#namedServices(host, this.#usableNaptr(naptr))
    if (named !== null) return named
    const first =
      direct.find(({ records }) => records.some(isOffered)) ?? direct.find(({ records }) => records.length > 0)
    return first === undefined ? null : this.#ordered(host, first.protocol, first.records)
  }

  /**
   * The servers behind NAPTR records, §4.1: it is they who name the SRV records, and in the domain's own order. An entry
   * that leads nowhere, or whose servers all fail, leads on to the next one: a domain that takes TCP and UDP is reached by
   * UDP where TCP does not come through. Null where no entry has SRV records.
   */
  async #namedServices(host: string, entries: readonly NaptrService[]): Promise<readonly Target[] | null> {
    const found = await Promise.all(
      entries.map(async ({ protocol, replacement }) => ({
        protocol,
        records: await this.#quietly(this.#resolver.resolve('SRV', replacement)),
      })),
    )
    const known = found.filter(({ records }) => records.length > 0)
    const offered = known.filter(({ records }) => records.some(isOffered))
    const [refused] = known
    if (offered.length === 0) return refused ? this.#ordered(host, refused.protocol, refused.records) : null
    return offered.flatMap(({ protocol, records }) => this.#ordered(host, protocol, records))
  }

  #usableNaptr(records: readonly NaptrRecord[]): readonly NaptrService[] {
    const usable = [...records]
      .slice(0, maxRecords)
      .sort((a, b) => a.order - b.order || a.preference - b.preference)
      .flatMap(({ flags, service, replacement }) => {
        const protocol = services[service.toLowerCase()]
        const isUsable = protocol !== undefined && this.#protocols.includes(protocol)
        return isUsable && flags.toLowerCase() === 's' && replacement !== '' ? [{ protocol, replacement }] : []
      })
    // The same question twice would only bring the same servers twice.
    return usable.filter((one, i) => usable.findIndex(({ replacement }) => replacement === one.replacement) === i)
  }

  /** RFC 2782: by priority, and by lot among equals. */
  #ordered(host: string, protocol: LocatedProtocol, records: readonly SrvRecord[]): readonly Target[] {
    const offered = records.filter(isOffered).slice(0, maxRecords)
    if (offered.length === 0) {
      const sentence = `${host} says in DNS that it takes no SIP calls over ${protocol} (SRV target ".").`
      throw new TransportError('locate.no-service', sentence, { facts: { host, protocol } })
    }
    const priorities = [...new Set(offered.map(({ priority }) => priority))].sort((a, b) => a - b)
    return priorities
      .flatMap((priority) => {
        const equals = offered.filter((record) => record.priority === priority)
        return weightedOrder(equals, ({ weight }) => weight, this.#random)
      })
      .map(({ target, port }) => ({ protocol, host: target, port }))
  }

  async #addresses(host: string, targets: readonly Target[]): Promise<readonly Destination[]> {
    const tried = targets.slice(0, maxDestinations)
    const outcomes = await Promise.all(tried.map((target) => this.#addressesOf(target)))
    const found = new Map<string, Destination>()
    for (const { destinations } of outcomes) {
      for (const destination of destinations) {
        const key = `${destination.protocol} ${printAddress(destination.remote)}`
        if (found.size < maxDestinations && !found.has(key)) found.set(key, destination)
      }
    }
    if (found.size > 0) return [...found.values()]
    const failure = outcomes.find(({ error }) => error !== null)?.error
    if (failure !== undefined && failure !== null) throw failure
    const names = [...new Set(tried.map((target) => target.host))].join(', ')
    const whose = names === host ? `${host} has` : `The servers of ${host} (${names}) have`
    throw new TransportError('locate.host-unknown', `${whose} no address in DNS.`, { facts: { host } })
  }

  async #addressesOf(target: Target): Promise<{ destinations: readonly Destination[]; error: TransportError | null }> {
    const { protocol, host, port } = target
    const literal = hostAddress(host)
    if (literal !== null) return { destinations: [{ protocol, remote: { address: literal, port } }], error: null }
    const outcomes = await Promise.allSettled(
      this.#families.map((family) => this.#resolver.resolve(family === 4 ? 'A' : 'AAAA', host)),
    )
    const addresses = outcomes.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    const failed = outcomes.find((one) => one.status === 'rejected')
    return {
      destinations: addresses.map((address) => ({ protocol, remote: { address, port } })),
      error: failed === undefined ? null : asTransportError(failed.reason, host),
    }
  }

  /**
   * A question whose failure is no end: NAPTR and SRV are often mishandled by servers that answer about addresses well,
   * and where all is broken the question about addresses will say so.
   */
  async #quietly<Record>(question: Promise<readonly Record[]>): Promise<readonly Record[]> {
    try {
      return await question
    } catch {
      return []
    }
  }
}

/** The transport a URI names, null where it leaves the choice. @throws NegotiationError `locate.unsupported`. */
function askedProtocol(uri: Uri): LocatedProtocol | null {
  if (!isSipUri(uri)) return null
  if (uri.scheme === 'sips') throw unsupported('SIP over TLS (sips:) is not spoken by this version.')
  const transport = uri.parameters.get('transport')?.toLowerCase()
  if (transport === undefined) return null
  if (transport === 'udp' || transport === 'tcp') return transport
  throw unsupported(`SIP over ${transport} is not spoken by this version, only over udp and tcp.`)
}

function isOffered({ target, port }: SrvRecord): boolean {
  return target !== '' && target !== '.' && port > 0
}

function unsupported(sentence: string): NegotiationError {
  return new NegotiationError('locate.unsupported', sentence)
}

function asTransportError(thrown: unknown, host: string): TransportError {
  if (thrown instanceof TransportError) return thrown
  const sentence = `DNS gave no answer about ${host}: ${toError(thrown).message}.`
  return new TransportError('locate.dns-failed', sentence, { facts: { host }, cause: thrown })
}

/** The promise, or the signal's reason as soon as it is aborted; the questions go on for others who ask them. */
function abortable<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(toError(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
  })
}
