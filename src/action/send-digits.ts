import { ParseError } from '../base/errors.ts'
import type { Line } from '../call/line.ts'
import type { Digit } from '../media/plane/types.ts'

export interface SendDigitsOutcome {
  readonly outcome: 'finished' | 'stopped' | 'ended'
}

/** Longest string of digits for one call of the verb. */
const maxDigits = 64

/**
 * Sends key presses to the other side.
 * @param digits - 0 to 9, `*`, `#`, A to D; at most 64. Throws ParseError `action.digits-invalid` for others.
 */
export async function sendDigits(call: Line, digits: string, signal?: AbortSignal): Promise<SendDigitsOutcome> {
  if (!/^[0-9*#A-Da-d]+$/.test(digits) || digits.length > maxDigits) {
    throw new ParseError('action.digits-invalid', `Digits are 1 to ${maxDigits} of 0-9, *, #, A-D.`)
  }
  if (call.isEnded) return { outcome: 'ended' }
  if (signal?.aborted) return { outcome: 'stopped' }
  call.note('prompt', 'digitsSent', { count: digits.length })
  const sending = call.leg.sendDigits([...digits.toUpperCase()] as Digit[])
  const onAbort = (): void => sending.stop()
  signal?.addEventListener('abort', onAbort, { once: true })
  const end = await sending.ended
  signal?.removeEventListener('abort', onAbort)
  return { outcome: end === 'finished' ? 'finished' : call.isEnded ? 'ended' : 'stopped' }
}
