import { createHash } from 'node:crypto'
import { LimitError, toError } from '../base/errors.ts'
import type { Prompt } from '../media/prompt.ts'
import type { DiskCache } from './disk-cache.ts'
import { PromptCache } from './prompt-cache.ts'
import { splitText } from './split-text.ts'
import type { Language, Speech, SpokenText } from './types.ts'
import type { SpokenAudio, VoiceDesk } from './voice-desk.ts'

/** Makes a prompt of audio: resampled to 8,000 Hz and encoded. `media/` provides it. */
export type ToPrompt = (id: string, pcm: Int16Array, sampleRateHz: number) => Promise<Prompt>

/** Of espeak-ng, where the program asks for none. */
const usualVoices: Readonly<Record<Language, string>> = { en: 'en-us', id: 'id', he: 'he', vi: 'vi' }

/** Some four minutes of speech. Longer texts are documents, and belong in a file. */
export const maxTextLength = 4000
/** What the voice is given at once: about a minute of speech, spoken in well under a second. */
const maxPieceLength = 1000

/** One text that is being made, and how many wait for it. */
interface InFlight {
  readonly promise: Promise<Prompt>
  readonly abort: AbortController
  waiters: number
}

/** Text to prompt by the espeak-ng child, each text once: from memory, from disk, or spoken. */
export class EspeakSpeech implements Speech {
  readonly #desk: VoiceDesk
  readonly #disk: DiskCache | null
  readonly #memory: PromptCache
  readonly #toPrompt: ToPrompt
  readonly #version: string
  readonly #inFlight = new Map<string, InFlight>()

  /**
   * @param parts.version - of the voice: part of the key of what is kept.
   * @param parts.disk - null: nothing is kept on disk.
   * @param parts.memoryBytes - of encoded audio that is kept in memory.
   */
  constructor(parts: {
    desk: VoiceDesk
    disk: DiskCache | null
    toPrompt: ToPrompt
    version: string
    memoryBytes: number
  }) {
    this.#desk = parts.desk
    this.#disk = parts.disk
    this.#toPrompt = parts.toPrompt
    this.#version = parts.version
    this.#memory = new PromptCache(parts.memoryBytes)
  }

  get availability(): Speech['availability'] {
    const availability = this.#desk.availability
    return availability.isAvailable ? { isAvailable: true } : availability
  }

  speak(spoken: SpokenText, signal?: AbortSignal): Promise<Prompt> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const text = plainText(spoken.text)
    if (text === '' || text.length > maxTextLength) {
      const sentence =
        text === ''
          ? 'There is nothing to say.'
          : `The text has ${text.length} characters, not ${maxTextLength} at most.`
      return Promise.reject(new LimitError('speech.text-unusable', sentence))
    }
    const voice = spoken.voice ?? usualVoices[spoken.language]
    const key = createHash('sha256')
      .update(JSON.stringify([this.#version, spoken.language, voice, text]))
      .digest('hex')
    const known = this.#memory.get(key)
    if (known) return Promise.resolve(known)
    return join(this.#flight(key, `say:${spoken.language}:${key.slice(0, 16)}`, voice, text), signal)
  }

  /** Ends the voice; what is on its way to the disk gets there. */
  async close(): Promise<void> {
    await this.#desk.close()
    await this.#disk?.flushed()
  }

  #flight(key: string, id: string, voice: string, text: string): InFlight {
    const found = this.#inFlight.get(key)
    if (found && !found.abort.signal.aborted) return found
    const abort = new AbortController()
    const promise = this.#make(key, id, voice, text, abort.signal).finally(() => {
      if (this.#inFlight.get(key) === flight) this.#inFlight.delete(key)
    })
    const flight: InFlight = { promise, abort, waiters: 0 }
    this.#inFlight.set(key, flight)
    return flight
  }

  async #make(key: string, id: string, voice: string, text: string, signal: AbortSignal): Promise<Prompt> {
    const kept = (await this.#disk?.get(key)) ?? null
    signal.throwIfAborted()
    const audio = kept ?? (await this.#speakPieces(splitText(text, maxPieceLength), voice, signal))
    if (!kept) this.#disk?.put(key, audio)
    const prompt = await this.#toPrompt(id, audio.pcm, audio.sampleRateHz)
    this.#memory.put(key, prompt)
    return prompt
  }

  async #speakPieces(pieces: readonly string[], voice: string, signal: AbortSignal): Promise<SpokenAudio> {
    const spoken: SpokenAudio[] = []
    for (const piece of pieces) spoken.push(await this.#desk.speak(piece, voice, signal))
    const samples = spoken.reduce((sum, { pcm }) => sum + pcm.length, 0)
    const [first] = spoken
    if (!first || samples === 0) throw new LimitError('speech.failed', 'The voice had nothing to say to a text.')
    const pcm = new Int16Array(samples)
    let offset = 0
    for (const piece of spoken) {
      pcm.set(piece.pcm, offset)
      offset += piece.pcm.length
    }
    return { pcm, sampleRateHz: first.sampleRateHz }
  }
}

/** Waits for a text together with others; the last one to leave stops it. */
function join(flight: InFlight, signal: AbortSignal | undefined): Promise<Prompt> {
  flight.waiters++
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      flight.waiters--
      if (flight.waiters === 0) flight.abort.abort(signal?.reason)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const settled = (): void => signal?.removeEventListener('abort', onAbort)
    flight.promise.then(
      (prompt) => {
        settled()
        resolve(prompt)
      },
      (thrown: unknown) => {
        settled()
        reject(toError(thrown))
      },
    )
  })
}

/** One blank between words, nothing that cannot be said: so that equal texts have equal keys. */
function plainText(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
}
