import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { isInCidr } from '../../config/addresses.ts'
import type { VoicemailNodeSettings } from '../../config/settings-voicemail.ts'
import { FailureWindow } from '../../http/failure-window.ts'
import type { NodeIdentity } from './service.ts'

/** Wrong keys from one address within a minute before all of its keys are refused. */
const failuresAllowed = 20

/** Tells which node asks: by its key, else by its address. What a request says of itself (`ip`, `ivr_name`) proves nothing. */
export class Nodes {
  readonly #nodes: ReadonlyMap<string, VoicemailNodeSettings>
  readonly #keys: readonly { readonly digest: Buffer; readonly node: VoicemailNodeSettings }[]
  readonly #failures: FailureWindow

  constructor(nodes: ReadonlyMap<string, VoicemailNodeSettings>, clock: Clock) {
    this.#nodes = nodes
    this.#failures = new FailureWindow(clock, failuresAllowed)
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
    return node ? identityOf(node) : null
  }

  /** Compares with every key in a time that tells nothing. Null also for an address that has guessed too often. */
  byKey(key: string, address: string): NodeIdentity | null {
    if (this.#failures.mustWait(address)) return null
    const digest = digestOf(key)
    const found = this.#keys.filter((one) => timingSafeEqual(one.digest, digest))[0]
    if (found) return identityOf(found.node)
    this.#failures.note(address)
    return null
  }
}

function identityOf({ name, tenant, isStrict }: VoicemailNodeSettings): NodeIdentity {
  return { name, tenant, isStrict }
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
