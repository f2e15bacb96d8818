import { isLoopback } from './config/addresses.ts'
import type { Directory } from './routing/directory.ts'
import type { DiallingParty } from './routing/route.ts'
import type { Credential, DigestServer } from './sip/auth/digest-server.ts'
import type { IncomingInvite } from './sip/dialog/types.ts'
import { isSipUri, type SipRequest } from './sip/message/types.ts'
import type { Subscriber, Subscribers } from './sip/registrar/subscribers.ts'
import type { Flow } from './sip/transport/types.ts'

/** The realm where a tenant has no domain of its own. */
const usualRealm = 'switchhook'

/** Who calls, as far as it is known. */
export interface Caller {
  /** Decides what may be dialled. */
  readonly by: DiallingParty
  /** The extension that proved it is calling. */
  readonly extension: string | null
  /** Whether what the peer says of others is believed (RFC 3325 §2.4): trunks. */
  readonly isTrusted: boolean
}

export type CallerVerdict =
  | { readonly kind: 'known'; readonly caller: Caller }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly headers: readonly (readonly [string, string])[]
      readonly sentence: string
    }

/** A trunk whose calls come from this address. */
export interface InboundTrunk {
  readonly tenant: string
  /** Its address is not enough: it has an account to answer a challenge with. */
  readonly mustProve: boolean
}

export interface CallerCheckParts {
  readonly directory: Directory
  readonly digest: DigestServer
  readonly anonymous: 'none' | 'loopback' | 'any'
  /** The trunk that a call comes from by its address; null: none. */
  trunkOf(request: SipRequest, flow: Flow): InboundTrunk | null
  /** The trunks that prove themselves by this username, and may come from this address. */
  trunkAccounts(username: string, address: string): readonly { readonly tenant: string; readonly password: string }[]
  /** Calls of this server to one of its own numbers: whether the flow is one of our own sockets, and what proves it. */
  readonly inside: {
    isOwn(remote: Flow['remote']): boolean
    find(username: string): { readonly tenant: string; readonly password: string } | null
  }
}

/** Finds out who calls: an extension by its credentials, a trunk, this server itself, or nobody where that is allowed. */
export class CallerCheck implements Subscribers {
  readonly #parts: CallerCheckParts

  constructor(parts: CallerCheckParts) {
    this.#parts = parts
  }

  /** Who calls where nothing has to be proven; null where the call has to answer a challenge. */
  welcome({ request, flow }: IncomingInvite): Caller | null {
    if (request.headers.has('Authorization') || this.#parts.inside.isOwn(flow.remote)) return null
    if (this.#claimsExtension(request)) return null
    const trunk = this.#parts.trunkOf(request, flow)
    if (trunk) return trunk.mustProve ? null : trunkCaller(trunk)
    const { anonymous } = this.#parts
    const isNear = isLoopback(flow.remote.address)
    if (anonymous === 'none' || (anonymous === 'loopback' && !isNear)) return null
    return { by: { kind: 'guest', mayCallExtensions: isNear }, extension: null, isTrusted: false }
  }

  async check(invite: IncomingInvite): Promise<CallerVerdict> {
    const guest = this.welcome(invite)
    if (guest) return { kind: 'known', caller: guest }
    const { request, flow } = invite
    const host = this.#tenantHost(request)
    const realm = this.realm(host)
    const find = (username: string): readonly KnownCaller[] => this.#callers(invite, host, username)
    const verdict = await this.#parts.digest.verify(request, realm, find, { address: flow.remote.address })
    if (verdict.outcome === 'accepted') return { kind: 'known', caller: verdict.credential.caller }
    if (verdict.outcome === 'refused')
      return { kind: 'refused', status: verdict.status, headers: [], sentence: verdict.sentence }
    const headers = this.#parts.digest.challengeHeaders(realm, { stale: verdict.stale })
    return { kind: 'refused', status: 401, headers, sentence: verdict.sentence }
  }

  realm(host: string): string {
    return this.#parts.directory.tenantOfHost(host)?.domain ?? usualRealm
  }

  /** Of the tenant whose domain the host is; where it is nobody's, those of every tenant that has no domain to be told by. */
  find(host: string, username: string): readonly Subscriber[] {
    const { directory } = this.#parts
    const named = directory.tenantOfHost(host)
    const tenants = named ? [named] : [...directory.tenants.values()]
    return tenants.flatMap((tenant) => {
      const extension = tenant.extensions.get(username)
      return extension ? [{ aor: { tenant: tenant.name, extension: username }, password: extension.password }] : []
    })
  }

  /** All that a username may stand for in an INVITE; the password tells which it is. */
  #callers({ flow }: IncomingInvite, host: string, username: string): readonly KnownCaller[] {
    const { inside, trunkAccounts } = this.#parts
    const found: KnownCaller[] = this.find(host, username).map(({ aor, ...credential }) => ({
      ...credential,
      caller: { by: { kind: 'extension', tenant: aor.tenant }, extension: aor.extension, isTrusted: false },
    }))
    for (const account of trunkAccounts(username, flow.remote.address)) {
      found.push({ password: account.password, caller: trunkCaller(account) })
    }
    const own = inside.isOwn(flow.remote) ? inside.find(username) : null
    if (own) {
      const by = { kind: 'inside', tenant: own.tenant } as const
      found.push({ password: own.password, caller: { by, extension: null, isTrusted: true } })
    }
    return found
  }

  /** The host that tells the tenant: of the caller's own address, else of the one it calls. */
  #tenantHost({ from, uri }: SipRequest): string {
    const hosts = [from.uri, uri].map((one) => (isSipUri(one) ? one.host : ''))
    return hosts.find((host) => this.#parts.directory.tenantOfHost(host) !== null) ?? hosts[0] ?? ''
  }

  #claimsExtension({ from }: SipRequest): boolean {
    if (!isSipUri(from.uri) || from.uri.user === null) return false
    const { user } = from.uri
    return [...this.#parts.directory.tenants.values()].some((tenant) => tenant.extensions.has(user))
  }
}

type KnownCaller = Credential & { readonly caller: Caller }

function trunkCaller({ tenant }: { readonly tenant: string }): Caller {
  return { by: { kind: 'trunk', tenant }, extension: null, isTrusted: true }
}
