import { isInCidr } from '../../config/addresses.ts'
import type { TrunkSettings } from '../../config/settings.ts'
import { isSipUri, type SipRequest } from '../message/types.ts'
import { isSameAddress } from '../transport/address-text.ts'
import type { Flow } from '../transport/types.ts'

/** A trunk as its inbound calls are told by. */
export interface InboundTrunk {
  readonly tenant: string
  readonly settings: TrunkSettings
  /** The way by which we are registered; null while we are not. */
  readonly registeredFlow: Flow | null
}

/** The trunk that a call comes by, and what proves it. */
export interface TrunkMatch {
  readonly tenant: string
  readonly trunk: TrunkSettings
  /**
   * `address`: it comes from an address in `from`. `registration`: from the very host that we are registered at. `challenge`:
   * one of these holds, but the trunk is to prove itself by digest as well (`authenticate`), and is to be asked.
   */
  readonly proof: 'address' | 'registration' | 'challenge'
}

/** An account that proves a trunk: what `DigestServer.verify` may be given among the others of a username. */
export interface TrunkAccount {
  readonly kind: 'trunk'
  readonly tenant: string
  readonly trunk: TrunkSettings
  readonly password: string
}

/** How narrow a match is that comes by registration: one host, as a range of one address. */
const oneHostBits = 128

/**
 * The trunk that a request comes by. That its Request-URI is our Contact proves nothing, for anybody may write it there; it
 * only decides, with the number that is called, between trunks that share an address: the accounts of several customers at one
 * provider.
 * @param ownerOf - the tenant that has this number; null: nobody.
 */
export function matchInbound(
  trunks: Iterable<InboundTrunk>,
  request: SipRequest,
  flow: Flow,
  ownerOf: (user: string) => string | null,
): TrunkMatch | null {
  const user = isSipUri(request.uri) ? request.uri.user : null
  const owner = user === null ? null : ownerOf(user)
  let best: { match: TrunkMatch; rank: readonly number[] } | null = null
  for (const one of trunks) {
    const source = sourceOf(one, flow)
    if (source === null) continue
    const { tenant, settings: trunk } = one
    const isCalled = user !== null && one.registeredFlow !== null && trunk.username === user
    const rank = [Number(owner === tenant), Number(isCalled), source.bits]
    if (best !== null && !isHigher(rank, best.rank)) continue
    best = { match: { tenant, trunk, proof: trunk.authenticate ? 'challenge' : source.proof }, rank }
  }
  return best?.match ?? null
}

/** The trunks that are to prove themselves by this username, and may come from this address. */
export function accountsOf(trunks: Iterable<InboundTrunk>, username: string, address: string): readonly TrunkAccount[] {
  const found: TrunkAccount[] = []
  for (const { tenant, settings: trunk } of trunks) {
    if (!trunk.authenticate || trunk.username !== username || trunk.password === null) continue
    if (trunk.from.length > 0 && !trunk.from.some((cidr) => isInCidr(cidr, address))) continue
    found.push({ kind: 'trunk', tenant, trunk, password: trunk.password })
  }
  return found
}

/** What in the source of a request speaks for the trunk, the narrowest; null: nothing. */
function sourceOf(
  { settings, registeredFlow }: InboundTrunk,
  { remote }: Flow,
): { readonly proof: 'address' | 'registration'; readonly bits: number } | null {
  const widths = settings.from
    .filter((cidr) => isInCidr(cidr, remote.address))
    .map(({ prefixBits, family }) => (family === 4 ? prefixBits + 96 : prefixBits))
  if (widths.length > 0) return { proof: 'address', bits: Math.max(...widths) }
  const isRegistrar = registeredFlow !== null && isSameAddress(registeredFlow.remote.address, remote.address)
  return isRegistrar ? { proof: 'registration', bits: oneHostBits } : null
}

function isHigher(a: readonly number[], b: readonly number[]): boolean {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value > (b[i] ?? 0)
  return false
}
