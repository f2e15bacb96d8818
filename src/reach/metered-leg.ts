import type { Clock } from '../base/clock.ts'
import type { LegEnd, LegFacts, LegUser, TransferRequest } from '../leg/leg.ts'
import { OutboundSipLeg } from '../leg/outbound-leg.ts'
import type { DetectedDigit } from '../media/plane/types.ts'

/** What a conversation with the outside is counted by. */
export interface Meter {
  /** The leg was answered. Returns what is to be told when it ends. */
  begin(): () => void
  /** How long it may last, milliseconds. */
  readonly limitMs: number
}

/** A leg to the outside: its minutes are counted, and it ends with the day's allowance. */
export class MeteredSipLeg extends OutboundSipLeg {
  readonly #clock: Clock
  readonly #meter: Meter

  constructor(meter: Meter, clock: Clock, ...parts: ConstructorParameters<typeof OutboundSipLeg>) {
    super(...parts)
    this.#clock = clock
    this.#meter = meter
  }

  override attach(user: LegUser): void {
    let stop = (): void => {}
    const answered = (): void => {
      const end = this.#meter.begin()
      const cancel = this.#clock.after(this.#meter.limitMs, () => {
        this.end('limit-exceeded', { text: 'The minutes of the day are used up' })
      })
      stop = () => {
        cancel()
        end()
      }
    }
    super.attach(new WatchedUser(user, answered, () => stop()))
  }
}

/** Passes everything on, and notes the answer and the end. */
class WatchedUser implements LegUser {
  readonly #user: LegUser
  readonly #answered: () => void
  readonly #ended: () => void

  constructor(user: LegUser, answered: () => void, ended: () => void) {
    this.#user = user
    this.#answered = answered
    this.#ended = ended
  }

  legProgressed(status: number, hasEarlyMedia: boolean): void {
    this.#user.legProgressed(status, hasEarlyMedia)
  }

  legAnswered(): void {
    this.#answered()
    this.#user.legAnswered()
  }

  legHeld(isHeld: boolean): void {
    this.#user.legHeld(isHeld)
  }

  transferRequested(request: TransferRequest): void {
    this.#user.transferRequested(request)
  }

  digitReceived(digit: DetectedDigit): void {
    this.#user.digitReceived(digit)
  }

  legEnded(end: LegEnd): void {
    this.#ended()
    this.#user.legEnded(end)
  }

  legNoted(kind: 'sip' | 'media', what: string, facts: LegFacts): void {
    this.#user.legNoted(kind, what, facts)
  }
}
