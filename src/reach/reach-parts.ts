import type { Clock } from '../base/clock.ts'
import type { IdFactory } from '../base/ids.ts'
import type { Logger } from '../base/log.ts'
import type { Leg, LegParty, LegRole, OutboundLeg } from '../leg/leg.ts'
import type { LegDirectory } from '../leg/leg-directory.ts'
import { OutboundSipLeg, type OutboundSipLegParts } from '../leg/outbound-leg.ts'
import { type NextWay, type Way, waysInOrder } from '../leg/way.ts'
import type { MediaPlane } from '../media/plane/types.ts'
import type { UserAgent } from '../sip/dialog/user-agent.ts'
import type { Peer, PeerAddresses } from './peer-addresses.ts'

/** Neither RTP nor RTCP from a peer for so long ends its leg. */
export const mediaTimeoutMs = 60_000

/** What legs of ours are made from. */
export interface LegShop {
  readonly clock: Clock
  readonly log: Logger
  readonly ids: IdFactory
  readonly plane: MediaPlane
  readonly directory: LegDirectory
  readonly addresses: PeerAddresses
  readonly userAgent: Pick<UserAgent, 'invite'>
}

/** Stands in for a peer whose place is not known yet: a way that says where its media are goes before it. */
const loopback: Peer = { protocol: 'udp', remote: { address: '127.0.0.1', port: 5060 } }

export function outboundParts(
  shop: LegShop,
  options: { readonly ways: NextWay; readonly near: Leg | null; readonly peer: Peer | null },
): OutboundSipLegParts {
  const { clock, log, plane, directory, userAgent } = shop
  return {
    clock,
    log,
    plane,
    directory,
    media: shop.addresses.media(options.peer ?? loopback),
    mediaTimeoutMs,
    near: options.near,
    ways: options.ways,
    invite: (invite, user) => userAgent.invite(invite, user),
  }
}

/** A leg that has one way only: to a telephone, or to ourselves. */
export function oneWayLeg(
  shop: LegShop,
  role: LegRole,
  party: LegParty,
  way: Way,
  options: { readonly near: Leg | null; readonly peer: Peer | null },
): OutboundLeg {
  return new OutboundSipLeg(shop.ids.leg(), role, party, outboundParts(shop, { ...options, ways: waysInOrder([way]) }))
}
