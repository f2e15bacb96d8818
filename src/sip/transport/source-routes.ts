import { createSocket, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import type { Clock } from '../../base/clock.ts'
import { isLoopback, isWildcard } from '../../config/addresses.ts'
import { familyOf, plainAddress } from './address-text.ts'

/** Routes change seldom (a lease, a tunnel that comes up); half a minute of a stale one is bearable. */
const lifetimeMs = 30_000
/** Peers remembered. A flood from more addresses than these costs a look-up each, no memory. */
const maxEntries = 2048
/** Nothing is sent to it; connecting a UDP socket only makes the kernel choose a route. The discard port. */
const probePort = 9

interface Entry {
  readonly source: string
  readonly untilMs: number
}

/**
 * Which of this machine's addresses a peer sees: the kernel's own choice, asked by connecting a UDP socket, which sends
 * nothing and waits for nobody (about 30 µs, then remembered).
 */
export class SourceRoutes {
  readonly #clock: Clock
  readonly #ask: (remote: string) => string | null
  readonly #known = new Map<string, Entry>()

  /** @param ask - for tests: what the kernel would say. */
  constructor(clock: Clock, ask: (remote: string) => string | null = askKernel) {
    this.#clock = clock
    this.#ask = ask
  }

  /**
   * The local address, an IP literal of the same family, that packets to `remote` leave from; where the kernel has no
   * route, the likeliest one.
   */
  sourceFor(remote: string): string {
    const nowMs = this.#clock.now()
    const known = this.#known.get(remote)
    if (known !== undefined && nowMs < known.untilMs) return known.source
    const source = this.#ask(remote) ?? likelySource(remote)
    this.#known.delete(remote)
    if (this.#known.size >= maxEntries) this.#forgetOldest()
    this.#known.set(remote, { source, untilMs: nowMs + lifetimeMs })
    return source
  }

  get size(): number {
    return this.#known.size
  }

  #forgetOldest(): void {
    for (const remote of this.#known.keys()) {
      this.#known.delete(remote)
      return
    }
  }
}

/** The kernel's choice; null when it has no route, or cannot be asked within this call. */
function askKernel(remote: string): string | null {
  const family = familyOf(remote)
  if (family === 0) return null
  const socket = probeSocket(family)
  try {
    socket.connect(probePort, remote)
    // Bound and connected by now, since `lookup` answers at once; were it not, `address` throws and we guess.
    const { address } = socket.address()
    return isWildcard(address) ? null : plainAddress(address)
  } catch {
    return null
  } finally {
    socket.close()
  }
}

function probeSocket(family: 4 | 6): Socket {
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    lookup: (host, _options, callback) => callback(null, host, family),
  })
  // No route: reported later, by then we have our answer.
  socket.on('error', () => {})
  return socket
}

/** Without a route: this machine's first address of that family that is not its loopback, else the loopback. */
function likelySource(remote: string): string {
  const isV6 = remote.includes(':')
  const loopback = isV6 ? '::1' : '127.0.0.1'
  if (isLoopback(remote)) return loopback
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.find((one) => !one.internal && one.family === (isV6 ? 'IPv6' : 'IPv4'))?.address ?? loopback
}
