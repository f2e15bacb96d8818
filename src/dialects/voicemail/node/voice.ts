import type { FlowCall } from '../../../action/flow-call.ts'
import type { GatherOutcome } from '../../../action/gather.ts'
import { file, type Playable } from '../../../action/playable.ts'
import { toError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { MediaStore } from '../media-store.ts'
import { announcement, type VoicemailText } from './texts.ts'

type GatherRequest = NonNullable<Parameters<FlowCall['gather']>[0]>

/** What a caller did while something was played. */
export type Heard = { readonly key: string | null; readonly isEnded: boolean }

/** Where voices are. */
export type VoiceFiles = Pick<MediaStore, 'has' | 'path'>

/** How a node talks on one call: announcements in the call's language, voices from the store, keys. */
export class NodeVoice {
  readonly call: FlowCall
  language: 'id' | 'en'
  readonly #media: VoiceFiles
  readonly #log: Logger

  constructor(call: FlowCall, media: VoiceFiles, log: Logger) {
    this.call = call
    this.language = call.language === 'id' ? 'id' : 'en'
    this.#media = media
    this.#log = log
  }

  text(name: VoicemailText): Playable {
    return announcement(name, this.language)
  }

  /** Where a voice is; null: it is not in the store (yet). */
  async find(voice: string): Promise<Playable | null> {
    return (await this.#media.has(this.call.tenant, voice)) ? file(this.#media.path(this.call.tenant, voice)) : null
  }

  /** Plays without listening for keys. What cannot be played is passed over: it must not cost anybody the message. */
  async tell(...what: readonly Playable[]): Promise<void> {
    if (what.length === 0 || this.call.isEnded) return
    try {
      await this.call.play(what)
    } catch (thrown) {
      this.#passOver(thrown)
    }
  }

  /** Plays, and takes one key during it or within the time behind it. */
  async ask(what: readonly Playable[], waitMs: number): Promise<Heard> {
    return await this.#heard({ prompt: what, maxDigits: 1, endKey: null, firstDigitTimeoutMs: waitMs })
  }

  /** Plays, and takes digits until `#`. Null: none came. */
  async askDigits(what: readonly Playable[], maxDigits: number): Promise<string | null> {
    const outcome = await this.#gather({ prompt: what, maxDigits, endKey: '#', firstDigitTimeoutMs: 8000 })
    return outcome !== null && outcome.outcome === 'digits' && outcome.digits !== '' ? outcome.digits : null
  }

  async #heard(request: GatherRequest): Promise<Heard> {
    const outcome = await this.#gather(request)
    const key = outcome?.outcome === 'digits' ? outcome.digits : null
    return { key, isEnded: this.call.isEnded }
  }

  async #gather(request: GatherRequest): Promise<GatherOutcome | null> {
    if (this.call.isEnded) return null
    try {
      return await this.call.gather(request)
    } catch (thrown) {
      this.#passOver(thrown)
      const { prompt: _unplayable, ...rest } = request
      return this.call.isEnded ? null : await this.call.gather(rest)
    }
  }

  #passOver(thrown: unknown): void {
    if (!this.call.isEnded)
      this.#log.warn({ callId: this.call.id, err: toError(thrown) }, 'an announcement was left out')
  }
}
