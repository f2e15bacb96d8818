interface Shared<Result> {
  readonly result: Promise<Result>
  readonly controller: AbortController
  waiting: number
}

/**
 * Merges equal jobs while they are under way: who asks for what is being made waits for the same result. Each may stop
 * waiting; the work itself is stopped when nobody waits any longer.
 */
export class SharedWork<Result> {
  readonly #underWay = new Map<string, Shared<Result>>()

  /** How many different jobs are under way. */
  get count(): number {
    return this.#underWay.size
  }

  /**
   * @param start - called when no equal job is under way; its signal says that nobody waits any longer.
   * Rejects as the work does, or at once with the signal's own reason.
   */
  run(key: string, signal: AbortSignal | undefined, start: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const shared = this.#underWay.get(key) ?? this.#start(key, start)
    shared.waiting++
    return new Promise<Result>((resolve, reject) => {
      const leave = (): void => {
        signal?.removeEventListener('abort', onAbort)
        shared.waiting--
      }
      const onAbort = (): void => {
        leave()
        if (shared.waiting === 0) {
          // Gone from the map at once: who comes now starts anew instead of joining what is being stopped.
          if (this.#underWay.get(key) === shared) this.#underWay.delete(key)
          shared.controller.abort(signal?.reason)
        }
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      shared.result.then(
        (result) => {
          leave()
          resolve(result)
        },
        (thrown) => {
          leave()
          reject(thrown)
        },
      )
    })
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<Result>): Shared<Result> {
    const controller = new AbortController()
    const result = start(controller.signal).finally(() => {
      if (this.#underWay.get(key) === shared) this.#underWay.delete(key)
    })
    const shared: Shared<Result> = { result, controller, waiting: 0 }
    this.#underWay.set(key, shared)
    return shared
  }
}
