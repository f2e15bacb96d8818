import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { isInCidr } from '../../config/addresses.ts'
import type { VoicemailNodeSettings } from '../../config/settings.ts'
import type { NodeIdentity } from './service.ts'

/** Wrong keys from one address within the window before all of its keys are refused, and how many addresses are watched. */
const failuresAllowed = 20
const windowMs = 60_000
const addressesWatched = 10_000

/** Tells which node asks: by its key, else by its address. What a request says of itself (`ip`, `ivr_name`) proves nothing. */
export class Nodes {
  readonly #nodes: ReadonlyMap<string, VoicemailNodeSettings>
  readonly #keys: readonly { readonly digest: Buffer; readonly node: VoicemailNodeSettings }[]
  readonly #clock: Clock
  readonly #failures = new Map<string, { count: number; sinceMs: number }>()

  constructor(nodes: ReadonlyMap<string, VoicemailNodeSettings>, clock: Clock) {
    this.#nodes = nodes
    this.#clock = clock
    this.#keys = [...nodes.values()].flatMap((node) =>
      node.key === null ? [] : [{ digest: digestOf(node.key), node }],
    )
  }

  /**
   * The node of a listed address. Where several are listed with it, its name in the request may choose between them.
   * @param address - an IP literal.
   */
  byAddress(address: string, calledItself: string | null = null): NodeIdentity | null {
    const listed = [...this.#nodes.values()].filter(({ addresses }) =>
      addresses.some((range) => isInCidr(range, address)),
    )
    const node = listed.find(({ name }) => name === calledItself) ?? listed[0]
    return node ? { name: node.name, tenant: node.tenant } : null
  }

  /** Compares with every key in a time that tells nothing. Null also for an address that has guessed too often. */
  byKey(key: string, address: string): NodeIdentity | null {
    const failed = this.#failures.get(address)
    const isFresh = failed !== undefined && this.#clock.now() - failed.sinceMs < windowMs
    if (isFresh && failed.count >= failuresAllowed) return null
    const digest = digestOf(key)
    const found = this.#keys.filter((one) => timingSafeEqual(one.digest, digest))[0]
    if (found) return { name: found.node.name, tenant: found.node.tenant }
    if (this.#failures.size >= addressesWatched) this.#failures.clear()
    const now = this.#clock.now()
    this.#failures.set(address, isFresh ? { ...failed, count: failed.count + 1 } : { count: 1, sinceMs: now })
    return null
  }
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
