import { join } from 'node:path'
import { LiveSettings } from '../../src/admin/live-settings.ts'
import { PromptFiles, type PromptFilesParts } from '../../src/admin/prompt-files.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { openSecretBox } from '../../src/config/secret-box.ts'
import { Directory } from '../../src/routing/directory.ts'
import type { TestClock } from './test-clock.ts'
import type { TestStore } from './test-store.ts'

/** What a route has answered. */
export interface Answer {
  readonly status: number
  readonly etag: string | undefined
  readonly body: Record<string, unknown>
}

/** The settings of a file and of a database, as a server that starts on both has them. */
export async function openSettings(
  { store, database }: TestStore,
  options: { text: string; folder: string; clock: TestClock; load: PromptFilesParts['load'] },
): Promise<{ readonly directory: Directory; readonly live: LiveSettings }> {
  const { text, folder, clock, load } = options
  const configuration = await loadConfiguration({ text })
  const directory = new Directory(configuration.settings.tenants)
  const live = new LiveSettings({
    documents: store.documents,
    directory,
    log: silentLogger,
    random: new SeededRandom(4),
    // Another sequence at each start: names of files must not come again.
    prompts: new PromptFiles({ folder, clock, random: new SeededRandom(clock.wallTime()), log: silentLogger, load }),
    secrets: await openSecretBox(join(database.dataFolder, 'key'), new SeededRandom(3)),
    fileRoot: configuration.root,
    read: async (documents) => (await configuration.withDocuments(documents)).tenants,
  })
  await live.load()
  return { directory, live }
}

/** A WAV file of silence: PCM, 16 bit, mono, 8,000 Hz. */
export function wav(milliseconds: number): Buffer {
  const data = Buffer.alloc(milliseconds * 16)
  const head = Buffer.alloc(44)
  head.write('RIFF', 0, 'latin1')
  head.writeUInt32LE(36 + data.length, 4)
  head.write('WAVEfmt ', 8, 'latin1')
  head.writeUInt32LE(16, 16)
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    head.writeUInt16LE(value, at)
  head.writeUInt32LE(8000, 24)
  head.writeUInt32LE(16_000, 28)
  head.write('data', 36, 'latin1')
  head.writeUInt32LE(data.length, 40)
  return Buffer.concat([head, data])
}
