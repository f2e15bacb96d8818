// Writes calls as fast as it can and prints the id of each as soon as it was acknowledged, until it is killed:
//   node --import tsx crash-writer.ts DATABASE DATA_FOLDER
// With `hold` as third parameter it only opens the database and prints `open`.
import { writeSync } from 'node:fs'
import { SystemClock } from '../../src/base/clock.ts'
import { IdFactory } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SystemRandom } from '../../src/base/random.ts'
import { openStore } from '../../src/store/index.ts'
import { sampleCall, sampleEvents, sampleLeg } from './call-samples.ts'

const [database = '', dataFolder = '', mode = 'write'] = process.argv.slice(2)
const clock = new SystemClock()
const ids = new IdFactory(clock, new SystemRandom())
const store = await openStore({ database, dataFolder, clock, log: silentLogger })
writeSync(1, 'open\n')

async function writeCalls(): Promise<void> {
  for (;;) {
    const startedAt = clock.wallTime()
    const call = sampleCall({ id: ids.call(), startedAt })
    await store.records.open(call, sampleLeg(call, { id: ids.leg() }))
    await store.records.appendJournal(call.id, 0, sampleEvents(5, startedAt))
    // A synchronous write: what was printed has left this process when it is killed.
    writeSync(1, `${call.id}\n`)
  }
}

if (mode === 'write') await Promise.all(Array.from({ length: 20 }, () => writeCalls()))
