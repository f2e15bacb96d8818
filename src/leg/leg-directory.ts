import { isTag, nameWrittenByUs } from '../sip/dialog/dialog-name.ts'
import type { DialogName, InviteUsage } from '../sip/dialog/types.ts'
import type { Leg } from './leg.ts'

/** Legs behind another one, and the one that the rest of the server knows. */
const faces = new WeakMap<Leg, Leg>()
const legsBehind = new WeakMap<Leg, Leg>()

/** From now on `face` is who is found by the dialog of `leg`: for a leg that is made of others. */
export function setFaceOf(leg: Leg, face: Leg): void {
  faces.set(leg, face)
  legsBehind.set(face, leg)
}

/** Which leg is behind which dialog: for Replaces (RFC 3891), which names a party of ours by its dialog. */
export class LegDirectory {
  readonly #byTag = new Map<string, { readonly usage: InviteUsage; readonly leg: Leg }>()
  readonly #usages = new Map<Leg, InviteUsage>()

  /** From now on the leg is behind this usage, and behind no other. */
  add(usage: InviteUsage, leg: Leg): void {
    this.remove(leg)
    this.#byTag.set(usage.localTag, { usage, leg })
    this.#usages.set(leg, usage)
  }

  /** The leg has ended. Idempotent. */
  remove(leg: Leg): void {
    const usage = this.#usages.get(leg)
    if (!usage) return
    this.#usages.delete(leg)
    this.#byTag.delete(usage.localTag)
  }

  /** How many legs are known. For tests. */
  get size(): number {
    return this.#usages.size
  }

  /** The leg behind a usage, as `IncomingInvite.replaces` gives it. */
  legOf(usage: InviteUsage): Leg | null {
    const found = this.#byTag.get(usage.localTag)
    return found?.usage === usage ? faceOf(found.leg) : null
  }

  /** RFC 3891 §3: the to-tag is ours and the from-tag the peer's. Our tags are random, so one finds at most one dialog. */
  find(name: DialogName): Leg | null {
    const found = this.#byTag.get(name.toTag)
    if (!found) return null
    const { usage, leg } = found
    const isIt = usage.sipCallId === name.sipCallId && isTag(name.fromTag, usage.remoteTag ?? '')
    return isIt && !(name.isEarlyOnly && leg.state !== 'ringing') ? faceOf(leg) : null
  }

  /** A leg's dialog as its peer has to name it, when somebody is sent there with Replaces. Null before there is one. */
  nameFor(leg: Leg): DialogName | null {
    const usage = this.#usages.get(legsBehind.get(leg) ?? leg)
    return usage ? nameWrittenByUs(usage) : null
  }
}

function faceOf(leg: Leg): Leg {
  return faces.get(leg) ?? leg
}
