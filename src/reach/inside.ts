import type { Random } from '../base/random.ts'
import type { Device, ReachRequest } from '../call/reach.ts'
import { isWildcard } from '../config/addresses.ts'
import type { TenantSettings } from '../config/settings.ts'
import type { Way } from '../leg/way.ts'
import type { Destination, SocketAddress, TransportProtocol } from '../sip/transport/types.ts'
import { nameAddress, peerText, sipUri } from './addresses.ts'
import { callerShown } from './caller-shown.ts'
import { identityFor } from './identity-for.ts'
import { type LegShop, oneWayLeg } from './reach-parts.ts'

/** The name under which the server calls itself, before the tenant's. No extension can be called so: it has a blank. */
const namePrefix = 'inside '

/**
 * The way round inside: a call to a number of this server is an ordinary INVITE to one of our own sockets, so that whatever has
 * the number takes it as it takes any other call, with a record of its own. It proves itself by digest with a password that
 * nobody but this process has.
 */
export class Inside {
  readonly #password: string
  readonly #ports: () => readonly (SocketAddress & { readonly protocol: TransportProtocol })[]

  /** @param ports - our bound SIP sockets. */
  constructor(random: Random, ports: () => readonly (SocketAddress & { readonly protocol: TransportProtocol })[]) {
    this.#password = random.token(32)
    this.#ports = ports
  }

  credentials(tenant: string): { readonly username: string; readonly password: string } {
    return { username: `${namePrefix}${tenant}`, password: this.#password }
  }

  /** The tenant on whose behalf somebody of this name calls, and the password it has to know; null for any other name. */
  find(username: string): { readonly tenant: string; readonly password: string } | null {
    if (!username.startsWith(namePrefix)) return null
    return { tenant: username.slice(namePrefix.length), password: this.#password }
  }

  /** Whether something came from one of our own sockets. */
  isOwn(remote: SocketAddress): boolean {
    return this.#ports().some(
      ({ address, port }) => port === remote.port && (address === remote.address || isWildcard(address)),
    )
  }

  /** Where we hear ourselves. */
  destination(): Destination | null {
    const all = this.#ports()
    const found = all.find(({ protocol }) => protocol === 'udp') ?? all[0]
    if (!found) return null
    const { protocol, address, port } = found
    const own = isWildcard(address) ? (address.includes(':') ? '::1' : '127.0.0.1') : address
    return { protocol, remote: { address: own, port } }
  }

  /** A number of this server, as something that can ring. */
  device(
    shop: LegShop,
    tenant: TenantSettings,
    number: string,
    destination: Destination,
    request: ReachRequest,
    maxForwards: number,
  ): Device {
    const label = `${number} (this server)`
    return {
      label,
      makeLeg: (role) => {
        const host = destination.remote.address
        const uri = sipUri(number, host, destination.remote.port)
        const peer = { host: tenant.domain ?? host, isTrusted: false }
        const { from, headers } = identityFor(callerShown(tenant, request), request, peer, uri)
        const way: Way = {
          label,
          uri,
          target: { destination },
          from,
          to: nameAddress(null, sipUri(number, host)),
          headers,
          credentials: this.credentials(tenant.name),
          maxForwards,
        }
        const party = {
          user: number,
          displayName: null,
          extension: null,
          address: peerText(destination),
          userAgent: null,
        }
        return oneWayLeg(shop, role, party, way, { near: request.onBehalfOf, peer: destination })
      },
    }
  }
}
