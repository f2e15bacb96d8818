import { createServer, type Server, type Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Cancel, Clock } from '../../base/clock.ts'
import { TransportError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { portOwner } from '../../base/port-owner.ts'
import { decodeObject, encodeObject, type Framed, ObjectFramer } from './codec.ts'
import type { Nodes } from './nodes.ts'
import type { NodeIdentity, VoicemailService } from './service.ts'
import type { ErrorReply, Reason, WireObject } from './wire.ts'

export interface TcpLimits {
  /** An object that has begun goes on within this time; so does the handshake of TLS. */
  readonly incompleteMs: number
  /** From its first byte to its last, however slowly it comes. */
  readonly wholeMs: number
  /** A connection on which nothing is asked. */
  readonly idleMs: number
  /** Until a connection from an address that is not listed has said who it is. */
  readonly strangerMs: number
  readonly connections: number
  /** So that one address alone does not take all of them. */
  readonly connectionsPerAddress: number
  /** Requests of one connection that wait for their turn; beyond, nothing more is read. */
  readonly waiting: number
}

const usualTcpLimits: TcpLimits = {
  incompleteMs: 5000,
  wholeMs: 30_000,
  idleMs: 60_000,
  strangerMs: 10_000,
  connections: 256,
  connectionsPerAddress: 64,
  waiting: 64,
}

export interface TcpServerParts {
  readonly service: Pick<VoicemailService, 'handle'>
  readonly nodes: Nodes
  readonly clock: Clock
  readonly log: Logger
  /** With it, connections begin with a handshake of TLS. */
  readonly tls?: SecureContext
  readonly limits?: Partial<TcpLimits>
}

/** The voicemail service over TCP or TLS: objects in, one line each out, in the order they came. */
export class VoicemailTcpServer {
  readonly #parts: TcpServerParts
  readonly #limits: TcpLimits
  readonly #server: Server
  readonly #connections = new Map<Socket, Connection>()
  /** All that stand, by where they come from; those whose handshake is not done too. */
  readonly #sockets = new Map<Socket, string>()

  constructor(parts: TcpServerParts) {
    this.#parts = parts
    this.#limits = { ...usualTcpLimits, ...parts.limits }
    // A client may send its last request and close its half; it gets its answers all the same.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  /** @returns the port. Rejects with TransportError `voicemail.address-in-use`. */
  listen(address: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const onError = (thrown: NodeJS.ErrnoException): void => {
        if (thrown.code !== 'EADDRINUSE') return reject(thrown)
        portOwner('tcp', port)
          .catch(() => null)
          .then((owner) => {
            const sentence = `The voicemail address ${address}:${port} is in use by ${owner ?? 'another program'}.`
            reject(
              new TransportError('voicemail.address-in-use', sentence, { cause: thrown, facts: { address, port } }),
            )
          })
          .catch(reject)
      }
      this.#server.once('error', onError)
      this.#server.listen({ host: address, port }, () => {
        this.#server.off('error', onError)
        this.#server.on('error', (thrown) => this.#parts.log.error({ err: thrown }, 'the voicemail socket failed'))
        const bound = this.#server.address()
        resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
      })
    })
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.values()) connection.closed()
    for (const socket of this.#sockets.keys()) socket.destroy()
    if (!this.#server.listening) return
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(raw: Socket): void {
    const { log, clock, tls } = this.#parts
    const address = raw.remoteAddress ?? ''
    const fromThere = [...this.#sockets.values()].filter((one) => one === address).length
    if (this.#sockets.size >= this.#limits.connections || fromThere >= this.#limits.connectionsPerAddress) {
      log.warn({ address }, 'a voicemail connection was refused: too many are open')
      raw.destroy()
      return
    }
    this.#sockets.set(raw, address)
    raw.setNoDelay(true)
    raw.on('close', () => this.#sockets.delete(raw))
    raw.on('error', (thrown) => log.debug({ address, err: toError(thrown) }, 'a voicemail connection failed'))
    if (tls === undefined) return this.#serve(raw, address)
    const socket = new TLSSocket(raw, { isServer: true, secureContext: tls })
    const cancel = clock.after(this.#limits.incompleteMs, () => raw.destroy())
    socket.on('error', (thrown) => {
      log.debug({ address, err: toError(thrown) }, 'a voicemail connection failed')
      raw.destroy()
    })
    socket.on('close', () => {
      cancel()
      raw.destroy()
    })
    socket.once('secure', () => {
      cancel()
      this.#serve(socket, address)
    })
  }

  #serve(socket: Socket, address: string): void {
    const connection = new Connection(socket, address, this.#parts, this.#limits)
    this.#connections.set(socket, connection)
    socket.on('data', (chunk) => connection.received(chunk))
    socket.on('end', () => connection.ended())
    socket.on('close', () => {
      this.#connections.delete(socket)
      connection.closed()
    })
  }
}

/** What is to be answered: what came, or that nobody said who it is. */
type Asked = Framed | { readonly kind: 'stranger' }

/** One connection: reads on while its answers are worked out, answers in order. */
class Connection {
  readonly #socket: Socket
  readonly #address: string
  readonly #parts: TcpServerParts
  readonly #limits: TcpLimits
  readonly #framer = new ObjectFramer()
  /** Who it has proven to be by AUTH. */
  #node: NodeIdentity | null = null
  #tail: Promise<void> = Promise.resolve()
  #waiting = 0
  #isClosing = false
  #isClosed = false
  #cancelTimer: Cancel = () => {}
  /** Of the object that is coming: to its last byte. */
  #cancelWhole: Cancel | null = null
  /** Until it has said who it is. */
  #cancelStranger: Cancel = () => {}

  constructor(socket: Socket, address: string, parts: TcpServerParts, limits: TcpLimits) {
    this.#socket = socket
    this.#address = address
    this.#parts = parts
    this.#limits = limits
    this.#rearm()
    if (parts.nodes.byAddress(address) !== null) return
    this.#cancelStranger = parts.clock.after(limits.strangerMs, () => {
      this.#enqueue({ kind: 'stranger' })
    })
  }

  received(chunk: Uint8Array): void {
    if (this.#isClosing) return
    for (const framed of this.#framer.push(chunk)) {
      this.#forgetWhole()
      this.#enqueue(framed)
    }
    this.#rearm()
  }

  ended(): void {
    if (this.#framer.isInside) this.#enqueue({ kind: 'broken', sentence: 'The connection ended within an object.' })
    this.#endWhenAnswered()
  }

  closed(): void {
    this.#isClosing = true
    this.#isClosed = true
    this.#cancelAll()
  }

  #enqueue(framed: Asked): void {
    if (this.#isClosing) return
    if (framed.kind !== 'object') this.#isClosing = true
    if (++this.#waiting >= this.#limits.waiting) this.#socket.pause()
    this.#tail = this.#tail.then(async () => {
      const reply = await this.#answer(framed)
      this.#write(reply)
      if (--this.#waiting < this.#limits.waiting) this.#socket.resume()
      if (framed.kind !== 'object' || reply['reason'] === 'UNAUTHORIZED') this.#finish()
    })
  }

  async #answer(framed: Asked): Promise<WireObject> {
    if (framed.kind === 'stranger') return refused('UNAUTHORIZED', 'Nobody has said in time who is calling.')
    if (framed.kind === 'broken') return refused('BAD_JSON', framed.sentence)
    const decoded = decodeObject(framed.text)
    if (decoded.kind === 'unreadable') return refused('BAD_JSON', decoded.sentence)
    const { object, slips } = decoded
    if (slips.length > 0) this.#parts.log.warn({ address: this.#address, slips }, 'a voicemail request was read kindly')
    if (nameOf(object) === 'AUTH') return this.#authenticate(object)
    const calledItself = typeof object['ivr_name'] === 'string' ? object['ivr_name'] : null
    const node = this.#node ?? this.#parts.nodes.byAddress(this.#address, calledItself)
    if (node === null)
      return refused('UNAUTHORIZED', 'This address is not listed; send AUTH with the key of a node first.')
    return await this.#parts.service.handle(object, node)
  }

  #authenticate(object: WireObject): WireObject {
    const key = object['key']
    const node = typeof key === 'string' ? this.#parts.nodes.byKey(key, this.#address) : null
    if (node === null || (typeof object['ivr_name'] === 'string' && object['ivr_name'] !== node.name)) {
      this.#parts.log.warn({ address: this.#address }, 'a voicemail node gave a wrong key')
      return refused('UNAUTHORIZED', 'The key is not that of this node.')
    }
    this.#node = node
    this.#cancelStranger()
    return { status: 'ok' }
  }

  #write(reply: WireObject): void {
    if (this.#socket.writable) this.#socket.write(`${encodeObject(reply)}\n`)
  }

  /** An object that stands still and a connection that does nothing both have their time. */
  #rearm(): void {
    this.#cancelTimer()
    if (this.#isClosing) return
    const { clock } = this.#parts
    if (this.#framer.isInside) {
      this.#cancelWhole ??= clock.after(this.#limits.wholeMs, () => {
        this.#enqueue({ kind: 'broken', sentence: 'An object took too long to come.' })
      })
      this.#cancelTimer = clock.after(this.#limits.incompleteMs, () => {
        this.#enqueue({ kind: 'broken', sentence: 'An object was not completed in time.' })
      })
      return
    }
    this.#cancelTimer = clock.after(this.#limits.idleMs, () => {
      if (this.#waiting > 0) this.#rearm()
      else this.#endWhenAnswered()
    })
  }

  #endWhenAnswered(): void {
    this.#tail = this.#tail.then(() => this.#finish())
  }

  #forgetWhole(): void {
    this.#cancelWhole?.()
    this.#cancelWhole = null
  }

  #cancelAll(): void {
    this.#cancelTimer()
    this.#cancelStranger()
    this.#forgetWhole()
  }

  /** Says goodbye; a client that does not answer that is not waited for. */
  #finish(): void {
    this.#isClosing = true
    this.#cancelAll()
    if (this.#isClosed) return
    this.#socket.end()
    this.#socket.resume()
    this.#cancelTimer = this.#parts.clock.after(this.#limits.incompleteMs, () => this.#socket.destroy())
  }
}

function nameOf(object: WireObject): string {
  const { command } = object
  return typeof command === 'string' ? command.trim().toUpperCase() : ''
}

function refused(reason: Reason, message: string): ErrorReply {
  return { status: 'error', reason, message }
}
