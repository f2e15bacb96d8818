import type { Prompt } from './prompt.ts'
import { promptBytes } from './prompt-maker.ts'

/** Prompts by key, the least recently used dropped first when their memory is over the bound. */
export class PromptCache {
  readonly #maxBytes: number
  /** In the order of use: a Map keeps the order of insertion, and what is used is put in again. */
  readonly #prompts = new Map<string, Prompt>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#prompts.size
  }

  get(key: string): Prompt | undefined {
    const prompt = this.#prompts.get(key)
    if (prompt === undefined) return undefined
    this.#prompts.delete(key)
    this.#prompts.set(key, prompt)
    return prompt
  }

  /** A prompt larger than the whole bound is not kept. */
  set(key: string, prompt: Prompt): void {
    this.delete(key)
    const bytes = promptBytes(prompt)
    if (bytes > this.#maxBytes) return
    this.#prompts.set(key, prompt)
    this.#bytes += bytes
    for (const oldest of this.#prompts.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    const prompt = this.#prompts.get(key)
    if (prompt === undefined) return
    this.#prompts.delete(key)
    this.#bytes -= promptBytes(prompt)
  }
}
