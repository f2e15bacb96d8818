import { isAbsolute, resolve } from 'node:path'
import { NotFoundError } from '../base/errors.ts'
import type { Prompt } from '../media/prompt.ts'
import { type SpokenPart, spokenDate, spokenDigits, spokenNumber, spokenText } from '../speech/spoken/index.ts'
import type { Language, Speech } from '../speech/types.ts'
import type { Playable, ToneName } from './playable.ts'

/** What loads and makes sounds. Implemented by the prompt library of `media/`. */
export interface SoundLibrary {
  /** Loads a WAV or mp3 file; from the cache where it has not changed. */
  load(path: string, signal?: AbortSignal): Promise<Prompt>
  tone(name: ToneName): Promise<Prompt>
  silence(ms: number): Prompt
}

/** The tenant's own recordings, by name: one file each, or one per language. */
export interface NamedRecordings {
  /** The file for a name in a language, else the name's only file, else null. */
  find(tenant: string, name: string, language: Language): string | null
}

/** Whose call it is, and how it speaks. */
export interface SpeakingContext {
  readonly tenant: string
  readonly language: Language
  readonly timeZone: string
}

/** Turns what a flow names into what a leg can play. A tenant's recordings win over the voice. */
export class PromptResolver {
  readonly #sounds: SoundLibrary
  readonly #speech: Speech
  readonly #recordings: NamedRecordings
  readonly #folder: string

  /** @param folder - what relative paths are relative to. */
  constructor(parts: { sounds: SoundLibrary; speech: Speech; recordings: NamedRecordings; folder: string }) {
    this.#sounds = parts.sounds
    this.#speech = parts.speech
    this.#recordings = parts.recordings
    this.#folder = parts.folder
  }

  /**
   * Loads all at once; the order is kept.
   * Rejects with the error of the first that cannot be had: NotFoundError `action.recording-unknown`, `media.…`, `speech.…`.
   */
  async resolve(
    playables: Playable | readonly Playable[],
    context: SpeakingContext,
    signal?: AbortSignal,
  ): Promise<readonly Prompt[]> {
    const list = Array.isArray(playables) ? (playables as readonly Playable[]) : [playables as Playable]
    const prompts = await Promise.all(list.map((playable) => this.#one(playable, context, signal)))
    return prompts.flat()
  }

  async #one(playable: Playable, context: SpeakingContext, signal?: AbortSignal): Promise<readonly Prompt[]> {
    if (typeof playable === 'string') return [await this.#named(playable, context, signal)]
    switch (playable.kind) {
      case 'say': {
        const { text, language = context.language, voice = null } = playable
        return [await this.#speech.speak({ text, language, voice }, signal)]
      }
      case 'prompt': {
        const { name, text, language = context.language } = playable
        const path = this.#recordings.find(context.tenant, name, language)
        if (path !== null) return [await this.#load(path, signal)]
        return [await this.#speech.speak({ text, language, voice: null }, signal)]
      }
      case 'file':
        return [await this.#load(playable.path, signal)]
      case 'recording':
        return [await this.#recording(playable.name, playable.language ?? context.language, context.tenant, signal)]
      case 'tone':
        return [await this.#sounds.tone(playable.name)]
      case 'silence':
        return [this.#sounds.silence(Math.min(60_000, Math.max(20, playable.ms)))]
      case 'digits': {
        const language = playable.language ?? context.language
        return await this.#parts(spokenDigits(playable.digits, language), language, context.tenant, signal)
      }
      case 'number': {
        const language = playable.language ?? context.language
        return await this.#parts(spokenNumber(playable.value, language), language, context.tenant, signal)
      }
      case 'parts':
        return await this.#parts(playable.parts, playable.language ?? context.language, context.tenant, signal)
      case 'date': {
        const language = playable.language ?? context.language
        return await this.#parts(
          spokenDate(playable.date, language, context.timeZone),
          language,
          context.tenant,
          signal,
        )
      }
    }
  }

  /**
   * Parts the tenant recorded are played; runs of parts it did not are spoken in one breath. Parts of one phrase
   * sound wrong half spoken, half recorded, so a phrase is played only when all of it was recorded.
   */
  async #parts(
    parts: readonly SpokenPart[],
    language: Language,
    tenant: string,
    signal?: AbortSignal,
  ): Promise<readonly Prompt[]> {
    const files = parts.map((part) => this.#recordings.find(tenant, part.name, language))
    if (files.every((path) => path !== null)) return await Promise.all(files.map((path) => this.#load(path, signal)))
    const text = spokenText(parts)
    return [await this.#speech.speak({ text, language, voice: null }, signal)]
  }

  async #named(name: string, context: SpeakingContext, signal?: AbortSignal): Promise<Prompt> {
    const path = this.#recordings.find(context.tenant, name, context.language)
    return await this.#load(path ?? name, signal)
  }

  async #recording(name: string, language: Language, tenant: string, signal?: AbortSignal): Promise<Prompt> {
    const path = this.#recordings.find(tenant, name, language)
    if (path !== null) return await this.#load(path, signal)
    throw new NotFoundError('action.recording-unknown', `Tenant ${tenant} has no recording named ${name}.`, {
      facts: { tenant, name },
    })
  }

  #load(path: string, signal?: AbortSignal): Promise<Prompt> {
    return this.#sounds.load(isAbsolute(path) ? path : resolve(this.#folder, path), signal)
  }
}
