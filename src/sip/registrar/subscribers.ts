import type { Credential } from '../auth/digest-server.ts'
import type { AddressOfRecord } from './types.ts'

/** An extension that may register, and what it has to prove. */
export type Subscriber = Credential & { readonly aor: AddressOfRecord }

type Found = Subscriber | readonly Subscriber[] | null

/** Knows the extensions. Implemented where the configuration and the store are known. */
export interface Subscribers {
  /** The realm to ask passwords for when a request names this host: the domain of its tenant. */
  realm(host: string): string
  /**
   * The extension of that name: of the tenant whose domain `host` is; where it is nobody's domain (an IP address), those
   * of every tenant, told apart by the password. Null or empty: there is none.
   * @param username - as it stands in the credentials; any text.
   */
  find(host: string, username: string): Found | Promise<Found>
}
