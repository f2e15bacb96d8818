import type { Registration } from './admin/status.ts'
import type { Clock } from './base/clock.ts'
import { toError } from './base/errors.ts'
import type { IdFactory } from './base/ids.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import type { Admission } from './call/admission.ts'
import type { Calls } from './call/calls.ts'
import type { MinutesStore } from './call/outbound-minutes.ts'
import { CallerCheck, type InboundTrunk } from './caller-check.ts'
import { printHostPort } from './config/addresses.ts'
import type { Settings } from './config/settings.ts'
import { InboundCalls } from './inbound-calls.ts'
import type { MediaPlane } from './media/plane/types.ts'
import { OutboundParts } from './outbound-parts.ts'
import type { ProgramCatalogue } from './program-catalogue.ts'
import { MessageSummary, messageSummaryEvent, type WaitingMessages } from './reach/message-summary.ts'
import { MessageWaiting } from './reach/message-waiting.ts'
import { mediaTimeoutMs } from './reach/reach-parts.ts'
import type { Reaching } from './reach/reaching.ts'
import { revokeWithPassword } from './revoked-registrations.ts'
import type { Directory } from './routing/directory.ts'
import { routeInbound } from './routing/route.ts'
import type { DigestAlgorithm } from './sip/auth/digest.ts'
import { DigestServer } from './sip/auth/digest-server.ts'
import type { IncomingInvite, UserAgentUser } from './sip/dialog/types.ts'
import { UserAgent } from './sip/dialog/user-agent.ts'
import type { SipRequest } from './sip/message/types.ts'
import { Registrar } from './sip/registrar/registrar.ts'
import type { BindingStore } from './sip/registrar/types.ts'
import { Notifier } from './sip/subscription/notifier.ts'
import { TransactionLayer } from './sip/transaction/transaction-layer.ts'
import { defaultTimers, type ServerTransaction } from './sip/transaction/types.ts'
import { SipTransport } from './sip/transport/sip-transport.ts'
import type { Flow } from './sip/transport/types.ts'
import { serverName } from './version.ts'

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
  readonly minutes: MinutesStore
  refused(why: 'overload' | 'limit' | 'draining' | 'no-tenant'): void
  /** In the mailbox of an extension; its telephones are told. */
  waitingMessages(tenant: string, extension: string): Promise<WaitingMessages>
}

/** The SIP side of the server, joined: sockets, transactions, dialogs, registrar, and who takes the calls. */
export class SipParts implements UserAgentUser {
  readonly #log: Logger
  readonly #signallingHost: string | null
  readonly #transport: SipTransport
  readonly #transactions: TransactionLayer
  readonly #userAgent: UserAgent
  readonly #registrar: Registrar
  readonly #callers: CallerCheck
  readonly #inbound: InboundCalls
  readonly #outbound: OutboundParts
  readonly #notifier: Notifier
  readonly #messageWaiting: MessageWaiting
  #isListening = false

