/** One NOTIFY of a REFER: RFC 3515 §2.4.4. */
export interface Notification {
  /** Of our own INVITE, for the message/sipfrag. */
  readonly status: number
  /** Null while the subscription goes on. */
  readonly terminated: 'noresource' | 'timeout' | null
}

/** Progress that may wait behind a NOTIFY without answer; the oldest gives way, the last word never. */
const maxWaiting = 8

/**
 * Sends NOTIFYs in order, each when the one before was answered: over UDP they would overtake each other, and a telephone
 * that hears `200` before `180` gets 500 for its pains (RFC 3261 §12.2.2).
 */
export class Notifications {
  readonly #send: (notification: Notification, done: () => void) => void
  readonly #waiting: Notification[] = []
  #isSending = false
  #isStopped = false
  #lastStatus: number | null = null

  /** @param send - sends one; `done` is called when it was answered, and not when nothing more is to be sent. */
  constructor(send: (notification: Notification, done: () => void) => void) {
    this.#send = send
  }

  add(notification: Notification): void {
    if (this.#isStopped) return
    // The same progress again says nothing.
    if (notification.terminated === null && notification.status === this.#lastStatus) return
    this.#lastStatus = notification.status
    if (this.#waiting.length >= maxWaiting) this.#waiting.shift()
    this.#waiting.push(notification)
    this.#pump()
  }

  stop(): void {
    this.#isStopped = true
    this.#waiting.length = 0
  }

  #pump(): void {
    if (this.#isSending || this.#isStopped) return
    const next = this.#waiting.shift()
    if (!next) return
    this.#isSending = true
    this.#send(next, () => {
      this.#isSending = false
      this.#pump()
    })
  }
}
