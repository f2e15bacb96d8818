import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { AnswerFields } from './wire.ts'

/** How long a key is known, and how many are. */
const keptMs = 24 * 3_600_000
const mostKept = 20_000

/** Remembers what requests with an `Idempotency-Key` were answered, so that a repeated one does nothing a second time. */
export class Idempotency {
  readonly #clock: Clock
  /** In the order in which they came. */
  readonly #answers = new Map<string, { readonly atMs: number; readonly answer: Promise<AnswerFields> }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Does the work once per application, path and key; who comes meanwhile waits for the same answer. Work that was refused
   * may be tried again.
   * @param scope.key - null: no key was sent.
   * @param work - is given the key as it is kept.
   * @param recall - what an earlier server answered for the same key; null: nothing.
   */
  run(
    scope: { readonly application: string; readonly path: string; readonly key: string | null },
    work: (requestKey: string | null) => Promise<AnswerFields>,
    recall: (requestKey: string) => Promise<AnswerFields | null> = async () => null,
  ): Promise<AnswerFields> {
    if (scope.key === null) return work(null)
    const id = createHash('sha256')
      .update(JSON.stringify([scope.application, scope.path, scope.key]))
      .digest('base64url')
    const now = this.#clock.now()
    const known = this.#answers.get(id)
    if (known && now - known.atMs < keptMs) return known.answer
    const answer = recall(id).then((earlier) => earlier ?? work(id))
    this.#answers.delete(id)
    this.#answers.set(id, { atMs: now, answer })
    answer.catch(() => {
      if (this.#answers.get(id)?.answer === answer) this.#answers.delete(id)
    })
    this.#dropOld(now)
    return answer
  }

  #dropOld(now: number): void {
    for (const [id, { atMs }] of this.#answers) {
      if (now - atMs < keptMs && this.#answers.size <= mostKept) return
      this.#answers.delete(id)
    }
  }
}
