import type { Prompt } from '../media/prompt.ts'

/** BCP 47 primary tags of the languages Switchhook speaks of itself: English, Indonesian, Hebrew, Vietnamese. */
export type Language = 'en' | 'id' | 'he' | 'vi'

export interface SpokenText {
  readonly text: string
  readonly language: Language
  /** A voice of the engine; null for the language's usual one. */
  readonly voice: string | null
}

/** Text to audio. One implementation runs the espeak-ng child; a silent one stands in where there is no voice. */
export interface Speech {
  /** Whether a voice is there; if not, why, in one sentence. */
  readonly availability: { readonly isAvailable: true } | { readonly isAvailable: false; readonly sentence: string }
  /**
   * The spoken text as a prompt, from the cache where it was spoken before. Equal jobs in flight are merged.
   * Rejects with LimitError `speech.unavailable`, TimeoutError `speech.timed-out`, or the signal's reason.
   */
  speak(spoken: SpokenText, signal?: AbortSignal): Promise<Prompt>
  close(): Promise<void>
}
