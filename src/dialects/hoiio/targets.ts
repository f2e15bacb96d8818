import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import type { Application } from './applications.ts'
import type { NotifyTarget } from './blocks.ts'
import { Refusal } from './codec.ts'

/** How long a name that was found is not looked up again, how many are kept, and how long a look-up may delay an answer. */
const keptMs = 60_000
const mostKept = 1000
const patienceMs = 1500

/** Resolves when the name has an address; rejects when it has none. */
export type FindHost = (name: string) => Promise<unknown>

/** Checks the addresses that programs give: where they may lie, and whether their names exist. */
export class Targets {
  readonly #http: Pick<OutgoingHttp, 'refuse'>
  readonly #clock: Clock
  readonly #find: FindHost
  readonly #isTrusted: (tenant: string, url: string) => boolean
  readonly #found = new Map<string, number>()

  /** @param parts.isTrusted - whether an address stands in the operator's own file. */
  constructor(parts: {
    http: Pick<OutgoingHttp, 'refuse'>
    clock: Clock
    isTrusted(tenant: string, url: string): boolean
    find?: FindHost
  }) {
    this.#isTrusted = (tenant, url) => parts.isTrusted(tenant, url)
    this.#http = parts.http
    this.#clock = parts.clock
    this.#find = parts.find ?? ((name) => lookup(name))
  }

  /**
   * A `notify_url` as given, or null.
   * Throws Refusal `error_invalid_notify_url`, `error_unable_to_resolve_notify_url`.
   */
  async check(application: Application, url: string | null): Promise<NotifyTarget | null> {
    if (url === null) return null
    const isOwn = this.isOwn(application, url)
    if (this.#http.refuse(url, isOwn)) throw new Refusal('error_invalid_notify_url')
    if (!isOwn && !(await this.#exists(new URL(url).hostname))) {
      throw new Refusal('error_unable_to_resolve_notify_url')
    }
    return { url, isOwn }
  }

  /** Where incoming calls are told, as configured; null: nowhere. */
  configured({ tenant, settings: { notifyUrl } }: Application): NotifyTarget | null {
    return notifyUrl === null ? null : { url: notifyUrl, isOwn: this.#isTrusted(tenant.name, notifyUrl) }
  }

  /** The operator gave `notifyUrl` for this application: its host is trusted with the rest of its addresses, too. */
  isOwn(application: Application, url: string): boolean {
    const configured = this.configured(application)
    return configured !== null && configured.isOwn && new URL(configured.url).origin === new URL(url).origin
  }

  /** False only for a name that is known not to exist: a slow name server is no reason to refuse a call. */
  async #exists(host: string): Promise<boolean> {
    const name = host.replace(/^\[|\]$/g, '')
    if (isIP(name) !== 0) return true
    const foundMs = this.#found.get(name)
    if (foundMs !== undefined && this.#clock.now() - foundMs < keptMs) return true
    let cancel = (): void => {}
    const patience = new Promise<boolean>((resolve) => {
      cancel = this.#clock.after(patienceMs, () => resolve(true))
    })
    const looking = this.#find(name).then(
      () => {
        if (this.#found.size >= mostKept) this.#found.clear()
        this.#found.set(name, this.#clock.now())
        return true
      },
      (thrown: unknown) => !isUnknownName(thrown),
    )
    const exists = await Promise.race([looking, patience])
    cancel()
    return exists
  }
}

function isUnknownName(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null
  return code === 'ENOTFOUND' || code === 'ENODATA'
}
