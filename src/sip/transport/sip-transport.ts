import type { Clock } from '../../base/clock.ts'
import { assert, TransportError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Cidr, ListenAddress } from '../../config/addresses.ts'
import {
  buildRefusal,
  MessageError,
  parseMessage,
  printMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  withTopVia,
} from '../message/index.ts'
import { printAddress } from './address-text.ts'
import { type ConnectionLimits, defaultConnectionLimits } from './connection-limits.ts'
import { newCounts, type TransportCounts } from './counts.ts'
import { isWire, type Listener, type ListenerUser, type Wire } from './listener.ts'
import { OutgoingResponse } from './outgoing-response.ts'
import { type Advertised, OwnAddresses } from './own-addresses.ts'
import { RefusalLimiter } from './refusal-limiter.ts'
import { SourceRoutes } from './source-routes.ts'
import { TcpListener } from './tcp-listener.ts'
import { TcpRefusals } from './tcp-refusals.ts'
import type {
  Destination,
  Flow,
  PreparedResponse,
  SocketAddress,
  Transport,
  TransportProtocol,
  TransportUser,
} from './types.ts'
import { UdpListener } from './udp-listener.ts'
import { stampReceived, withSentBy } from './via-stamp.ts'

export interface SipTransportOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  /** Port 0: a free one, see `localPorts`. */
  readonly listen: readonly ListenAddress[]
  readonly advertised: Advertised | null
  /** Where nothing is advertised; empty: the usual private ranges. */
  readonly localNetworks: readonly Cidr[]
  readonly limits?: Partial<ConnectionLimits>
}

/** Larger requests go over a transport with congestion control, where the path MTU is not known: RFC 3261 §18.1.1. */
const maxUdpRequestBytes = 1300

/** The sockets of one server: RFC 3261 §18. Nothing that a peer sends makes a method of it throw. */
export class SipTransport implements Transport, ListenerUser {
  /** Who hears of what comes in; without one it is dropped. */
  user: TransportUser | null = null
  readonly counts: TransportCounts = newCounts()
  readonly #log: Logger
  readonly #random: Random
  readonly #listeners: readonly Listener[]
  readonly #own: OwnAddresses
  readonly #refusals: RefusalLimiter
  readonly #tcpRefusals: TcpRefusals

