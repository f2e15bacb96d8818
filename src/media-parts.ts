import { join } from 'node:path'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import { isWildcard } from './config/addresses.ts'
import type { Settings } from './config/settings.ts'
import { Mp3Files } from './media/mp3-files.ts'
import { WorkerMediaPlane } from './media/plane/plane.ts'
import { PromptLibrary } from './media/prompt-library.ts'
import { RecordingWriter } from './media/recording-writer.ts'
import { openSpeech } from './speech/open-speech.ts'
import type { Speech } from './speech/types.ts'

/** Everything that sounds. */
export interface MediaParts {
  readonly plane: WorkerMediaPlane
  readonly prompts: PromptLibrary
  readonly speech: Speech
  /** Recordings as mp3. */
  readonly mp3: Mp3Files
  close(): Promise<void>
}

/** Starts the media workers, the writer thread, the prompt thread and the voice; that of mp3 with its first use. Rejects with ConfigError `media.cannot-start`. */
export async function startMedia(
  settings: Settings,
  parts: { clock: Clock; log: Logger; random: Random },
): Promise<MediaParts> {
  const { clock, log } = parts
  const prompts = new PromptLibrary({ clock, log })
  const mp3 = new Mp3Files({ clock, log, folder: join(settings.data, 'cache', 'mp3') })
  const speech = await openSpeech({
    ...parts,
    engine: settings.speech.engine,
    cacheBytes: settings.speech.cacheBytes,
    dataFolder: settings.data,
    toPrompt: (id, pcm, rateHz) => prompts.fromPcm(id, pcm, rateHz),
  })
  let running: WorkerMediaPlane | null = null
  const writer = new RecordingWriter({
    clock,
    log,
    folder: join(settings.data, 'recordings'),
    // It may die before the workers are there; those get a port of the new one anyway.
    restarted: () => running?.recordingWriterRestarted(),
  })
  const closeOthers = async (): Promise<void> => {
    await writer.close()
    await speech.close()
    await prompts.close()
    await mp3.close()
  }
  const plane = await WorkerMediaPlane.start({
    clock,
    log,
    workers: settings.media.workers,
    addresses: mediaAddresses(settings),
    firstPort: settings.rtp.portRange.first,
    lastPort: settings.rtp.portRange.last,
    newRecordingPort: () => writer.newPort(),
  }).catch(async (thrown: unknown) => {
    await closeOthers()
    throw thrown
  })
  running = plane
  // The first use of the prompt thread starts it: not when a caller waits.
  await prompts.tone('beep')
  return {
    plane,
    prompts,
    speech,
    mp3,
    close: async () => {
      await plane.close()
      await closeOthers()
    },
  }
}

/** Where RTP is bound: as configured, else wherever SIP listens. */
function mediaAddresses(settings: Settings): readonly string[] {
  if (settings.rtp.address !== null) return [settings.rtp.address]
  const addresses = new Set(settings.sip.listen.map(({ address }) => address))
  const wildcards = [...addresses].filter((address) => isWildcard(address))
  return wildcards.length > 0 ? [...new Set([...wildcards, ...addresses])] : [...addresses]
}
