import { toError } from '../base/errors.ts'
import type { LegId } from '../base/ids.ts'
import { canReceive } from '../sdp/direction.ts'
import type { InviteUsage, OutgoingInviteOptions, OutgoingInviteUser, Reason, UsageEnd } from '../sip/dialog/types.ts'
import type { NameAddress } from '../sip/message/types.ts'
import { verdictOn } from './failover.ts'
import type { Leg, LegParty, LegRole, OutboundLeg } from './leg.ts'
import type { OurOffer } from './media-agreement.ts'
import { SipLeg, type SipLegParts } from './sip-leg.ts'
import { endOfUsage, reasonsFor } from './usage-end.ts'
import type { NextWay, Way, WayResult } from './way.ts'
import { WayList } from './way-list.ts'

export interface OutboundSipLegParts extends SipLegParts {
  /** Places a call: `UserAgent.invite`. */
  readonly invite: (options: OutgoingInviteOptions, user: OutgoingInviteUser) => InviteUsage
  /** Where to try. Asked for the first when the leg is started. */
  readonly ways: NextWay
  /** The leg it is to be joined with: its media worker is preferred. */
  readonly near: Leg | null
}

/** One INVITE by one way. */
interface Attempt {
  readonly way: Way
  readonly offer: OurOffer
  usage: InviteUsage | null
  hasResponded: boolean
  isInProgress: boolean
  isReported: boolean
  isLeft: boolean
  /** A 200 came whose SDP is of no use: why. */
  unusable: string | null
}

/** An INVITE of ours: tries its ways one after the other until somebody is there. */
export class OutboundSipLeg extends SipLeg implements OutboundLeg, OutgoingInviteUser {
  protected readonly unanswered = 'The called party gave no answer to our offer.'
  readonly #parts: OutboundSipLegParts
  readonly #ways: WayList
  /** The ways that were of no use, each as a part of a sentence. */
  readonly #failures: string[] = []
  #isStarted = false
  #attempt: Attempt | null = null
  #lastEnd: UsageEnd | null = null
  #told = ''

  /** @throws LimitError `media.no-ports`. */
  constructor(id: LegId, role: LegRole, party: LegParty, parts: OutboundSipLegParts) {
    super({ id, role, direction: 'outbound', party, near: parts.near }, parts)
    this.#parts = parts
    this.#ways = new WayList(parts.ways)
  }

  /** Of the way in use; empty before the first INVITE. */
  get sipCallId(): string {
    return this.usage?.sipCallId ?? ''
  }

