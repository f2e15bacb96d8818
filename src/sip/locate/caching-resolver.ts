import type { Clock } from '../../base/clock.ts'
import { TransportError } from '../../base/errors.ts'
import type { DnsRecords, DnsSource, DnsType, Resolver } from './types.ts'

export interface CachingResolverOptions {
  readonly clock: Clock
  readonly source: DnsSource
  /** Answers remembered at most; the oldest go. */
  readonly capacity?: number
}

/** Where an answer does not say how long it holds. */
const usualTtlSeconds = 60
/** A name that is moved is found again within the hour, whatever its records say. */
const mostTtlSeconds = 3600
/** Zero would have every call ask anew, the retries of one call among them. */
const leastTtlSeconds = 1
/** "There is none", and "nobody answers": short, since somebody is probably mending it. */
const negativeMs = 5000
/** An answer that has run out still serves for so long when nobody gives a newer one (RFC 8767 §4). */
const staleMs = 3600_000
/** How long a question may take; a call waits for it. */
const patienceMs = 5000

interface Entry {
  readonly records: readonly unknown[]
  readonly freshUntil: number
  readonly usableUntil: number
}

/** Remembers answers and failures; asks each question once however many wait for it. */
export class CachingResolver implements Resolver {
  readonly #clock: Clock
  readonly #source: DnsSource
  readonly #capacity: number
  readonly #entries = new Map<string, Entry>()
  /** Failures and until when they are told again without asking. */
  readonly #failures = new Map<string, { readonly error: TransportError; readonly until: number }>()
  readonly #asking = new Map<string, Promise<readonly unknown[]>>()
  /** For metrics. */
  readonly counts = { questions: 0, hits: 0, failures: 0, stale: 0 }

  constructor(options: CachingResolverOptions) {
    this.#clock = options.clock
    this.#source = options.source
    this.#capacity = options.capacity ?? 2000
  }

  /** Questions whose answer is remembered. */
  get size(): number {
    return this.#entries.size
  }

  async resolve<Type extends DnsType>(type: Type, name: string): Promise<readonly DnsRecords[Type][]> {
    const host = plainName(name)
    const key = `${type} ${host}`
    const found = this.#remembered(key) ?? this.#asking.get(key) ?? this.#ask(type, host, key)
    return (await found) as readonly DnsRecords[Type][]
  }

  #remembered(key: string): readonly unknown[] | null {
    const now = this.#clock.now()
    const entry = this.#entries.get(key)
    if (entry !== undefined && entry.freshUntil > now) {
      this.counts.hits++
      return entry.records
    }
    const failure = this.#failures.get(key)
    if (failure === undefined || failure.until <= now) return null
    this.counts.hits++
    if (entry === undefined || entry.usableUntil <= now) throw failure.error
    return entry.records
  }

  #ask(type: DnsType, host: string, key: string): Promise<readonly unknown[]> {
    this.counts.questions++
    const asking = this.#question(type, host, key).finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return asking
  }

  async #question(type: DnsType, host: string, key: string): Promise<readonly unknown[]> {
    try {
      const { records, ttlSeconds } = await this.#patiently(this.#source.ask(type, host), type, host)
      const ttl = Math.min(Math.max(ttlSeconds ?? usualTtlSeconds, leastTtlSeconds), mostTtlSeconds)
      this.#remember(key, records, records.length === 0 ? negativeMs : ttl * 1000)
      return records
    } catch (thrown) {
      const error = asFailure(thrown, type, host)
      const now = this.#clock.now()
      this.counts.failures++
      put(this.#failures, key, { error, until: now + negativeMs }, this.#capacity)
      const old = this.#entries.get(key)
      if (old === undefined || old.usableUntil <= now) throw error
      this.counts.stale++
      return old.records
    }
  }

  #remember(key: string, records: readonly unknown[], freshMs: number): void {
    const freshUntil = this.#clock.now() + freshMs
    const usableUntil = records.length === 0 ? freshUntil : freshUntil + staleMs
    this.#failures.delete(key)
    put(this.#entries, key, { records, freshUntil, usableUntil }, this.#capacity)
  }

  #patiently<Answer>(answer: Promise<Answer>, type: DnsType, host: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(patienceMs, () => {
        reject(failure(type, host, `no answer within ${patienceMs} ms`))
      })
      answer.finally(cancel).then(resolve, reject)
    })
  }
}

/** Names are compared without case (RFC 4343); the final dot only says that nothing is to be added. */
function plainName(name: string): string {
  const lower = name.toLowerCase()
  return lower.length > 1 && lower.endsWith('.') ? lower.slice(0, -1) : lower
}

function put<Value>(map: Map<string, Value>, key: string, value: Value, capacity: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > capacity && oldest !== undefined) map.delete(oldest)
}

function asFailure(thrown: unknown, type: DnsType, host: string): TransportError {
  return thrown instanceof TransportError ? thrown : failure(type, host, String(thrown), thrown)
}

function failure(type: DnsType, host: string, reason: string, cause?: unknown): TransportError {
  const sentence = `DNS gave no answer about ${host} (${type}): ${reason}.`
  return new TransportError('locate.dns-failed', sentence, { facts: { host, type, reason }, cause })
}
