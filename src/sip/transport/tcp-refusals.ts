import type { Clock } from '../../base/clock.ts'
import { printAddress } from './address-text.ts'
import type { SocketAddress } from './types.ts'

/** A peer that took no TCP is not asked again for so long: each try may cost the whole time allowed for connecting. */
const lifetimeMs = 600_000
const maxEntries = 1024

/** Peers that took no TCP connection when a large request was to go to them. */
export class TcpRefusals {
  readonly #clock: Clock
  readonly #untilMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(remote: SocketAddress): boolean {
    const key = printAddress(remote)
    const untilMs = this.#untilMs.get(key)
    if (untilMs === undefined) return false
    if (this.#clock.now() < untilMs) return true
    this.#untilMs.delete(key)
    return false
  }

  add(remote: SocketAddress): void {
    if (this.#untilMs.size >= maxEntries) this.#untilMs.clear()
    this.#untilMs.set(printAddress(remote), this.#clock.now() + lifetimeMs)
  }
}
