import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cancel, Clock } from '../base/clock.ts'
import type { ErrorActor } from '../base/error-catalogue.ts'
import { SwitchhookError, toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'

export interface PromptFilesParts {
  /** Absolute; made when the first file comes. */
  readonly folder: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Decodes the whole file as it will be played. Rejects with the errors of `PromptLibrary.load`. */
  load(path: string): Promise<{ readonly durationMs: number }>
}

/** An uploaded prompt, as it is kept in the database. */
export interface PromptFile {
  /** In the folder. */
  readonly file: string
  readonly bytes: number
  readonly seconds: number
}

/** What was uploaded cannot be played: 422. */
class SoundUnusableError extends SwitchhookError {
  readonly sipStatus = 488
  readonly httpStatus = 422
  readonly actor: ErrorActor = 'caller'
}

/** A call that has looked the old file up may still be about to open it. */
const afterlifeMs = 60_000

/** Only what we have named ourselves is taken for ours. */
const ownName = /^[a-z0-9]{26}\.(?:wav|mp3)$/

/** The prompts that came over the admin API: a file each, which is whole, playable and never changed. */
export class PromptFiles {
  readonly #parts: PromptFilesParts
  readonly #retired = new Map<string, Cancel>()

  constructor(parts: PromptFilesParts) {
    this.#parts = parts
  }

  pathOf(file: string): string {
    return join(this.#parts.folder, file)
  }

  /**
   * Checks a sound by decoding all of it, and keeps it. On disk when this resolves.
   * Rejects with SoundUnusableError `setting.sound-unusable`, LimitError `media.prompts-busy`, and errors of the disk.
   */
  async store(sound: Uint8Array): Promise<PromptFile> {
    const { folder, random } = this.#parts
    const ending = endingOf(sound)
    if (ending === null) {
      throw new SoundUnusableError('setting.sound-unusable', 'The body is neither a WAV file nor an mp3 file.')
    }
    await mkdir(folder, { recursive: true })
    const name = random.token(26).toLowerCase()
    // Beside it first, synced, then renamed: a name that we have given out always leads to a whole file.
    const draft = join(folder, `${name}.part`)
    const file = `${name}.${ending}`
    try {
      await write(draft, sound)
      const { durationMs } = await this.#checked(draft)
      await rename(draft, join(folder, file))
      return { file, bytes: sound.byteLength, seconds: durationMs / 1000 }
    } catch (thrown) {
      await rm(draft, { force: true })
      throw thrown
    }
  }

  /** A file that nothing names any more: removed in a while. */
  retire(file: string): void {
    const cancel = this.#parts.clock.after(afterlifeMs, () => {
      this.#retired.delete(file)
      void this.#remove(file)
    })
    this.#retired.set(file, cancel)
  }

  /** Removes what an earlier server has left: files that were replaced, and those that were never finished. */
  async sweep(kept: ReadonlySet<string>): Promise<void> {
    const found = await readdir(this.#parts.folder).catch((): string[] => [])
    for (const file of found) {
      if (!kept.has(file) && (ownName.test(file) || /^[a-z0-9]{26}\.part$/.test(file))) await this.#remove(file)
    }
  }

  /** What waits to be removed is removed at the next start. */
  close(): void {
    for (const cancel of this.#retired.values()) cancel()
    this.#retired.clear()
  }

  async #checked(path: string): Promise<{ readonly durationMs: number }> {
    try {
      return await this.#parts.load(path)
    } catch (thrown) {
      const error = toError(thrown)
      if (!(error instanceof SwitchhookError) || error.code === 'media.prompts-busy') throw thrown
      throw new SoundUnusableError('setting.sound-unusable', error.message.replace(path, 'The body'), {
        facts: { reason: error.code },
        cause: error,
      })
    }
  }

  async #remove(file: string): Promise<void> {
    await rm(this.pathOf(file), { force: true }).catch((thrown: unknown) => {
      this.#parts.log.warn({ file, err: toError(thrown) }, 'an old prompt could not be removed')
    })
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o640)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** By how it begins: what it is called proves nothing. Null: neither. */
function endingOf(sound: Uint8Array): 'wav' | 'mp3' | null {
  const text = Buffer.from(sound.subarray(0, 12)).toString('latin1')
  if (text.startsWith('RIFF') && text.slice(8) === 'WAVE') return 'wav'
  if (text.startsWith('ID3')) return 'mp3'
  // Eleven set bits, MPEG 1 or 2 (or 2.5), layer III: ISO/IEC 11172-3 §2.4.2.3.
  const [first = 0, second = 0] = sound
  return first === 0xff && (second & 0xe6) === 0xe2 ? 'mp3' : null
}
