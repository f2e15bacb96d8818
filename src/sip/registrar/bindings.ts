import { printUri } from '../message/uri.ts'
import { uriEquals } from '../message/uri-compare.ts'
import { printAddress } from '../transport/address-text.ts'
import type { Flow } from '../transport/types.ts'
import type { ContactUpdate } from './contact-updates.ts'
import type { AddressOfRecord, Binding } from './types.ts'

/** A binding and the flow it came by; null after a restart. */
export interface LiveBinding {
  readonly binding: Binding
  readonly flow: Flow | null
}

/** What one REGISTER changed, all of it or nothing. */
export interface BindingChanges {
  readonly added: readonly LiveBinding[]
  readonly refreshed: readonly LiveBinding[]
  readonly removed: readonly LiveBinding[]
  /** Contact texts of bindings that were stored under another spelling of the same address. */
  readonly respelled: readonly string[]
}

export type UpdateResult =
  | { readonly kind: 'done'; readonly changes: BindingChanges }
  /** §10.3: the same Call-ID with a CSeq that is not higher. */
  | { readonly kind: 'outOfOrder' }
  | { readonly kind: 'tooMany' }

/** Where a REGISTER came from, and its place in the order of its Call-ID. */
export interface RegisterOrigin {
  readonly sipCallId: string
  readonly cseq: number
  readonly userAgent: string | null
  readonly flow: Flow
  /** Wall ms. */
  readonly at: number
}

/** Every binding, by address of record: RFC 3261 §10.3 step 7. */
export class Bindings {
  readonly #byAor = new Map<string, readonly LiveBinding[]>()
  readonly #maxPerAor: number
  #count = 0

  constructor(options: { readonly maxPerAor: number }) {
    this.#maxPerAor = options.maxPerAor
  }

  get count(): number {
    return this.#count
  }

  of(aor: AddressOfRecord): readonly LiveBinding[] {
    return this.#byAor.get(aorKey(aor)) ?? []
  }

  *all(): Generator<LiveBinding> {
    for (const list of this.#byAor.values()) yield* list
  }

  /** Adds, refreshes and removes the contacts of one REGISTER: all of them, or none when any of them may not be. */
  update(aor: AddressOfRecord, contacts: readonly ContactUpdate[], origin: RegisterOrigin): UpdateResult {
    const before = this.of(aor)
    let after = [...before]
    const added: LiveBinding[] = []
    const refreshed: LiveBinding[] = []
    const removed: LiveBinding[] = []
    const respelled: string[] = []
    for (const contact of contacts) {
      const known = after.find((live) => uriEquals(live.binding.contact, contact.uri))
      const isOld = known !== undefined && before.includes(known)
      if (isOld && isOutOfOrder(known.binding, origin)) return { kind: 'outOfOrder' }
      after = after.filter((live) => live !== known)
      if (contact.expiresSeconds === 0) {
        if (isOld) removed.push(known)
        continue
      }
      const live = { binding: makeBinding(aor, contact, origin), flow: origin.flow }
      after.push(live)
      if (isOld) refreshed.push(live)
      else added.push(live)
      if (known && known.binding.contactText !== live.binding.contactText) respelled.push(known.binding.contactText)
    }
    removed.push(...makeRoom(after, this.#maxPerAor, added))
    after = after.filter((live) => !removed.includes(live))
    if (after.length > this.#maxPerAor) return { kind: 'tooMany' }
    this.#set(aor, after)
    // The same contact twice in one request: only its last form counts.
    const isKept = (live: LiveBinding): boolean => after.includes(live)
    const changes = { added: added.filter(isKept), refreshed: refreshed.filter(isKept), removed, respelled }
    return { kind: 'done', changes }
  }

  /** `Contact: *`. */
  removeAll(aor: AddressOfRecord, origin: RegisterOrigin): UpdateResult {
    const removed = this.of(aor)
    if (removed.some(({ binding }) => isOutOfOrder(binding, origin))) return { kind: 'outOfOrder' }
    this.#set(aor, [])
    return { kind: 'done', changes: { added: [], refreshed: [], removed, respelled: [] } }
  }

  /** Puts back what an earlier process had. */
  restore(binding: Binding): void {
    const others = this.of(binding.aor).filter((live) => live.binding.contactText !== binding.contactText)
    this.#set(binding.aor, [...others, { binding, flow: null }].slice(-this.#maxPerAor))
  }

  /** Drops every binding of these extensions; gives those that were there. */
  drop(isGone: (aor: AddressOfRecord) => boolean): readonly LiveBinding[] {
    const dropped = [...this.all()].filter(({ binding }) => isGone(binding.aor))
    for (const { binding } of dropped) this.#set(binding.aor, [])
    return dropped
  }

  /** Takes out what has run out. Returns it, and the wall time of the soonest of the others. */
  sweep(wallTime: number): { readonly expired: readonly LiveBinding[]; readonly next: number | null } {
    const expired: LiveBinding[] = []
    let next = Number.POSITIVE_INFINITY
    for (const live of this.all()) {
      if (live.binding.expiresAt <= wallTime) expired.push(live)
      else next = Math.min(next, live.binding.expiresAt)
    }
    for (const gone of expired) {
      const { aor } = gone.binding
      this.#set(
        aor,
        this.of(aor).filter((live) => live !== gone),
      )
    }
    return { expired, next: Number.isFinite(next) ? next : null }
  }

  #set(aor: AddressOfRecord, list: readonly LiveBinding[]): void {
    const key = aorKey(aor)
    this.#count += list.length - (this.#byAor.get(key)?.length ?? 0)
    if (list.length === 0) this.#byAor.delete(key)
    else this.#byAor.set(key, list)
  }
}

/** RFC 3261 §10.3 step 7: with the same Call-ID, only a higher CSeq may change a binding. */
function isOutOfOrder(binding: Binding, origin: RegisterOrigin): boolean {
  return binding.sipCallId === origin.sipCallId && origin.cseq <= binding.cseq
}

function makeBinding(aor: AddressOfRecord, contact: ContactUpdate, origin: RegisterOrigin): Binding {
  const { protocol, local, remote } = origin.flow
  return {
    aor,
    contact: contact.uri,
    contactText: printUri(contact.uri),
    sipCallId: origin.sipCallId,
    cseq: origin.cseq,
    expiresAt: origin.at + contact.expiresSeconds * 1000,
    q: contact.q,
    userAgent: origin.userAgent,
    via: { protocol, local: printAddress(local), remote: printAddress(remote) },
    instance: contact.instance,
  }
}

/**
 * Over the bound, what is surely dead makes room: an earlier contact of the same telephone (RFC 5626 instance), and
 * contacts whose connection is gone. Living telephones are never pushed out.
 */
function makeRoom(list: readonly LiveBinding[], max: number, added: readonly LiveBinding[]): LiveBinding[] {
  const excess = list.length - max
  if (excess <= 0) return []
  const instances = new Set(added.map(({ binding }) => binding.instance).filter((instance) => instance !== null))
  const isDead = ({ binding, flow }: LiveBinding): boolean =>
    (binding.instance !== null && instances.has(binding.instance)) || flow?.isOpen === false
  return list.filter((live) => !added.includes(live) && isDead(live)).slice(0, excess)
}

function aorKey({ tenant, extension }: AddressOfRecord): string {
  return `${tenant}\n${extension}`
}
