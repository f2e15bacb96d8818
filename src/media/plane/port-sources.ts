import type { Clock } from '../../base/clock.ts'
import { bindDatagramPort, type DatagramPort } from '../../rtp/datagram-port.ts'
import { PortPool } from '../../rtp/port-pool.ts'
import { canonicalAddress } from '../../sdp/address.ts'
import type { PairSource } from './pair-desk.ts'

/** Which ports an engine may use. */
export interface PortSettings {
  /** Local addresses to bind on, IPv4 and IPv6 literals; `0.0.0.0` and `::` serve for all of their family. */
  readonly addresses: readonly string[]
  /** Both ends included. RFC 3550 §11: RTP on the even ones. */
  readonly firstPort: number
  readonly lastPort: number
}

/** Bound behind those that are announced already; more would be sockets that nobody can see. */
const maxSpare = 32

/** Binds one port; tests hand in a network of their own. */
export type Bind = (address: string, port: number) => Promise<DatagramPort>

export const bindReal: Bind = (address, port) => bindDatagramPort({ address, port })

/** The whole pairs of a range in equal shares, one for each worker, so that no two bind the same. */
export function portShares(settings: PortSettings, workers: number): readonly PortSettings[] {
  const first = settings.firstPort + (settings.firstPort % 2)
  const pairs = Math.max(0, Math.floor((settings.lastPort + 1 - first) / 2))
  return Array.from({ length: workers }, (_, i) => ({
    addresses: settings.addresses,
    firstPort: first + 2 * Math.floor((pairs * i) / workers),
    lastPort: first + 2 * Math.floor((pairs * (i + 1)) / workers) - 1,
  }))
}

/** One pool for each address. */
export function portSources(
  settings: PortSettings,
  options: { clock: Clock; bind: Bind; ahead: number },
): ReadonlyMap<string, PairSource> {
  const { firstPort, lastPort } = settings
  const { clock, bind, ahead } = options
  const minSpare = Math.min(ahead, maxSpare)
  const addresses = new Set(settings.addresses.map(canonicalAddress))
  return new Map(
    [...addresses].map((address) => [address, new PortPool({ address, firstPort, lastPort, bind, clock, minSpare })]),
  )
}
