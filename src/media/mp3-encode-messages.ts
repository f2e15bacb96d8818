import type { PromptFailure } from './prompt-messages.ts'

/** What the thread that encodes is asked. Every `encode` is followed by exactly one `done` or `failed`, also after `cancel`. */
export type Mp3Request =
  | {
      readonly kind: 'encode'
      readonly number: number
      /** A WAV as the recorder writes it. */
      readonly source: string
      /** Must not exist yet. */
      readonly target: string
    }
  | { readonly kind: 'cancel'; readonly number: number }

export type Mp3Notice =
  /** The target is there, still empty; it will have so many bytes. */
  | { readonly kind: 'begun'; readonly number: number; readonly bytes: number }
  /** So many bytes are written and may be read. */
  | { readonly kind: 'grown'; readonly number: number; readonly bytes: number }
  | { readonly kind: 'done'; readonly number: number }
  /** The target is removed. */
  | { readonly kind: 'failed'; readonly number: number; readonly failure: PromptFailure }
