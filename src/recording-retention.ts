import { rm } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import type { Cancel, Clock } from './base/clock.ts'
import { toError } from './base/errors.ts'
import type { Logger } from './base/log.ts'
import type { Directory } from './routing/directory.ts'
import type { Retention } from './store/retention.ts'

/** What a run removed of one tenant, or would remove. */
export interface RetentionResult {
  readonly tenant: string
  readonly days: number
  /** What began before this time, wall-clock ms. */
  readonly before: number
  readonly recordings: number
  readonly bytes: number
}

const dayMs = 86_400_000
const firstRunMs = 60_000
const everyMs = 6 * 3_600_000

/** Deletes the sound of recordings that are older than their tenant keeps them. Their rows stay and say so. */
export class RecordingRetention {
  readonly #retention: Retention
  readonly #directory: Directory
  readonly #dataFolder: string
  readonly #clock: Clock
  readonly #log: Logger
  #running: Promise<unknown> = Promise.resolve()
  #cancel: Cancel = () => {}
  #isClosed = false

  constructor(parts: {
    readonly retention: Retention
    readonly directory: Directory
    readonly dataFolder: string
    readonly clock: Clock
    readonly log: Logger
  }) {
    this.#retention = parts.retention
    this.#directory = parts.directory
    this.#dataFolder = resolve(parts.dataFolder)
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
    await this.#running.catch(() => {})
  }

  /** One run behind the other. Rejects with StoreError, and with what the file system says. */
  run(options: { readonly isDryRun: boolean }): Promise<readonly RetentionResult[]> {
    const run = this.#running.catch(() => {}).then(() => this.#run(options.isDryRun))
    this.#running = run
    return run
  }

  async #run(isDryRun: boolean): Promise<readonly RetentionResult[]> {
    const results: RetentionResult[] = []
    const failures: unknown[] = []
    for (const tenant of this.#directory.tenants.values()) {
      const days = tenant.callRecording.retentionDays
      if (days === null) continue
      const before = this.#clock.wallTime() - days * dayMs
      const removeFiles = (files: readonly string[]): Promise<void> => this.#remove(files)
      try {
        const purged = await this.#retention.purgeRecordings({ before, tenant: tenant.name, isDryRun, removeFiles })
        results.push({ tenant: tenant.name, days, before, recordings: purged.recordings, bytes: purged.fileBytes })
      } catch (thrown) {
        // One file that cannot be removed must not keep the recordings of all others.
        failures.push(thrown)
      }
    }
    if (failures.length > 0) throw failures[0]
    return results
  }

  async #remove(files: readonly string[]): Promise<void> {
    for (const file of files) {
      const path = resolve(this.#dataFolder, file)
      // A row never leads out of the data folder, whatever has got into the database.
      if (path.startsWith(this.#dataFolder + sep)) await rm(path, { force: true })
    }
  }

  #next(afterMs: number): void {
    if (this.#isClosed) return
    this.#cancel = this.#clock.after(afterMs, () => {
      this.run({ isDryRun: false })
        .then((results) => {
          const removed = results.filter(({ recordings }) => recordings > 0)
          if (removed.length > 0) this.#log.info({ removed }, 'recordings were deleted by their age')
        })
        .catch((thrown) => this.#log.error({ err: toError(thrown) }, 'old recordings could not be deleted'))
        .finally(() => this.#next(everyMs))
        .catch(() => {})
    })
  }
}
