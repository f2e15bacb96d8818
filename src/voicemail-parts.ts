import type { FlowCall } from './action/flow-call.ts'
import type { Flow } from './action/run-flow.ts'
import type { MailboxRoutesParts } from './admin/mailbox-routes.ts'
import type { Cancel, Clock } from './base/clock.ts'
import { toError } from './base/errors.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import { printHostPort } from './config/addresses.ts'
import { isSameNumber } from './config/numbers.ts'
import type { Settings, TenantSettings, VoicemailAppSettings } from './config/settings.ts'
import { clientOf, type ServiceSettings, serviceOfText, serviceText } from './dialects/voicemail/client.ts'
import { Mailboxes } from './dialects/voicemail/mailboxes.ts'
import { Mailer } from './dialects/voicemail/mailer.ts'
import { MediaStore } from './dialects/voicemail/media-store.ts'
import { MessageNews } from './dialects/voicemail/news.ts'
import { Deposits } from './dialects/voicemail/node/deposits.ts'
import { leavingFlow } from './dialects/voicemail/node/leaving.ts'
import { retrieveFlow } from './dialects/voicemail/node/retrieve.ts'
import { Nodes } from './dialects/voicemail/nodes.ts'
import { MessageRetention } from './dialects/voicemail/retention.ts'
import { mountVoicemail } from './dialects/voicemail/routes.ts'
import { VoicemailService } from './dialects/voicemail/service.ts'
import { VoicemailTcpServer } from './dialects/voicemail/tcp-server.ts'
import { readAuthority, readSecureContext } from './dialects/voicemail/tls-files.ts'
import type { DeliverySource } from './http/deliveries.ts'
import { SmtpSender } from './http/mail/smtp.ts'
import type { OutgoingHttp } from './http/outgoing/outgoing-http.ts'
import type { HttpServer } from './http/server.ts'
import type { Mp3Files } from './media/mp3-files.ts'
import type { Directory } from './routing/directory.ts'
import type { Store } from './store/store.ts'

export interface VoicemailPartsOptions {
  /** Of the operator's own file: its addresses are trusted. */
  readonly settings: Settings
  readonly store: Store
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly mp3: Mp3Files
  http(): OutgoingHttp
  /** A message came, was heard or went. */
  changed(tenant: string, owner: string): void
}

/** How often debts are told again, and deleted messages are looked through. */
const roundMs = 5 * 60_000
/** How often messages are looked through for their age. */
const agingMs = 60 * 60_000

/** Voicemail, joined with the rest: the service on both transports, and the node's flows. */
export class VoicemailDialect {
  readonly mailboxes: Mailboxes
  readonly media: MediaStore
  readonly service: VoicemailService
  readonly #options: VoicemailPartsOptions
  readonly #nodes: Nodes
  readonly #deposits: Deposits
  readonly #news: MessageNews
  readonly #mailer: Mailer
  readonly #retention: MessageRetention
  #smtp: SmtpSender | null = null
  #tcp: readonly VoicemailTcpServer[] = []
  #agedMs = Number.NEGATIVE_INFINITY
  #cancelRound: Cancel = () => {}
  #isClosed = false

