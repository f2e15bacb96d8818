import { TransportError } from '../../src/base/errors.ts'
import type { Random } from '../../src/base/random.ts'
import {
  parseMessage,
  printMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  type Via,
  withTopVia,
} from '../../src/sip/message/index.ts'
import {
  type Destination,
  type Flow,
  isSameAddress,
  type PreparedResponse,
  printAddress,
  responseTarget,
  type SocketAddress,
  stampReceived,
  type Transport,
  type TransportProtocol,
  type TransportUser,
  withSentBy,
} from '../../src/sip/transport/index.ts'
import type { TestClock } from './test-clock.ts'

type VirtualProtocol = Extract<TransportProtocol, 'udp' | 'tcp'>

/** One message on the wire. */
export interface Packet {
  /** When it left. */
  readonly sentMs: number
  readonly protocol: VirtualProtocol
  readonly from: SocketAddress
  /** As the sender addressed it. */
  readonly to: SocketAddress
  readonly message: SipMessage
  /** `INVITE`, `200 INVITE`. */
  readonly text: string
  readonly bytes: Uint8Array
  readonly isLost: boolean
}

/** What happens to a packet over UDP; undefined: it arrives after the network's latency. TCP loses nothing. */
export type Fate = 'lose' | { readonly delayMs: number } | undefined

/** A packet before its fate is known. */
export type Departing = Omit<Packet, 'isLost'>

/** A script that loses `rate` (0 to 1) of the packets and delays each other by up to `maxDelayMs`, so that they overtake. */
export function randomLoss(random: Random, rate: number, maxDelayMs: number): VirtualNetwork['script'] {
  const chance = (): number => random.uint32() / 2 ** 32
  return () => (chance() < rate ? 'lose' : { delayMs: Math.round(chance() * maxDelayMs) })
}

/**
 * A network in virtual time that joins any number of stacks: real bytes are printed, lost, delayed, overtaken, given
 * another source by a NAT, parsed. Nothing happens but when the clock is advanced.
 *
 * ```ts
 * const network = new VirtualNetwork(clock)
 * const a = network.transport('192.0.2.1')
 * const b = network.transport('192.0.2.2')
 * network.script = (packet) => (packet.text === 'INVITE' && packet.sentMs < 500 ? 'lose' : undefined)
 * ```
 */
export class VirtualNetwork {
  /** Asked about every UDP packet. */
  script: (packet: Departing) => Fate = () => undefined
  /** Everything that was sent, lost or not. */
  readonly packets: Packet[] = []
  readonly clock: TestClock
  readonly latencyMs: number
  readonly #transports: VirtualTransport[] = []
  readonly #nats = new Map<string, VirtualNat>()
  readonly #unreachable = new Set<string>()
  #connections = 0

  constructor(clock: TestClock, options: { latencyMs?: number } = {}) {
    this.clock = clock
    this.latencyMs = options.latencyMs ?? 0
  }

  /** A host on the network. @param protocols - what it listens on, at `port`. */
  transport(
    address: string,
    options: { port?: number; protocols?: readonly VirtualProtocol[] } = {},
  ): VirtualTransport {
    const protocols = options.protocols ?? ['udp', 'tcp']
    const transport = new VirtualTransport(this, { address, port: options.port ?? 5060 }, protocols)
    this.#transports.push(transport)
    return transport
  }

  /** Puts a host behind a NAT: peers see the public address and a port of its choice. */
  nat(inside: string, publicAddress: string): VirtualNat {
    const nat = new VirtualNat(publicAddress)
    this.#nats.set(inside, nat)
    return nat
  }

  /** From now on nothing can be sent to the address, and the sender knows: no route, connection refused. */
  makeUnreachable(address: string): void {
    this.#unreachable.add(address)
  }

  makeReachable(address: string): void {
    this.#unreachable.delete(address)
  }

