/*
 * A peer on live sockets that says whatever bytes a test gives it and keeps what comes back. Its reader of messages is its
 * own, and lenient: an answer that echoes an illegal value must be read all the same.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket as TcpSocket } from 'node:net'

export interface WireMessage {
  readonly startLine: string
  /** Null for a request. */
  readonly status: number | null
  /** The values of one header field, in their order; the name in its long form, any case. */
  all(name: string): readonly string[]
  /** The first of them. */
  get(name: string): string | undefined
  readonly body: Buffer
}

export interface Place {
  readonly address: string
  readonly port: number
}

const longNames: Readonly<Record<string, string>> = { v: 'via', i: 'call-id', f: 'from', t: 'to', l: 'content-length' }

/** Reads a message as far as it can be read. */
export function readWire(bytes: Buffer): WireMessage {
  const end = bytes.indexOf('\r\n\r\n')
  const head = bytes.subarray(0, end < 0 ? bytes.length : end).toString()
  const [startLine = '', ...lines] = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
  const fields = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    return [longNames[name] ?? name, line.slice(colon + 1).trim()]
  })
  const status = /^SIP\/2\.0 (\d{3}) /.exec(startLine)?.[1]
  const all = (name: string): readonly string[] =>
    fields.flatMap(([key, value]) => (key === name.toLowerCase() ? [value] : []))
  return {
    startLine,
    status: status === undefined ? null : Number(status),
    all,
    get: (name) => all(name)[0],
    body: end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4),
  }
}

/** The messages one peer got, and a way to wait for one. */
class Inbox {
  readonly messages: WireMessage[] = []
  readonly #waiting = new Set<() => void>()

  push(message: WireMessage): void {
    this.messages.push(message)
    this.changed()
  }

  /** Lets those who wait look again. */
  changed(): void {
    for (const look of this.#waiting) look()
  }

  /** Resolves with what `find` gives once it is not undefined; undefined when `withinMs` is over. */
  wait<Found>(find: () => Found | undefined, withinMs: number): Promise<Found | undefined> {
    const found = find()
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve) => {
      const settle = (value: Found | undefined): void => {
        this.#waiting.delete(look)
        clearTimeout(timer)
        resolve(value)
      }
      const look = (): void => {
        const value = find()
        if (value !== undefined) settle(value)
      }
      const timer = setTimeout(() => settle(undefined), withinMs)
      this.#waiting.add(look)
    })
  }
}

/** What both kinds of peer can do. */
export interface Wire {
  readonly protocol: 'udp' | 'tcp'
  readonly local: Place
  readonly received: readonly WireMessage[]
  /** Told of each message as it comes, besides its being kept. */
  onMessage: (message: WireMessage) => void
  send(bytes: Uint8Array | string): void
  /** The first message, of those that have come or come within the time, that fits. */
  message(fits: (message: WireMessage) => boolean, withinMs?: number): Promise<WireMessage | undefined>
  /** Whether the server closes the connection within the time. */
  closed(withinMs?: number): Promise<boolean>
  close(): Promise<void>
}

const usualWaitMs = 5000

export class UdpWire implements Wire {
  readonly protocol = 'udp'
  onMessage: (message: WireMessage) => void = () => {}
  readonly #socket: UdpSocket
  readonly #server: Place
  readonly #inbox = new Inbox()

  private constructor(socket: UdpSocket, server: Place) {
    this.#socket = socket
    this.#server = server
    // The server's port may be closed again: that is for the test to find out by what does not come.
    socket.on('error', () => {})
    socket.on('message', (bytes) => {
      const message = readWire(bytes)
      this.#inbox.push(message)
      this.onMessage(message)
    })
  }

  /** @param from - port 0: a free one. */
  static async open(server: Place, from: Partial<Place> = {}): Promise<UdpWire> {
    const { address = '127.0.0.1', port = 0 } = from
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.bind(port, address)
    await once(socket, 'listening')
    return new UdpWire(socket, server)
  }

  get local(): Place {
    return this.#socket.address()
  }

  get received(): readonly WireMessage[] {
    return this.#inbox.messages
  }

  send(bytes: Uint8Array | string): void {
    this.#socket.send(bytes, this.#server.port, this.#server.address)
  }

  message(fits: (message: WireMessage) => boolean, withinMs = usualWaitMs): Promise<WireMessage | undefined> {
    return this.#inbox.wait(() => this.#inbox.messages.find(fits), withinMs)
  }

  async closed(): Promise<boolean> {
    return false
  }

  async close(): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}

export class TcpWire implements Wire {
  readonly protocol = 'tcp'
  onMessage: (message: WireMessage) => void = () => {}
  readonly #socket: TcpSocket
  readonly #inbox = new Inbox()
  #rest = Buffer.alloc(0)
  #isClosed = false

  private constructor(socket: TcpSocket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#inbox.changed()
    })
  }

  static async open(server: Place, from: { readonly address?: string } = {}): Promise<TcpWire> {
    const socket = connect({
      host: server.address,
      port: server.port,
      ...(from.address === undefined ? {} : { localAddress: from.address }),
    })
    await once(socket, 'connect')
    return new TcpWire(socket)
  }

  get local(): Place {
    return { address: this.#socket.localAddress ?? '', port: this.#socket.localPort ?? 0 }
  }

  get received(): readonly WireMessage[] {
    return this.#inbox.messages
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(bytes: Uint8Array | string): void {
    if (!this.#isClosed) this.#socket.write(bytes)
  }

  message(fits: (message: WireMessage) => boolean, withinMs = usualWaitMs): Promise<WireMessage | undefined> {
    return this.#inbox.wait(() => this.#inbox.messages.find(fits), withinMs)
  }

  async closed(withinMs = usualWaitMs): Promise<boolean> {
    return (await this.#inbox.wait(() => (this.#isClosed ? true : undefined), withinMs)) ?? false
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    const gone = once(this.#socket, 'close')
    this.#socket.destroy()
    await gone
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      while (this.#rest.subarray(0, 2).toString() === '\r\n') this.#rest = this.#rest.subarray(2)
      const end = this.#rest.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = Number(readWire(this.#rest).get('content-length') ?? 0)
      if (this.#rest.length < end + 4 + length) return
      const message = readWire(this.#rest.subarray(0, end + 4 + length))
      this.#rest = this.#rest.subarray(end + 4 + length)
      this.#inbox.push(message)
      this.onMessage(message)
    }
  }
}

/**
 * An address of loopback other than 127.0.0.1, so that what the server counts per address does not mix; where there is
 * only one (all but Linux), that one.
 */
export function loopbackAddress(block: number, host: number): string {
  return process.platform === 'linux' ? `127.${block}.${(host >> 8) & 255}.${host & 255 || 1}` : '127.0.0.1'
}
