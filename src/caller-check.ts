import { isLoopback } from './config/addresses.ts'
import type { Caller } from './inbound-calls.ts'
import type { Directory } from './routing/directory.ts'
import type { DigestServer } from './sip/auth/digest-server.ts'
import type { IncomingInvite } from './sip/dialog/types.ts'
import { isSipUri, type SipRequest } from './sip/message/types.ts'
import type { Subscriber, Subscribers } from './sip/registrar/subscribers.ts'

/** The realm where a tenant has no domain of its own. */
const usualRealm = 'switchhook'

export type CallerVerdict =
  | { readonly kind: 'known'; readonly caller: Caller }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly headers: readonly (readonly [string, string])[]
      readonly sentence: string
    }

const nobody: Caller = { tenant: null, extension: null }

/** Finds out who calls: an extension by its credentials, or nobody where that is allowed. Knows the extensions for the registrar too. */
export class CallerCheck implements Subscribers {
  readonly #directory: Directory
  readonly #digest: DigestServer
  readonly #anonymous: 'none' | 'loopback' | 'any'

  constructor(parts: { directory: Directory; digest: DigestServer; anonymous: 'none' | 'loopback' | 'any' }) {
    this.#directory = parts.directory
    this.#digest = parts.digest
    this.#anonymous = parts.anonymous
  }

  /** Whether this INVITE may go on without proof. One that calls itself one of our extensions has to prove it. */
  isWelcome(invite: IncomingInvite): boolean {
    if (invite.request.headers.has('Authorization')) return false
    const { address } = invite.flow.remote
    const isAllowed = this.#anonymous === 'any' || (this.#anonymous === 'loopback' && isLoopback(address))
    return isAllowed && !this.#claimsExtension(invite.request)
  }

  async check(invite: IncomingInvite): Promise<CallerVerdict> {
    if (this.isWelcome(invite)) return { kind: 'known', caller: nobody }
    const { request, flow } = invite
    const host = this.#tenantHost(request)
    const realm = this.realm(host)
    const verdict = await this.#digest.verify(request, realm, (username) => this.find(host, username), {
      address: flow.remote.address,
    })
    if (verdict.outcome === 'accepted') return { kind: 'known', caller: verdict.credential.aor }
    if (verdict.outcome === 'refused')
      return { kind: 'refused', status: verdict.status, headers: [], sentence: verdict.sentence }
    const headers = this.#digest.challengeHeaders(realm, { stale: verdict.stale })
    return { kind: 'refused', status: 401, headers, sentence: verdict.sentence }
  }

  realm(host: string): string {
    return this.#directory.tenantOfHost(host)?.domain ?? usualRealm
  }

  /** Of the tenant whose domain the host is; where it is nobody's, those of every tenant that has no domain to be told by. */
  find(host: string, username: string): readonly Subscriber[] {
    const named = this.#directory.tenantOfHost(host)
    const tenants = named ? [named] : [...this.#directory.tenants.values()]
    return tenants.flatMap((tenant) => {
      const extension = tenant.extensions.get(username)
      return extension ? [{ aor: { tenant: tenant.name, extension: username }, password: extension.password }] : []
    })
  }

  /** The host that tells the tenant: of the caller's own address, else of the one it calls. */
  #tenantHost({ from, uri }: SipRequest): string {
    const hosts = [from.uri, uri].map((one) => (isSipUri(one) ? one.host : ''))
    return hosts.find((host) => this.#directory.tenantOfHost(host) !== null) ?? hosts[0] ?? ''
  }

  #claimsExtension({ from }: SipRequest): boolean {
    if (!isSipUri(from.uri) || from.uri.user === null) return false
    const { user } = from.uri
    return [...this.#directory.tenants.values()].some((tenant) => tenant.extensions.has(user))
  }
}
