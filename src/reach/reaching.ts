import type { Random } from '../base/random.ts'
import type { Device, Reach, Reacher, ReachRequest } from '../call/reach.ts'
import type { ExtensionSettings, TenantSettings } from '../config/settings.ts'
import type { HangupCause } from '../leg/hangup-cause.ts'
import type { Directory } from '../routing/directory.ts'
import { type OutboundRoute, routeOutbound } from '../routing/outbound.ts'
import type { RegisteredContact, Registrar } from '../sip/registrar/registrar.ts'
import { peerText } from './addresses.ts'
import type { Hops } from './hops.ts'
import type { Inside } from './inside.ts'
import type { LegShop } from './reach-parts.ts'
import { telephone } from './telephone.ts'
import type { TrunkDesk } from './trunk-desk.ts'

export interface ReachingParts {
  readonly shop: LegShop
  readonly random: Random
  readonly directory: Directory
  readonly registrar: Pick<Registrar, 'lookup'>
  readonly trunks: TrunkDesk
  readonly inside: Inside
  readonly hops: Hops
  /** Whether a host of a sip: address is this server's own. */
  isOwnHost(host: string): boolean
}

/** Finds who rings: the telephones of an extension, a number of this server, or the outside by trunks. */
export class Reaching implements Reacher {
  readonly #parts: ReachingParts

  constructor(parts: ReachingParts) {
    this.#parts = parts
  }

  async reach(request: ReachRequest): Promise<Reach> {
    const { directory, random, hops } = this.#parts
    const tenant = directory.tenant(request.tenant)
    if (!tenant) return unreachable('number-unknown', `There is no tenant ${request.tenant} any more.`)
    const maxForwards = hops.next(request.onBehalfOf)
    if (maxForwards === null) {
      return unreachable('too-many-hops', 'The call has passed as many servers as it may (Max-Forwards is 0).')
    }
    const isOwnHost = (host: string): boolean => this.#parts.isOwnHost(host)
    const route = routeOutbound(tenant, request.destination, { directory, random, isOwnHost }, request.trunk ?? null)
    return this.#follow(route, tenant, request, maxForwards)
  }

  #follow(route: OutboundRoute, tenant: TenantSettings, request: ReachRequest, maxForwards: number): Reach {
    switch (route.kind) {
      case 'refused':
        return unreachable(route.cause, route.sentence)
      case 'extension':
        return this.#telephones(tenant, route.extension, request, maxForwards)
      case 'own-number':
        return this.#inside(tenant, route.found.number.number, request, maxForwards)
      case 'trunk':
        return this.#outside(tenant, route, request, maxForwards)
    }
  }

  #telephones(
    tenant: TenantSettings,
    { extension }: ExtensionSettings,
    request: ReachRequest,
    maxForwards: number,
  ): Reach {
    const all = this.#parts.registrar.lookup({ tenant: tenant.name, extension })
    if (all.length === 0) {
      return unreachable('not-registered', `Extension ${extension} is not registered: none of its telephones is there.`)
    }
    // Who calls its own extension means its other telephones.
    const others = all.filter((contact) => !isCaller(contact, extension, request))
    if (others.length === 0)
      return unreachable('busy', `Extension ${extension} calls itself and has no other telephone.`)
    const { shop } = this.#parts
    const devices = others.map((contact) => telephone(shop, tenant, extension, contact, request, maxForwards))
    return { kind: 'reachable', devices }
  }

  #inside(tenant: TenantSettings, number: string, request: ReachRequest, maxForwards: number): Reach {
    const { inside, shop } = this.#parts
    const destination = inside.destination()
    if (!destination) return unreachable('server-error', 'The server does not listen for SIP.')
    const device: Device = inside.device(shop, tenant, number, destination, request, maxForwards)
    return { kind: 'reachable', devices: [device] }
  }

  #outside(
    tenant: TenantSettings,
    route: Extract<OutboundRoute, { kind: 'trunk' }>,
    request: ReachRequest,
    maxForwards: number,
  ): Reach {
    if (request.isByTelephone && (request.onBehalfOf?.party.extension ?? null) === null) {
      const sentence = `Only an extension of tenant ${tenant.name} may transfer calls to the outside.`
      return unreachable('forbidden', sentence)
    }
    return this.#parts.trunks.reach(tenant, route, request, maxForwards)
  }
}

function isCaller(contact: RegisteredContact, extension: string, { onBehalfOf }: ReachRequest): boolean {
  const party = onBehalfOf?.party
  if (party?.extension !== extension) return false
  const { flow, binding } = contact
  return party.address === (flow ? peerText(flow) : `${binding.via.protocol}:${binding.via.remote}`)
}

function unreachable(cause: HangupCause, sentence: string): Reach {
  return { kind: 'unreachable', cause, sentence }
}
