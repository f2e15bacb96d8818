import { isIPv6 } from 'node:net'
import type { Registration } from './admin/status.ts'
import type { Clock } from './base/clock.ts'
import { toError } from './base/errors.ts'
import type { IdFactory } from './base/ids.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import type { Admission } from './call/admission.ts'
import type { Calls } from './call/calls.ts'
import { CallerCheck } from './caller-check.ts'
import { isWildcard } from './config/addresses.ts'
import type { Settings } from './config/settings.ts'
import { InboundCalls } from './inbound-calls.ts'
import type { SipLegParts } from './leg/sip-leg.ts'
import type { MediaPlane } from './media/plane/types.ts'
import type { ProgramCatalogue } from './program-catalogue.ts'
import type { Directory } from './routing/directory.ts'
import { routeInbound } from './routing/route.ts'
import type { DigestAlgorithm } from './sip/auth/digest.ts'
import { DigestServer } from './sip/auth/digest-server.ts'
import type { IncomingInvite, UserAgentUser } from './sip/dialog/types.ts'
import { UserAgent } from './sip/dialog/user-agent.ts'
import { Registrar } from './sip/registrar/registrar.ts'
import type { BindingStore } from './sip/registrar/types.ts'
import { TransactionLayer } from './sip/transaction/transaction-layer.ts'
import { defaultTimers, type ServerTransaction } from './sip/transaction/types.ts'
import { SipTransport } from './sip/transport/sip-transport.ts'
import { serverName } from './version.ts'

/** Neither RTP nor RTCP from a caller for so long ends the call. */
const mediaTimeoutMs = 60_000

/** RFC 8760 §2.4: the strongest first. */
const digestAlgorithms: Readonly<Record<Settings['sip']['digest'], readonly DigestAlgorithm[]>> = {
  md5: ['MD5'],
  'sha-256': ['SHA-256'],
  both: ['SHA-256', 'MD5'],
}

/** RFC 4028: what we ask for, and the least we take. The usual half hour; 90 s is the RFC's own minimum. */
const sessionTimers = { expiresSeconds: 1800, minSeconds: 90 }

export interface SipPartsOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly ids: IdFactory
  readonly directory: Directory
  readonly plane: MediaPlane
  readonly calls: Calls
  readonly admission: Admission
  readonly catalogue: ProgramCatalogue
  readonly bindings: BindingStore
  refused(why: 'overload' | 'limit' | 'draining' | 'no-tenant'): void
}

/** The SIP side of the server, joined: sockets, transactions, dialogs, registrar, and who takes the calls. */
export class SipParts implements UserAgentUser {
  readonly #settings: Settings
  readonly #log: Logger
  readonly #transport: SipTransport
  readonly #transactions: TransactionLayer
  readonly #userAgent: UserAgent
  readonly #registrar: Registrar
  readonly #callers: CallerCheck
  readonly #inbound: InboundCalls
  #isListening = false

