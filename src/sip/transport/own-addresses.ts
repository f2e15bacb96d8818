import { type Cidr, isInAnyCidr, isWildcard, parseCidr } from '../../config/addresses.ts'
import { familyOf, isSameAddress } from './address-text.ts'
import type { SourceRoutes } from './source-routes.ts'
import type { SocketAddress, TransportProtocol } from './types.ts'

/** What peers outside the local networks are told; without a port, the socket's own. */
export interface Advertised {
  /** An IP literal without brackets, or a host name. */
  readonly host: string
  readonly port: number | null
}

/** Taken for local where the operator names no networks: loopback, RFC 1918, RFC 4193, link-local. */
const usualLocalNetworks: readonly Cidr[] = [
  '127.0.0.0/8',
  '::1',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
  '169.254.0.0/16',
  'fe80::/10',
].flatMap((text) => parseCidr(text) ?? [])

/** Local whatever the operator names: what is advertised never leads there. */
const alwaysLocal: readonly Cidr[] = ['127.0.0.0/8', '::1', '169.254.0.0/16', 'fe80::/10'].flatMap(
  (text) => parseCidr(text) ?? [],
)

/** A bound socket as this file sees it. */
export interface BoundSocket {
  readonly protocol: TransportProtocol
  readonly local: SocketAddress
  /** An IPv6 socket that serves IPv4 too. */
  readonly isDualStack: boolean
}

/** Answers with which address and from which socket a peer is spoken to. */
export class OwnAddresses {
  readonly #advertised: Advertised | null
  readonly #localNetworks: readonly Cidr[]
  readonly #routes: SourceRoutes

  /** @param localNetworks - empty: the usual private ranges. */
  constructor(advertised: Advertised | null, localNetworks: readonly Cidr[], routes: SourceRoutes) {
    this.#advertised = advertised
    this.#localNetworks = localNetworks.length === 0 ? usualLocalNetworks : [...localNetworks, ...alwaysLocal]
    this.#routes = routes
  }

  /** The interface's own address towards a peer. */
  interfaceFor(remote: string): string {
    return this.#routes.sourceFor(remote)
  }

  /** Whether a peer is inside the local networks: nothing is advertised to it. */
  isLocal(remote: string): boolean {
    return isInAnyCidr(this.#localNetworks, remote)
  }

  /** As this peer should see the socket: advertised outside the local networks, its own address inside. */
  sentBy(socket: BoundSocket, remote: string): SocketAddress {
    const { local } = socket
    if (this.#advertised !== null && !this.isLocal(remote)) {
      return { address: this.#advertised.host, port: this.#advertised.port ?? local.port }
    }
    return isWildcard(local.address) ? { address: this.interfaceFor(remote), port: local.port } : local
  }

  /** The socket's address; where it listens on all of them, the one towards a peer. */
  interfaceOf(socket: BoundSocket, remote: string): string {
    return isWildcard(socket.local.address) ? this.interfaceFor(remote) : socket.local.address
  }

  /**
   * The socket to speak to a peer from: one on the address that the kernel would take, else one on every address, else
   * the first that is able to. Undefined when none has the protocol and the family.
   */
  choose<Candidate extends BoundSocket>(
    sockets: readonly Candidate[],
    protocol: TransportProtocol,
    remote: string,
  ): Candidate | undefined {
    const able = sockets.filter((socket) => socket.protocol === protocol && reaches(socket, remote))
    if (able.length < 2) return able[0]
    const source = this.interfaceFor(remote)
    return (
      able.find((socket) => isSameAddress(socket.local.address, source)) ??
      able.find((socket) => isWildcard(socket.local.address)) ??
      able[0]
    )
  }
}

function reaches(socket: BoundSocket, remote: string): boolean {
  return socket.isDualStack || familyOf(socket.local.address) === familyOf(remote)
}
