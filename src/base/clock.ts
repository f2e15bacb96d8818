/** Cancels what it was returned for; calling it twice, or after the time has come, does nothing. */
export type Cancel = () => void

/**
 * Time, handed in. Nothing else in the project asks the machine what time it is, so that tests run on a clock of
 * their own and a timer can never be forgotten in a corner.
 */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start, fractions included. For intervals and deadlines. */
  now(): number
  /** Milliseconds since 1970 UTC, whole. For records, logs and what customers are sent. */
  wallTime(): number
  /**
   * Calls `fn` once, `ms` milliseconds from now (never earlier, and never synchronously).
   * @param ms - 0 or more; fractions are rounded up to whole milliseconds.
   */
  after(ms: number, fn: () => void): Cancel
}

/** Node's timers hold 31 bits; one that is longer fires at once. */
const longestTimerMs = 2 ** 31 - 1

/** The machine's clock. */
export class SystemClock implements Clock {
  now(): number {
    return performance.now()
  }

  wallTime(): number {
    return Date.now()
  }

  after(ms: number, fn: () => void): Cancel {
    if (ms > longestTimerMs) {
      let cancel = this.after(longestTimerMs, () => {
        cancel = this.after(ms - longestTimerMs, fn)
      })
      return () => cancel()
    }
    const timer = setTimeout(fn, Math.ceil(ms))
    return () => clearTimeout(timer)
  }
}

/**
 * Resolves when `ms` have passed; rejects with the signal's reason as soon as it is aborted.
 * @param ms - 0 or more.
 */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
