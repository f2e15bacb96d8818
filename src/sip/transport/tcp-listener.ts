import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { TransportError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { isWildcard } from '../../config/addresses.ts'
import { plainAddress, printAddress } from './address-text.ts'
import { bindError } from './bind-error.ts'
import { StreamConnection } from './connection.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import { ConnectionTable } from './connection-table.ts'
import type { TransportCounts } from './counts.ts'
import type { Listener, ListenerUser, Wire } from './listener.ts'
import type { SocketAddress } from './types.ts'

/** Connections the kernel holds ready while JavaScript is busy; it may grant less (net.core.somaxconn). */
const backlog = 1024

export interface TcpListenerOptions {
  readonly local: SocketAddress
  /** An IPv6 wildcard socket that also serves IPv4. */
  readonly isDualStack: boolean
  readonly clock: Clock
  readonly log: Logger
  readonly limits: ConnectionLimits
  readonly counts: TransportCounts
  readonly user: ListenerUser
}

/** One listening TCP socket, the connections it accepted, and those opened to peers in its name. */
export class TcpListener implements Listener {
  readonly protocol = 'tcp'
  readonly isDualStack: boolean
  readonly #clock: Clock
  readonly #log: Logger
  readonly #limits: ConnectionLimits
  readonly #counts: TransportCounts
  readonly #user: ListenerUser
  readonly #connections: ConnectionTable
  /** Being opened, by peer: who wants the same one waits for the same one. */
  readonly #opening = new Map<string, Promise<Wire>>()
  /** Ends those that are being opened. */
  readonly #abandon = new Set<(error: Error) => void>()
  #local: SocketAddress
  #server: Server | null = null
  #number = 0

  constructor(options: TcpListenerOptions) {
    this.#local = options.local
    this.isDualStack = options.isDualStack
    this.#clock = options.clock
    this.#log = options.log
    this.#limits = options.limits
    this.#counts = options.counts
    this.#user = options.user
    this.#connections = new ConnectionTable(options.clock, options.limits, options.counts)
  }

  get local(): SocketAddress {
    return this.#local
  }

  async start(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket))
    const { address, port } = this.#local
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host: address, port, backlog, exclusive: true, ipv6Only: !this.isDualStack }, resolve)
      })
    } catch (thrown) {
      throw await bindError('tcp', this.#local, thrown)
    }
    this.#local = { address, port: (server.address() as AddressInfo).port }
    this.#server = server
    server.removeAllListeners('error')
    server.on('error', (error) => this.#log.warn({ local: printAddress(this.#local), err: error }, 'TCP socket error'))
    this.#log.info({ local: printAddress(this.#local) }, 'TCP is bound')
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = null
    for (const abandon of this.#abandon) abandon(new Error('the server is closing'))
    this.#connections.closeAll()
    if (server !== null) await new Promise((resolve) => server.close(resolve))
  }

  open(remote: SocketAddress): Promise<Wire> {
    const known = this.#connections.find(remote)
    if (known !== undefined) return Promise.resolve(known)
    const key = printAddress(remote)
    const pending = this.#opening.get(key)
    if (pending !== undefined) return pending
    const opening = this.#connect(remote).finally(() => this.#opening.delete(key))
    this.#opening.set(key, opening)
    return opening
  }

  async #connect(remote: SocketAddress): Promise<Wire> {
    const facts = { address: remote.address, port: remote.port }
    if (this.#server === null || !this.#connections.mayOpen || this.#opening.size >= this.#limits.opened) {
      const sentence = `No connection to ${printAddress(remote)} was opened: too many are open, or the server is closing.`
      throw new TransportError('transport.too-many-connections', sentence, { facts })
    }
    const { address } = this.#local
    const socket = connect({
      host: remote.address,
      port: remote.port,
      // From the address that it listens on, so that the peer sees the one it knows.
      ...(isWildcard(address) ? {} : { localAddress: address }),
    })
    try {
      await this.#connected(socket)
    } catch (thrown) {
      socket.destroy()
      if (thrown instanceof TransportError) throw thrown
      const sentence = `No connection to ${printAddress(remote)}: ${toError(thrown).message}.`
      throw new TransportError('transport.connect-failed', sentence, { cause: thrown, facts })
    }
    return this.#adopt(socket, remote, false)
  }

  /** Resolves when the socket is connected; rejects when it cannot be, takes too long, or is not wanted any more. */
  #connected(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        cancel()
        this.#abandon.delete(fail)
        socket.removeAllListeners()
        // What is left of a failed socket may still report an error, which must find somebody.
        socket.on('error', () => {})
      }
      const fail = (error: Error): void => {
        done()
        reject(error)
      }
      const cancel = this.#clock.after(this.#limits.connectMs, () => {
        const sentence = `No connection within ${this.#limits.connectMs} ms.`
        fail(
          new TransportError('transport.connect-timed-out', sentence, { facts: { connectMs: this.#limits.connectMs } }),
        )
      })
      this.#abandon.add(fail)
      socket.once('error', fail)
      socket.once('connect', () => {
        done()
        resolve()
      })
    })
  }

  #accept(socket: Socket): void {
    const remote = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
    // Gone before it was looked at.
    if (socket.remoteAddress === undefined) return void socket.destroy()
    if (!this.#connections.mayAccept(remote.address)) {
      this.#counts.connections.refused++
      socket.on('error', () => {})
      socket.resetAndDestroy()
      return
    }
    this.#adopt(socket, remote, true)
  }

  #adopt(socket: Socket, remote: SocketAddress, isAccepted: boolean): StreamConnection {
    const connection = new StreamConnection({
      protocol: 'tcp',
      listener: this,
      socket,
      local: {
        address: plainAddress(socket.localAddress ?? this.#local.address),
        port: socket.localPort ?? this.#local.port,
      },
      remote,
      isAccepted,
      number: ++this.#number,
      clock: this.#clock,
      limits: this.#limits,
      counts: this.#counts,
      user: this.#user,
      closed: (gone) => this.#connections.remove(gone),
      proven: (spoken) => this.#connections.proven(spoken),
    })
    this.#connections.add(connection)
    return connection
  }
}
