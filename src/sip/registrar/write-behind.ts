import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'

type Write = () => Promise<void>

/**
 * Writes what changed, later: per key one write is under way and at most one waits, and a newer one takes its place. So
 * the last change always wins, and memory is bounded by the number of keys. What cannot be written is logged; the state
 * in memory stays right, and the next change of the key is written anew.
 */
export class WriteBehind {
  readonly #log: Logger
  /** Key to the write that waits behind the one under way; null where none does. */
  readonly #keys = new Map<string, Write | null>()
  readonly #idle = new Set<() => void>()

  constructor(log: Logger) {
    this.#log = log
  }

  write(key: string, write: Write): void {
    if (this.#keys.has(key)) this.#keys.set(key, write)
    else void this.#run(key, write)
  }

  /** Resolves when nothing is left to be written. */
  flush(): Promise<void> {
    if (this.#keys.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.add(resolve))
  }

  async #run(key: string, first: Write): Promise<void> {
    for (let write: Write | null = first; write; write = this.#keys.get(key) ?? null) {
      this.#keys.set(key, null)
      try {
        await write()
      } catch (thrown) {
        this.#log.error({ err: toError(thrown) }, 'a registration could not be stored: a restart would forget it')
      }
    }
    this.#keys.delete(key)
    if (this.#keys.size > 0) return
    for (const resolve of this.#idle) resolve()
    this.#idle.clear()
  }
}
