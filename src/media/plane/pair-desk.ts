import type { Cancel, Clock } from '../../base/clock.ts'
import type { PortPair, PortPool } from '../../rtp/port-pool.ts'
import type { FreePair } from './messages.ts'

/** Where pairs of one local address come from. */
export type PairSource = Pick<PortPool, 'start' | 'take' | 'give' | 'close' | 'counts'>

export interface PairDeskOptions {
  readonly clock: Clock
  readonly source: PairSource
  /** Free pairs announced ahead; more while many are in use. */
  readonly ahead: number
  /** A number never given before. */
  readonly nextId: () => number
  readonly announce: (pairs: readonly FreePair[]) => void
}

/**
 * Packets of the call before may be on their way for so long: the pair waits before it serves another. Behind it lies
 * the queue of free pairs, so that only a server in a rush uses a pair again so soon.
 */
const quarantineMs = 200

/** While the source has nothing spare it is asked again after this. */
const retryMs = 20

/** Below this part of the aim new pairs are fetched. */
const lowWater = 0.75

/**
 * Announces one address's pairs of ports that are bound already, so that the main thread opens an endpoint without
 * asking. Bound sockets serve one call after the other: binding two anew for each would be a good part of a short call's cost.
 */
export class PairDesk {
  readonly #options: PairDeskOptions
  /** Announced and, as far as is known here, unused. */
  readonly #free = new Map<number, PortPair>()
  readonly #inUse = new Map<number, PortPair>()
  /** Given back, in that order. */
  readonly #resting: { readonly id: number; readonly pair: PortPair; readonly untilMs: number }[] = []
  #cancelTimer: Cancel | null = null
  #timerMs = 0

  constructor(options: PairDeskOptions) {
    this.#options = options
  }

  /** Resolves when the first pairs are announced; rejects with what the source rejects with. */
  async start(): Promise<void> {
    await this.#options.source.start()
    this.#fill()
  }

  /** The pair of an announced number; null when it is not free. */
  open(id: number): PortPair | null {
    const pair = this.#free.get(id)
    if (!pair) return null
    this.#free.delete(id)
    this.#inUse.set(id, pair)
    if (this.#free.size < this.#aim * lowWater) this.#schedule(0)
    return pair
  }

  /** Takes a pair back after its endpoint was closed. */
  give(id: number): void {
    const pair = this.#inUse.get(id)
    if (!pair) return
    this.#inUse.delete(id)
    this.#resting.push({ id, pair, untilMs: this.#options.clock.now() + quarantineMs })
    this.#schedule(quarantineMs)
  }

  /** Gives a free pair up: the main thread will not open it. */
  release(id: number): void {
    const pair = this.#free.get(id)
    if (pair && this.#free.delete(id)) this.#options.source.give(pair)
  }

  /** Closes every socket, also of pairs in use. */
  close(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    const { source } = this.#options
    const all = [...this.#free.values(), ...this.#inUse.values(), ...this.#resting.map(({ pair }) => pair)]
    this.#free.clear()
    this.#inUse.clear()
    this.#resting.length = 0
    source.close()
    for (const pair of all) source.give(pair)
  }

  /** A quarter of those in use, so that a rush finds its ports. */
  get #aim(): number {
    return Math.max(this.#options.ahead, Math.ceil(this.#inUse.size / 4))
  }

  #fill(): void {
    const { clock, source, announce, nextId } = this.#options
    const nowMs = clock.now()
    const aim = this.#aim
    const announced: FreePair[] = []
    const free = (id: number, pair: PortPair): void => {
      this.#free.set(id, pair)
      announced.push({ pair: id, port: pair.rtp.port })
    }
    let rested = this.#resting[0]
    while (rested && rested.untilMs <= nowMs) {
      this.#resting.shift()
      free(rested.id, rested.pair)
      rested = this.#resting[0]
    }
    while (this.#free.size < aim) {
      const pair = source.take()
      if (!pair) break
      free(nextId(), pair)
    }
    if (announced.length > 0) announce(announced)
    const { spare, unbound } = source.counts
    if (rested) this.#schedule(rested.untilMs - nowMs)
    // With nothing left to bind only a pair that is given back can help.
    if (this.#free.size < aim && spare + unbound > 0) this.#schedule(retryMs)
  }

  /** One timer: the earliest wish counts. */
  #schedule(afterMs: number): void {
    const { clock } = this.#options
    const atMs = clock.now() + afterMs
    if (this.#cancelTimer && this.#timerMs <= atMs) return
    this.#cancelTimer?.()
    this.#timerMs = atMs
    this.#cancelTimer = clock.after(afterMs, () => {
      this.#cancelTimer = null
      this.#fill()
    })
  }
}