  /** Cuts every TCP connection. */
  cutConnections(): void {
    for (const transport of this.#transports) transport.cutConnections()
  }

  /** When packets with this text left, in milliseconds. */
  timesOf(text: string): number[] {
    return this.packets.filter((packet) => packet.text === text).map(({ sentMs }) => sentMs)
  }

  /** All that was sent, one line each: for the message of a failing test. */
  get ladder(): string {
    return this.packets
      .map(({ sentMs, protocol, from, to, text, isLost }) => {
        const time = String(sentMs).padStart(8)
        return `${time} ${protocol} ${printAddress(from)} --${isLost ? 'x  ' : '-> '} ${printAddress(to)}  ${text}`
      })
      .join('\n')
  }

  /** For transports: takes the bytes of one message over. @throws TransportError when the address is unreachable. */
  sendDatagram(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    if (this.#unreachable.has(to.address)) throw unreachable(to)
    const nat = this.#nats.get(from.address)
    const source = nat?.outside(from) ?? from
    const departing = describe(this.clock.now(), 'udp', source, to, bytes)
    const fate = this.script(departing)
    this.packets.push({ ...departing, isLost: fate === 'lose' })
    if (fate === 'lose') return
    this.clock.after(fate?.delayMs ?? this.latencyMs, () => {
      const inside = this.#inside(to)
      this.#find('udp', inside)?.datagramArrived(bytes, source, inside)
    })
  }

  /** For transports: a connection, or null when nobody listens there. */
  connect(from: VirtualTransport, to: SocketAddress): VirtualConnection | null {
    const inside = this.#inside(to)
    const peer = this.#find('tcp', inside)
    if (peer === undefined || this.#unreachable.has(to.address)) return null
    const number = ++this.#connections
    const source = {
      address: this.#nats.get(from.local.address)?.publicAddress ?? from.local.address,
      port: 40_000 + number,
    }
    const near = new VirtualConnection(this, from, source, to, number)
    const far = new VirtualConnection(this, peer, inside, source, number)
    near.peer = far
    far.peer = near
    peer.adopt(far)
    return near
  }

  /** For connections: bytes in order, none lost. */
  sendSegment(from: VirtualConnection, to: VirtualConnection, bytes: Uint8Array): void {
    this.packets.push({ ...describe(this.clock.now(), 'tcp', from.local, from.remote, bytes), isLost: false })
    this.clock.after(this.latencyMs, () => {
      if (to.isOpen) to.owner.messageArrived(bytes, to)
    })
  }

  #inside(to: SocketAddress): SocketAddress {
    for (const nat of this.#nats.values()) {
      const inside = nat.inside(to)
      if (inside !== null) return inside
    }
    return to
  }

  #find(protocol: VirtualProtocol, { address, port }: SocketAddress): VirtualTransport | undefined {
    return this.#transports.find(
      (one) => one.protocols.includes(protocol) && one.local.port === port && isSameAddress(one.local.address, address),
    )
  }
}

/** One public address; every inner address and port gets a port of it. */
export class VirtualNat {
  readonly publicAddress: string
  readonly #outside = new Map<string, { readonly inside: SocketAddress; readonly port: number }>()
  #nextPort = 61_000

  constructor(publicAddress: string) {
    this.publicAddress = publicAddress
  }

  outside(inside: SocketAddress): SocketAddress {
    const key = printAddress(inside)
    const known = this.#outside.get(key) ?? { inside, port: this.#nextPort++ }
    this.#outside.set(key, known)
    return { address: this.publicAddress, port: known.port }
  }

  /** Null: not an address of this NAT, or nothing was sent from there, so that nothing gets in. */
  inside(outside: SocketAddress): SocketAddress | null {
    if (outside.address !== this.publicAddress) return null
    return [...this.#outside.values()].find(({ port }) => port === outside.port)?.inside ?? null
  }

  /** Forgets its bindings, as home routers do: the next packet leaves from another port. */
  rebind(): void {
    this.#outside.clear()
  }
}

interface VirtualFlow extends Flow {
  readonly protocol: VirtualProtocol
  sendBytes(bytes: Uint8Array): void
}

/** One end of a connection. */
export class VirtualConnection implements VirtualFlow {
  readonly protocol: VirtualProtocol = 'tcp'
  readonly isReliable = true
  readonly id: string
  readonly local: SocketAddress
  readonly remote: SocketAddress
  readonly owner: VirtualTransport
  peer: VirtualConnection | null = null
  isOpen = true
  readonly #network: VirtualNetwork

  constructor(
    network: VirtualNetwork,
    owner: VirtualTransport,
    local: SocketAddress,
    remote: SocketAddress,
    number: number,
  ) {
    this.#network = network
    this.owner = owner
    this.local = local
    this.remote = remote
    this.id = `tcp:${printAddress(local)}-${printAddress(remote)}#${number}`
  }

  sendBytes(bytes: Uint8Array): void {
    if (!this.isOpen || this.peer === null) throw lost(this.remote)
    this.#network.sendSegment(this, this.peer, bytes)
  }

  /** Both ends hear of it at once. */
  cut(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.owner.forget(this)
    this.peer?.cut()
    this.owner.user?.flowClosed(this)
  }
}

/** A transport whose sockets are on a `VirtualNetwork`. What it does to messages is what `SipTransport` does. */
export class VirtualTransport implements Transport {
  user: TransportUser | null = null
  readonly local: SocketAddress
  readonly protocols: readonly VirtualProtocol[]
  readonly #network: VirtualNetwork
  readonly #connections = new Set<VirtualConnection>()

