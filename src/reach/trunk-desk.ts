import { LimitError } from '../base/errors.ts'
import type { OutboundMinutes } from '../call/outbound-minutes.ts'
import type { Reach, ReachRequest } from '../call/reach.ts'
import { isSameNumber } from '../config/numbers.ts'
import type { TenantSettings } from '../config/settings.ts'
import type { LegParty, LegRole, OutboundLeg } from '../leg/leg.ts'
import { type CallerId, callerIdFor } from '../routing/caller-id.ts'
import type { OutboundRoute } from '../routing/outbound.ts'
import type { Locator } from '../sip/locate/locator.ts'
import type { LoopGuard } from '../sip/trunk/loop-guard.ts'
import type { Trunk } from '../sip/trunk/trunk.ts'
import type { Trunks } from '../sip/trunk/trunks.ts'
import { isWithheld } from './caller-shown.ts'
import { MeteredSipLeg } from './metered-leg.ts'
import { type LegShop, outboundParts } from './reach-parts.ts'
import { TrunkWays } from './trunk-ways.ts'

export interface TrunkDeskParts {
  readonly shop: LegShop
  readonly trunks: Trunks
  readonly locator: Locator
  readonly loops: LoopGuard
  readonly minutes: OutboundMinutes
}

/** A trunk that may be used for this call, and what it is shown. */
export interface UsableTrunk {
  readonly trunk: Trunk
  readonly user: string
  readonly callerId: Extract<CallerId, { kind: 'shown' }>
}

/** Calls to the outside. */
export class TrunkDesk {
  readonly #parts: TrunkDeskParts

  constructor(parts: TrunkDeskParts) {
    this.#parts = parts
  }

  reach(
    tenant: TenantSettings,
    { number, ways }: Extract<OutboundRoute, { kind: 'trunk' }>,
    request: ReachRequest,
    maxForwards: number,
  ): Reach {
    const { trunks, minutes } = this.#parts
    const limitMs = minutes.leftMs(tenant.name, tenant.timeZone, tenant.limits.minutesPerDay)
    if (limitMs === 0) {
      const sentence = `Tenant ${tenant.name} has used its ${tenant.limits.minutesPerDay} minutes of outbound calls today (limits.minutesPerDay).`
      return { kind: 'unreachable', cause: 'limit-exceeded', sentence }
    }
    const usable: UsableTrunk[] = []
    let refusal: Extract<CallerId, { kind: 'refused' }> | null = null
    const showsCaller = isCallersOwn(tenant, request)
    const isVouched = showsCaller && request.onBehalfOf?.party.isTrusted === true
    for (const way of trunks.byHealth(ways)) {
      const callerId = callerIdFor(tenant, wantedNumber(request), way.trunk, isVouched)
      const trunk = trunks.find(way.tenant, way.trunk.name)
      if (callerId.kind === 'refused') refusal ??= callerId
      // A program that shows a number it may not show is told, rather than that another is shown in its place. One that shows
      // the caller it passes on has not made the number up: there it is as if the program had said nothing.
      else if (callerId.isReplaced && request.callerId !== null && !showsCaller)
        refusal ??= mayNotShow(tenant, request.callerId)
      else if (trunk) usable.push({ trunk, user: way.user, callerId })
    }
    if (usable.length === 0) {
      if (refusal) return { kind: 'unreachable', cause: refusal.cause, sentence: refusal.sentence }
      return { kind: 'unreachable', cause: 'network-failure', sentence: `No trunk for ${number} is there any more.` }
    }
    const label = `${number} by ${usable.map(({ trunk }) => trunk.settings.name).join(' or ')}`
    const makeLeg = (role: LegRole): OutboundLeg => {
      return this.#makeLeg(role, { tenant, number, usable, request, maxForwards, limitMs })
    }
    return { kind: 'reachable', devices: [{ label, makeLeg }] }
  }

  #makeLeg(
    role: LegRole,
    call: {
      readonly tenant: TenantSettings
      readonly number: string
      readonly usable: readonly UsableTrunk[]
      readonly request: ReachRequest
      readonly maxForwards: number
      readonly limitMs: number
    },
  ): OutboundLeg {
    const { shop, locator, loops, minutes } = this.#parts
    const { tenant, number, usable, request, maxForwards, limitMs } = call
    const [first] = usable
    if (first && loops.isCircling(first.callerId.shown, first.user)) {
      throw new LimitError('call.circling', `Calls from ${first.callerId.shown} to ${number} come round in a circle.`)
    }
    const ways = new TrunkWays({ shop, locator, loops }, usable, request, maxForwards)
    const meter = {
      limitMs,
      begin: () => {
        ways.answered()
        return minutes.begin(tenant.name, tenant.timeZone)
      },
    }
    const party: LegParty = {
      user: number,
      displayName: null,
      extension: null,
      address: `trunk:${first?.trunk.settings.name ?? ''}`,
      userAgent: null,
    }
    const parts = outboundParts(shop, { ways: () => ways.next(), near: request.onBehalfOf, peer: null })
    return new MeteredSipLeg(meter, shop.clock, shop.ids.leg(), role, party, parts)
  }
}

function mayNotShow({ name }: TenantSettings, number: string): Extract<CallerId, { kind: 'refused' }> {
  const sentence = `Tenant ${name} may not show the number ${number}: it is none of its own and not among its callerIds.`
  return { kind: 'refused', cause: 'forbidden', sentence }
}

/** Whether the program asks for the very number of the caller that it passes on. Extensions show what the rules give. */
function isCallersOwn({ countryCode }: TenantSettings, { callerId, onBehalfOf }: ReachRequest): boolean {
  const party = onBehalfOf?.party
  if (callerId === null || !party || party.extension !== null || party.isPrivate) return false
  return isSameNumber(callerId, party.user, countryCode)
}

/** A caller from outside is passed on with its own number where the tenant may show it. */
function wantedNumber(request: ReachRequest): string | null {
  if (isWithheld(request)) return 'anonymous'
  if (request.callerId !== null) return request.callerId
  const party = request.onBehalfOf?.party
  return party && party.extension === null ? party.user : null
}
