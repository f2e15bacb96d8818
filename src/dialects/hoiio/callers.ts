import type { Reacher } from '../../call/reach.ts'
import { numberKey } from '../../config/numbers.ts'
import type { Application } from './applications.ts'
import { Refusal, readNumber } from './codec.ts'

/** Hides the number: `call/reach.ts` takes it so. */
const withheld = 'anonymous'

/**
 * The numbers that a call of this application may show, the wanted one first; null: what the rules of the tenant give.
 * @param original - who called, in a session that came in: a transfer may show it.
 * Throws Refusal `error_caller_id_invalid`.
 */
export function callerCandidates(
  { tenant, settings }: Application,
  asked: string | undefined,
  original: string | null,
): readonly (string | null)[] {
  const usual = settings.registeredNumber === null ? [null] : [settings.registeredNumber, null]
  if (asked === undefined) return usual
  if (asked.trim().toLowerCase() === 'private') return [withheld]
  const key = numberKey(readNumber(asked), tenant.countryCode)
  const isOwn = key === settings.registeredNumber || tenant.numbers.get(key)?.app === settings.name
  if (isOwn || tenant.callerIds === 'any' || tenant.callerIds.includes(key)) return [key]
  // A provider may not let a stranger's number pass; then the usual one is shown.
  if (original !== null && key === numberKey(original, tenant.countryCode)) return [key, ...usual]
  throw new Refusal('error_caller_id_invalid')
}

/**
 * The first of the candidates with which the number can be called. One that is merely not there now (no telephone is
 * registered) can be called: that it does not answer is the call's outcome.
 * Throws Refusal `error_dest_not_supported`: the tenant's rules let nobody call it.
 */
export async function callerFor(
  reacher: Reacher,
  { tenant }: Application,
  destination: string,
  candidates: readonly (string | null)[],
): Promise<string | null> {
  for (const callerId of candidates) {
    const reach = await reacher.reach({
      tenant: tenant.name,
      destination,
      callerId,
      callerName: null,
      onBehalfOf: null,
      divertedFrom: null,
    })
    const isClosed = reach.kind === 'unreachable' && closed.has(reach.cause)
    if (!isClosed) return callerId
  }
  throw new Refusal('error_dest_not_supported')
}

const closed: ReadonlySet<string> = new Set(['forbidden', 'number-unknown', 'number-incomplete'])