  constructor(options: SipPartsOptions) {
    const { settings, clock, random, log, directory, catalogue, plane } = options
    this.#settings = settings
    this.#log = log
    const digest = new DigestServer({ clock, random, algorithms: digestAlgorithms[settings.sip.digest] })
    this.#transport = new SipTransport({
      clock,
      random,
      log,
      listen: settings.sip.listen,
      advertised: settings.nat.signalling,
      localNetworks: settings.nat.localNetworks,
    })
    this.#transactions = new TransactionLayer({ transport: this.#transport, clock, random, log, timers: defaultTimers })
    this.#userAgent = new UserAgent({
      transactions: this.#transactions,
      transport: this.#transport,
      clock,
      random,
      log,
      timers: defaultTimers,
      serverName,
      sessionTimers,
      reliableProvisional: settings.sip.reliableProvisional === 'required' ? 'required-only' : 'when-supported',
      user: this,
    })
    this.#callers = new CallerCheck({ directory, digest, anonymous: settings.sip.anonymous })
    this.#registrar = new Registrar({
      clock,
      random,
      log,
      digest,
      store: options.bindings,
      serverName,
      subscribers: this.#callers,
    })
    this.#inbound = new InboundCalls({
      log,
      ids: options.ids,
      calls: options.calls,
      admission: options.admission,
      route: (user, host, caller) => routeInbound(directory, { user, host, callerTenant: caller.tenant }),
      program: (route, dialled) => catalogue.choose(route, dialled),
      legParts: (invite) => this.#legParts(invite, { clock, log, plane }),
      refused: options.refused,
    })
    this.#transport.user = this.#transactions
    this.#transactions.user = this.#userAgent
  }

  get isListening(): boolean {
    return this.#isListening
  }

  /** Loads the bindings, then binds the sockets. Rejects with ConfigError naming the address that is taken. */
  async start(): Promise<void> {
    await this.#registrar.start()
    await this.#transport.start()
    this.#isListening = true
  }

  async close(): Promise<void> {
    this.#isListening = false
    await this.#registrar.stop()
    this.#transactions.close()
    await this.#transport.close()
  }

  addresses(): SipTransport['localPorts'] {
    return this.#transport.localPorts
  }

  get registrationCount(): number {
    return this.#registrar.count
  }

  registrations(): readonly Registration[] {
    return [...this.#registrar.all()].map(({ aor, contactText, via, userAgent, expiresAt }) => ({
      tenant: aor.tenant,
      extension: aor.extension,
      contact: contactText,
      address: `${via.protocol}:${via.remote}`,
      userAgent,
      expiresAt: new Date(expiresAt).toISOString(),
    }))
  }

  counters(): Readonly<Record<string, number>> {
    const { udp, tcp, connections, ...others } = this.#transport.counts
    const found: Record<string, number> = { ...others }
    found.udpReceived = udp.received
    found.udpSent = udp.sent
    found.tcpReceived = tcp.received
    found.tcpSent = tcp.sent
    for (const [name, count] of Object.entries(connections)) if (name !== 'open') found[`connections-${name}`] = count
    return found
  }

  transactionCounts(): { readonly client: number; readonly server: number } {
    return this.#transactions.counts
  }

  // UserAgentUser

  inviteReceived(invite: IncomingInvite): void {
    // Nobody to ask: no promise, no turn of the loop.
    if (this.#callers.isWelcome(invite)) return this.#inbound.take(invite, { tenant: null, extension: null })
    this.#authenticate(invite).catch((thrown) => {
      this.#log.error({ err: toError(thrown) }, 'an INVITE could not be authenticated')
      invite.reject(500)
    })
  }

  requestReceived(transaction: ServerTransaction): boolean {
    switch (transaction.request.method) {
      case 'REGISTER':
        this.#registrar.requestReceived(transaction)
        return true
      case 'OPTIONS':
        this.#userAgent.answerOptions(transaction)
        return true
      default:
        return false
    }
  }

  async #authenticate(invite: IncomingInvite): Promise<void> {
    const verdict = await this.#callers.check(invite)
    if (invite.usage.state === 'ended') return
    if (verdict.kind === 'known') return this.#inbound.take(invite, verdict.caller)
    this.#log.debug({ from: invite.flow.remote.address, sentence: verdict.sentence }, 'an INVITE was not authenticated')
    invite.reject(verdict.status, { headers: verdict.headers })
  }

  #legParts(invite: IncomingInvite, parts: Pick<SipLegParts, 'clock' | 'log' | 'plane'>): SipLegParts {
    const { nat, rtp } = this.#settings
    const { address } = rtp
    const own = address === null || isWildcard(address) ? this.#transport.interfaceAddress(invite.flow) : address
    const isFar = nat.media !== null && isIPv6(nat.media) === isIPv6(own) && !this.#transport.isLocalPeer(invite.flow)
    const advertised = isFar && nat.media !== null ? nat.media : own
    return {
      ...parts,
      media: { bindAddress: own, advertisedAddress: advertised },
      mediaTimeoutMs,
    }
  }
}
