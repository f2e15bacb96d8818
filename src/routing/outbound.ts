import type { Random } from '../base/random.ts'
import { weightedOrder } from '../base/weighted-order.ts'
import { isE164, numberKey } from '../config/numbers.ts'
import type { ExtensionSettings, OutboundRule, TenantSettings, TrunkSettings } from '../config/settings.ts'
import type { HangupCause } from '../leg/hangup-cause.ts'
import { numberFor, readDialString } from './dial-string.ts'
import type { Directory, FoundNumber } from './directory.ts'

/** One trunk by which a call may go out. */
export interface OutboundWay {
  /** Whose trunk it is. */
  readonly tenant: string
  readonly trunk: TrunkSettings
  /** User part of the Request-URI, in the trunk's number format. */
  readonly user: string
}

export type OutboundRoute =
  | { readonly kind: 'extension'; readonly tenant: TenantSettings; readonly extension: ExtensionSettings }
  /** A number of this server, of whichever tenant: the call goes round inside, not out and in again. */
  | { readonly kind: 'own-number'; readonly found: FoundNumber }
  /** `number` is the key form (E.164 where that can be told); `ways` are tried in this order, at least one. */
  | { readonly kind: 'trunk'; readonly number: string; readonly ways: readonly OutboundWay[] }
  | { readonly kind: 'refused'; readonly cause: HangupCause; readonly sentence: string }

export interface OutboundAround {
  readonly directory: Pick<Directory, 'numberWithKey' | 'tenantOfDomain'>
  /** Draws lots among trunks of one priority. */
  readonly random: Random
  /** Whether a host of a sip: address is this server's own: an address it listens on or advertises. */
  isOwnHost(host: string): boolean
}

/**
 * Digits of a number that only a rule for this very number lets out. Emergency and service numbers have two to six: a
 * broad rule written for telephone numbers must not send 112 to a provider that may not know where the caller is, nor +112,
 * which a trunk without the plus would make the same.
 */
const mostShortDigits = 6
/** E.164 has 15; a code to choose a carrier may stand before it. */
const mostDigits = 18

/**
 * Where a call goes that somebody of a tenant places: an extension, a number of this server, trunks, or nowhere and why.
 * @param trunk - the name of the trunk that a number outside is to go by; null: the rules choose.
 */
export function routeOutbound(
  tenant: TenantSettings,
  destination: string,
  around: OutboundAround,
  trunk: string | null = null,
): OutboundRoute {
  const dialled = readDialString(destination)
  switch (dialled.kind) {
    case 'illegal':
      return refused('number-incomplete', dialled.sentence)
    case 'text':
      return trunk === null ? routeText(tenant, dialled.text, around) : routeBy(trunk, tenant, dialled.text, around)
    case 'sip':
      return routeSip(tenant, dialled, around)
  }
}

/** By a trunk that was named. The rules have the last word all the same: nothing goes out that none of them lets. */
function routeBy(name: string, tenant: TenantSettings, text: string, around: OutboundAround): OutboundRoute {
  const trunk = tenant.trunks.get(name)
  if (!trunk) return refused('number-unknown', `Tenant ${tenant.name} has no trunk ${name}.`)
  const key = numberKey(text, tenant.countryCode)
  if (!/^\+?\d+$/.test(key)) return refused('number-unknown', `${text} is no telephone number.`)
  const rules = tenant.outbound.filter(({ trunks }) => trunks.includes(name))
  return routeOut({ ...tenant, outbound: rules }, key, around, [trunk])
}

function routeText(tenant: TenantSettings, text: string, around: OutboundAround): OutboundRoute {
  const extension = tenant.extensions.get(text)
  if (extension) return { kind: 'extension', tenant, extension }
  const key = numberKey(text, tenant.countryCode)
  const own = ownNumber(tenant, key, around)
  if (own) return { kind: 'own-number', found: own }
  if (!/^\+?\d+$/.test(key)) {
    return refused(
      'number-unknown',
      `${text} is no telephone number, and tenant ${tenant.name} has no extension of that name.`,
    )
  }
  if (key.length > mostDigits + 1)
    return refused('number-incomplete', `${key} has more digits than any telephone number.`)
  return routeOut(tenant, key, around, null)
}

