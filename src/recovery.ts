import { join } from 'node:path'
import type { Clock } from './base/clock.ts'
import { toError } from './base/errors.ts'
import type { Logger } from './base/log.ts'
import { repairWav } from './media/wav-repair.ts'
import type { Store } from './store/store.ts'

/** Closes what a server that stopped without warning left open, and makes its cut-off recordings playable. */
export async function recoverInterrupted(store: Store, dataFolder: string, clock: Clock, log: Logger): Promise<void> {
  const { calls, recordings } = await store.recoverInterrupted(clock.wallTime())
  if (calls > 0)
    log.warn({ calls, recordings: recordings.length }, 'calls of a server that was interrupted have been closed')
  for (const { id, file } of recordings) {
    try {
      const { outcome, durationMs, fileBytes } = await repairWav(join(dataFolder, file))
      if (outcome === 'unfit') throw new Error('it is no recording of ours')
      await store.records.closeRecording(id, { state: 'interrupted', durationMs, fileBytes, problem: null })
    } catch (thrown) {
      const problem = `The recording was cut off and its file cannot be repaired: ${toError(thrown).message}`
      log.error({ recordingId: id, err: toError(thrown) }, 'a recording that was cut off cannot be repaired')
      await store.records.closeRecording(id, { state: 'failed', durationMs: 0, fileBytes: 0, problem })
    }
  }
}
