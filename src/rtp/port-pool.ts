import type { Cancel, Clock } from '../base/clock.ts'
import { LimitError } from '../base/errors.ts'
import type { DatagramPort } from './datagram-port.ts'

/** RTP on the even port, RTCP on the odd one above it. RFC 3550 §11. */
export interface PortPair {
  readonly rtp: DatagramPort
  readonly rtcp: DatagramPort
}

export interface PortPoolOptions {
  readonly address: string
  /** The range, both ends included. Only whole pairs on an even port are used. */
  readonly firstPort: number
  readonly lastPort: number
  readonly bind: (address: string, port: number) => Promise<DatagramPort>
  readonly clock: Clock
  /** Fewest pairs kept bound ahead. The aim grows to a quarter of those in use, so that rushes find their ports. */
  readonly minSpare?: number
}

/** Pairs bound in one step: a bind and its close take tens of microseconds each, and media runs in the same thread. */
const pairsPerStep = 16

/** Time between steps while spares are wanted: 400 pairs a second each 10 ms. */
const stepMs = 10

/** When every free port turned out to be held by others, they are tried again after this. */
const retryMs = 1000

/** Below this part of the aim a refill begins. */
const lowWater = 0.75

/**
 * Pairs of media ports, bound before they are needed: taking one is immediate, and a port that somebody else holds is
 * found out before a call depends on it. Numbers go round in a queue, so the port given back last is used last, and
 * packets of a call that has ended do not reach the next.
 */
export class PortPool {
  readonly #options: Required<PortPoolOptions>
  readonly #spare: PortPair[] = []
  /** Even numbers not bound by us, the longest unused first. */
  readonly #unbound: number[] = []
  readonly #inUse = new Set<PortPair>()
  #cancelStep: Cancel | null = null
  /** Numbers found held by others since the last pair was bound: a whole round of them ends the refill for a while. */
  #failuresInRow = 0
  #isStepping = false
  #isClosed = false

  constructor(options: PortPoolOptions) {
    this.#options = { minSpare: 8, ...options }
    const first = options.firstPort + (options.firstPort % 2)
    for (let port = first; port + 1 <= options.lastPort; port += 2) this.#unbound.push(port)
  }

  /**
   * Binds the first spare pairs.
   * Rejects with LimitError `rtp.no-usable-port` when not one pair of the range can be bound.
   */
  async start(): Promise<void> {
    while (!this.#isClosed && this.#isWanted && this.#failuresInRow < this.#unbound.length) await this.#bindStep()
    this.#schedule(retryMs)
    if (this.#spare.length > 0 || this.#isClosed) return
    const { address, firstPort, lastPort } = this.#options
    throw new LimitError(
      'rtp.no-usable-port',
      `No pair of UDP ports from ${firstPort} to ${lastPort} of ${address} can be bound.`,
      { facts: { address, firstPort, lastPort } },
    )
  }

  /** Pairs bound and waiting; pairs handed out; pairs that could still be bound (some may be held by others). */
  get counts(): { readonly spare: number; readonly inUse: number; readonly unbound: number } {
    return { spare: this.#spare.length, inUse: this.#inUse.size, unbound: this.#unbound.length }
  }

  /** A pair, now; null when none is bound. Its listeners are the taker's to set. */
  take(): PortPair | null {
    const pair = this.#spare.shift() ?? null
    if (pair) this.#inUse.add(pair)
    if (this.#spare.length < this.#aim * lowWater) this.#schedule(0)
    return pair
  }

  /** Gives a pair back: its sockets are closed, its number goes to the end of the queue. A second time does nothing. */
  give(pair: PortPair): void {
    if (!this.#inUse.delete(pair)) return
    closePair(pair)
    this.#unbound.push(pair.rtp.port)
    if (this.#spare.length < this.#aim * lowWater) this.#schedule(stepMs)
  }

  /** Closes the spare pairs; those in use are closed when given back. */
  close(): void {
    this.#isClosed = true
    this.#cancelStep?.()
    this.#cancelStep = null
    for (const pair of this.#spare.splice(0)) closePair(pair)
  }

  get #aim(): number {
    return Math.max(this.#options.minSpare, Math.ceil(this.#inUse.size / 4))
  }

  get #isWanted(): boolean {
    return this.#spare.length < this.#aim && this.#unbound.length > 0
  }

  #schedule(afterMs: number): void {
    if (this.#isClosed || this.#isStepping || this.#cancelStep || !this.#isWanted) return
    const waitMs = this.#failuresInRow >= this.#unbound.length ? retryMs : afterMs
    this.#cancelStep = this.#options.clock.after(waitMs, () => {
      this.#cancelStep = null
      if (waitMs === retryMs) this.#failuresInRow = 0
      void this.#bindStep().then(() => this.#schedule(stepMs))
    })
  }

  /** Binds a few pairs. Never rejects: a number that cannot be bound goes to the end of the queue. */
  async #bindStep(): Promise<void> {
    this.#isStepping = true
    for (let i = 0; i < pairsPerStep && !this.#isClosed && this.#isWanted; i++) {
      const port = this.#unbound.shift()
      if (port === undefined) break
      const pair = await this.#bindPair(port)
      if (!pair) {
        this.#unbound.push(port)
        this.#failuresInRow++
        continue
      }
      this.#failuresInRow = 0
      if (this.#isClosed) closePair(pair)
      else this.#spare.push(pair)
    }
    this.#isStepping = false
  }

  async #bindPair(port: number): Promise<PortPair | null> {
    const { address, bind } = this.#options
    let rtp: DatagramPort | null = null
    try {
      rtp = await bind(address, port)
      return { rtp, rtcp: await bind(address, port + 1) }
    } catch {
      rtp?.close()
      return null
    }
  }
}

function closePair(pair: PortPair): void {
  pair.rtp.close()
  pair.rtcp.close()
}
