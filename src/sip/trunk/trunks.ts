import { toError } from '../../base/errors.ts'
import type { TenantSettings, TrunkSettings } from '../../config/settings.ts'
import type { SipRequest } from '../message/types.ts'
import type { Flow } from '../transport/types.ts'
import { Capacity } from './capacity.ts'
import { accountsOf, matchInbound, type TrunkAccount, type TrunkMatch } from './source-match.ts'
import { isSameWire, Trunk, type TrunkParts, type TrunkStatus } from './trunk.ts'

export interface TrunksOptions extends TrunkParts {
  /** The tenant that has a number, however written; null: nobody. Decides between trunks that share an address. */
  ownerOf(user: string): string | null
}

/** Every trunk of every tenant. */
export class Trunks {
  readonly #options: TrunksOptions
  readonly #trunks = new Map<string, Trunk>()
  /** Outlive a trunk that begins anew: its calls go on. */
  readonly #capacities = new Map<string, Capacity>()
  /** Trunks that are ending. */
  readonly #ending = new Set<Promise<void>>()
  #isClosed = false

  constructor(options: TrunksOptions) {
    this.#options = options
  }

  /**
   * The settings as they are now: new trunks begin, those that are gone take their registration back, those whose address,
   * account or times have changed begin anew, all others go on. Sends requests: to be called once the sockets are bound.
   */
  update(tenants: ReadonlyMap<string, TenantSettings>): void {
    if (this.#isClosed) return
    const wanted = new Map<string, { readonly tenant: string; readonly settings: TrunkSettings }>()
    for (const { name: tenant, trunks } of tenants.values()) {
      for (const settings of trunks.values()) wanted.set(keyOf(tenant, settings.name), { tenant, settings })
    }
    for (const [key, trunk] of this.#trunks) {
      if (wanted.has(key)) continue
      this.#trunks.delete(key)
      this.#capacities.delete(key)
      void this.#end(trunk)
    }
    for (const [key, { tenant, settings }] of wanted) this.#set(key, tenant, settings)
  }

  /** Null: there is no such trunk (any more). */
  find(tenant: string, trunk: string): Trunk | null {
    return this.#trunks.get(keyOf(tenant, trunk)) ?? null
  }

  /** The same ways, those by trunks that are known to be down behind the others. For the ways of `routeOutbound`. */
  byHealth<Way extends { readonly tenant: string; readonly trunk: { readonly name: string } }>(
    ways: readonly Way[],
  ): readonly Way[] {
    const isDown = (way: Way): boolean => this.find(way.tenant, way.trunk.name)?.isDown ?? true
    return [...ways.filter((way) => !isDown(way)), ...ways.filter(isDown)]
  }

  /** The trunk that a request comes by; null: by none, as far as its source tells. */
  matchInbound(request: SipRequest, flow: Flow): TrunkMatch | null {
    return matchInbound(this.#trunks.values(), request, flow, (user) => this.#options.ownerOf(user))
  }

  /** The trunks that prove themselves by digest with this username, from this address. */
  accounts(username: string, address: string): readonly TrunkAccount[] {
    return accountsOf(this.#trunks.values(), username, address)
  }

  /** A connection is gone: registrations that came by it are made anew. */
  flowClosed(flow: Flow): void {
    for (const trunk of this.#trunks.values()) trunk.flowClosed(flow)
  }

  status(): readonly TrunkStatus[] {
    return [...this.#trunks.values()].map((trunk) => trunk.status())
  }

  /** Sums over the trunks there are now, for metrics. */
  get counts(): Readonly<
    Record<'trunks' | 'down' | 'calls' | 'optionsSent' | 'breakersOpened' | 'registrationFailures', number>
  > {
    const sums = {
      trunks: this.#trunks.size,
      down: 0,
      calls: 0,
      optionsSent: 0,
      breakersOpened: 0,
      registrationFailures: 0,
    }
    for (const capacity of this.#capacities.values()) sums.calls += capacity.calls
    for (const trunk of this.#trunks.values()) {
      const { optionsSent, breakersOpened, registrationFailures } = trunk.counts
      if (trunk.isDown) sums.down++
      sums.optionsSent += optionsSent
      sums.breakersOpened += breakersOpened
      sums.registrationFailures += registrationFailures
    }
    return sums
  }

  /** Takes every registration back. Resolves when all are answered, after two seconds at the latest. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const trunk of this.#trunks.values()) void this.#end(trunk)
    this.#trunks.clear()
    await Promise.all(this.#ending)
  }

  #set(key: string, tenant: string, settings: TrunkSettings): void {
    const known = this.#trunks.get(key)
    if (known && isSameWire(known.settings, settings)) return known.change(settings)
    const capacity = this.#capacities.get(key) ?? new Capacity(this.#options.clock, settings.name, settings)
    capacity.setLimits(settings)
    this.#capacities.set(key, capacity)
    const trunk = new Trunk(tenant, settings, capacity, this.#options)
    this.#trunks.set(key, trunk)
    // One after the other: taking back the old registration must not take back the new one, which may have the same Contact.
    if (known) void this.#end(known).then(() => trunk.start())
    else trunk.start()
  }

  #end(trunk: Trunk): Promise<void> {
    const ending = trunk
      .close()
      .catch((thrown: unknown) => this.#options.log.error({ err: toError(thrown) }, 'a trunk could not be ended'))
      .finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
    return ending
  }
}

function keyOf(tenant: string, trunk: string): string {
  return `${tenant} ${trunk}`
}
