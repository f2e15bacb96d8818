import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { printAddress } from '../transport/address-text.ts'
import type { Destination } from '../transport/types.ts'
import { Breaker, type BreakerState } from './breaker.ts'

/** One host of a trunk as the admin API shows it. Times in ISO 8601. */
export interface HostStatus {
  /** `udp:192.0.2.1:5060`. */
  readonly address: string
  readonly state: BreakerState
  readonly since: string
  /** Null: none yet. */
  readonly lastAnswer: string | null
}

/** How a request to a host fared. */
export type HostNews =
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed'; readonly retryAfterMs: number | null }
  /** It was given up before anything was known. */
  | { readonly kind: 'undecided' }

interface Host {
  readonly destination: Destination
  readonly breaker: Breaker
  /** Wall time in ms, as `lastAnswer`. */
  since: number
  lastAnswer: number | null
}

export interface HostsOptions {
  readonly clock: Clock
  readonly random: Random
  /** Asks a host whose rest is over; null: the next call finds out. */
  readonly probe: ((destination: Destination) => void) | null
  /** A breaker has changed, or a host has answered for the first time. */
  changed(destination: Destination, state: BreakerState): void
}

/** Hosts remembered of one trunk: `Locator` gives 16 at most, and names may move. */
const maxHosts = 32

/** The hosts of one trunk and how each is. */
export class Hosts {
  readonly #options: HostsOptions
  readonly #hosts = new Map<string, Host>()
  #opened = 0

  constructor(options: HostsOptions) {
    this.#options = options
  }

  /** The places that were located, in the order to try them: those at rest last, when all else has failed. */
  arrange(located: readonly Destination[]): readonly Destination[] {
    const resting: Destination[] = []
    const usable = located.filter((destination) => {
      if (this.#hosts.get(keyOf(destination))?.breaker.admitsCall() !== false) return true
      resting.push(destination)
      return false
    })
    return [...usable, ...resting]
  }

  /** Those that are not at rest: whom to ask for their health. */
  awake(located: readonly Destination[]): readonly Destination[] {
    return located.filter(
      (destination) => (this.#hosts.get(keyOf(destination))?.breaker.state ?? 'closed') === 'closed',
    )
  }

  report(destination: Destination, news: HostNews): void {
    const host = this.#host(destination)
    if (news.kind === 'failed') return host.breaker.failed(news.retryAfterMs)
    if (news.kind === 'undecided') return host.breaker.undecided()
    const isFirst = host.lastAnswer === null
    host.lastAnswer = this.#options.clock.wallTime()
    host.breaker.answered()
    if (isFirst) this.#options.changed(destination, host.breaker.state)
  }

  /** Forgets hosts that the trunk's name no longer leads to. */
  keepOnly(located: readonly Destination[]): void {
    const keys = new Set(located.map(keyOf))
    for (const [key, host] of this.#hosts) if (!keys.has(key)) this.#forget(key, host)
  }

  /** All open: nobody there, as far as is known. */
  get isDown(): boolean {
    return this.#hosts.size > 0 && [...this.#hosts.values()].every(({ breaker }) => breaker.state === 'open')
  }

  get isWhole(): boolean {
    return [...this.#hosts.values()].every(({ breaker }) => breaker.state === 'closed')
  }

  /** Wall time of the last answer of any of them. */
  get lastAnswer(): number | null {
    const answers = [...this.#hosts.values()].flatMap(({ lastAnswer }) => lastAnswer ?? [])
    return answers.length === 0 ? null : Math.max(...answers)
  }

  /** How often a breaker has opened. */
  get opened(): number {
    return this.#opened
  }

  status(): readonly HostStatus[] {
    return [...this.#hosts.values()].map(({ destination, breaker, since, lastAnswer }) => {
      const address = printDestination(destination)
      return {
        address,
        state: breaker.state,
        since: printTime(since),
        lastAnswer: lastAnswer === null ? null : printTime(lastAnswer),
      }
    })
  }

  close(): void {
    for (const [key, host] of this.#hosts) this.#forget(key, host)
  }

  #host(destination: Destination): Host {
    const key = keyOf(destination)
    const known = this.#hosts.get(key)
    if (known) return known
    const { clock, random, probe, changed } = this.#options
    const breaker = new Breaker({
      clock,
      random,
      probe: probe === null ? null : () => probe(destination),
      changed: (state) => {
        host.since = clock.wallTime()
        if (state === 'open') this.#opened++
        changed(destination, state)
      },
    })
    const host: Host = { destination, breaker, since: clock.wallTime(), lastAnswer: null }
    this.#hosts.set(key, host)
    const [oldest] = this.#hosts
    if (this.#hosts.size > maxHosts && oldest !== undefined) this.#forget(...oldest)
    return host
  }

  #forget(key: string, host: Host): void {
    host.breaker.close()
    this.#hosts.delete(key)
  }
}

/** ISO 8601 of a wall time in ms. */
export function printTime(wallTime: number): string {
  return new Date(wallTime).toISOString()
}

export function printDestination({ protocol, remote }: Destination): string {
  return `${protocol}:${printAddress(remote)}`
}

function keyOf(destination: Destination): string {
  return printDestination(destination)
}
