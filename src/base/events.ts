import { toError } from './errors.ts'
import type { Logger } from './log.ts'

type Listener<Value> = (value: Value) => void

/**
 * Typed events. A listener that throws is logged and the others still hear: one faulty reader never ends the engine.
 * Between two folders prefer a small interface named for its reader's role; this is for many readers of one piece of news.
 */
export class Events<Map extends Record<string, unknown>> {
  readonly #listeners = new Map<keyof Map, Set<Listener<never>>>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** Returns the way to stop listening. */
  on<Name extends keyof Map>(name: Name, listener: Listener<Map[Name]>): () => void {
    const set = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, set)
    set.add(listener)
    return () => set.delete(listener)
  }

  emit<Name extends keyof Map>(name: Name, value: Map[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        ;(listener as Listener<Map[Name]>)(value)
      } catch (thrown) {
        this.#log.error({ event: String(name), err: toError(thrown) }, 'a listener threw')
      }
    }
  }
}