  constructor(options: VoicemailPartsOptions) {
    const { settings, store, directory, clock, random, log } = options
    this.#options = options
    this.media = new MediaStore(settings.data, random)
    this.mailboxes = new Mailboxes({ store: store.voicemail, directory, clock, random })
    const { mail } = settings.voicemail
    this.#news = new MessageNews({
      outbox: store.outbox,
      store: store.voicemail,
      mailboxes: this.mailboxes,
      clock,
      log,
      eventsOf: (tenant) => directory.tenant(tenant)?.events ?? null,
      mailServer: mail && `smtp://${printHostPort({ address: mail.host, port: mail.port })}`,
    })
    this.service = new VoicemailService({
      store: store.voicemail,
      meta: store.meta,
      media: this.media,
      mailboxes: this.mailboxes,
      directory,
      clock,
      random,
      log,
      news: this.#news,
      hooks: {
        changed: (tenant, owner) => options.changed(tenant, owner),
        sendPromo: (...promo) => this.#news.promo(...promo),
      },
    })
    this.#nodes = new Nodes(settings.voicemail.nodes, clock)
    this.#mailer = new Mailer({
      settings: mail,
      send: async (one, signal) => (await this.#smtp?.send(one, signal)) ?? null,
      store: store.voicemail,
      media: this.media,
      mailboxes: this.mailboxes,
      service: this.service,
      directory,
      mp3: options.mp3,
      log,
    })
    this.#retention = new MessageRetention({
      store: store.voicemail,
      mailboxes: this.mailboxes,
      news: this.#news,
      clock,
      isBusy: (mailbox) => this.service.isBusy(mailbox),
      changed: ({ tenant, owner }) => options.changed(tenant, owner),
    })
    this.#deposits = new Deposits({
      store: store.voicemail,
      recordings: store.recordings,
      media: this.media,
      dataFolder: settings.data,
      clock,
      log,
      clientOf: (service, tenant) => this.#client(serviceOfText(service), tenant),
    })
  }

  /** What an app of the kind does. */
  flow(app: VoicemailAppSettings, tenant: TenantSettings): Flow {
    return app.flow === 'leaving' ? this.#leaving(app, tenant) : this.#retrieve(app, tenant)
  }

  /** What takes a call that the extension does not; null: it has no mailbox. */
  flowOfMailbox(extension: string, tenant: TenantSettings): Flow | null {
    if (!tenant.extensions.get(extension)?.mailbox) return null
    return this.#leaving({ mailbox: extension, service: { kind: 'local' } }, tenant)
  }

  /** For the admin API. */
  get adminParts(): MailboxRoutesParts {
    const { store, random } = this.#options
    const { mailboxes, service, media } = this
    return { mailboxes, service, media, store: store.voicemail, random, retention: this.#retention }
  }

  /** E-mail, for the worker behind the outbox. */
  get mail(): DeliverySource {
    return this.#mailer
  }

  /** Rejects with ConfigError `voicemail.tls-files`. */
  async mount(server: HttpServer): Promise<void> {
    const { settings, clock, log } = this.#options
    const { listen, tls, mail } = settings.voicemail
    if (mail) {
      const authority = mail.authority === null ? null : await readAuthority(mail.authority)
      this.#smtp = new SmtpSender({ settings: mail, authority, clock })
    }
    const secure = tls && (await readSecureContext(tls))
    this.#tcp = listen.map(({ protocol }) => {
      const parts = { service: this.service, nodes: this.#nodes, clock, log }
      return new VoicemailTcpServer(protocol === 'tls' && secure ? { ...parts, tls: secure } : parts)
    })
    await mountVoicemail(server, {
      service: this.service,
      nodes: this.#nodes,
      media: this.media,
      log: this.#options.log,
    })
  }

  /**
   * Listens for nodes, where there are any, and takes up what an earlier server owed.
   * Rejects with TransportError `voicemail.address-in-use`.
   */
  async start(): Promise<void> {
    const { listen, nodes } = this.#options.settings.voicemail
    for (const [index, { address, port }] of listen.entries()) {
      if (nodes.size > 0) await this.#tcp[index]?.listen(address, port)
    }
    if (this.#smtp === null) {
      const owners = (await this.mailboxes.list()).filter(({ email }) => email !== null).map(({ owner }) => owner)
      if (owners.length > 0)
        this.#options.log.warn({ owners }, 'mailboxes with an e-mail address have no voicemail.mail')
    }
    await this.#news.recover()
    this.#round()
  }

  /** After the last call, before the store. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelRound()
    await Promise.all(this.#tcp.map((server) => server.close()))
    await this.#deposits.idle()
    await this.#news.idle()
  }

  #round(): void {
    const { clock, log } = this.#options
    const work = async (): Promise<void> => {
      await this.#deposits.settle()
      if (!this.#isClosed) await this.#age()
      if (!this.#isClosed) await this.service.purge()
    }
    work()
      .catch((thrown) => log.error({ err: toError(thrown) }, 'deleted voicemail messages could not be removed'))
      .finally(() => {
        if (!this.#isClosed) this.#cancelRound = clock.after(roundMs, () => this.#round())
      })
      .catch(() => {})
  }

  async #age(): Promise<void> {
    const { clock, log } = this.#options
    if (clock.now() - this.#agedMs < agingMs) return
    this.#agedMs = clock.now()
    const deleted = await this.#retention.run({ isDryRun: false })
    if (deleted.length > 0) log.info({ deleted }, 'voicemail messages were deleted by their age')
  }

  #leaving(app: Pick<VoicemailAppSettings, 'mailbox' | 'service'>, tenant: TenantSettings): Flow {
    return leavingFlow({
      client: this.#client(app.service, tenant.name),
      service: serviceText(app.service),
      deposits: this.#deposits,
      media: this.media,
      log: this.#options.log,
      // Who sent the call on to us is who was called; what was dialled then is only the way to voicemail.
      owner: ({ party, to }) => app.mailbox ?? party.divertedFrom ?? to,
      retrieve: this.#retrieve(app, tenant),
    })
  }

  #retrieve(app: Pick<VoicemailAppSettings, 'mailbox' | 'service'>, tenant: TenantSettings): Flow {
    return retrieveFlow({
      client: this.#client(app.service, tenant.name),
      media: this.media,
      dataFolder: this.#options.settings.data,
      log: this.#options.log,
      owner: ({ party }) => app.mailbox ?? party.extension ?? party.assertedNumber ?? party.user,
      isOwner: (call, owner) => isProven(call, owner, tenant),
    })
  }

  #client(service: ServiceSettings, tenant: string) {
    return clientOf(service, tenant, {
      service: this.service,
      http: { request: (request) => this.#options.http().request(request) },
      clock: this.#options.clock,
      nodeName: this.#options.settings.voicemail.nodeName,
      isTrusted: (one, name) => this.#isTrusted(one, name),
    })
  }

  /** Whether the operator's own file has it; what came over the admin API is checked against private ranges. */
  #isTrusted(service: ServiceSettings, tenant: string): boolean {
    const apps = [...(this.#options.settings.tenants.get(tenant)?.apps.values() ?? [])]
    return apps.some((app) => app.kind === 'voicemail' && serviceText(app.service) === serviceText(service))
  }
}

/** An extension by its password, or a number for which a peer that we trust vouches; never what a caller says of itself. */
function isProven({ party }: FlowCall, owner: string, { countryCode }: TenantSettings): boolean {
  if (party.extension !== null) return party.extension === owner
  return party.assertedNumber !== undefined && isSameNumber(party.assertedNumber, owner, countryCode)
}
