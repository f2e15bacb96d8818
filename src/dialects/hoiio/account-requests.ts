import { numberKey } from '../../config/numbers.ts'
import type { Meta } from '../../store/meta.ts'
import type { Application } from './applications.ts'
import type { NotifyTarget } from './blocks.ts'
import { type Parameters, Refusal, readNumber, required } from './codec.ts'
import { writeMoney } from './rates.ts'
import type { Targets } from './targets.ts'
import type { AnswerFields } from './wire.ts'
import { readNotifyUrl } from './wishes.ts'

/** The requests of the Account and Number APIs. All reject with Refusal. */
export class AccountRequests {
  readonly #meta: Pick<Meta, 'get' | 'set' | 'remove'>
  readonly #targets: Targets

  constructor(parts: { meta: Pick<Meta, 'get' | 'set' | 'remove'>; targets: Targets }) {
    this.#meta = parts.meta
    this.#targets = parts.targets
  }

  /** Nobody pays here in advance: there is nothing, and nothing ever runs out. */
  async balance({ settings }: Application): Promise<AnswerFields> {
    const none = writeMoney(0)
    return { currency: settings.currency, balance: none, points: none, bonus: none }
  }

  async info({ tenant, settings }: Application): Promise<AnswerFields> {
    const own = [...tenant.numbers.values()].filter(({ app }) => app === settings.name).map(({ number }) => number)
    const registered = settings.registeredNumber
    return {
      uid: settings.appId,
      name: settings.name,
      mobile_number: registered ?? '',
      caller_ids: [...new Set([...(registered === null ? [] : [registered]), ...own, 'private'])],
      // The documentation leaves it out where there is none; HoiioSDK.NET takes its absence for a failure.
      email: '',
      country: '',
      prefix: tenant.countryCode === null ? '' : `+${tenant.countryCode}`,
      currency: settings.currency,
    }
  }

  /** Sets where calls to a number are told, until `forward_to` is given anew; without it, what is configured holds again. */
  async updateForwarding(application: Application, parameters: Parameters): Promise<AnswerFields> {
    const written = required(parameters, 'number')
    const { tenant, settings } = application
    const number = numberKey(readNumber(written), tenant.countryCode)
    if (!/^\+?\d+$/.test(number)) throw new Refusal('error_number_invalid')
    if (tenant.numbers.get(number)?.app !== settings.name) throw new Refusal('error_number_not_assigned')
    const target = await this.#forwardTarget(application, parameters)
    if (target === null) await this.#meta.remove(metaKey(application, number))
    else await this.#meta.set(metaKey(application, number), target.url)
    return {}
  }

  /** Where a call to this number is told; null: nowhere. */
  async targetOf(application: Application, number: string): Promise<NotifyTarget | null> {
    const url = await this.#meta.get(metaKey(application, number))
    if (url === null) return this.#targets.configured(application)
    return { url, isOwn: this.#targets.isOwn(application, url) }
  }

  async #forwardTarget(application: Application, parameters: Parameters): Promise<NotifyTarget | null> {
    try {
      return await this.#targets.check(application, readNotifyUrl(parameters, 'forward_to'))
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      const isUnknown = thrown.status === 'error_unable_to_resolve_notify_url'
      throw new Refusal(isUnknown ? 'error_unable_to_resolve_forward_to' : 'error_forward_to_invalid')
    }
  }
}

function metaKey({ key }: Application, number: string): string {
  return `hoiio-forward.${key}.${number}`
}
