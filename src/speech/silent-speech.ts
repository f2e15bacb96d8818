import { LimitError } from '../base/errors.ts'
import type { Prompt } from '../media/prompt.ts'
import type { Speech } from './types.ts'

/** Stands in where there is no voice: it says why, and lets every text fail with that sentence. */
export class SilentSpeech implements Speech {
  readonly availability: { readonly isAvailable: false; readonly sentence: string }

  constructor(sentence: string) {
    this.availability = { isAvailable: false, sentence }
  }

  speak(): Promise<Prompt> {
    const { sentence } = this.availability
    return Promise.reject(new LimitError('speech.unavailable', `There is no voice. ${sentence}`))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
