import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { ParseError } from '../../src/base/errors.ts'
import type { SipMessage } from '../../src/sip/message/index.ts'
import type { Flow, SocketAddress, TransportUser } from '../../src/sip/transport/index.ts'

/** What has come, for tests that wait for it: no polling, no sleeping. */
export class Arrivals<Item> {
  readonly #items: Item[] = []
  readonly #waiting: ((item: Item) => void)[] = []

  add(item: Item): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#items.push(item)
    else waiting(item)
  }

  /** The next one, now or when it comes. */
  next(): Promise<Item> {
    const item = this.#items.shift()
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item)
  }

  async take(count: number): Promise<Item[]> {
    const items: Item[] = []
    while (items.length < count) items.push(await this.next())
    return items
  }

  /** Come, and not taken yet. */
  get left(): number {
    return this.#items.length
  }
}

/** Reads a transport under test. */
export class LiveUser implements TransportUser {
  readonly messages = new Arrivals<{ readonly message: SipMessage; readonly flow: Flow }>()
  readonly garbage = new Arrivals<{ readonly error: ParseError; readonly flow: Flow }>()
  readonly closed = new Arrivals<Flow>()

  messageReceived(message: SipMessage, flow: Flow): void {
    this.messages.add({ message, flow })
  }

  garbageReceived(error: ParseError, flow: Flow): void {
    this.garbage.add({ error, flow })
  }

  flowClosed(flow: Flow): void {
    this.closed.add(flow)
  }
}

/** A bare UDP socket of the other side. */
export class UdpPeer {
  readonly datagrams = new Arrivals<{ readonly text: string; readonly from: SocketAddress }>()
  readonly #socket: UdpSocket

  private constructor(socket: UdpSocket) {
    this.#socket = socket
    socket.on('message', (bytes, from) =>
      this.datagrams.add({ text: bytes.toString('latin1'), from: { address: from.address, port: from.port } }),
    )
  }

  static async open(address: string): Promise<UdpPeer> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.bind(0, address)
    await once(socket, 'listening')
    return new UdpPeer(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  send(data: string | Uint8Array, to: SocketAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(data, to.port, to.address, (error) => (error ? reject(error) : resolve()))
    })
  }

  close(): void {
    this.#socket.close()
  }
}

/** A bare connection of the other side; what comes is taken by what it ends with. */
export class TcpPeer {
  readonly socket: Socket
  #text = ''
  #isClosed = false
  #wake: (() => void) | null = null

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Uint8Array) => {
      this.#text += Buffer.from(chunk).toString('latin1')
      this.#wake?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake?.()
    })
  }

  static async open(to: SocketAddress): Promise<TcpPeer> {
    const socket = connect(to.port, to.address)
    await once(socket, 'connect')
    return new TcpPeer(socket)
  }

  get port(): number {
    return this.socket.localPort ?? 0
  }

  /** Resolves when the kernel has taken it. */
  send(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(data, () => resolve()))
  }

  /** Takes what has come once it holds `marker`, up to and with it. */
  async until(marker: string): Promise<string> {
    for (;;) {
      const at = this.#text.indexOf(marker)
      if (at >= 0) {
        const taken = this.#text.slice(0, at + marker.length)
        this.#text = this.#text.slice(at + marker.length)
        return taken
      }
      if (this.#isClosed) throw new Error(`Closed before ${JSON.stringify(marker)}; had ${JSON.stringify(this.#text)}`)
      await this.#change()
    }
  }

  /** Resolves when the other side has closed. */
  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#change()
  }

  close(): void {
    this.socket.destroy()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

/** A bare TCP server of the other side. */
export class TcpPeerServer {
  readonly connections = new Arrivals<TcpPeer>()
  readonly #server: Server
  readonly #open: TcpPeer[] = []

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      const peer = new TcpPeer(socket)
      this.#open.push(peer)
      this.connections.add(peer)
    })
  }

  static async open(address: string, port = 0): Promise<TcpPeerServer> {
    const server = createServer()
    server.listen(port, address)
    await once(server, 'listening')
    return new TcpPeerServer(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    for (const peer of this.#open) peer.close()
    this.#server.close()
  }
}
