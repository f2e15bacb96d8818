import { numberKey } from '../config/numbers.ts'
import type { AppSettings, ExtensionSettings, NumberSettings, TenantSettings } from '../config/settings.ts'

export interface FoundNumber {
  readonly tenant: TenantSettings
  readonly number: NumberSettings
  readonly app: AppSettings
}

/** The tenants as they stand now. Replaced as a whole by each change, so that a reader never sees half of one. */
export class Directory {
  #tenants: ReadonlyMap<string, TenantSettings> = new Map()
  /** Number key -> tenant. Numbers are unique over all tenants. */
  #owners = new Map<string, string>()
  #countryCodes: readonly (string | null)[] = []
  #domains = new Map<string, string>()
  readonly #replaced: (() => void)[] = []

  constructor(tenants: ReadonlyMap<string, TenantSettings>) {
    this.replace(tenants)
  }

  replace(tenants: ReadonlyMap<string, TenantSettings>): void {
    this.#tenants = tenants
    this.#owners = new Map()
    this.#domains = new Map()
    for (const tenant of tenants.values()) {
      for (const key of tenant.numbers.keys()) this.#owners.set(key, tenant.name)
      if (tenant.domain !== null) this.#domains.set(tenant.domain.toLowerCase(), tenant.name)
    }
    this.#countryCodes = [...new Set([...tenants.values()].map((tenant) => tenant.countryCode))]
    for (const told of this.#replaced) told()
  }

  /** Tells of each replacement from now on, once it is in force. */
  onReplaced(told: () => void): void {
    this.#replaced.push(told)
  }

  get tenants(): ReadonlyMap<string, TenantSettings> {
    return this.#tenants
  }

  tenant(name: string): TenantSettings | null {
    return this.#tenants.get(name) ?? null
  }

  /** The tenant a SIP host stands for: its domain; with a single tenant any host does. */
  tenantOfHost(host: string): TenantSettings | null {
    const byDomain = this.#domains.get(host.toLowerCase())
    if (byDomain !== undefined) return this.tenant(byDomain)
    if (this.#tenants.size !== 1) return null
    const [only] = this.#tenants.values()
    return only ?? null
  }

  /** A number as dialled: tried as it stands, then as a national number of each country that has a tenant. */
  findNumber(dialled: string): FoundNumber | null {
    for (const countryCode of [null, ...this.#countryCodes]) {
      const found = this.numberWithKey(numberKey(dialled, countryCode))
      if (found) return found
    }
    return null
  }

  /** A number by its key form (`numberKey`), whichever tenant has it. */
  numberWithKey(key: string): FoundNumber | null {
    const owner = this.#owners.get(key)
    const tenant = owner === undefined ? null : this.tenant(owner)
    const number = tenant?.numbers.get(key)
    const app = number && tenant?.apps.get(number.app)
    return tenant && number && app ? { tenant, number, app } : null
  }

  /** The tenant that has this domain; null for any other host, also with a single tenant. */
  tenantOfDomain(domain: string): TenantSettings | null {
    const name = this.#domains.get(domain.toLowerCase())
    return name === undefined ? null : this.tenant(name)
  }

  findExtension(tenant: string, extension: string): ExtensionSettings | null {
    return this.tenant(tenant)?.extensions.get(extension) ?? null
  }
}