  start(): void {
    if (this.#isStarted || this.state === 'ended') return
    this.#isStarted = true
    this.#takeNext(null)
  }

  // What only a party that calls us has a use for.
  ring(): void {}
  openEarlyMedia(): void {}
  answer(): void {}

  // OutgoingInviteUser

  responseSeen(): void {
    if (this.#attempt) this.#attempt.hasResponded = true
  }

  provisionalReceived(status: number, sdp: Uint8Array | null): void {
    const attempt = this.#attempt
    if (!attempt || this.state !== 'ringing') return
    attempt.isInProgress = true
    this.#report({ kind: 'alive', status })
    if (attempt.usage) this.useDialog(attempt.usage)
    // Each fork answers our one offer: the latest is the one that is heard.
    if (sdp) this.accept(attempt.offer, sdp)
    const { agreed } = this.media
    const hasEarlyMedia = agreed !== null && canReceive(agreed.direction)
    // It comes again every minute (RFC 3261 §13.3.1.1), and from each fork.
    const news = `${status} ${hasEarlyMedia}`
    if (news === this.#told) return
    this.#told = news
    this.user?.legProgressed(status, hasEarlyMedia)
  }

  accepted(sdp: Uint8Array | null): void {
    const attempt = this.#attempt
    if (!attempt || this.state !== 'ringing') return
    this.#report({ kind: 'alive', status: 200 })
    if (sdp) attempt.unusable = this.accept(attempt.offer, sdp)
  }

  /** The ACK is sent, so from here on it can be ended by BYE. */
  override confirmed(): void {
    const attempt = this.#attempt
    if (!attempt || this.state !== 'ringing') return
    super.confirmed()
    if (attempt.unusable !== null) {
      return this.#endUnusable(`The answer of the called party cannot be used: ${attempt.unusable}`)
    }
    if (attempt.usage) this.useDialog(attempt.usage)
    this.becomeAnswered('us')
  }

  override ended(end: UsageEnd): void {
    const attempt = this.#attempt
    if (!attempt || this.state !== 'ringing') return super.ended(end)
    // What we end ourselves is finished before; this is the dialog layer, which found no SDP in the 200.
    if (end.by === 'local') return this.neverAgreed('The called party answered without an SDP.')
    const verdict = verdictOn(end, attempt)
    this.#lastEnd = end
    if (verdict.kind === 'next') {
      this.#failures.push(`${attempt.way.label}: ${verdict.result.sentence}`)
      this.note('sip', 'wayFailed', { way: attempt.way.label, why: verdict.result.why })
      this.#report(verdict.result)
      return this.#takeNext(verdict.result)
    }
    const status = end.by === 'peer-refused' ? end.status : 487
    this.#report({ kind: 'alive', status })
    if (verdict.kind === 'redirected' && this.#ways.redirect(attempt.way, verdict.response)) {
      this.note('sip', 'redirected', { by: attempt.way.label })
      return this.#takeNext({ kind: 'alive', status })
    }
    this.finish(endOfUsage(end))
  }

  protected get usage(): InviteUsage | null {
    return this.#attempt?.usage ?? null
  }

  protected get ownAddress(): NameAddress | null {
    return this.#attempt?.way.from ?? null
  }

  protected endUsage(_status: number | null, reasons: readonly Reason[]): void {
    this.usage?.end({ reasons })
  }

  protected override finish(end: Parameters<SipLeg['finish']>[0]): void {
    if (this.state === 'ended') return
    super.finish(end)
    this.#leave()
  }

  /** Goes on to the next way, if there is one. */
  #takeNext(previous: WayResult | null): void {
    this.#leave()
    this.#ways.next(previous).then(
      (way) => this.#take(way),
      (thrown) => this.#giveUp(toError(thrown)),
    )
  }

  #take(way: Way | null): void {
    if (this.state === 'ended') return way?.released?.()
    if (!way) return this.#giveUp(null)
    try {
      this.media.restart(way.media ?? this.#parts.media)
      this.#invite(way)
    } catch (thrown) {
      // No ports, or a request that cannot be built: nothing that the other side could be blamed for.
      const error = toError(thrown)
      this.log.warn({ err: error, way: way.label }, 'a call could not be placed')
      this.#failures.push(`${way.label}: ${error.message}`)
      this.#attempt = null
      way.report?.({ kind: 'cancelled' })
      way.released?.()
      this.#takeNext({ kind: 'cancelled' })
    }
  }

  #invite(way: Way): void {
    const { uri, target, from, to, headers, maxForwards, route, credentials, firstResponseMs } = way
    const offer = this.media.agreement.offer()
    const attempt: Attempt = {
      way,
      offer,
      usage: null,
      hasResponded: false,
      isInProgress: false,
      isReported: false,
      isLeft: false,
      unusable: null,
    }
    this.#attempt = attempt
    this.#told = ''
    this.note('sip', 'wayTaken', { way: way.label })
    attempt.usage = this.#parts.invite(
      {
        uri,
        target,
        from,
        to,
        headers,
        maxForwards,
        sdp: offer.sdp,
        ...(route ? { route } : {}),
        ...(credentials ? { credentials } : {}),
        ...(firstResponseMs === undefined ? {} : { firstResponseMs }),
      },
      this,
    )
  }

  #giveUp(error: Error | null): void {
    if (this.state === 'ended') return
    if (error) this.#failures.push(error.message)
    const end = this.#lastEnd
    // What the last one said, where it said something: 503, or a redirection that is not followed.
    if (end?.by === 'peer-refused' && !error) return this.finish(endOfUsage(end))
    const isSilent = end?.by === 'network' && end.how === 'no-response' && !error
    const sentence = `Nobody could be reached. ${this.#failures.join(' ') || 'There is no way to the called party.'}`
    const cause = isSilent ? 'timeout' : 'network-failure'
    this.finish({ by: 'network', cause, sipStatus: null, q850: null, sentence })
  }

  #endUnusable(sentence: string): void {
    this.neverAgreed(sentence)
    this.endUsage(null, reasonsFor('not-acceptable'))
  }

  #report(result: WayResult): void {
    const attempt = this.#attempt
    if (!attempt || attempt.isReported) return
    attempt.isReported = true
    attempt.way.report?.(result)
  }

  /** Has no more to do with the way in use, but for what its dialog still has to send. */
  #leave(): void {
    const attempt = this.#attempt
    if (!attempt || attempt.isLeft) return
    this.#report({ kind: 'cancelled' })
    attempt.isLeft = true
    attempt.way.released?.()
  }
}
