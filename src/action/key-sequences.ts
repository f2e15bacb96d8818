import { ParseError, toError } from '../base/errors.ts'
import type { Line } from '../call/line.ts'

/** Keys of one sequence lie no further apart than this; later ones begin anew. */
const interKeyMs = 3000

const legalKeys = /^[0-9*#A-D]{1,4}$/

/** Tells what is keyed apart into sequences: `#`, `*1`. No sequence may begin with another: it could never be keyed. */
export class KeySequences<Action> {
  readonly #table: ReadonlyMap<string, Action>
  #keyed = ''
  #lastMs = Number.NEGATIVE_INFINITY

  /** Throws ParseError `action.keys-invalid`. */
  constructor(table: Iterable<readonly [string, Action]>) {
    this.#table = new Map(table)
    const sequences = [...this.#table.keys()]
    for (const keys of sequences) {
      const longer = sequences.find((other) => other !== keys && other.startsWith(keys))
      if (legalKeys.test(keys) && longer === undefined) continue
      throw new ParseError('action.keys-invalid', 'Keys are 1 to 4 of 0-9, *, #, A-D, and none begins with another.')
    }
  }

  get size(): number {
    return this.#table.size
  }

  /** What this key completes, or null. */
  push(key: string, nowMs: number): Action | null {
    if (nowMs - this.#lastMs > interKeyMs) this.#keyed = ''
    this.#lastMs = nowMs
    for (const keyed of [this.#keyed + key, key]) {
      const action = this.#table.get(keyed)
      if (action !== undefined) {
        this.#keyed = ''
        return action
      }
      if (this.#isBeginning(keyed)) {
        this.#keyed = keyed
        return null
      }
    }
    this.#keyed = ''
    return null
  }

  #isBeginning(keyed: string): boolean {
    for (const keys of this.#table.keys()) if (keys.startsWith(keyed)) return true
    return false
  }
}

/**
 * Listens to the keys of a call's own party, or of another, until told to stop. What was typed before was meant for something else and is forgotten;
 * with an empty table nothing is read, and keys wait for the next verb as ever.
 */
export function watchKeys<Action>(
  call: Line,
  sequences: KeySequences<Action>,
  act: (action: Action) => void,
): { stop(): void } {
  if (sequences.size === 0) return { stop: () => {} }
  let isStopped = false
  let cancel = (): void => {}
  const watch = async (): Promise<void> => {
    while (!isStopped) {
      const waiting = call.digits.next(null)
      cancel = () => waiting.cancel()
      const result = await waiting.result
      if (result.kind !== 'digit') return
      const action = sequences.push(result.digit.digit, call.clock.now())
      if (action !== null && !isStopped) act(action)
    }
  }
  call.digits.clear()
  call.leg.collectDigits(true)
  watch().catch((thrown) => call.note('problem', 'watchingKeysFailed', { why: toError(thrown).message }))
  return {
    stop: () => {
      if (isStopped) return
      isStopped = true
      cancel()
      call.leg.collectDigits(false)
    },
  }
}
