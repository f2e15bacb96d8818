import type { Cancel, Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Transactions } from '../transaction/types.ts'
import type { Destination } from '../transport/types.ts'
import { isAbsence, retryAfterMs } from './answers.ts'
import type { HostNews } from './hosts.ts'
import { newSeries, type TrunkAddress, trunkRequest } from './trunk-address.ts'

export interface HealthOptions {
  readonly clock: Clock
  readonly random: Random
  readonly transactions: Transactions
  readonly address: TrunkAddress
  /** User-Agent. */
  readonly serverName: string
  readonly intervalMs: number
  /** How long an answer is waited for. */
  readonly patienceMs: number
  /** Who is to be asked in a round. Never rejects. */
  hosts(): Promise<readonly Destination[]>
  heard(destination: Destination, news: HostNews): void
}

/** A first silence is looked into at once, so that a dead host is known before the next call. */
const recheckMs = 500
/** The first round falls somewhere in this time, so that a server with many trunks does not ask all at once. */
const startSpreadMs = 1000

/** Asks the hosts of a trunk by OPTIONS whether they are there (RFC 3261 §11), every so often and when told to. */
export class Health {
  readonly #options: HealthOptions
  readonly #waits = new Set<Cancel>()
  /** Hosts asked now. */
  readonly #asking = new Set<string>()
  #isClosed = false
  #sent = 0

  constructor(options: HealthOptions) {
    this.#options = options
  }

  /** OPTIONS sent so far. */
  get sent(): number {
    return this.#sent
  }

  start(): void {
    this.#after(startSpreadMs * this.#fraction(), () => this.#round())
  }

  close(): void {
    this.#isClosed = true
    for (const cancel of this.#waits) cancel()
    this.#waits.clear()
  }

  /** Asks one host. What comes of it is told to `heard`, once. */
  ask(destination: Destination, isRecheck = false): void {
    const { remote, protocol } = destination
    const key = `${protocol} ${remote.address} ${remote.port}`
    if (this.#isClosed || this.#asking.has(key)) return
    this.#asking.add(key)
    this.#sent++
    const { random, serverName, address, patienceMs, transactions } = this.#options
    const request = trunkRequest(address, newSeries(random), {
      method: 'OPTIONS',
      cseq: 1,
      headers: [
        ['Accept', 'application/sdp'],
        ['User-Agent', serverName],
      ],
    })
    let isTold = false
    const tell = (news: HostNews): void => {
      if (isTold) return
      isTold = true
      cancel()
      this.#asking.delete(key)
      if (this.#isClosed) return
      this.#options.heard(destination, news)
      if (news.kind === 'failed' && !isRecheck) this.#recheck(destination)
    }
    const cancel = this.#after(patienceMs, () => tell({ kind: 'failed', retryAfterMs: null }))
    transactions.request(
      request,
      { destination },
      {
        responseReceived: (response) => {
          if (response.status < 200) return
          if (isAbsence(response.status)) tell({ kind: 'failed', retryAfterMs: retryAfterMs(response) })
          else tell({ kind: 'answered' })
        },
        failed: () => tell({ kind: 'failed', retryAfterMs: null }),
      },
    )
  }

  #recheck(destination: Destination): void {
    this.#after(recheckMs, () => this.ask(destination, true))
  }

  #round(): void {
    const { intervalMs } = this.#options
    this.#options.hosts().then((hosts) => {
      for (const destination of hosts) this.ask(destination)
    }, ignore)
    // 90 to 110 %: rounds of many trunks drift apart.
    this.#after(intervalMs * (0.9 + 0.2 * this.#fraction()), () => this.#round())
  }

  #after(ms: number, run: () => void): Cancel {
    const cancel = this.#options.clock.after(ms, () => {
      this.#waits.delete(cancel)
      if (!this.#isClosed) run()
    })
    this.#waits.add(cancel)
    return () => {
      this.#waits.delete(cancel)
      cancel()
    }
  }

  #fraction(): number {
    return this.#options.random.uint32() / 2 ** 32
  }
}

/** `hosts` is one of ours and never rejects. */
function ignore(): void {}
