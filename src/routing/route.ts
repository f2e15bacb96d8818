import { numberKey } from '../config/numbers.ts'
import type { AppSettings, Language, TenantSettings } from '../config/settings.ts'
import type { Directory } from './directory.ts'

/** What was dialled, and what is known of the caller. */
export interface Dialled {
  /** User part of the Request-URI. */
  readonly user: string
  /** Host of the Request-URI: tells tenants apart. */
  readonly host: string
  /** The tenant whose extension proved to be calling; null for anonymous callers. */
  readonly callerTenant: string | null
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
  /** `tenant` is where the call is put on record: the caller's, the host's, else the only or first one. */
  | { readonly kind: 'none'; readonly tenant: TenantSettings | null; readonly to: string; readonly sentence: string }

/** Where an inbound call goes. Numbers first, over all tenants; then the extensions of the caller's or the host's tenant. */
export function routeInbound(directory: Directory, dialled: Dialled): Route {
  const home =
    (dialled.callerTenant === null ? null : directory.tenant(dialled.callerTenant)) ??
    directory.tenantOfHost(dialled.host)
  const ownKey = numberKey(dialled.user, home?.countryCode ?? null)
  const found = directory.findNumber(dialled.user)
  if (found) {
    const { tenant, number, app } = found
    return { kind: 'app', tenant, to: number.number, app, language: number.language }
  }
  if (home?.extensions.has(dialled.user)) return { kind: 'extension', tenant: home, to: dialled.user }
  const tenant = home ?? [...directory.tenants.values()][0] ?? null
  const where = home === null ? `no tenant has the domain ${dialled.host}` : `tenant ${home.name} has no such extension`
  return {
    kind: 'none',
    tenant,
    to: ownKey,
    sentence: `Nobody has the number ${dialled.user}: no app is on it, and ${where}.`,
  }
}
