import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { TransportError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { isWildcard } from '../../config/addresses.ts'
import { isKeepAlive } from '../message/index.ts'
import { addressForFamily, plainAddress, printAddress } from './address-text.ts'
import { bindError } from './bind-error.ts'
import type { TransportCounts } from './counts.ts'
import type { Listener, ListenerUser, Wire } from './listener.ts'
import type { SourceRoutes } from './source-routes.ts'
import type { SocketAddress } from './types.ts'

/**
 * Room for a burst while JavaScript is busy: 4 MiB hold about 3,000 INVITEs. The kernel may grant less
 * (net.core.rmem_max); what it granted is in the log.
 */
const receiveBufferBytes = 4 * 1024 * 1024
/** Datagrams the kernel does not take wait in this process; beyond this they are dropped, as the network would. */
const maxUnsentBytes = 4 * 1024 * 1024

export interface UdpListenerOptions {
  readonly local: SocketAddress
  /** An IPv6 wildcard socket that also serves IPv4. */
  readonly isDualStack: boolean
  readonly routes: SourceRoutes
  readonly log: Logger
  readonly counts: TransportCounts
  readonly user: ListenerUser
}

/** One UDP socket. An ICMP error, or any other about one datagram, never ends it. */
export class UdpListener implements Listener {
  readonly protocol = 'udp'
  readonly isDualStack: boolean
  readonly routes: SourceRoutes
  readonly #family: 4 | 6
  readonly #log: Logger
  readonly #counts: TransportCounts
  readonly #user: ListenerUser
  #local: SocketAddress
  #socket: Socket | null = null

  constructor(options: UdpListenerOptions) {
    this.#local = options.local
    this.#family = options.local.address.includes(':') ? 6 : 4
    this.isDualStack = options.isDualStack
    this.routes = options.routes
    this.#log = options.log
    this.#counts = options.counts
    this.#user = options.user
  }

  get local(): SocketAddress {
    return this.#local
  }

  async start(): Promise<void> {
    const family = this.#family
    const socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      ipv6Only: family === 6 && !this.isDualStack,
      // Only literals come here; answering at once spares each datagram a turn through the resolver.
      lookup: (host, _options, callback) => callback(null, host, family),
    })
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.once('listening', resolve)
        socket.bind({ address: this.#local.address, port: this.#local.port, exclusive: true })
      })
    } catch (thrown) {
      socket.close()
      throw await bindError('udp', this.#local, thrown)
    }
    this.#local = { address: this.#local.address, port: socket.address().port }
    this.#socket = socket
    socket.removeAllListeners('error')
    socket.on('error', (error) => this.#log.warn({ local: printAddress(this.#local), err: error }, 'UDP socket error'))
    socket.on('message', (bytes, from) => this.#received(bytes, from))
    this.#growBuffer(socket)
  }

  async close(): Promise<void> {
    const socket = this.#socket
    this.#socket = null
    if (socket !== null) await new Promise<void>((resolve) => socket.close(resolve))
  }

  open(remote: SocketAddress): Promise<Wire> {
    return Promise.resolve(new UdpWire(this, remote))
  }

  /** Rejects with TransportError `transport.send-failed`. */
  send(bytes: Uint8Array, remote: SocketAddress): Promise<void> {
    const socket = this.#socket
    if (socket === null) return Promise.reject(sendFailed(remote, new Error('the socket is closed')))
    if (socket.getSendQueueSize() > maxUnsentBytes) {
      return Promise.reject(sendFailed(remote, new Error('too much waits to be sent')))
    }
    return new Promise((resolve, reject) => {
      try {
        socket.send(bytes, remote.port, addressForFamily(remote.address, this.#family), (error) => {
          if (error) return reject(sendFailed(remote, error))
          this.#counts.udp.sent++
          resolve()
        })
      } catch (thrown) {
        reject(sendFailed(remote, thrown))
      }
    })
  }

  #received(bytes: Uint8Array, from: RemoteInfo): void {
    // Port 0 can be forged into a datagram, and nothing can be sent to it.
    if (from.port === 0) return
    const wire = new UdpWire(this, { address: plainAddress(from.address), port: from.port })
    if (isKeepAlive(bytes)) this.#user.keepAliveArrived(wire)
    else {
      this.#counts.udp.received++
      this.#user.messageArrived(bytes, wire)
    }
  }

  #growBuffer(socket: Socket): void {
    try {
      socket.setRecvBufferSize(receiveBufferBytes)
    } catch (thrown) {
      this.#log.warn({ err: toError(thrown) }, 'the receive buffer of a UDP socket keeps its usual size')
    }
    this.#log.info({ local: printAddress(this.#local), receiveBufferBytes: socket.getRecvBufferSize() }, 'UDP is bound')
  }
}

/** A pair of addresses. Light: one is made for every datagram that comes in. */
class UdpWire implements Wire {
  readonly protocol = 'udp'
  readonly isReliable = false
  readonly isOpen = true
  readonly listener: UdpListener
  readonly remote: SocketAddress
  #id: string | null = null

  constructor(listener: UdpListener, remote: SocketAddress) {
    this.listener = listener
    this.remote = remote
  }

  get id(): string {
    this.#id ??= `udp:${printAddress(this.listener.local)}-${printAddress(this.remote)}`
    return this.#id
  }

  get local(): SocketAddress {
    const { local, routes } = this.listener
    return isWildcard(local.address) ? { address: routes.sourceFor(this.remote.address), port: local.port } : local
  }

  send(bytes: Uint8Array): Promise<void> {
    return this.listener.send(bytes, this.remote)
  }
}

function sendFailed(remote: SocketAddress, cause: unknown): TransportError {
  const sentence = `Nothing could be sent over UDP to ${printAddress(remote)}: ${toError(cause).message}.`
  return new TransportError('transport.send-failed', sentence, {
    cause,
    facts: { address: remote.address, port: remote.port },
  })
}