  constructor(options: SipPartsOptions) {
    const { settings, clock, random, log, directory, catalogue, plane } = options
    this.#log = log
    this.#signallingHost = settings.nat.signalling?.host ?? null
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
      otherMethods: ['REGISTER', 'SUBSCRIBE'],
      otherEvents: [messageSummaryEvent],
      user: this,
    })
    this.#callers = new CallerCheck({
      directory,
      digest,
      anonymous: settings.sip.anonymous,
      trunkOf: (request, flow) => this.#trunkOf(request, flow),
      trunkAccounts: (username, address) => this.#outbound.trunks.accounts(username, address),
      inside: {
        isOwn: (remote) => this.#outbound.inside.isOwn(remote),
        find: (name) => this.#outbound.inside.find(name),
      },
    })
    this.#registrar = new Registrar({
      clock,
      random,
      log,
      digest,
      store: options.bindings,
      serverName,
      subscribers: this.#callers,
    })
    const summary = new MessageSummary({
      directory,
      count: (tenant, extension) => options.waitingMessages(tenant, extension),
    })
    this.#notifier = new Notifier({
      clock,
      random,
      log,
      digest,
      subscribers: this.#callers,
      transactions: this.#transactions,
      transport: this.#transport,
      packages: [summary],
      serverName,
    })
    revokeWithPassword(directory, {
      revoke: (isGone) => {
        this.#registrar.revoke(isGone)
        this.#notifier.revoke((aor) => isGone(aor) || !summary.hasMailbox(aor))
      },
    })
    this.#messageWaiting = new MessageWaiting({
      clock,
      random,
      log,
      directory,
      registrar: this.#registrar,
      transactions: this.#transactions,
      transport: this.#transport,
      serverName,
      summary,
      notifier: this.#notifier,
    })
    const outbound = new OutboundParts({
      settings,
      clock,
      random,
      log,
      ids: options.ids,
      directory,
      plane,
      transport: this.#transport,
      transactions: this.#transactions,
      userAgent: this.#userAgent,
      registrar: this.#registrar,
      minutes: options.minutes,
    })
    this.#outbound = outbound
    this.#inbound = new InboundCalls({
      log,
      ids: options.ids,
      calls: options.calls,
      admission: options.admission,
      hops: outbound.hops,
      route: (user, host, by) => routeInbound(directory, { user, host, by }),
      program: (route, dialled) => catalogue.choose(route, dialled),
      legParts: ({ flow }) => ({
        clock,
        log,
        plane,
        directory: outbound.legs,
        media: outbound.addresses.media(flow),
        mediaTimeoutMs,
      }),
      legOf: (usage) => outbound.legs.legOf(usage),
      isLoop: (from, to) => outbound.loops.isLoop(from, to),
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
    await this.#outbound.start()
    this.#isListening = true
  }

  async close(): Promise<void> {
    this.#isListening = false
    this.#messageWaiting.close()
    await this.#notifier.close()
    await this.#outbound.close()
    await this.#registrar.stop()
    this.#transactions.close()
    await this.#transport.close()
  }

  addresses(): SipTransport['localPorts'] {
    return this.#transport.localPorts
  }

  /**
   * A destination as an address, for telephones that are to call it themselves.
   * @param domain - of the tenant; null: our own address stands for it.
   */
  addressOf(domain: string | null, destination: string): string {
    if (/^(sip|tel):/i.test(destination)) return destination
    const [socket] = this.#transport.localPorts
    const own = this.#signallingHost ?? (socket ? printHostPort(socket) : 'localhost')
    return `sip:${destination}@${domain ?? own}`
  }

  /** Finds whom to ring for calls of ours. */
  get reaching(): Reaching {
    return this.#outbound.reaching
  }

  get trunks(): OutboundParts['trunks'] {
    return this.#outbound.trunks
  }

  /** The messages of an extension are not what they were: its telephones are told. */
  messagesChanged(tenant: string, extension: string): void {
    this.#messageWaiting.changed(tenant, extension)
  }

  get subscriptionCount(): number {
    return this.#notifier.count
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
    const guest = this.#callers.welcome(invite)
    if (guest) return this.#inbound.take(invite, guest)
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
      case 'SUBSCRIBE':
        this.#notifier.requestReceived(transaction)
        return true
      case 'OPTIONS':
        this.#userAgent.answerOptions(transaction)
        return true
      default:
        return false
    }
  }

  flowClosed(flow: Flow): void {
    this.#outbound.trunks.flowClosed(flow)
  }

  async #authenticate(invite: IncomingInvite): Promise<void> {
    const verdict = await this.#callers.check(invite)
    if (invite.usage.state === 'ended') return
    if (verdict.kind === 'known') return this.#inbound.take(invite, verdict.caller)
    this.#log.debug({ from: invite.flow.remote.address, sentence: verdict.sentence }, 'an INVITE was not authenticated')
    invite.reject(verdict.status, { headers: verdict.headers })
  }

  #trunkOf(request: SipRequest, flow: Flow): InboundTrunk | null {
    const match = this.#outbound.trunks.matchInbound(request, flow)
    if (!match) return null
    return { tenant: match.tenant, mustProve: match.proof === 'challenge' }
  }
}
