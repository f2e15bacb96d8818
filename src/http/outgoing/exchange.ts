import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { type Cancel, type Clock } from '../../base/clock.ts'
import { AddressRefused, type Connections } from './connections.ts'
import { type OutgoingTarget, refusedSentence } from './outgoing-url.ts'
import type { OutgoingFailureCode } from './types.ts'

export interface ExchangeOptions {
  readonly clock: Clock
  readonly connections: Connections
  readonly target: OutgoingTarget
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
  /** From now on. */
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxResponseBytes: number
  readonly signal: AbortSignal
}

export type ExchangeResult =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: ReadonlyMap<string, string>
      readonly body: Uint8Array
      readonly isTruncated: boolean
    }
  | {
      readonly kind: 'failure'
      readonly code: OutgoingFailureCode
      readonly reached: 'nothing' | 'unknown'
      readonly status: number | null
      readonly sentence: string
    }

/** Sockets over which requests may go: their connection stands, and their TLS. */
const established = new WeakSet<Socket>()

/** One request and its answer, without redirects. Never rejects. */
export function exchange(options: ExchangeOptions): Promise<ExchangeResult> {
  return new Promise((resolve) => new Exchange(options, resolve).start())
}

class Exchange {
  readonly #options: ExchangeOptions
  readonly #resolve: (result: ExchangeResult) => void
  readonly #cancels: Cancel[] = []
  /** `queued`: waits for a connection of its host; `sent`: a byte may have left. */
  #phase: 'queued' | 'connecting' | 'agreeing' | 'sent' | 'settled' = 'queued'
  #request: ClientRequest | null = null
  #status: number | null = null
  #response: IncomingMessage | null = null

  constructor(options: ExchangeOptions, resolve: (result: ExchangeResult) => void) {
    this.#options = options
    this.#resolve = resolve
  }

