import type { Cancel, Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Ledger } from '../../store/ledger.ts'

const dayMs = 86_400_000
/** How long applications are shown their calls: a year, and the month in which its bill is disputed. */
const keptMs = 400 * dayMs
const firstRunMs = 60_000
const everyMs = 6 * 3_600_000

/** Forgets transactions that are older than applications are shown them. */
export class SessionRetention {
  readonly #ledger: Pick<Ledger, 'purge'>
  readonly #clock: Clock
  readonly #log: Logger
  #cancel: Cancel = () => {}
  #running: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(parts: { readonly ledger: Pick<Ledger, 'purge'>; readonly clock: Clock; readonly log: Logger }) {
    this.#ledger = parts.ledger
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** Runs soon, and from then on every six hours. */
  start(): void {
    this.#next(firstRunMs)
  }

  /** Resolves when a run that is going on has come to an end. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel()
    await this.#running
  }

  #next(afterMs: number): void {
    if (this.#isClosed) return
    this.#cancel = this.#clock.after(afterMs, () => {
      this.#running = this.#run().finally(() => this.#next(everyMs))
    })
  }

  async #run(): Promise<void> {
    try {
      const forgotten = await this.#ledger.purge(this.#clock.wallTime() - keptMs)
      if (forgotten > 0) this.#log.info({ forgotten }, 'old transactions of Hoiio applications were forgotten')
    } catch (thrown) {
      this.#log.error({ err: toError(thrown) }, 'old transactions of Hoiio applications could not be forgotten')
    }
  }
}