  constructor(network: VirtualNetwork, local: SocketAddress, protocols: readonly VirtualProtocol[]) {
    this.#network = network
    this.local = local
    this.protocols = protocols
  }

  async sendRequest(request: SipRequest, target: { flow?: Flow; destination?: Destination }): Promise<Flow> {
    const { flow, destination } = target
    let way = flow?.isOpen === true ? asVirtual(flow) : this.#open(destination)
    let bytes = this.#print(request, way)
    // RFC 3261 §18.1.1.
    if (way.protocol === 'udp' && bytes.length > 1300) {
      way = this.#connection(way.remote) ?? way
      bytes = this.#print(request, way)
    }
    way.sendBytes(bytes)
    return way
  }

  sendResponse(response: SipResponse, flow: Flow): Promise<void> {
    return this.prepareResponse(response, flow).send()
  }

  prepareResponse(response: SipResponse, flow: Flow): PreparedResponse {
    const bytes = printMessage(response)
    const [via] = response.vias
    return {
      send: async (retransmission) => this.#sendBack(bytes, retransmission?.flow ?? flow, retransmission?.via ?? via),
    }
  }

  localAddress(): SocketAddress {
    return this.local
  }

  interfaceAddress(): string {
    return this.local.address
  }

  /** For the network: what has come. */
  datagramArrived(bytes: Uint8Array, from: SocketAddress, to: SocketAddress): void {
    this.messageArrived(bytes, this.#datagramFlow(from, to))
  }

  messageArrived(bytes: Uint8Array, flow: Flow): void {
    let message = parseMessage(bytes)
    if (message.kind === 'request') message = withTopVia(message, stampReceived(message.vias[0], flow.remote))
    this.user?.messageReceived(message, flow)
  }

  adopt(connection: VirtualConnection): void {
    this.#connections.add(connection)
  }

  forget(connection: VirtualConnection): void {
    this.#connections.delete(connection)
  }

  cutConnections(): void {
    for (const connection of this.#connections) connection.cut()
  }

  #print(request: SipRequest, way: VirtualFlow): Uint8Array {
    return printMessage(withSentBy(request, way.protocol, this.local))
  }

  #open(destination: Destination | undefined): VirtualFlow {
    if (destination === undefined) throw lost(this.local)
    if (destination.protocol === 'udp') return this.#datagramFlow(destination.remote, this.local)
    const connection = this.#connection(destination.remote)
    if (connection === null) throw unreachable(destination.remote)
    return connection
  }

  #connection(remote: SocketAddress): VirtualConnection | null {
    if (!this.protocols.includes('tcp')) return null
    const key = printAddress(remote)
    const known = [...this.#connections].find((one) => printAddress(one.remote) === key)
    if (known !== undefined) return known
    const fresh = this.#network.connect(this, remote)
    if (fresh !== null) this.#connections.add(fresh)
    return fresh
  }

  #sendBack(bytes: Uint8Array, flow: Flow, via: Via): void {
    const way = asVirtual(flow)
    if (way.protocol === 'tcp' && way.isOpen) return way.sendBytes(bytes)
    const parameters = new Map(via.parameters)
    if (way.protocol === 'tcp') parameters.delete('rport')
    const target = responseTarget({ ...via, parameters }, way.remote, way.protocol)
    this.#open({ protocol: way.protocol, remote: target }).sendBytes(bytes)
  }

  #datagramFlow(remote: SocketAddress, local: SocketAddress): VirtualFlow {
    return {
      id: `udp:${printAddress(local)}-${printAddress(remote)}`,
      protocol: 'udp',
      isReliable: false,
      local,
      remote,
      isOpen: true,
      sendBytes: (bytes) => this.#network.sendDatagram(local, remote, bytes),
    }
  }
}

function asVirtual(flow: Flow): VirtualFlow {
  if ('sendBytes' in flow) return flow as VirtualFlow
  throw new Error(`The flow ${flow.id} belongs to another transport.`)
}

function describe(
  sentMs: number,
  protocol: VirtualProtocol,
  from: SocketAddress,
  to: SocketAddress,
  bytes: Uint8Array,
): Departing {
  const message = parseMessage(bytes)
  const text = message.kind === 'request' ? message.method : `${message.status} ${message.cseq.method}`
  return { sentMs, protocol, from, to, message, text, bytes }
}

function unreachable(to: SocketAddress): TransportError {
  return new TransportError('transport.send-failed', `${printAddress(to)} cannot be reached.`)
}

function lost(remote: SocketAddress): TransportError {
  return new TransportError('transport.connection-lost', `The connection to ${printAddress(remote)} is lost.`)
}
