import type { CallSounds, SoundName } from '../call/sounds.ts'
import type { Prompt } from '../media/prompt.ts'
import { systemText } from '../speech/texts.ts'
import { type Playable, say, tone } from './playable.ts'
import type { PromptResolver, SpeakingContext } from './prompts.ts'

/** The sounds that a call plays by itself: music and ring-back tone of ours, and a sentence in the tenant's language. */
export class SpokenCallSounds implements CallSounds {
  readonly #prompts: PromptResolver
  readonly #contextOf: (tenant: string) => SpeakingContext

  /** @param parts.contextOf - how a tenant's calls speak where no flow says. */
  constructor(parts: { readonly prompts: PromptResolver; readonly contextOf: (tenant: string) => SpeakingContext }) {
    this.#prompts = parts.prompts
    this.#contextOf = parts.contextOf
  }

  async load(name: SoundName, tenant: string): Promise<readonly Prompt[]> {
    const context = this.#contextOf(tenant)
    if (name !== 'unreached') return await this.#prompts.resolve(tone(name), context)
    const sentence: Playable = say(systemText('notAvailable', context.language))
    // Where there is no voice, the tone that everybody knows.
    return await this.#prompts.resolve(sentence, context).catch(() => this.#prompts.resolve(tone('busy'), context))
  }
}
