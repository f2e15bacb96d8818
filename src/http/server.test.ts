import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../base/log.ts'
import { createHttpServer, type HttpServer, listenOn } from './server.ts'

describe('the HTTP server, to bytes on its socket', () => {
  let server: HttpServer
  let port = 0

  beforeAll(async () => {
    server = await createHttpServer({ log: silentLogger, version: '0.0.0' })
    server.get('/things/:id', async () => ({ ok: true }))
    server.post('/things', async () => ({ ok: true }))
    port = await listenOn(server, '127.0.0.1', 0)
  })
  afterAll(() => server.close())

  /** Sends bytes, and reads until the server closes. */
  async function exchange(bytes: string): Promise<{ status: number; body: string }> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(bytes)
    const answer = await text(socket)
    const [head = '', ...rest] = answer.split('\r\n\r\n')
    return { status: Number(head.split(' ')[1]), body: rest.join('\r\n\r\n') }
  }

  const head = (line: string, ...lines: readonly string[]): string =>
    [`${line} HTTP/1.1`, 'Host: x', 'Connection: close', ...lines, '', ''].join('\r\n')
  const error = (code: string) => ({ error: { code, message: expect.any(String), facts: {} } })

  it.each([
    ['bytes of nothing', '\u0000\u0001\u0002\u0003\r\n\r\n', 400],
    ['a SIP request', 'OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n\r\n', 400],
    ['two lengths', head('POST /things', 'Content-Length: 2', 'Content-Length: 5'), 400],
    ['a length beside chunks', head('POST /things', 'Content-Length: 2', 'Transfer-Encoding: chunked'), 400],
    ['a path that is no text', head('GET /things/%ff%fe'), 400],
    ['a head without end', head('GET /', `X: ${'a'.repeat(20_000)}`), 431],
    [
      'a body that would be too long',
      head('POST /things', 'Content-Type: application/json', 'Content-Length: 9999999'),
      413,
    ],
    ['a body of another kind', `${head('POST /things', 'Content-Type: text/xml', 'Content-Length: 4')}<a/>`, 415],
    ['half a body of JSON', `${head('POST /things', 'Content-Type: application/json', 'Content-Length: 2')}{"`, 400],
  ])('answers %s in the form of every error', async (_name, bytes, status) => {
    const answer = await exchange(bytes)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toEqual(error('http.bad-request'))
    // And goes on.
    expect((await exchange(head('GET /things/1'))).status).toBe(200)
  })

  it('closes on who sends nonsense also when that one never closes', async () => {
    const count = (): Promise<number> =>
      new Promise((resolve, reject) =>
        server.server.getConnections((error, found) => (error ? reject(error) : resolve(found))),
      )
    const before = await count()
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    socket.resume()
    try {
      socket.write('no HTTP at all\r\n\r\n')
      await expect.poll(() => socket.readableEnded || socket.destroyed).toBe(true)
      await expect.poll(count).toBe(before)
    } finally {
      socket.destroy()
    }
  })

  it('waits seconds for a head, a minute for a request, and holds so many connections at once', () => {
    const { headersTimeout, requestTimeout, maxConnections } = server.server
    expect([headersTimeout, requestTimeout, maxConnections]).toEqual([15_000, 60_000, 4096])
  })
})
