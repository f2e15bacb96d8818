import { redirectTargets } from '../sip/dialog/redirect-targets.ts'
import type { SipResponse, Uri } from '../sip/message/types.ts'
import type { NextWay, Way, WayResult } from './way.ts'

/** The ways of one leg: those it was given, or, once somebody has redirected the call, those that it was redirected to. */
export class WayList {
  #next: NextWay
  readonly #tried: Uri[] = []
  #redirects = 0

  constructor(next: NextWay) {
    this.#next = next
  }

  /** Null: there is no other. Rejects as `NextWay`. */
  async next(previous: WayResult | null): Promise<Way | null> {
    const way = await this.#next(previous)
    if (way) this.#tried.push(way.uri)
    return way
  }

  /**
   * A 3xx has come: from now on its targets are the ways, best first. One that was tried is left out, so that nobody sends the
   * call in a circle.
   * @returns false where there is nothing to follow: the 3xx was the answer.
   */
  redirect(by: Way, response: SipResponse): boolean {
    const { redirects } = by
    if (!redirects || this.#redirects >= redirects.max) return false
    const targets = redirectTargets(response, this.#tried)
    if (targets.length === 0) return false
    this.#redirects++
    const left = [...targets]
    this.#next = async () => {
      for (let target = left.shift(); target; target = left.shift()) {
        const way = await redirects.follow(target)
        if (way) return way
      }
      return null
    }
    return true
  }
}
