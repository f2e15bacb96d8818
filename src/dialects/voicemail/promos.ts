import type { Clock } from '../../base/clock.ts'
import type { Voicemail, VoicemailPromoRow } from '../../store/voicemail.ts'
import { Refusal, type SentNumber } from './fields.ts'
import type { Mailbox } from './mailboxes.ts'
import type { OkReply, PromoName, WirePromo } from './wire.ts'

/** Has the text of a promo sent to a number; false: the tenant has nobody who does. */
export type SendPromo = (tenant: string, number: string, promo: PromoName, text: string) => Promise<boolean>

export interface PromosParts {
  readonly store: Pick<Voicemail, 'promos' | 'putTaker'>
  readonly clock: Clock
  readonly hooks?: { readonly sendPromo?: SendPromo }
}

/** What callers hear or are sent besides, as long as its dates say. */
export class Promos {
  readonly #parts: PromosParts

  constructor(parts: PromosParts) {
    this.#parts = parts
  }

  async of({ tenant, promos }: Mailbox, promo: PromoName): Promise<WirePromo> {
    const row = await this.#active(tenant, promo)
    return { general: row === null ? 'off' : 'on', personal: promos[promo] ? 'on' : 'off', voice: row?.voice ?? '' }
  }

  async get(tenant: string, promo: PromoName): Promise<OkReply> {
    const row = await this.#active(tenant, promo)
    return { status: 'ok', voice: row?.voice ?? '' }
  }

  /** What sends the text of a promo to a number. Rejects with Refusal PROMO_OFF. */
  async sender(tenant: string, promo: PromoName): Promise<(number: string) => Promise<void>> {
    const send = this.#parts.hooks?.sendPromo
    const row = await this.#active(tenant, promo)
    if (send === undefined || row === null || row.message === '') throw promoOff()
    return async (number) => {
      if (!(await send(tenant, number, promo, row.message))) throw promoOff()
    }
  }

  async take(
    tenant: string,
    { number, promo, isTaker }: { readonly number: SentNumber; readonly promo: PromoName; readonly isTaker: boolean },
  ): Promise<OkReply> {
    const decided = { is_taker: isTaker ? 1 : 0, decided_at: this.#parts.clock.wallTime() }
    await this.#parts.store.putTaker({ tenant, promo, number: number.written, ...decided })
    return { status: 'ok' }
  }

  async #active(tenant: string, promo: PromoName): Promise<VoicemailPromoRow | null> {
    const now = this.#parts.clock.wallTime()
    const row = (await this.#parts.store.promos(tenant)).find((one) => one.promo === promo)
    if (row === undefined || row.is_on !== 1) return null
    const hasBegun = row.active_from === null || row.active_from <= now
    return hasBegun && (row.active_until === null || now < row.active_until) ? row : null
  }
}

function promoOff(): Refusal {
  return new Refusal('PROMO_OFF', 'Nothing was sent: promos by text message are off.')
}
