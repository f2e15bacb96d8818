import type { Cancel, Clock } from '../../base/clock.ts'
import type { StreamConnection } from './connection.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { TransportCounts } from './counts.ts'
import type { SocketAddress } from './types.ts'

/** How exactly deadlines are kept; one timer for all connections costs less than one for each. */
const sweepMs = 1000

/** The connections of one listening socket: finds them by their peer, keeps their number bounded, ends those overdue. */
export class ConnectionTable {
  readonly #clock: Clock
  readonly #limits: ConnectionLimits
  readonly #counts: TransportCounts
  readonly #all = new Set<StreamConnection>()
  /** By the peer's address and port; the newest where there are several. */
  readonly #byRemote = new Map<string, StreamConnection>()
  readonly #acceptedByAddress = new Map<string, number>()
  /** Accepted ones without a first message, oldest first. */
  readonly #silent = new Set<StreamConnection>()
  #accepted = 0
  #cancelSweep: Cancel | null = null

  constructor(clock: Clock, limits: ConnectionLimits, counts: TransportCounts) {
    this.#clock = clock
    this.#limits = limits
    this.#counts = counts
  }

  /** Whether one more may be accepted from that address. */
  mayAccept(address: string): boolean {
    return (
      this.#accepted < this.#limits.accepted && (this.#acceptedByAddress.get(address) ?? 0) < this.#limits.perAddress
    )
  }

  /** Whether we may open one more. */
  get mayOpen(): boolean {
    return this.#all.size - this.#accepted < this.#limits.opened
  }

  find(remote: SocketAddress): StreamConnection | undefined {
    return this.#byRemote.get(remoteKey(remote))
  }

  add(connection: StreamConnection): void {
    this.#all.add(connection)
    this.#byRemote.set(remoteKey(connection.remote), connection)
    this.#counts.connections.open++
    if (connection.isAccepted) {
      const { address } = connection.remote
      this.#accepted++
      this.#counts.connections.accepted++
      this.#acceptedByAddress.set(address, (this.#acceptedByAddress.get(address) ?? 0) + 1)
      this.#silent.add(connection)
      if (this.#silent.size > this.#limits.silent) this.#closeOldestSilent()
    } else this.#counts.connections.opened++
    this.#cancelSweep ??= this.#clock.after(sweepMs, () => this.#sweep())
  }

  proven(connection: StreamConnection): void {
    this.#silent.delete(connection)
  }

  remove(connection: StreamConnection): void {
    if (!this.#all.delete(connection)) return
    const key = remoteKey(connection.remote)
    if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key)
    this.#silent.delete(connection)
    this.#counts.connections.open--
    if (connection.isAccepted) {
      const { address } = connection.remote
      const left = (this.#acceptedByAddress.get(address) ?? 1) - 1
      this.#accepted--
      if (left === 0) this.#acceptedByAddress.delete(address)
      else this.#acceptedByAddress.set(address, left)
    }
    if (this.#all.size === 0) this.#stopSweeping()
  }

  closeAll(): void {
    for (const connection of this.#all) connection.close()
    this.#stopSweeping()
  }

  #closeOldestSilent(): void {
    for (const connection of this.#silent) {
      this.#counts.connections.timedOut++
      connection.close()
      return
    }
  }

  #sweep(): void {
    this.#cancelSweep = null
    const nowMs = this.#clock.now()
    for (const connection of this.#all) {
      const why = connection.overdue(nowMs)
      if (why === null) continue
      this.#counts.connections[why]++
      connection.close()
    }
    if (this.#all.size > 0) this.#cancelSweep = this.#clock.after(sweepMs, () => this.#sweep())
  }

  #stopSweeping(): void {
    this.#cancelSweep?.()
    this.#cancelSweep = null
  }
}

function remoteKey({ address, port }: SocketAddress): string {
  return `${address} ${port}`
}
