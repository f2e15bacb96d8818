import { parseNameAddress, printNameAddress } from './name-address.ts'
import { noParameters } from './parameters.ts'
import type { NameAddress } from './types.ts'

/** Somebody who sent the call elsewhere: one value of Diversion, RFC 5806 §4. */
export interface Diversion {
  /** Without parameters. */
  readonly address: NameAddress
  /** `unknown`, `user-busy`, `no-answer`, `unavailable`, `unconditional`, `time-of-day`, `do-not-disturb`, `deflection`, `follow-me`, `out-of-service`, `away`, or what the peer made up. */
  readonly reason: string
  /** How many diversions this one stands for; 1 where nothing was said. */
  readonly counter: number
  /** `full`, `name`, `uri` or `off`; null where nothing was said. */
  readonly privacy: string | null
}

/** More diversions than this are a loop: RFC 5806 §5.3.1 leaves the number to us. */
const mostDiversions = 99

/** @throws MessageError `sip-message.header`, `sip-message.uri`. */
export function parseDiversion(value: string): Diversion {
  const address = parseNameAddress(value)
  const { parameters } = address
  const counter = Number(parameters.get('counter') ?? 1)
  return {
    address: { ...address, parameters: noParameters },
    reason: parameters.get('reason')?.toLowerCase() || 'unknown',
    counter: Number.isInteger(counter) && counter >= 1 ? Math.min(counter, mostDiversions) : 1,
    privacy: parameters.get('privacy')?.toLowerCase() || null,
  }
}

export function printDiversion({ address, reason, counter, privacy }: Diversion): string {
  const parameters = new Map<string, string | null>([['reason', reason]])
  if (counter !== 1) parameters.set('counter', String(counter))
  if (privacy !== null) parameters.set('privacy', privacy)
  return printNameAddress({ ...address, parameters })
}
