import { numberKey } from '../../config/numbers.ts'

/** A charge as answers and notifications show it. */
export interface Billing {
  /** Whole minutes, begun ones counted. */
  readonly duration: string
  readonly currency: string
  /** Per minute. */
  readonly rate: string
  readonly debit: string
}

/** The price per minute of a number: that of the longest prefix that fits; 0 where none does. */
export function rateOf(rates: ReadonlyMap<string, number>, number: string, countryCode: string | null): number {
  const key = numberKey(number, countryCode)
  let best = ''
  let price = 0
  for (const [prefix, rate] of rates) {
    if (!key.startsWith(prefix) || prefix.length < best.length) continue
    best = prefix
    price = rate
  }
  return price
}

/** Minutes of a talk, a begun one counted whole. */
export function minutesOf(ms: number): number {
  return Math.ceil(Math.max(0, ms) / 60_000)
}

/** @param parts - each call that was paid for, with its price per minute. `rate` is that of the first. */
export function billingOf(
  currency: string,
  talkMs: number,
  parts: readonly { readonly rate: number; readonly talkMs: number }[],
): Billing {
  const debit = parts.reduce((sum, part) => sum + part.rate * minutesOf(part.talkMs), 0)
  return {
    duration: String(minutesOf(talkMs)),
    currency,
    rate: writeMoney(parts[0]?.rate ?? 0),
    debit: writeMoney(debit),
  }
}

/** Three decimals, as the samples have them: `0.020`. */
export function writeMoney(amount: number): string {
  return amount.toFixed(3)
}
