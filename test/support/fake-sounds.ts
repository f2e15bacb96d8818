import type { ToneName } from '../../src/action/playable.ts'
import type { NamedRecordings, SoundLibrary } from '../../src/action/prompts.ts'
import { NotFoundError } from '../../src/base/errors.ts'
import { bytesPerMs, type Prompt } from '../../src/media/prompt.ts'
import type { Speech, SpokenText } from '../../src/speech/types.ts'

export function fakePrompt(id: string, durationMs = 1000): Prompt {
  const bytes = new SharedArrayBuffer(durationMs * bytesPerMs)
  return { id, durationMs, encoded: { PCMU: bytes, PCMA: bytes } }
}

/** Sounds known by name only: every file lasts a second, but those named `missing`. */
export const fakeSounds: SoundLibrary = {
  load: async (path) => {
    if (path.includes('missing')) throw new NotFoundError('media.file-not-found', `There is no file ${path}.`)
    return fakePrompt(`file:${path}`)
  },
  tone: async (name: ToneName) => fakePrompt(`tone:${name}`, 200),
  silence: (ms) => fakePrompt('silence', ms),
}

/** A voice that needs a second for every text and says what it was given. */
export const fakeSpeech: Speech = {
  availability: { isAvailable: true },
  speak: async ({ language, text }: SpokenText) => fakePrompt(`say:${language}:${text}`),
  close: async () => {},
}

export const noRecordings: NamedRecordings = { find: () => null }
