import { isIPv6 } from 'node:net'
import type { Clock } from '../../base/clock.ts'

export interface FailureLimitOptions {
  /** Wrong passwords from one address before it is refused. */
  readonly perAddress: number
  /** Wrong passwords for one user, from wherever, before strange addresses are refused. */
  readonly perUser: number
  /** Wrong passwords for one user from one address before that pair is refused, even where it was right before. */
  readonly perPair: number
  /** How long a failure is remembered after the last one. */
  readonly windowSeconds: number
  /** How many addresses, users and pairs are counted at most, each. */
  readonly capacity: number
}

export const defaultFailureLimits: FailureLimitOptions = {
  perAddress: 40,
  perUser: 20,
  perPair: 10,
  windowSeconds: 300,
  capacity: 10_000,
}

/** How long a pair of address and user that once was right is held to be at home. */
const trustMs = 24 * 3600 * 1000

/**
 * Counts failed authentications (never a request that merely comes without credentials) and says who is to be refused
 * unheard. Somebody who guesses at an extension must not lock its telephone out, nor must one telephone with an old
 * password silence the office behind the same address: a pair of address and user that proved itself within the last day
 * is held to its own count only.
 */
export class FailureLimits {
  readonly #clock: Clock
  readonly #options: FailureLimitOptions
  readonly #addresses: Counter
  readonly #users: Counter
  readonly #pairs: Counter
  /** Pair to the time (monotonic ms) its trust ends. */
  readonly #trusted = new Map<string, number>()

  constructor(clock: Clock, options: FailureLimitOptions = defaultFailureLimits) {
    this.#clock = clock
    this.#options = options
    const windowMs = options.windowSeconds * 1000
    this.#addresses = new Counter(windowMs, options.capacity)
    this.#users = new Counter(windowMs, options.capacity)
    this.#pairs = new Counter(windowMs, options.capacity)
  }

  /** Which bound is exceeded; null when the credentials may be looked at. */
  exceeded(address: string, user: string): 'address' | 'user' | 'pair' | null {
    const now = this.#clock.now()
    const place = addressKey(address)
    const pair = pairKey(place, user)
    if (this.#pairs.count(pair, now) >= this.#options.perPair) return 'pair'
    if ((this.#trusted.get(pair) ?? 0) > now) return null
    if (this.#addresses.count(place, now) >= this.#options.perAddress) return 'address'
    if (this.#users.count(user, now) >= this.#options.perUser) return 'user'
    return null
  }

  failed(address: string, user: string): void {
    const now = this.#clock.now()
    const place = addressKey(address)
    this.#addresses.add(place, now)
    this.#users.add(user, now)
    this.#pairs.add(pairKey(place, user), now)
  }

  succeeded(address: string, user: string): void {
    const pair = pairKey(addressKey(address), user)
    this.#pairs.clear(pair)
    this.#trusted.delete(pair)
    this.#trusted.set(pair, this.#clock.now() + trustMs)
    if (this.#trusted.size > this.#options.capacity) deleteFirst(this.#trusted)
  }
}

/** Counts by key, each until `windowMs` after its last addition; the least recently added goes when it is full. */
class Counter {
  readonly #windowMs: number
  readonly #capacity: number
  readonly #entries = new Map<string, { count: number; until: number }>()

  constructor(windowMs: number, capacity: number) {
    this.#windowMs = windowMs
    this.#capacity = capacity
  }

  count(key: string, now: number): number {
    const entry = this.#entries.get(key)
    if (!entry) return 0
    if (entry.until > now) return entry.count
    this.#entries.delete(key)
    return 0
  }

  add(key: string, now: number): void {
    const count = this.count(key, now) + 1
    this.#entries.delete(key)
    this.#entries.set(key, { count, until: now + this.#windowMs })
    if (this.#entries.size > this.#capacity) deleteFirst(this.#entries)
  }

  clear(key: string): void {
    this.#entries.delete(key)
  }
}

function deleteFirst(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}

/** One household: an IPv4 address, or the /64 of an IPv6 address, of which a guesser has 2^64 to spare. */
function addressKey(address: string): string {
  // ::ffff:192.0.2.1 is an IPv4 address in an IPv6 coat: its /64 would be all of IPv4.
  if (!isIPv6(address) || address.includes('.')) return address.toLowerCase()
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? 0 : tail.split(':').length
  while (groups.length + rest < 8) groups.push('0')
  return groups.slice(0, 4).join(':')
}

function pairKey(place: string, user: string): string {
  return `${place} ${user}`
}
