import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers one request; what it does not answer hangs until the receiver is closed. */
export type Answering = (request: ReceivedRequest, response: ServerResponse) => void

export interface Receiver {
  readonly port: number
  readonly url: string
  readonly received: ReceivedRequest[]
  /** Connections taken since the start. */
  readonly connections: number
  /** Resolves when so many requests have come in all. */
  has(count: number): Promise<void>
  close(): Promise<void>
}

const ok: Answering = (_request, response) => void response.writeHead(204).end()

/** A webhook sink on loopback: keeps what it is sent, and answers as it is told. */
export async function startReceiver(
  options: { answer?: Answering; port?: number; tls?: { key: string; cert: string } } = {},
): Promise<Receiver> {
  const answer = options.answer ?? ok
  const received: ReceivedRequest[] = []
  const sockets = new Set<Socket>()
  const waiting = new Set<{ count: number; resolve: () => void }>()
  let connections = 0
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const whole = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
      received.push(whole)
      for (const one of waiting) {
        if (received.length < one.count) continue
        waiting.delete(one)
        one.resolve()
      }
      answer(whole, response)
    })
  }
  const server: Server = options.tls ? createTlsServer(options.tls, onRequest) : createServer(onRequest)
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    received,
    get connections() {
      return connections
    },
    has: (count) =>
      received.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.add({ count, resolve })),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
