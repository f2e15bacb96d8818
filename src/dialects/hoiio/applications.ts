import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { HoiioAppSettings, TenantSettings } from '../../config/settings.ts'
import { FailureWindow } from '../../http/failure-window.ts'
import { type Parameters, Refusal, required } from './codec.ts'

/** One application: what its program proves itself for. */
export interface Application {
  /** `tenant/app`: nothing of one application is ever found under another's. */
  readonly key: string
  readonly tenant: TenantSettings
  readonly settings: HoiioAppSettings
}

interface Credential {
  readonly application: Application
  readonly tokenDigest: Buffer
}

/** Wrong credentials from one address in a minute before it has to wait. */
const failuresAllowed = 20

/** Knows every application by its id and token. Tokens are kept as digests and compared in constant time. */
export class Applications {
  readonly #tenants: () => ReadonlyMap<string, TenantSettings>
  readonly #failures: FailureWindow
  /** The tenants that the index was made of: settings are replaced as a whole. */
  #indexed: ReadonlyMap<string, TenantSettings> | null = null
  #credentials = new Map<string, Credential[]>()

  constructor(tenants: () => ReadonlyMap<string, TenantSettings>, clock: Clock) {
    this.#tenants = tenants
    this.#failures = new FailureWindow(clock, failuresAllowed)
  }

  /**
   * Whose request it is.
   * Throws Refusal `error_app_id_param_missing`, `error_access_token_param_missing`, `error_invalid_app_id`,
   * `error_invalid_access_token`, and `error_rate_limit_exceeded` for an address that has guessed too often.
   */
  authenticate(parameters: Parameters, address: string): Application {
    const appId = required(parameters, 'app_id')
    const token = required(parameters, 'access_token')
    if (this.#failures.mustWait(address)) throw new Refusal('error_rate_limit_exceeded')
    const candidates = this.#index().get(appId) ?? []
    const given = digestOf(token)
    const found = candidates.find(({ tokenDigest }) => timingSafeEqual(given, tokenDigest))
    if (found) return found.application
    this.#failures.note(address)
    throw new Refusal(candidates.length === 0 ? 'error_invalid_app_id' : 'error_invalid_access_token')
  }

  /** As it stands now; null where it is gone from the settings. */
  find(key: string): Application | null {
    for (const credentials of this.#index().values()) {
      for (const { application } of credentials) if (application.key === key) return application
    }
    return null
  }

  #index(): ReadonlyMap<string, readonly Credential[]> {
    const tenants = this.#tenants()
    if (tenants === this.#indexed) return this.#credentials
    this.#indexed = tenants
    this.#credentials = new Map()
    for (const tenant of tenants.values()) {
      for (const settings of tenant.apps.values()) {
        if (settings.kind !== 'hoiio') continue
        const application = applicationOf(tenant, settings)
        const credential = { application, tokenDigest: digestOf(settings.accessToken) }
        this.#credentials.set(settings.appId, [...(this.#credentials.get(settings.appId) ?? []), credential])
      }
    }
    return this.#credentials
  }
}

export function applicationOf(tenant: TenantSettings, settings: HoiioAppSettings): Application {
  return { key: `${tenant.name}/${settings.name}`, tenant, settings }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
