import type { SpokenPart } from '../speech/spoken/index.ts'
import type { Language } from '../speech/types.ts'

export type ToneName = 'beep' | 'ringback' | 'busy' | 'congestion' | 'music'

/**
 * Something to play, named but not yet loaded. A plain string is one of the tenant's named recordings, or a file.
 */
export type Playable =
  | string
  | {
      readonly kind: 'say'
      readonly text: string
      readonly language?: Language | undefined
      readonly voice?: string | undefined
    }
  | {
      readonly kind: 'prompt'
      readonly name: string
      readonly text: string
      readonly language?: Language | undefined
    }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'recording'; readonly name: string; readonly language?: Language | undefined }
  | { readonly kind: 'digits'; readonly digits: string; readonly language?: Language | undefined }
  | { readonly kind: 'number'; readonly value: number; readonly language?: Language | undefined }
  | { readonly kind: 'date'; readonly date: Date; readonly language?: Language | undefined }
  | { readonly kind: 'parts'; readonly parts: readonly SpokenPart[]; readonly language?: Language | undefined }
  | { readonly kind: 'tone'; readonly name: ToneName }
  | { readonly kind: 'silence'; readonly ms: number }

interface Spoken {
  readonly language?: Language
  readonly voice?: string
}

/** A text for the voice to speak; the call's language where none is given. */
export function say(text: string, options: Spoken = {}): Playable {
  return { kind: 'say', text, language: options.language, voice: options.voice }
}

/** One of the tenant's named recordings; where it has none of that name, the text for the voice to speak. */
export function prompt(name: string, text: string, options: { readonly language?: Language } = {}): Playable {
  return { kind: 'prompt', name, text, language: options.language }
}

/** Digits one by one: `four seven one one`. */
export function sayDigits(digits: string, options: { readonly language?: Language } = {}): Playable {
  return { kind: 'digits', digits, language: options.language }
}

/** A whole number: `four thousand seven hundred eleven`. */
export function sayNumber(value: number, options: { readonly language?: Language } = {}): Playable {
  return { kind: 'number', value, language: options.language }
}

/** A date in the call's tenant's time zone. */
export function sayDate(date: Date, options: { readonly language?: Language } = {}): Playable {
  return { kind: 'date', date, language: options.language }
}

/** A phrase of `speech/spoken` (a time, a telephone number): the tenant's recordings of all its parts, else the voice. */
export function sayParts(parts: readonly SpokenPart[], options: { readonly language?: Language } = {}): Playable {
  return { kind: 'parts', parts, language: options.language }
}

/** A WAV or mp3 file. */
export function file(path: string): Playable {
  return { kind: 'file', path }
}

export function tone(name: ToneName): Playable {
  return { kind: 'tone', name }
}

/** Quiet, in steps of 20 ms, at most a minute. */
export function silence(ms: number): Playable {
  return { kind: 'silence', ms }
}
