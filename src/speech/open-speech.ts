import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { openDiskCache } from './disk-cache.ts'
import { EspeakSpeech, type ToPrompt } from './espeak-speech.ts'
import { SilentSpeech } from './silent-speech.ts'
import type { Speech } from './types.ts'
import { findVoice, type StartVoice, startVoiceChild } from './voice-child.ts'
import { VoiceDesk } from './voice-desk.ts'

export interface OpenSpeechOptions {
  readonly engine: 'espeak-ng' | 'none'
  /** The data folder; spoken texts are kept in `cache/speech` below it. Null: on disk nothing is kept. */
  readonly dataFolder: string | null
  /** Of the cache on disk. */
  readonly cacheBytes: number
  /** Of prompts in memory: 32 MB if absent, some half an hour of speech. */
  readonly memoryBytes?: number
  readonly toPrompt: ToPrompt
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** The voice package's program; looked for where it is installed if absent. Null: there is none. */
  readonly voiceFile?: string | null
  /** How the voice is started; a test gives its own. */
  readonly start?: StartVoice
}

const usualMemoryBytes = 32e6

/**
 * The voice, once it is known whether there is one: it is started, and waited for until it is ready or has been given
 * up. Never rejects: without a voice the server runs, and says what it cannot say.
 */
export async function openSpeech(options: OpenSpeechOptions): Promise<Speech> {
  const { clock, log, random } = options
  if (options.engine === 'none') return new SilentSpeech('The configuration says speech.engine: none.')
  const file = options.voiceFile === undefined ? findVoice() : options.voiceFile
  const start = options.start ?? (file === null ? null : (user) => startVoiceChild(file, user))
  if (!start) return new SilentSpeech('The package @switchhook/voice-espeak is not installed.')

  const desk = new VoiceDesk({ start, clock, log })
  const availability = await desk.decided()
  if (!availability.isAvailable) {
    await desk.close()
    return new SilentSpeech(availability.sentence)
  }
  const { engine, version } = availability.info
  const isKept = options.dataFolder !== null && options.cacheBytes > 0
  const folder = join(options.dataFolder ?? '', 'cache', 'speech')
  const disk = isKept ? await openDiskCache({ folder, maxBytes: options.cacheBytes, clock, random, log }) : null
  const memoryBytes = options.memoryBytes ?? usualMemoryBytes
  return new EspeakSpeech({ desk, disk, toPrompt: options.toPrompt, version: `${engine} ${version}`, memoryBytes })
}
