import type { DigitWait } from '../call/digit-buffer.ts'
import type { Line } from '../call/line.ts'
import type { DetectedDigit, Digit } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import { startPlaying } from './play.ts'

export interface GatherOptions {
  /** Ends the input when so many are there; null: only the end key or a time-out does. */
  readonly maxDigits: number | null
  /** Quiet allowed behind the prompt before the first digit. */
  readonly firstDigitTimeoutMs: number
  /** Quiet allowed between two digits; starts anew with each. */
  readonly interDigitTimeoutMs: number
  /** Longest time for the whole input behind the first digit; null: no limit. */
  readonly totalTimeoutMs: number | null
  /** Longest time for the whole input of an attempt, from the end of its prompt; null: no limit. */
  readonly inputTimeoutMs: number | null
  /** Ends the input and is not part of it; null: every key counts. */
  readonly endKey: Digit | null
  /** How often the prompt is given while nothing is keyed. */
  readonly attempts: number
  /** Whether a key stops the prompt. Without it keys pressed meanwhile still count, behind it. */
  readonly bargeIn: boolean
  /** Whether digits typed before the gather count. */
  readonly keepTypedAhead: boolean
  /** Of those the first so many; null: all that are kept. */
  readonly maxTypedAhead: number | null
  /** Keys that are as if nobody had pressed them: `ABCD`. */
  readonly ignoredKeys: string
  readonly signal?: AbortSignal
}

export const usualGather: GatherOptions = {
  maxDigits: null,
  firstDigitTimeoutMs: 5000,
  interDigitTimeoutMs: 3000,
  totalTimeoutMs: null,
  inputTimeoutMs: null,
  endKey: '#',
  attempts: 1,
  bargeIn: true,
  keepTypedAhead: true,
  maxTypedAhead: null,
  ignoredKeys: '',
}

export interface GatherOutcome {
  /** `digits` also for an end key alone; `no-input`: nothing was keyed in any attempt. */
  readonly outcome: 'digits' | 'no-input' | 'stopped' | 'ended'
  /** What was keyed, without the end key; what there was when stopped or ended. */
  readonly digits: string
  /** What ended the input. */
  readonly endedBy: 'max-digits' | 'end-key' | 'timeout' | null
  /** How many times the prompt was given. */
  readonly attempts: number
}

/** Plays a prompt and collects digits by whichever carrier they come. */
export async function gather(call: Line, prompts: readonly Prompt[], options: GatherOptions): Promise<GatherOutcome> {
  if (!options.keepTypedAhead) call.digits.clear()
  else if (options.maxTypedAhead !== null) call.digits.keepFirst(options.maxTypedAhead)
  call.leg.collectDigits(true)
  const reader = new DigitReader(call, options)
  try {
    for (let attempt = 1; attempt <= options.attempts; attempt++) {
      const first = await firstDigit(call, prompts, options, reader)
      if (first.kind === 'cancelled') return { ...cutShort(call, ''), attempts: attempt }
      if (first.kind === 'digit')
        return { ...(await followingDigits(call, first.digit, options, reader)), attempts: attempt }
    }
    return { outcome: 'no-input', digits: '', endedBy: 'timeout', attempts: options.attempts }
  } finally {
    reader.close()
    call.leg.collectDigits(false)
  }
}

/** One attempt: the prompt, and the first digit during or behind it. */
async function firstDigit(
  call: Line,
  prompts: readonly Prompt[],
  options: GatherOptions,
  reader: DigitReader,
): Promise<DigitWait> {
  if (prompts.length > 0 && !call.isEnded && !reader.isStopped) {
    const playing = startPlaying(call, prompts, false)
    const release = reader.onStop(() => playing.stop())
    if (options.bargeIn) {
      const during = reader.next(null)
      const winner = await Promise.race([during, playing.ended.then(() => null)])
      if (winner !== null) playing.stop()
      else reader.cancel()
      // A digit may have come in the very turn in which the prompt ended: it is in `during` then, and counts.
      const digit = await during
      await playing.ended
      release()
      reader.inputSinceMs = call.clock.now()
      if (digit.kind === 'digit') return digit
    } else {
      await playing.ended
      release()
    }
    if (call.isEnded || reader.isStopped) return { kind: 'cancelled' }
  }
  reader.inputSinceMs = call.clock.now()
  const done = call.doing('digits were awaited')
  const result = await reader.next(options.firstDigitTimeoutMs)
  if (!call.isEnded) done()
  return result
}