  start(): void {
    const { clock, connections, target, timeoutMs, connectTimeoutMs, signal } = this.#options
    const onAbort = (): void => this.#fail('outgoing.stopped', `The request to ${target.shown} was given up.`)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    this.#cancels.push(
      () => signal.removeEventListener('abort', onAbort),
      clock.after(connectTimeoutMs, () => this.#connectTimedOut(connectTimeoutMs)),
      clock.after(timeoutMs, () => this.#timedOut(timeoutMs)),
    )
    if (!connections.hasIdle(target)) return this.#send()
    // A receiver may have closed the connection already, and we have not read of it: after one turn of the event loop in
    // which sockets are read we have, and it is not written to. The first immediate may come behind that part of this turn.
    setImmediate(() => setImmediate(() => this.#send()))
  }

  #send(): void {
    if (this.#phase === 'settled') return
    const { connections, target, method, headers, body } = this.#options
    const { url, host } = target
    const isTls = url.protocol === 'https:'
    const request = (isTls ? httpsRequest : httpRequest)({
      ...connections.optionsFor(target),
      method,
      host,
      // Empty for the scheme's own port.
      port: url.port === '' ? null : Number(url.port),
      path: `${url.pathname}${url.search}`,
      headers,
    })
    this.#request = request
    request.on('socket', (socket) => this.#gotSocket(socket, isTls))
    request.on('response', (response) => this.#gotResponse(response))
    request.on('error', (error: NodeJS.ErrnoException) => this.#broke(error))
    // An answer that lasts until the connection closes is whole then, and its end is told a moment later.
    request.on('close', () => this.#response?.complete === true || this.#broke(null))
    request.end(body ?? undefined)
  }

  /** A socket of the pool is ready at once; a new one when its connection stands, and only then is anything written. */
  #gotSocket(socket: Socket, isTls: boolean): void {
    if (this.#phase === 'settled') return
    const isReady = established.has(socket) || (!isTls && !socket.connecting)
    if (isReady) {
      this.#phase = 'sent'
      return
    }
    this.#phase = 'connecting'
    const connected = (): void => {
      if (this.#phase === 'connecting') this.#phase = 'agreeing'
    }
    const ready = (): void => {
      established.add(socket)
      if (this.#phase !== 'settled') this.#phase = 'sent'
    }
    if (isTls) socket.once('connect', connected)
    socket.once(isTls ? 'secureConnect' : 'connect', ready)
  }

  #gotResponse(response: IncomingMessage): void {
    if (this.#phase === 'settled') return
    this.#phase = 'sent'
    const status = response.statusCode ?? 0
    this.#status = status
    this.#response = response
    const { target, maxResponseBytes } = this.#options
    const coding = response.headers['content-encoding'] ?? 'identity'
    if (coding.toLowerCase() !== 'identity') {
      const shownCoding = JSON.stringify(coding.slice(0, 40))
      return this.#fail('outgoing.answer-encoded', `${target.shown} answered in the coding ${shownCoding}, unasked.`)
    }
    const headers = new Map<string, string>()
    for (const [name, values] of Object.entries(response.headersDistinct)) headers.set(name, (values ?? []).join(', '))
    const chunks: Buffer[] = []
    let size = 0
    const finish = (isTruncated: boolean): void =>
      this.#settle({
        kind: 'answer',
        status,
        headers,
        body: Buffer.concat(chunks, Math.min(size, maxResponseBytes)),
        isTruncated,
      })
    response.on('data', (chunk: Buffer) => {
      if (this.#phase === 'settled') return
      chunks.push(chunk)
      size += chunk.length
      if (size > maxResponseBytes) finish(true)
    })
    response.on('end', () => finish(false))
    response.on('error', (error: NodeJS.ErrnoException) => this.#broke(error))
  }

  #connectTimedOut(ms: number): void {
    const { shown } = this.#options.target
    if (this.#phase === 'queued') {
      this.#fail('outgoing.busy', `${shown} was not asked: all connections to it were in use for ${ms} ms.`)
    } else if (this.#phase !== 'sent') {
      this.#fail('outgoing.connect-timed-out', `${shown} cannot be reached: no connection stood within ${ms} ms.`)
    }
  }

  #timedOut(ms: number): void {
    if (this.#phase !== 'sent') return this.#connectTimedOut(ms)
    const what = this.#status === null ? 'did not answer' : 'did not finish its answer'
    this.#fail('outgoing.timed-out', `${this.#options.target.shown} ${what} within ${Math.round(ms)} ms.`)
  }

  /** @param error - null: the connection was closed without one. */
  #broke(error: NodeJS.ErrnoException | null): void {
    if (this.#phase === 'settled') return
    const { shown, host } = this.#options.target
    const code = error?.code ?? ''
    if (error instanceof AddressRefused) {
      return this.#fail('outgoing.address-refused', refusedSentence(shown, error.address))
    }
    if (code.startsWith('HPE_')) {
      return this.#fail('outgoing.answer-malformed', `${shown} answered with something that is not HTTP (${code}).`)
    }
    if (this.#phase === 'agreeing') {
      const why = code === '' || code === 'ECONNRESET' ? 'it closed the connection' : code
      return this.#fail('outgoing.tls-failed', `${shown} cannot be reached: TLS was not agreed on (${why}).`)
    }
    if (this.#phase === 'sent') {
      const why = code === '' ? '' : ` (${code})`
      return this.#fail('outgoing.connection-lost', `${shown} closed the connection before it had answered${why}.`)
    }
    if (error?.syscall === 'getaddrinfo' || code === 'ENOTFOUND' || code.startsWith('EAI_')) {
      return this.#fail(
        'outgoing.name-unknown',
        `${shown} cannot be reached: the name ${host} has no address (${code}).`,
      )
    }
    this.#fail('outgoing.connect-failed', `${shown} cannot be reached: ${connectReason(code)}.`)
  }

  #fail(code: OutgoingFailureCode, sentence: string): void {
    const reached = this.#phase === 'sent' ? 'unknown' : 'nothing'
    this.#settle({ kind: 'failure', code, reached, status: this.#status, sentence })
  }

  #settle(result: ExchangeResult): void {
    if (this.#phase === 'settled') return
    this.#phase = 'settled'
    for (const cancel of this.#cancels) cancel()
    // After a whole answer the connection goes back to the pool by itself; any other is of no use.
    if (result.kind === 'failure' || result.isTruncated) this.#request?.destroy()
    this.#resolve(result)
  }
}

function connectReason(code: string): string {
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)'
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return `there is no way to it (${code})`
  return `the connection failed${code === '' ? '' : ` (${code})`}`
}
