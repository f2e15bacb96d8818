import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIP, isIPv6 } from 'node:net'
import { TransportError } from '../base/errors.ts'

/** Hears the datagrams of one port. `bytes` is the hearer's to keep. Called once per packet: it must not throw or wait. */
export type DatagramListener = (bytes: Uint8Array, address: string, port: number) => void

/** A bound UDP port. Media code sees this only, so that tests run on a network in memory. */
export interface DatagramPort {
  /** The local address it is bound to, IP literal. */
  readonly address: string
  readonly port: number
  /** Datagrams known not to have left since the start. Node tells of bad arguments and late refusals, not of all. */
  readonly sendErrors: number
  /**
   * Sends `bytes[offset … offset + length)`. The kernel has copied them on return (a full send buffer apart, which may
   * send what the bytes hold later), so the same buffer may be filled again for the next packet.
   * @param address - IP literal of the port's family; anything else is counted as a send error.
   */
  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void
  /** Sets the one listener; a later call replaces it. Datagrams that came before the first are dropped. */
  onMessage(listener: DatagramListener): void
  /** Idempotent; the listener hears nothing more. */
  close(): void
}

export interface DatagramPortOptions {
  readonly address: string
  /** 0 lets the kernel choose. */
  readonly port: number
  /**
   * Kernel receive buffer in bytes. The default holds over a second of a 50-packet stream with the kernel's own
   * overhead per packet, and keeps a flooded port from taking the usual 208 KiB.
   */
  readonly receiveBufferBytes?: number
}

/** As many datagrams may wait in the process when the kernel's send buffer is full; later ones are dropped. */
const maxQueuedDatagrams = 32

/** The queue is looked at once in so many sends: asking costs about as much as a tenth of a send. */
const queueCheckInterval = 16

/**
 * Binds a UDP port of this machine.
 * Rejects with TransportError `rtp.bind-failed` (facts: address, port, reason such as EADDRINUSE).
 */
export function bindDatagramPort(options: DatagramPortOptions): Promise<DatagramPort> {
  const { address, port } = options
  return new Promise((resolve, reject) => {
    const family = isIPv6(address) ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Otherwise `::` would also take the IPv4 port of the same number.
      ipv6Only: family === 6,
      recvBufferSize: options.receiveBufferBytes ?? 65_536,
      lookup: literalLookup(family),
    })
    const onError = (error: Error): void => {
      socket.close()
      const reason = (error as NodeJS.ErrnoException).code ?? error.message
      const sentence = `UDP port ${port} of ${address} cannot be bound: ${reason}.`
      reject(new TransportError('rtp.bind-failed', sentence, { cause: error, facts: { address, port, reason } }))
    }
    socket.once('error', onError)
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', onError)
      resolve(new UdpPort(socket))
    })
  })
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string, family: number) => void

/**
 * Answers in place for IP literals of the family: the usual way through dns.lookup costs a tick and a closure per
 * packet. A port writes to one peer nearly always, so the last good address is remembered.
 */
function literalLookup(family: 4 | 6): (host: string, options: unknown, callback: LookupCallback) => void {
  let lastGood = ''
  return (host, _options, callback) => {
    if (host === lastGood || isIP(host) === family) {
      lastGood = host
      callback(null, host, family)
    } else {
      callback(Object.assign(new Error(`${host} is no address of IPv${family}`), { code: 'ENOTFOUND' }), '', family)
    }
  }
}

class UdpPort implements DatagramPort {
  readonly address: string
  readonly port: number
  readonly #socket: Socket
  #listener: DatagramListener | null = null
  #isClosed = false
  #sendErrors = 0
  #untilQueueCheck = queueCheckInterval
  #isQueueFull = false

  constructor(socket: Socket) {
    const { address, port } = socket.address()
    this.address = address
    this.port = port
    this.#socket = socket
    // Refused sends arrive here, and a socket without this handler would end the process.
    socket.on('error', () => this.#sendErrors++)
    socket.on('message', (bytes: Buffer, remote: RemoteInfo) => this.#listener?.(bytes, remote.address, remote.port))
  }

  get sendErrors(): number {
    return this.#sendErrors
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    if (this.#isClosed) return
    if (--this.#untilQueueCheck <= 0 || this.#isQueueFull) {
      this.#untilQueueCheck = queueCheckInterval
      this.#isQueueFull = this.#socket.getSendQueueCount() >= maxQueuedDatagrams
      if (this.#isQueueFull) {
        this.#sendErrors++
        return
      }
    }
    try {
      // A whole array goes without the view that Node would make for a part of one.
      if (offset === 0 && length === bytes.length) this.#socket.send(bytes, port, address)
      else this.#socket.send(bytes, offset, length, port, address)
    } catch {
      // A port of 0 or an address Node refuses: this packet's own misfortune.
      this.#sendErrors++
    }
  }

  onMessage(listener: DatagramListener): void {
    this.#listener = listener
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener = null
    this.#socket.close()
  }
}
