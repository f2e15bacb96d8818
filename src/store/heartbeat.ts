import type { Cancel, Clock } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Meta } from './meta.ts'

const key = 'store.lastAliveAt'

/** How far off the end of an interrupted call may be. */
const intervalMs = 10_000

/**
 * Notes every few seconds that the server is alive. After a crash it tells when a call ended that had been silent for
 * long: its journal alone would say when its last prompt began.
 */
export class Heartbeat {
  readonly #meta: Meta
  readonly #clock: Clock
  readonly #log: Logger
  #cancel: Cancel | null = null

  constructor(meta: Meta, clock: Clock, log: Logger) {
    this.#meta = meta
    this.#clock = clock
    this.#log = log
  }

  /** When the server before this one was last alive, wall-clock ms; null when there was none. Ask before `start`. */
  async last(): Promise<number | null> {
    const at = Number((await this.#meta.get(key)) ?? Number.NaN)
    return Number.isSafeInteger(at) ? at : null
  }

  start(): void {
    this.#meta.set(key, String(this.#clock.wallTime())).catch((thrown: unknown) => {
      this.#log.warn({ err: toError(thrown) }, 'the store could not note that it is alive')
    })
    this.#cancel = this.#clock.after(intervalMs, () => this.start())
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }
}
