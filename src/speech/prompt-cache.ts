import type { Prompt } from '../media/prompt.ts'

/** Prompts by key, the least recently used given up first, bounded by the bytes of their sound. */
export class PromptCache {
  readonly #maxBytes: number
  /** In order of use: a map keeps the order in which keys were set. */
  readonly #prompts = new Map<string, Prompt>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(key: string): Prompt | undefined {
    const prompt = this.#prompts.get(key)
    if (prompt) {
      this.#prompts.delete(key)
      this.#prompts.set(key, prompt)
    }
    return prompt
  }

  /** A prompt that is larger than the whole cache is not kept. */
  put(key: string, prompt: Prompt): void {
    this.#remove(key)
    if (bytesOf(prompt) > this.#maxBytes) return
    this.#prompts.set(key, prompt)
    this.#bytes += bytesOf(prompt)
    for (const oldest of this.#prompts.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#remove(oldest)
    }
  }

  get bytes(): number {
    return this.#bytes
  }

  #remove(key: string): void {
    const prompt = this.#prompts.get(key)
    if (!prompt) return
    this.#prompts.delete(key)
    this.#bytes -= bytesOf(prompt)
  }
}

function bytesOf(prompt: Prompt): number {
  return Object.values(prompt.encoded).reduce((sum, encoded) => sum + encoded.byteLength, 0)
}
