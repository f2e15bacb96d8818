import { tagOf } from '../message/addresses.ts'
import type { SipRequest, Uri } from '../message/types.ts'
import { uriEquals } from '../message/uri-compare.ts'
import type { AddressOfRecord } from '../registrar/types.ts'
import type { Subscription } from './subscription.ts'

/** Every subscription whose last NOTIFY has not been answered yet, by our tag and by extension. */
export class Subscriptions {
  readonly #byTag = new Map<string, Subscription>()
  readonly #byAor = new Map<string, Set<Subscription>>()

  get size(): number {
    return this.#byTag.size
  }

  /** Those of an extension, oldest first. */
  of(aor: AddressOfRecord): readonly Subscription[] {
    return [...(this.#byAor.get(keyOf(aor)) ?? [])]
  }

  /** Of the same Contact, the oldest that has a NOTIFY's worth of life: a telephone that has started again. */
  oldestAt(aor: AddressOfRecord, contact: Uri): Subscription | null {
    return this.of(aor).find((one) => uriEquals(one.contact, contact)) ?? null
  }

  add(subscription: Subscription): void {
    const key = keyOf(subscription.aor)
    this.#byTag.set(subscription.localTag, subscription)
    const others = this.#byAor.get(key)
    if (others) others.add(subscription)
    else this.#byAor.set(key, new Set([subscription]))
  }

  remove(subscription: Subscription): void {
    const key = keyOf(subscription.aor)
    this.#byTag.delete(subscription.localTag)
    const others = this.#byAor.get(key)
    others?.delete(subscription)
    if (others?.size === 0) this.#byAor.delete(key)
  }

  /** RFC 3261 §12.2.2: both tags and the Call-ID, or it is somebody else's dialog. Null also for one that has ended. */
  find(request: SipRequest): Subscription | null {
    const found = this.#byTag.get(tagOf(request.to) ?? '')
    if (!found || found.isTerminated) return null
    const { dialog } = found
    return dialog.sipCallId === request.sipCallId && dialog.remoteTag === (tagOf(request.from) ?? '') ? found : null
  }

  all(): readonly Subscription[] {
    return [...this.#byTag.values()]
  }
}

function keyOf({ tenant, extension }: AddressOfRecord): string {
  return `${tenant}\n${extension}`
}
