import type { Socket } from 'node:net'
import type { Cancel, Clock } from '../../base/clock.ts'
import { TransportError, toError } from '../../base/errors.ts'
import { MessageError, StreamFramer } from '../message/index.ts'
import { printAddress } from './address-text.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { DirectionCounts, TransportCounts } from './counts.ts'
import type { Listener, ListenerUser, Wire } from './listener.ts'
import type { SocketAddress } from './types.ts'

export interface ConnectionOptions {
  readonly protocol: 'tcp'
  readonly listener: Listener
  /** Connected. */
  readonly socket: Socket
  readonly local: SocketAddress
  readonly remote: SocketAddress
  readonly isAccepted: boolean
  /** Tells this connection from others between the same addresses, before or after it. */
  readonly number: number
  readonly clock: Clock
  readonly limits: ConnectionLimits
  readonly counts: TransportCounts
  readonly user: ListenerUser
  /** Told once, when it is gone. */
  readonly closed: (connection: StreamConnection) => void
  /** Told once, when the first whole message has come. */
  readonly proven: (connection: StreamConnection) => void
}

/** The answer to a keep-alive: RFC 5626 §3.5.1. */
const pong = new Uint8Array([0x0d, 0x0a])
/** A CRLF that may yet become a keep-alive waits for what follows it; the peer owes nothing then. */
const longestEmptyLines = 3
/** What came whole before the stream broke may still be being answered: after a look into the database, say. */
const lastAnswersMs = 500
const noCause = Symbol('closed by the peer')

/** Why the table closes a connection by itself. */
export type Overdue = 'timedOut' | 'idle'

/** One stream between us and a peer: bytes are framed here. TLS joins with its own socket. */
export class StreamConnection implements Wire {
  readonly id: string
  readonly protocol: 'tcp'
  readonly isReliable = true
  readonly listener: Listener
  readonly local: SocketAddress
  readonly remote: SocketAddress
  readonly isAccepted: boolean
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #limits: ConnectionLimits
  readonly #counts: TransportCounts
  readonly #messages: DirectionCounts
  readonly #user: ListenerUser
  readonly #closed: (connection: StreamConnection) => void
  readonly #proven: (connection: StreamConnection) => void
  readonly #framer = new StreamFramer()
  #isOpen = true
  #isProven: boolean
  #heardMs: number
  /** Since when a message lies here half, or the first is awaited; null while nothing is owed. */
  #owedSinceMs: number | null
  #cause: unknown = noCause
  #cancelFinish: Cancel = () => {}

  constructor(options: ConnectionOptions) {
    this.protocol = options.protocol
    this.listener = options.listener
    this.local = options.local
    this.remote = options.remote
    this.isAccepted = options.isAccepted
    this.id = `${options.protocol}:${printAddress(options.local)}-${printAddress(options.remote)}#${options.number}`
    this.#socket = options.socket
    this.#clock = options.clock
    this.#limits = options.limits
    this.#counts = options.counts
    this.#messages = options.counts[options.protocol]
    this.#user = options.user
    this.#closed = options.closed
    this.#proven = options.proven
    this.#heardMs = this.#clock.now()
    // Only who came to us owes a message at once; a peer that we went to speaks when it has something to say.
    this.#isProven = !options.isAccepted
    this.#owedSinceMs = options.isAccepted ? this.#heardMs : null
    this.#listen()
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  send(bytes: Uint8Array): Promise<void> {
    if (!this.#isOpen) return Promise.reject(this.#lost(this.#cause))
    if (this.#socket.writableLength + bytes.length > this.#limits.unsentBytes) {
      this.#counts.connections.tooSlow++
      const sentence = `${printAddress(this.remote)} does not read what it is sent; its connection was closed.`
      const error = new TransportError('transport.peer-too-slow', sentence, {
        facts: { unsentBytes: this.#socket.writableLength },
      })
      this.close(error)
      return Promise.reject(error)
    }
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) return reject(this.#lost(error))
        this.#messages.sent++
        resolve()
      })
    })
  }

  /** Ends it at once; what was not sent is lost. */
  close(cause: unknown = noCause): void {
    if (this.#isOpen) this.#cause = cause
    this.#gone()
    this.#socket.destroy()
  }

  /**
   * Ends it when what waits to be sent has gone out, and the answers to what came before have had their time; nothing more
   * is read. The sweep ends what does not end by itself.
   */
  #finish(): void {
    this.#owedSinceMs ??= this.#clock.now()
    if (this.#isProven) this.#cancelFinish = this.#clock.after(lastAnswersMs, () => this.#socket.destroySoon())
    else this.#socket.destroySoon()
  }

  /** What it has let pass, if anything. */
  overdue(nowMs: number): Overdue | null {
    if (this.#owedSinceMs !== null && nowMs - this.#owedSinceMs >= this.#limits.messageMs) return 'timedOut'
    return nowMs - this.#heardMs >= this.#limits.idleMs ? 'idle' : null
  }

  #listen(): void {
    const socket = this.#socket
    socket.setNoDelay(true)
    // Finds peers that are gone without a word, long before they count as idle.
    socket.setKeepAlive(true, 60_000)
    socket.on('data', (chunk: Uint8Array) => this.#received(chunk))
    socket.on('error', (error) => {
      this.#cause = error
    })
    socket.on('close', () => this.#gone())
  }

  #received(chunk: Uint8Array): void {
    if (!this.#isOpen) return
    this.#heardMs = this.#clock.now()
    this.#framer.push(chunk)
    try {
      this.#deliver()
    } catch (thrown) {
      if (!(thrown instanceof MessageError)) throw thrown
      this.#messages.received++
      this.#user.framingFailed(thrown, this)
      this.#finish()
      return
    }
    if (this.#framer.pending > longestEmptyLines) this.#owedSinceMs ??= this.#heardMs
  }

  #deliver(): void {
    for (let framed = this.#framer.next(); framed !== null && this.#isOpen; framed = this.#framer.next()) {
      if (framed.kind === 'keep-alive') {
        // Not a message: it does not prove a connection, or an attacker would keep one for four bytes.
        this.#user.keepAliveArrived(this)
        this.#answerKeepAlive()
        continue
      }
      this.#messages.received++
      this.#owedSinceMs = null
      if (!this.#isProven) {
        this.#isProven = true
        this.#proven(this)
      }
      this.#user.messageArrived(framed.bytes, this)
    }
  }

  #answerKeepAlive(): void {
    if (this.#socket.writableLength + pong.length > this.#limits.unsentBytes) return this.close()
    this.#socket.write(pong)
  }

  #gone(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#cancelFinish()
    this.#closed(this)
    this.#user.wireClosed(this)
  }

  #lost(cause: unknown): TransportError {
    const why = cause === noCause || cause === undefined ? 'the peer closed it' : toError(cause).message
    return new TransportError(
      'transport.connection-lost',
      `The connection to ${printAddress(this.remote)} is lost: ${why}.`,
      {
        ...(cause === noCause ? {} : { cause }),
        facts: { address: this.remote.address, port: this.remote.port },
      },
    )
  }
}
