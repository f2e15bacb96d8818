import type { RecordResult } from './types.ts'

export type Settle<Value> = (value: Value) => void

/** Promises that a worker's news settles, by the number of what they wait for. */
export class Waiting<Value> {
  readonly #settles = new Map<number, Settle<Value>>()

  get size(): number {
    return this.#settles.size
  }

  has(run: number): boolean {
    return this.#settles.has(run)
  }

  add(run: number): Promise<Value> {
    return new Promise((resolve) => this.#settles.set(run, resolve))
  }

  /** Does nothing when nobody waits for it. */
  settle(run: number, value: Value): void {
    const settle = this.#settles.get(run)
    this.#settles.delete(run)
    settle?.(value)
  }

  settleAll(value: Value): void {
    for (const run of [...this.#settles.keys()]) this.settle(run, value)
  }
}

/** How a recording ended that nothing more is known of. */
export function recordingLost(problem: string | null): RecordResult {
  const end = problem === null ? 'endpoint-closed' : 'write-failed'
  return { end, durationMs: 0, fileBytes: 0, heardSound: false, problem }
}
