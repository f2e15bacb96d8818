import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { InviteUsageUser, MessageSummary } from './types.ts'

/**
 * Calls the user of one usage: one call at a time, none after `close`, and none that throws any further. What is merely
 * told while the user is busy with an earlier call is told when that returns.
 */
export class UserCalls {
  readonly #log: Logger
  readonly #waiting: ((user: InviteUsageUser) => void)[] = []
  #user: InviteUsageUser | null = null
  #isBusy = false
  #isClosed = false

  constructor(log: Logger) {
    this.#log = log
  }

  /** What was told before is told now. */
  attach(user: InviteUsageUser): void {
    this.#user = user
    this.#drain()
  }

  /** Asks for an answer. Undefined when there is no user, or it threw. */
  ask<Answer>(question: (user: InviteUsageUser) => Answer): Answer | undefined {
    if (!this.#user || this.#isClosed) return undefined
    const wasBusy = this.#isBusy
    this.#isBusy = true
    try {
      return question(this.#user)
    } catch (thrown) {
      this.#log.error({ err: toError(thrown) }, 'the user of a dialog threw')
      return undefined
    } finally {
      this.#isBusy = wasBusy
      this.#drain()
    }
  }

  tell(news: (user: InviteUsageUser) => void): void {
    if (this.#isClosed) return
    this.#waiting.push(news)
    this.#drain()
  }

  /** Tells one last thing. */
  close(news: (user: InviteUsageUser) => void): void {
    this.tell(news)
    this.#isClosed = true
    this.#drain()
  }

  seen(direction: 'incoming' | 'outgoing', summary: MessageSummary): void {
    if (this.#isClosed || !this.#user?.messageSeen) return
    try {
      this.#user.messageSeen(direction, summary)
    } catch (thrown) {
      this.#log.error({ err: toError(thrown) }, 'the user of a dialog threw')
    }
  }

  #drain(): void {
    if (this.#isBusy || !this.#user) return
    this.#isBusy = true
    try {
      for (let news = this.#waiting.shift(); news; news = this.#waiting.shift()) {
        try {
          news(this.#user)
        } catch (thrown) {
          this.#log.error({ err: toError(thrown) }, 'the user of a dialog threw')
        }
      }
    } finally {
      this.#isBusy = false
    }
  }
}
