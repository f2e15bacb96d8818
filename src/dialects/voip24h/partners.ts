import { verifySecret } from '../../config/secret-hash.ts'
import type { PartnerSettings, TenantSettings } from '../../config/settings.ts'
import type { Directory } from '../../routing/directory.ts'
import { LocalTime } from './local-time.ts'
import type { PartnerView } from './map.ts'

/** Who asks, and how it is shown things. */
export interface KnownPartner {
  readonly tenant: TenantSettings
  readonly settings: PartnerSettings
  readonly view: PartnerView
}

/** The partners of all tenants, by their secrets. */
export class Partners {
  readonly #directory: Directory
  #tenants: ReadonlyMap<string, TenantSettings> | null = null
  #partners: readonly KnownPartner[] = []

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /** Every hash is compared, each in constant time: how long it takes tells nothing. Null for nobody. */
  async withSecret(secret: string | null): Promise<KnownPartner | null> {
    if (secret === null || secret === '') return null
    let found: KnownPartner | null = null
    for (const partner of this.#all()) {
      if (await verifySecret(secret, partner.settings.secretHash)) found = partner
    }
    return found
  }

  #all(): readonly KnownPartner[] {
    const { tenants } = this.#directory
    if (tenants !== this.#tenants) {
      this.#tenants = tenants
      this.#partners = [...tenants.values()].flatMap((tenant) =>
        [...tenant.partners.values()].map((settings) => {
          const { numberFormat, timeZone } = settings
          const view = { time: new LocalTime(timeZone), numberFormat, countryCode: tenant.countryCode }
          return { tenant, settings, view }
        }),
      )
    }
    return this.#partners
  }
}
