import type { Directory } from './routing/directory.ts'
import type { Registrar } from './sip/registrar/registrar.ts'

/**
 * Lets a telephone stay registered only for as long as the password by which it has is its extension's: whoever loses an
 * extension, or has a password taken away, must not go on being called until the registration runs out.
 */
export function revokeWithPassword(directory: Directory, registrar: Pick<Registrar, 'revoke'>): void {
  let before = directory.tenants
  directory.onReplaced(() => {
    const [was, now] = [before, directory.tenants]
    before = now
    registrar.revoke(({ tenant, extension }) => {
      const password = was.get(tenant)?.extensions.get(extension)?.password
      return now.get(tenant)?.extensions.get(extension)?.password !== password
    })
  })
}
