import type { ReachRequest } from '../call/reach.ts'
import type { TenantSettings } from '../config/settings.ts'

/** What somebody is shown of who calls. */
export interface CallerShown {
  /** User part of From. */
  readonly user: string
  readonly displayName: string | null
  /** Withheld. */
  readonly isPrivate: boolean
}

/** Whether the caller hides its number: because the program says so, or the caller itself where the program says nothing. */
export function isWithheld({ callerId, onBehalfOf }: ReachRequest): boolean {
  return callerId === null ? onBehalfOf?.party.isPrivate === true : callerId.toLowerCase() === 'anonymous'
}

/** Who calls, for those on this server: what the program says, else the caller itself, else the tenant's first number. */
export function callerShown(tenant: TenantSettings, request: ReachRequest): CallerShown {
  const { callerId, callerName, onBehalfOf } = request
  const party = onBehalfOf?.party ?? null
  const isPrivate = isWithheld(request)
  if (callerId !== null && !isPrivate) return { user: callerId, displayName: callerName, isPrivate }
  if (party === null) {
    return { user: [...tenant.numbers.keys()][0] ?? 'switchhook', displayName: callerName, isPrivate }
  }
  const { extension } = party
  const ownName = extension === null ? null : (tenant.extensions.get(extension)?.name ?? null)
  return { user: extension ?? party.user, displayName: callerName ?? ownName ?? party.displayName, isPrivate }
}
