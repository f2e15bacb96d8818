import { describe, expect, it } from 'vitest'
import { loadSettings } from './config/load.ts'
import type { TenantSettings } from './config/settings.ts'
import { revokeWithPassword } from './revoked-registrations.ts'
import { Directory } from './routing/directory.ts'
import type { AddressOfRecord } from './sip/registrar/types.ts'

async function tenants(...extensions: readonly string[]): Promise<ReadonlyMap<string, TenantSettings>> {
  const text = `tenants: { acme: { extensions: { ${extensions.join(', ')} } } }`
  return (await loadSettings({ text, environment: {} })).tenants
}

describe('registrations', () => {
  it('end with the password or the extension that they were made by, and with nothing else', async () => {
    const first = await tenants('"101": { password: "first-of-101" }', '"102": { password: "first-of-102" }')
    const directory = new Directory(first)
    const registered: AddressOfRecord[] = ['101', '102'].map((extension) => ({ tenant: 'acme', extension }))
    const revoked: string[][] = []
    revokeWithPassword(directory, {
      revoke: (isGone) => revoked.push(registered.filter(isGone).map(({ extension }) => extension)),
    })
    directory.replace(
      await tenants('"101": { password: "first-of-101", name: New }', '"102": { password: "first-of-102" }'),
    )
    directory.replace(await tenants('"101": { password: "other-of-101" }', '"102": { password: "first-of-102" }'))
    directory.replace(await tenants('"101": { password: "other-of-101" }'))
    directory.replace(new Map())
    // Back again, with the password of before: it was another's in between, for all we know.
    directory.replace(first)
    expect(revoked).toEqual([[], ['101'], ['102'], ['101'], ['101', '102']])
  })
})
