import { LimitError, type SwitchhookError, toError } from '../base/errors.ts'
import type { ReachRequest } from '../call/reach.ts'
import type { Way } from '../leg/way.ts'
import type { Locator } from '../sip/locate/locator.ts'
import type { NameAddress } from '../sip/message/types.ts'
import type { Destination } from '../sip/transport/types.ts'
import type { Departure, LoopGuard } from '../sip/trunk/loop-guard.ts'
import { nameAddress, peerText, sipUri } from './addresses.ts'
import { identityFor, replacesHeader } from './identity-for.ts'
import type { LegShop } from './reach-parts.ts'
import type { UsableTrunk } from './trunk-desk.ts'

export interface TrunkWaysParts {
  readonly shop: LegShop
  readonly locator: Locator
  readonly loops: LoopGuard
}

/** The ways of one call to the outside: the hosts of its first trunk, then those of the next, each looked up when it is needed. */
export class TrunkWays {
  readonly #parts: TrunkWaysParts
  readonly #request: ReachRequest
  readonly #maxForwards: number
  readonly #trunks: UsableTrunk[]
  #current: { readonly usable: UsableTrunk; readonly destinations: Destination[] } | null = null
  #departure: Departure | null = null
  /** Why trunks were of no use, where no INVITE was sent. */
  #refusal: Error | null = null

  constructor(parts: TrunkWaysParts, trunks: readonly UsableTrunk[], request: ReachRequest, maxForwards: number) {
    this.#parts = parts
    this.#trunks = [...trunks]
    this.#request = request
    this.#maxForwards = maxForwards
  }

  /** The way in use has led to somebody. */
  answered(): void {
    this.#departure?.answered()
  }

  /** As `NextWay`: null when there is no other; rejects when none could be used at all. */
  async next(): Promise<Way | null> {
    for (;;) {
      const destination = this.#current?.destinations.shift()
      if (this.#current && destination) {
        const way = this.#take(this.#current.usable, destination)
        if (way) return way
        this.#current = null
        continue
      }
      const usable = this.#trunks.shift()
      if (!usable) break
      try {
        this.#current = { usable, destinations: [...(await usable.trunk.destinations())] }
      } catch (thrown) {
        this.#refusal = toError(thrown)
      }
    }
    // What the last INVITE came to says more than why there was no other.
    if (this.#departure === null && this.#refusal) throw this.#refusal as SwitchhookError
    return null
  }

  /** Null: the trunk takes no more calls. */
  #take({ trunk, user, callerId }: UsableTrunk, destination: Destination): Way | null {
    const permit = trunk.acquire()
    if (!permit.isAdmitted) {
      this.#refusal = new LimitError('call.trunk-full', permit.sentence)
      return null
    }
    const { shop, loops, locator } = this.#parts
    const call = trunk.call(user)
    const isAsserted = !callerId.isPrivate || trunk.settings.privacy === 'id'
    const shown = { user: callerId.shown, displayName: this.#request.callerName, isPrivate: callerId.isPrivate }
    const { from, headers } = identityFor(shown, this.#request, { host: call.host, isTrusted: isAsserted }, call.uri)
    const departure = loops.left(callerId.shown, user)
    this.#departure = departure
    const base = {
      route: call.route,
      from,
      to: nameAddress(null, sipUri(user, call.host)),
      headers: [...headers, ...replacesHeader(this.#request)],
      ...(call.credentials ? { credentials: call.credentials } : {}),
      maxForwards: this.#maxForwards,
      firstResponseMs: call.firstResponseMs,
    }
    const redirects =
      call.redirects === 0
        ? undefined
        : {
            max: call.redirects,
            follow: async ({ uri }: NameAddress): Promise<Way | null> => {
              const [target] = await locator.locate(uri)
              if (!target) return null
              const label = `${trunk.settings.name} (redirected to ${peerText(target)})`
              return { ...base, label, uri, target: { destination: target }, media: shop.addresses.media(target) }
            },
          }
    return {
      ...base,
      label: `${trunk.settings.name} (${peerText(destination)})`,
      uri: call.uri,
      target: { destination },
      media: shop.addresses.media(destination),
      ...(redirects ? { redirects } : {}),
      report: (result) => trunk.report(destination, result),
      released: () => {
        permit.release()
        departure.ended()
      },
    }
  }
}