/** The digits behind the first, until one of the ends. */
async function followingDigits(
  call: Line,
  first: DetectedDigit,
  options: GatherOptions,
  reader: DigitReader,
): Promise<Omit<GatherOutcome, 'attempts'>> {
  const endsAtMs = Math.min(
    call.clock.now() + (options.totalTimeoutMs ?? Number.POSITIVE_INFINITY),
    reader.inputSinceMs + (options.inputTimeoutMs ?? Number.POSITIVE_INFINITY),
  )
  let digits = ''
  let next: DigitWait = { kind: 'digit', digit: first }
  for (;;) {
    if (next.kind === 'cancelled') return cutShort(call, digits)
    if (next.kind === 'timeout') return { outcome: 'digits', digits, endedBy: 'timeout' }
    if (next.digit.digit === options.endKey) return { outcome: 'digits', digits, endedBy: 'end-key' }
    digits += next.digit.digit
    if (digits.length === options.maxDigits) return { outcome: 'digits', digits, endedBy: 'max-digits' }
    const leftMs = endsAtMs - call.clock.now()
    next = leftMs <= 0 ? { kind: 'timeout' } : await reader.next(Math.min(options.interDigitTimeoutMs, leftMs))
  }
}

function cutShort(call: Line, digits: string): Omit<GatherOutcome, 'attempts'> {
  return { outcome: call.isEnded ? 'ended' : 'stopped', digits, endedBy: null }
}

/** Reads the call's digits until the signal stops it. */
class DigitReader {
  /** When the prompt of the present attempt had ended, in clock ms. */
  inputSinceMs = 0
  readonly #call: Line
  readonly #signal: AbortSignal | undefined
  readonly #ignored: string
  readonly #stops = new Set<() => void>()
  readonly #onAbort = (): void => {
    this.cancel()
    for (const stop of this.#stops) stop()
  }
  #cancel: () => void = () => {}

  constructor(call: Line, { signal, ignoredKeys }: Pick<GatherOptions, 'signal' | 'ignoredKeys'>) {
    this.#call = call
    this.#signal = signal
    this.#ignored = ignoredKeys
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  get isStopped(): boolean {
    return this.#signal?.aborted ?? false
  }

  next(timeoutMs: number | null): Promise<DigitWait> {
    if (this.isStopped) return Promise.resolve({ kind: 'cancelled' })
    const waiting = this.#call.digits.next(timeoutMs)
    this.#cancel = () => waiting.cancel()
    return this.#ignored === '' ? waiting.result : this.#nextThatCounts(waiting.result, timeoutMs)
  }

  async #nextThatCounts(first: Promise<DigitWait>, timeoutMs: number | null): Promise<DigitWait> {
    const { clock, digits } = this.#call
    const startedMs = clock.now()
    const state = { isCancelled: false }
    const cancelFirst = this.#cancel
    this.#cancel = () => {
      state.isCancelled = true
      cancelFirst()
    }
    let result = await first
    while (result.kind === 'digit' && this.#ignored.includes(result.digit.digit)) {
      if (state.isCancelled || this.isStopped) return { kind: 'cancelled' }
      const leftMs = timeoutMs === null ? null : Math.max(0, startedMs + timeoutMs - clock.now())
      const waiting = digits.next(leftMs)
      this.#cancel = () => waiting.cancel()
      result = await waiting.result
    }
    return result
  }

  cancel(): void {
    this.#cancel()
  }

  onStop(stop: () => void): () => void {
    this.#stops.add(stop)
    return () => this.#stops.delete(stop)
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}
