import type { RecordingPolicy, TenantSettings } from '../config/settings.ts'

/** Whoever is recorded always, is recorded with anybody. */
const strongestFirst: readonly RecordingPolicy[] = ['on', 'on-demand', 'off']

/**
 * Whether a call is recorded as a whole: as the most demanding of its extensions wants. A call without extensions is not.
 * @param parties - extensions; names that are none of this tenant's and null do not count.
 */
export function recordingPolicy(tenant: TenantSettings, parties: readonly (string | null)[]): RecordingPolicy {
  const policies = parties.flatMap((party) => {
    const extension = party === null ? undefined : tenant.extensions.get(party)
    return extension ? [extension.record ?? tenant.callRecording.policy] : []
  })
  return strongestFirst.find((policy) => policies.includes(policy)) ?? 'off'
}
