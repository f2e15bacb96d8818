import type { Cancel } from '../../base/clock.ts'
import type { ReferTo } from '../message/refer-to.ts'
import { printStatusFragment, sipFragmentType } from '../message/sip-fragment.ts'
import type { NameAddress, SipRequest } from '../message/types.ts'
import type { ServerTransaction } from '../transaction/types.ts'
import type { Dialog } from './dialog.ts'
import { sendInDialog } from './dialog-request.ts'
import { Machine, type Table, to } from './machine.ts'
import { type Notification, Notifications } from './notifications.ts'
import type { DialogName, IncomingRefer } from './types.ts'
import type { Usage } from './usage.ts'

type State = 'asked' | 'active' | 'ending' | 'terminated'
type Input =
  | 'accept'
  | 'acceptSilently'
  | 'reject'
  | 'unanswered'
  | 'progress'
  | 'final'
  | 'expired'
  | 'delivered'
  | 'gone'
  | 'ended'
type Effect = 'sendAccepted' | 'sendRefusal' | 'armExpiry' | 'notify' | 'notifyLast' | 'notifyTimeout' | 'forget'

/** The notifier's side of a REFER: RFC 3515 §2.4.4, RFC 6665 §4.2 (figure 2, which begins at `active` here). */
const table: Table<State, Input, Effect> = {
  asked: {
    accept: to('active', 'sendAccepted', 'armExpiry', 'notify'), // at once, with 100
    acceptSilently: to('terminated', 'sendAccepted', 'forget'), // RFC 4488: no subscription was wanted
    reject: to('terminated', 'sendRefusal', 'forget'),
    unanswered: to('terminated', 'sendRefusal', 'forget'),
    ended: to('terminated', 'sendRefusal', 'forget'),
  },
  active: {
    progress: to('active', 'notify'),
    final: to('ending', 'notifyLast'),
    expired: to('ending', 'notifyTimeout'),
    gone: to('terminated', 'forget'), // 481, or no answer: the peer wants to hear no more (RFC 6665 §4.2.2)
    ended: to('terminated', 'forget'),
  },
  ending: {
    delivered: to('terminated', 'forget'),
    gone: to('terminated', 'forget'),
    ended: to('terminated', 'forget'),
  },
  terminated: {},
}

/** The life of a subscription, told in its NOTIFYs: no call that is still ringing then will be answered. */
const expiresSeconds = 300

/** Answers to a NOTIFY after which no further one is sent. Any other leaves the next its chance. */
const goneStatuses: ReadonlySet<number> = new Set([405, 408, 481, 489, 501, 603])

/** One REFER of the peer, from its arrival to the answer to its last NOTIFY. */
export class ReferServer implements IncomingRefer {
  readonly target: NameAddress
  readonly replaces: DialogName | null
  readonly referredBy: NameAddress | null
  readonly #usage: Usage
  readonly #dialog: Dialog
  readonly #transaction: ServerTransaction
  readonly #event: string
  readonly #forget: () => void
  readonly #machine = new Machine<State, Input, Effect>(table, 'asked')
  readonly #notifications = new Notifications((notification, done) => this.#notify(notification, done))
  #lastStatus = 100
  #expiresAt = 0
  #cancelTimer: Cancel

  /** @param parts - `event`: of every NOTIFY. `forget`: called when nothing of it is left. */
  constructor(
    usage: Usage,
    dialog: Dialog,
    transaction: ServerTransaction,
    parts: {
      readonly asked: ReferTo
      readonly referredBy: NameAddress | null
      readonly event: string
      readonly forget: () => void
    },
  ) {
    this.#usage = usage
    this.#dialog = dialog
    this.#transaction = transaction
    this.#event = parts.event
    this.#forget = parts.forget
    this.target = parts.asked.target
    this.replaces = parts.asked.replaces
    this.referredBy = parts.referredBy
    const { clock, timers } = usage.context
    // Half of timer F, which runs at the peer: whoever has not decided by then has forgotten it.
    this.#cancelTimer = clock.after(32 * timers.t1Ms, () => usage.guard(() => this.#take('unanswered', 603)))
  }

  /** Whether a further REFER has to wait for this one. */
  get isGoingOn(): boolean {
    return this.#machine.state === 'asked' || this.#machine.state === 'active'
  }

  accept(): void {
    this.#take(wantsNoSubscription(this.#transaction.request) ? 'acceptSilently' : 'accept', 100)
  }

  reject(status: number): void {
    this.#take('reject', status >= 300 && status <= 699 ? status : 603)
  }

  notify(status: number): void {
    if (status < 100 || status > 699) return
    this.#take(status < 200 ? 'progress' : 'final', status)
  }

  /** The dialog is gone. */
  ended(): void {
    this.#take('ended', 481)
  }

  #take(input: Input, status: number): void {
    const effects = this.#machine.step(input)
    for (const effect of effects ?? []) this.#do(effect, status)
  }

  #do(effect: Effect, status: number): void {
    switch (effect) {
      case 'sendAccepted':
        return this.#sendAccepted()
      case 'sendRefusal':
        return void this.#usage.respond(this.#transaction, status)
      case 'armExpiry':
        return this.#armExpiry()
      case 'notify':
        this.#lastStatus = status
        return this.#notifications.add({ status, terminated: null })
      case 'notifyLast':
        this.#cancelTimer()
        return this.#notifications.add({ status, terminated: 'noresource' })
      case 'notifyTimeout':
        return this.#notifications.add({ status: this.#lastStatus, terminated: 'timeout' })
      case 'forget':
        this.#cancelTimer()
        this.#notifications.stop()
        return this.#forget()
    }
  }

  #sendAccepted(): void {
    const isSilent = wantsNoSubscription(this.#transaction.request)
    const headers = [...this.#usage.targetHeaders(this.#transaction.flow), ...(isSilent ? [noSubscription] : [])]
    this.#usage.respond(this.#transaction, 202, { headers })
  }

  #armExpiry(): void {
    const { clock } = this.#usage.context
    this.#cancelTimer()
    this.#expiresAt = clock.now() + expiresSeconds * 1000
    this.#cancelTimer = clock.after(expiresSeconds * 1000, () => this.#usage.guard(() => this.#take('expired', 100)))
  }

  #notify({ status, terminated }: Notification, done: () => void): void {
    const left = Math.max(0, Math.ceil((this.#expiresAt - this.#usage.context.clock.now()) / 1000))
    const state = terminated === null ? `active;expires=${left}` : `terminated;reason=${terminated}`
    const options = {
      headers: [
        ...this.#usage.targetHeaders(this.#dialog.flow),
        ['Event', this.#event] as const,
        ['Subscription-State', state] as const,
      ],
      body: printStatusFragment(status),
      contentType: `${sipFragmentType};version=2.0`,
    }
    const answered = (answer: number): void => {
      if (terminated !== null) return this.#take('delivered', answer)
      if (goneStatuses.has(answer)) return this.#take('gone', answer)
      done()
    }
    sendInDialog(this.#usage, this.#dialog, 'NOTIFY', options, {
      final: (response) => answered(response.status),
      // A peer that does not answer this one will not answer the next. Its call may be as well as ever.
      failed: () => this.#take('gone', 408),
    })
  }
}

const noSubscription = ['Refer-Sub', 'false'] as const

/** RFC 4488 §4. */
function wantsNoSubscription({ headers }: SipRequest): boolean {
  return /^false\b/i.test(headers.get('Refer-Sub') ?? '')
}