/** A sip: address: of our own domain as if its user part were dialled, of a trunk's host by that trunk, else nobody's. */
function routeSip(
  tenant: TenantSettings,
  { user, host }: { readonly user: string; readonly host: string },
  around: OutboundAround,
): OutboundRoute {
  const owner = around.directory.tenantOfDomain(host)
  if (owner?.name === tenant.name || around.isOwnHost(host)) return routeText(tenant, user, around)
  const trunks = [...tenant.trunks.values()].filter(({ uri }) => hostOf(uri) === host)
  if (trunks.length > 0) return routeOut(tenant, numberKey(user, tenant.countryCode), around, trunks)
  if (owner) {
    // Another customer's numbers are there for all the world; its extensions are its own.
    const found = around.directory.numberWithKey(numberKey(user, owner.countryCode))
    if (found?.tenant.name === owner.name) return { kind: 'own-number', found }
    return refused('number-unknown', `Nobody at ${host} has the number ${user}.`)
  }
  const sentence = `sip: addresses of other domains are not called: ${host} is neither a domain of this server nor the host of a trunk of tenant ${tenant.name}.`
  return refused('forbidden', sentence)
}

/** E.164 numbers of any tenant; short ones of the tenant itself, for they mean something else to others. */
function ownNumber(tenant: TenantSettings, key: string, around: OutboundAround): FoundNumber | null {
  const found = around.directory.numberWithKey(key)
  return found && (isE164(key) || found.tenant.name === tenant.name) ? found : null
}

/** @param among - the trunks that may be used; null: all. */
function routeOut(
  tenant: TenantSettings,
  key: string,
  around: OutboundAround,
  among: readonly TrunkSettings[] | null,
): OutboundRoute {
  if (tenant.outbound.length === 0) {
    const sentence = `Tenant ${tenant.name} lets no calls out: ${key} is neither its extension nor a number of this server, and no rule stands under tenants.${tenant.name}.outbound.`
    return refused('forbidden', sentence)
  }
  const rule = tenant.outbound.find((one) => fits(one, key))
  if (!rule) return refused('forbidden', `${noRule(tenant, key)} Add one under tenants.${tenant.name}.outbound.`)
  const trunks = rule.trunks.flatMap((name) => tenant.trunks.get(name) ?? [])
  const usable = among === null ? trunks : trunks.filter((trunk) => among.includes(trunk))
  const ways = inOrder(usable, around.random).map((trunk) => ({
    tenant: tenant.name,
    trunk,
    user: numberFor(trunk, key, tenant.countryCode),
  }))
  if (ways.length > 0) return { kind: 'trunk', number: key, ways }
  const sentence = `The rule of tenant ${tenant.name} for "${rule.prefix}" does not lead to the trunk that the address names.`
  return refused('forbidden', sentence)
}

function fits({ prefix }: OutboundRule, key: string): boolean {
  // A prefix with a plus is the beginning of longer numbers, also where somebody dials no more than that.
  return isShort(key) ? prefix === key && !key.startsWith('+') : key.startsWith(prefix)
}

function isShort(key: string): boolean {
  const digits = key.startsWith('+') ? key.slice(1) : key
  return digits.length <= mostShortDigits && /^\d+$/.test(digits)
}

function noRule(tenant: TenantSettings, key: string): string {
  if (isShort(key)) return `Tenant ${tenant.name} has no outbound rule for ${key} itself, which a short number needs.`
  const prefixes = tenant.outbound.slice(0, 10).map(({ prefix }) => `"${prefix}"`)
  const more = tenant.outbound.length > prefixes.length ? ' and others' : ''
  return `No outbound rule of tenant ${tenant.name} fits ${key}: they are for ${prefixes.join(', ')}${more}.`
}

/** By priority, and by lot among equals. */
function inOrder(trunks: readonly TrunkSettings[], random: Random): readonly TrunkSettings[] {
  const priorities = [...new Set(trunks.map(({ priority }) => priority))].sort((a, b) => a - b)
  return priorities.flatMap((priority) => {
    const equals = trunks.filter((trunk) => trunk.priority === priority)
    return weightedOrder(equals, ({ weight }) => weight, random)
  })
}

/** The host of a trunk's address, as `parseUri` gives it. */
function hostOf(uri: string): string {
  return (/^sip:(\[[^\]]*\]|[^:;]*)/i.exec(uri)?.[1] ?? '').toLowerCase()
}

function refused(cause: HangupCause, sentence: string): OutboundRoute {
  return { kind: 'refused', cause, sentence }
}
