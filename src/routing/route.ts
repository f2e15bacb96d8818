import { numberKey } from '../config/numbers.ts'
import type { AppSettings, Language, TenantSettings } from '../config/settings.ts'
import type { Directory } from './directory.ts'

/** Who dialled, as far as it decides what may be dialled. */
export type DiallingParty =
  /** An extension that proved who it is. */
  | { readonly kind: 'extension'; readonly tenant: string }
  /** The outside, by a trunk: it reaches the numbers of the trunk's tenant and nothing else. */
  | { readonly kind: 'trunk'; readonly tenant: string }
  /** This server, on behalf of a tenant: any number of the server. */
  | { readonly kind: 'inside'; readonly tenant: string }
  /** Nobody in particular. @param mayCallExtensions - from this very machine, where a newcomer tries things out. */
  | { readonly kind: 'guest'; readonly mayCallExtensions: boolean }

/** What was dialled, and what is known of the caller. */
export interface Dialled {
  /** User part of the Request-URI. */
  readonly user: string
  /** Host of the Request-URI: tells tenants apart. */
  readonly host: string
  readonly by: DiallingParty
}

export type Route =
  | {
      readonly kind: 'app'
      readonly tenant: TenantSettings
      readonly to: string
      readonly app: AppSettings
      readonly language: Language
    }
  | { readonly kind: 'extension'; readonly tenant: TenantSettings; readonly to: string }
  /** An extension of the tenant calls the outside; which rule lets it, if any, is found out when it is rung. */
  | { readonly kind: 'outbound'; readonly tenant: TenantSettings; readonly to: string }
  /** `tenant` is where the call is put on record: the caller's, the host's, else the only or first one. */
  | { readonly kind: 'none'; readonly tenant: TenantSettings | null; readonly to: string; readonly sentence: string }

/**
 * Where an inbound call goes. Numbers first, over all tenants; then the extensions of the caller's or the host's tenant;
 * then, for extensions of a tenant that has rules for it, the outside.
 */
export function routeInbound(directory: Directory, { user, host, by }: Dialled): Route {
  const ownTenant = by.kind === 'guest' ? null : directory.tenant(by.tenant)
  const home = ownTenant ?? directory.tenantOfHost(host)
  const to = numberKey(user, home?.countryCode ?? null)
  const found = directory.findNumber(user)
  if (found && (by.kind !== 'trunk' || found.tenant.name === by.tenant)) {
    const { tenant, number, app } = found
    return { kind: 'app', tenant, to: number.number, app, language: number.language }
  }
  const mayCallExtensions = by.kind === 'extension' || (by.kind === 'guest' && by.mayCallExtensions)
  if (mayCallExtensions && home?.extensions.has(user)) return { kind: 'extension', tenant: home, to: user }
  if (by.kind === 'extension' && home && home.outbound.length > 0) return { kind: 'outbound', tenant: home, to }
  const tenant = home ?? [...directory.tenants.values()][0] ?? null
  return {
    kind: 'none',
    tenant,
    to,
    sentence: `Nobody has the number ${user}: no app is on it, and ${where(home, host, by)}.`,
  }
}

function where(home: TenantSettings | null, host: string, by: DiallingParty): string {
  if (home === null) return `no tenant has the domain ${host}`
  if (by.kind === 'trunk') return `the calls of a trunk reach only numbers of tenant ${home.name}`
  // Whether there is such an extension is not for a stranger to learn.
  if (by.kind === 'guest') return `tenant ${home.name} has no such extension that may be called without credentials`
  return `tenant ${home.name} has no such extension and lets no calls out`
}
