import type { Clock } from './base/clock.ts'
import { toError } from './base/errors.ts'
import type { IdFactory } from './base/ids.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import { type MinutesStore, OutboundMinutes } from './call/outbound-minutes.ts'
import { isLoopback } from './config/addresses.ts'
import type { Settings } from './config/settings.ts'
import { LegDirectory } from './leg/leg-directory.ts'
import type { MediaPlane } from './media/plane/types.ts'
import { Hops } from './reach/hops.ts'
import { Inside } from './reach/inside.ts'
import { PeerAddresses } from './reach/peer-addresses.ts'
import type { LegShop } from './reach/reach-parts.ts'
import { Reaching } from './reach/reaching.ts'
import { TrunkDesk } from './reach/trunk-desk.ts'
import type { Directory } from './routing/directory.ts'
import type { UserAgent } from './sip/dialog/user-agent.ts'
import { CachingResolver, Locator, NodeDns } from './sip/locate/index.ts'
import type { Registrar } from './sip/registrar/registrar.ts'
import type { TransactionLayer } from './sip/transaction/transaction-layer.ts'
import type { SipTransport } from './sip/transport/sip-transport.ts'
import { LoopGuard } from './sip/trunk/loop-guard.ts'
import { Trunks } from './sip/trunk/trunks.ts'
import { serverName } from './version.ts'

export interface OutboundPartsOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly ids: IdFactory
  readonly directory: Directory
  readonly plane: MediaPlane
  readonly transport: SipTransport
  readonly transactions: TransactionLayer
  readonly userAgent: UserAgent
  readonly registrar: Registrar
  readonly minutes: MinutesStore
}

/** What calls of ours go out by: names, trunks, telephones, and who is reached by them. */
export class OutboundParts {
  readonly trunks: Trunks
  readonly loops: LoopGuard
  readonly inside: Inside
  readonly hops = new Hops()
  readonly legs = new LegDirectory()
  readonly addresses: PeerAddresses
  readonly minutes: OutboundMinutes
  readonly reaching: Reaching
  readonly #directory: Directory
  readonly #dns: NodeDns

  constructor(options: OutboundPartsOptions) {
    const { settings, clock, random, log, directory, transport, transactions, userAgent } = options
    this.#directory = directory
    this.#dns = new NodeDns({ servers: settings.sip.dns })
    const locator = new Locator({ resolver: new CachingResolver({ clock, source: this.#dns }), random })
    this.addresses = new PeerAddresses(settings, transport)
    this.loops = new LoopGuard({ clock })
    this.inside = new Inside(random, () => transport.localPorts)
    this.trunks = new Trunks({
      clock,
      random,
      log,
      transactions,
      transport,
      locator,
      serverName,
      ownerOf: (user) => directory.findNumber(user)?.tenant.name ?? null,
    })
    this.minutes = new OutboundMinutes(clock, options.minutes, (thrown) =>
      log.error({ err: toError(thrown) }, 'the minutes of outbound calls could not be kept'),
    )
    const shop: LegShop = {
      clock,
      log,
      ids: options.ids,
      plane: options.plane,
      directory: this.legs,
      addresses: this.addresses,
      userAgent,
    }
    const { loops, minutes, trunks } = this
    this.reaching = new Reaching({
      shop,
      random,
      directory,
      registrar: options.registrar,
      trunks: new TrunkDesk({ shop, trunks, locator, loops, minutes }),
      inside: this.inside,
      hops: this.hops,
      isOwnHost: (host) => isOwnHost(host, settings, transport),
    })
  }

  /** Once the sockets are bound: registers at trunks and begins to watch them, those too that come later. Rejects with StoreError. */
  async start(): Promise<void> {
    await this.minutes.load(this.#directory.tenants.values())
    const update = (): void => this.trunks.update(this.#directory.tenants)
    this.#directory.onReplaced(update)
    update()
  }

  async close(): Promise<void> {
    await this.trunks.close()
    this.#dns.close()
  }
}

function isOwnHost(host: string, settings: Settings, transport: SipTransport): boolean {
  const plain = host.replace(/^\[|\]$/g, '')
  if (isLoopback(plain) || settings.nat.signalling?.host === plain) return true
  return transport.localPorts.some(({ address }) => address === plain)
}
