import type { Usage } from './usage.ts'

/**
 * Every INVITE usage that is alive, by our tag, which we draw and nobody can guess. The peer's tag and the Call-ID are
 * checked behind it: a request with ours alone belongs to no dialog (RFC 3261 §12.2.2).
 */
export class UsageStore {
  readonly #usages = new Map<string, Usage>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#usages.size
  }

  get isFull(): boolean {
    return this.#usages.size >= this.#capacity
  }

  add(usage: Usage): void {
    this.#usages.set(usage.localTag, usage)
  }

  remove(usage: Usage): void {
    this.#usages.delete(usage.localTag)
  }

  /** The usage whose local tag and Call-ID these are; its dialogs by remote tag are its own matter. */
  find(message: { readonly sipCallId: string }, localTag: string): Usage | null {
    const usage = this.#usages.get(localTag)
    return usage && usage.sipCallId === message.sipCallId ? usage : null
  }

  *[Symbol.iterator](): Generator<Usage> {
    yield* this.#usages.values()
  }
}