  constructor(options: SipTransportOptions) {
    const { clock } = options
    this.#log = options.log
    this.#random = options.random
    const routes = new SourceRoutes(clock)
    this.#own = new OwnAddresses(options.advertised, options.localNetworks, routes)
    this.#refusals = new RefusalLimiter(clock)
    this.#tcpRefusals = new TcpRefusals(clock)
    const limits = { ...defaultConnectionLimits, ...options.limits }
    const { log, counts } = { log: options.log, counts: this.counts }
    this.#listeners = options.listen.map(({ protocol, address, port }) => {
      const common = {
        local: { address, port },
        isDualStack: isDualStack(protocol, address, port, options.listen),
        log,
        counts,
      }
      return protocol === 'udp'
        ? new UdpListener({ ...common, routes, user: this })
        : new TcpListener({ ...common, clock, limits, user: this })
    })
  }

  /**
   * Binds every socket, or none.
   * Rejects with ConfigError `transport.address-in-use`, `transport.address-unknown` or `transport.bind-failed`.
   */
  async start(): Promise<void> {
    try {
      for (const listener of this.#listeners) await listener.start()
    } catch (thrown) {
      await this.close()
      throw thrown
    }
  }

  /** Ends every socket and connection; what was being sent is rejected. */
  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()))
  }

  /** What is bound, in the order of `listen`, with the true ports. */
  get localPorts(): readonly (SocketAddress & { readonly protocol: TransportProtocol })[] {
    return this.#listeners.map(({ protocol, local }) => ({ protocol, ...local }))
  }

  async sendRequest(request: SipRequest, target: { flow?: Flow; destination?: Destination }): Promise<Flow> {
    try {
      return await this.#send(request, target)
    } catch (thrown) {
      this.counts.sendFailures++
      throw thrown
    }
  }

  sendResponse(response: SipResponse, flow: Flow): Promise<void> {
    return this.prepareResponse(response, flow).send()
  }

  prepareResponse(response: SipResponse, flow: Flow): PreparedResponse {
    const bytes = printMessage(response)
    const [via] = response.vias
    if (isWire(flow)) return new OutgoingResponse(bytes, flow, via, this.counts)
    return { send: () => Promise.reject(unreachable(flow)) }
  }

  localAddress(peer: { protocol: TransportProtocol; remote: SocketAddress }): SocketAddress {
    const { address } = peer.remote
    const listener =
      this.#own.choose(this.#listeners, peer.protocol, address) ?? this.#anyListener(address) ?? this.#listeners[0]
    assert(listener, 'An address was asked of a transport without sockets.')
    return this.#own.sentBy(listener, address)
  }

  /** Whether a peer is inside the local networks, where neither signalling nor media addresses are advertised. */
  isLocalPeer(peer: { remote: SocketAddress }): boolean {
    return this.#own.isLocal(peer.remote.address)
  }

  interfaceAddress(peer: { remote: SocketAddress }): string {
    const { address } = peer.remote
    const listener = this.#anyListener(address)
    return listener === undefined ? this.#own.interfaceFor(address) : this.#own.interfaceOf(listener, address)
  }

  messageArrived(bytes: Uint8Array, wire: Wire): void {
    let message: SipMessage
    try {
      message = parseMessage(bytes)
      if (message.kind === 'request') {
        const via = stampReceived(message.vias[0], wire.remote)
        if (via !== message.vias[0]) message = withTopVia(message, via)
      }
    } catch (thrown) {
      if (thrown instanceof MessageError) this.#refuse(thrown, wire)
      else this.#log.error({ err: toError(thrown), remote: wire.remote }, 'a message could not be read')
      return
    }
    this.#tell((user) => user.messageReceived(message, wire))
  }

  framingFailed(error: MessageError, wire: Wire): void {
    this.#refuse(error, wire)
  }

  keepAliveArrived(): void {
    this.counts.keepAlives++
  }

  wireClosed(wire: Wire): void {
    this.#tell((user) => user.flowClosed(wire))
  }

  async #send(request: SipRequest, target: { flow?: Flow; destination?: Destination }): Promise<Flow> {
    const { flow, destination } = target
    const isByFlow = flow !== undefined && flow.isOpen && isWire(flow)
    const wire = isByFlow ? flow : await this.#open(destination, flow)
    const bytes = this.#print(request, wire)
    if (wire.protocol === 'udp' && bytes.length > maxUdpRequestBytes) {
      const connection = await this.#connectionFor(wire.remote)
      if (connection !== null) {
        await connection.send(this.#print(request, connection))
        return connection
      }
    }
    try {
      await wire.send(bytes)
      return wire
    } catch (thrown) {
      // The connection died under the message. One new one is tried; should both have arrived, the peer sees a retransmission.
      if (!wire.isReliable || destination === undefined) throw thrown
      const fresh = await this.#open(destination, undefined)
      await fresh.send(this.#print(request, fresh))
      return fresh
    }
  }

  async #open(destination: Destination | undefined, lost: Flow | undefined): Promise<Wire> {
    if (destination === undefined) {
      assert(lost, 'A request was sent nowhere.')
      throw unreachable(lost)
    }
    const listener = this.#own.choose(this.#listeners, destination.protocol, destination.remote.address)
    if (listener === undefined) {
      const where = printAddress(destination.remote)
      const sentence = `Nothing can be sent to ${where}: no socket for ${destination.protocol} reaches it.`
      throw new TransportError('transport.no-socket', sentence, { facts: { protocol: destination.protocol } })
    }
    return listener.open(destination.remote)
  }

  /** A TCP connection for a request that is too large for UDP; null when there is none to be had. */
  async #connectionFor(remote: SocketAddress): Promise<Wire | null> {
    const listener = this.#own.choose(this.#listeners, 'tcp', remote.address)
    if (listener === undefined || this.#tcpRefusals.has(remote)) return null
    try {
      return await listener.open(remote)
    } catch (thrown) {
      this.#tcpRefusals.add(remote)
      this.#log.info({ remote, err: toError(thrown) }, 'a large request goes over UDP, since the peer takes no TCP')
      return null
    }
  }

  #print(request: SipRequest, wire: Wire): Uint8Array {
    return printMessage(withSentBy(request, wire.protocol, this.#own.sentBy(wire.listener, wire.remote.address)))
  }

  /** The socket for a peer whose protocol does not matter. */
  #anyListener(address: string): Listener | undefined {
    return this.#own.choose(this.#listeners, 'udp', address) ?? this.#own.choose(this.#listeners, 'tcp', address)
  }

  #refuse(error: MessageError, wire: Wire): void {
    this.counts.malformed++
    const { reply } = error
    if (reply !== null) {
      if (this.#refusals.allows(wire.remote.address)) {
        const via = stampReceived(reply.via, wire.remote)
        const bytes = buildRefusal(reply, error.sipStatus, { via, toTag: this.#random.token(10) })
        this.counts.refusalsSent++
        new OutgoingResponse(bytes, wire, via, this.counts).send().catch(() => {})
      } else this.counts.refusalsWithheld++
    }
    this.#tell((user) => user.garbageReceived(error, wire))
  }

  /** A throw above costs its own message, not the socket. */
  #tell(say: (user: TransportUser) => void): void {
    if (this.user === null) return
    try {
      say(this.user)
    } catch (thrown) {
      this.#log.error({ err: toError(thrown) }, 'a message from the network made a layer above throw')
    }
  }
}

/** An IPv6 wildcard serves IPv4 too, unless a socket of its own does. */
function isDualStack(protocol: string, address: string, port: number, all: readonly ListenAddress[]): boolean {
  if (address !== '::') return false
  return !all.some((one) => one.protocol === protocol && one.port === port && !one.address.includes(':'))
}

function unreachable(flow: Flow): TransportError {
  const sentence = `The connection to ${printAddress(flow.remote)} is gone, and where else to send is not known.`
  return new TransportError('transport.connection-lost', sentence, { facts: { protocol: flow.protocol } })
}
