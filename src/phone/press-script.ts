import { ParseError } from '../base/errors.ts'
import type { Digit } from '../media/plane/types.ts'

/** One step of the test phone's fingers. */
export type PressStep = { readonly kind: 'press'; readonly digits: readonly Digit[] } | { readonly kind: 'wait' }

/**
 * Reads `--press`: keys, and commas that each wait for the prompt to end or for 2 s of quiet. One such wait stands in
 * front of the first key, too: the caller listens before it answers. A script that begins with `!` does not wait.
 * @throws ParseError `phone.press-invalid`
 */
export function parsePressScript(text: string): readonly PressStep[] {
  const isHasty = text.startsWith('!')
  const body = isHasty ? text.slice(1) : text
  const wrong = /[^0-9*#A-Da-d,\s]/.exec(body)
  if (wrong) {
    const sentence = `'${wrong[0]}' is no key: --press takes 0-9, *, #, A-D, and commas that wait.`
    throw new ParseError('phone.press-invalid', sentence)
  }
  const steps: PressStep[] = isHasty || body.trim() === '' ? [] : [{ kind: 'wait' }]
  for (const part of body
    .toUpperCase()
    .split(',')
    .map((keys) => keys.replace(/\s/g, ''))
    .entries()) {
    const [index, keys] = part
    if (index > 0) steps.push({ kind: 'wait' })
    if (keys !== '') steps.push({ kind: 'press', digits: [...keys] as Digit[] })
  }
  return steps
}
