import { isIPv6 } from 'node:net'
import { isWildcard } from '../config/addresses.ts'
import type { Settings } from '../config/settings.ts'
import type { MediaAddresses } from '../leg/leg-media.ts'
import type { SocketAddress, Transport, TransportProtocol } from '../sip/transport/types.ts'

/** As much of a flow or a destination as tells where a peer is. */
export interface Peer {
  readonly protocol: TransportProtocol
  readonly remote: SocketAddress
}

/** What a peer is told of where we are. */
export class PeerAddresses {
  readonly #nat: Settings['nat']
  readonly #rtpAddress: string | null
  readonly #transport: Pick<Transport, 'localAddress' | 'interfaceAddress'> & { isLocalPeer(peer: Peer): boolean }

  constructor(
    settings: Pick<Settings, 'nat' | 'rtp'>,
    transport: Pick<Transport, 'localAddress' | 'interfaceAddress'> & { isLocalPeer(peer: Peer): boolean },
  ) {
    this.#nat = settings.nat
    this.#rtpAddress = settings.rtp.address
    this.#transport = transport
  }

  /** Where our RTP is bound, and what SDP says: the advertised address for peers outside the local networks. */
  media(peer: Peer): MediaAddresses {
    const address = this.#rtpAddress
    const own = address === null || isWildcard(address) ? this.#transport.interfaceAddress(peer) : address
    const { media } = this.#nat
    const isFar = media !== null && isIPv6(media) === isIPv6(own) && !this.#transport.isLocalPeer(peer)
    return { bindAddress: own, advertisedAddress: isFar ? media : own }
  }

  /** The host of our own address for this peer, where there is no domain to be written. */
  host(peer: Peer): string {
    return this.#transport.localAddress(peer).address
  }
}
