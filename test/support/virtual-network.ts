import type { Clock } from '../../src/base/clock.ts'
import type { Random } from '../../src/base/random.ts'
import type { DatagramListener, DatagramPort } from '../../src/rtp/datagram-port.ts'

/** How a path treats datagrams. Rates are 0 to 1. */
export interface PathOptions {
  readonly delayMs?: number
  /** Added to the delay, evenly from 0 to this: above the spacing of packets it reorders them. */
  readonly jitterMs?: number
  readonly lossRate?: number
  readonly duplicateRate?: number
  /** By script: true drops the n-th datagram of the path, from 0. */
  readonly drop?: (n: number, bytes: Uint8Array) => boolean
}

/**
 * How a NAT of a test maps, RFC 4787 §4.1 (there, `symmetric` is address and port dependent mapping). All filter by
 * address and port: only who was written to may answer.
 */
export type NatMapping = 'endpoint-independent' | 'symmetric'

interface Nat {
  readonly inside: string
  readonly publicAddress: string
  readonly mapping: NatMapping
  /** Inside endpoint (and, if symmetric, the remote one) to public port. */
  readonly ports: Map<string, number>
  nextPort: number
}

interface Mapped {
  readonly address: string
  readonly port: number
  /** Remote endpoints that may write through it. */
  readonly allowed: Set<string>
}

/** UDP in memory: ports on any address, paths with loss, delay and reordering by script, NATs. Time is the test's. */
export class VirtualNetwork {
  readonly #clock: Clock
  readonly #random: Random
  readonly #ports = new Map<string, VirtualPort>()
  readonly #paths = new Map<string, { options: PathOptions; count: number }>()
  readonly #nats: Nat[] = []
  readonly #mapped = new Map<string, Mapped>()
  readonly #held = new Set<string>()
  #nextPort = 40_000
  /** Datagrams that reached nobody: closed port, filtered by a NAT. */
  undelivered = 0

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** Binds; port 0 chooses one. Throws when it is taken. */
  bind(address: string, port = 0): DatagramPort {
    const chosen = port === 0 ? this.#nextPort++ : port
    const key = `${address}:${chosen}`
    if (this.#ports.has(key) || this.#held.has(key))
      throw Object.assign(new Error(`${key} is taken`), { code: 'EADDRINUSE' })
    const bound = new VirtualPort(
      address,
      chosen,
      (bytes, to) => this.#send(bound, bytes, to),
      () => this.#ports.delete(key),
    )
    this.#ports.set(key, bound)
    return bound
  }

  /** As `bind`, in the shape that PortPool wants. */
  readonly bindLater = async (address: string, port: number): Promise<DatagramPort> => this.bind(address, port)

  /** Makes another program hold a port, or let go of it. */
  hold(address: string, port: number, isHeld = true): void {
    if (isHeld) this.#held.add(`${address}:${port}`)
    else this.#held.delete(`${address}:${port}`)
  }

  /** Ports bound now. */
  get boundPorts(): number {
    return this.#ports.size
  }

  /** Sets how datagrams from one address to another fare (one direction). */
  path(from: string, to: string, options: PathOptions): void {
    this.#paths.set(`${from}>${to}`, { options, count: 0 })
  }

  /** Puts an inside address behind a NAT. */
  nat(inside: string, publicAddress: string, mapping: NatMapping = 'endpoint-independent'): void {
    this.#nats.push({ inside, publicAddress, mapping, ports: new Map(), nextPort: 60_000 })
  }

  /** Makes a NAT forget: the next datagrams go out by new ports. */
  rebindNat(inside: string): void {
    for (const nat of this.#nats) if (nat.inside === inside) nat.ports.clear()
  }

  #send(from: VirtualPort, bytes: Uint8Array, to: { address: string; port: number }): void {
    const path = this.#paths.get(`${from.address}>${to.address}`)
    const { delayMs = 0, jitterMs = 0, lossRate = 0, duplicateRate = 0, drop } = path?.options ?? {}
    const n = path ? path.count++ : 0
    if (drop?.(n, bytes) || this.#chance(lossRate)) return
    const source = this.#translate(from, to)
    const copies = this.#chance(duplicateRate) ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const ms = delayMs + jitterMs * this.#fraction()
      this.#clock.after(ms, () => this.#deliver(bytes, source, to))
    }
  }

  /** The source as others see it. */
  #translate(from: VirtualPort, to: { address: string; port: number }): { address: string; port: number } {
    const nat = this.#nats.find((one) => one.inside === from.address && one.publicAddress !== to.address)
    if (!nat) return from
    const remote = `${to.address}:${to.port}`
    const key = nat.mapping === 'symmetric' ? `${from.port}>${remote}` : String(from.port)
    let port = nat.ports.get(key)
    if (port === undefined) {
      port = nat.nextPort++
      nat.ports.set(key, port)
    }
    const publicKey = `${nat.publicAddress}:${port}`
    const mapped = this.#mapped.get(publicKey) ?? { address: from.address, port: from.port, allowed: new Set<string>() }
    this.#mapped.set(publicKey, mapped)
    mapped.allowed.add(remote)
    return { address: nat.publicAddress, port }
  }

  #deliver(bytes: Uint8Array, source: { address: string; port: number }, to: { address: string; port: number }): void {
    const mapped = this.#mapped.get(`${to.address}:${to.port}`)
    const isLetIn = !mapped || mapped.allowed.has(`${source.address}:${source.port}`)
    const target = this.#ports.get(mapped ? `${mapped.address}:${mapped.port}` : `${to.address}:${to.port}`)
    if (target && isLetIn) target.deliver(bytes.slice(), source.address, source.port)
    else this.undelivered++
  }

  #chance(rate: number): boolean {
    return rate > 0 && this.#fraction() < rate
  }

  #fraction(): number {
    return this.#random.uint32() / 0x1_0000_0000
  }
}

class VirtualPort implements DatagramPort {
  readonly address: string
  readonly port: number
  readonly sendErrors = 0
  readonly #transmit: (bytes: Uint8Array, to: { address: string; port: number }) => void
  readonly #release: () => void
  #listener: DatagramListener | null = null
  #isClosed = false

  constructor(
    address: string,
    port: number,
    transmit: (bytes: Uint8Array, to: { address: string; port: number }) => void,
    release: () => void,
  ) {
    this.address = address
    this.port = port
    this.#transmit = transmit
    this.#release = release
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    if (!this.#isClosed) this.#transmit(bytes.slice(offset, offset + length), { address, port })
  }

  onMessage(listener: DatagramListener): void {
    this.#listener = listener
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener = null
    this.#release()
  }

  deliver(bytes: Uint8Array, address: string, port: number): void {
    this.#listener?.(bytes, address, port)
  }
}
