import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { OutgoingHttp } from './outgoing-http.ts'

describe('a connection that was used before', () => {
  const opened: { close(): unknown }[] = []

  afterEach(() => {
    for (const one of opened.splice(0).reverse()) one.close()
  })

  /** A receiver written by hand: it answers what it reads, and its test closes its connections when it likes. */
  async function receiver(answers: (socket: Socket, count: number) => void) {
    const sockets: Socket[] = []
    let count = 0
    const server: Server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.on('data', () => answers(socket, ++count))
    })
    opened.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}/ivr`, sockets, asked: () => count }
  }

  function client(): (url: string) => ReturnType<OutgoingHttp['request']> {
    const http = new OutgoingHttp({ clock: new TestClock(), allowPrivateAddresses: false })
    opened.push(http)
    return (url) => http.request({ url, method: 'POST', body: 'question', timeoutMs: 5000, isTrusted: true })
  }

  const answer = (socket: Socket): void => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')

  it('is not written to where the receiver has closed it a moment ago, and nobody has read of that yet', async () => {
    const { url, sockets, asked } = await receiver(answer)
    const ask = client()
    for (let round = 1; round <= 20; round++) {
      expect(await ask(url), `round ${round}`).toMatchObject({ kind: 'answer', status: 200 })
      // When this is called the end has left the receiver, and waits at our socket.
      const closed = new Promise<void>((resolve) => sockets.at(-1)?.end(resolve))
      await closed
    }
    expect(asked()).toBe(20)
  })

  it('is used again where it stands', async () => {
    const { url, sockets } = await receiver(answer)
    const ask = client()
    for (let round = 1; round <= 5; round++) expect(await ask(url)).toMatchObject({ kind: 'answer' })
    expect(sockets).toHaveLength(1)
  })

  it('that the receiver closes when it has read the question: it is not asked twice', async () => {
    const { url, asked } = await receiver((socket, count) => void (count === 1 ? answer(socket) : socket.destroy()))
    const ask = client()
    await ask(url)
    expect(await ask(url)).toMatchObject({ kind: 'failure', code: 'outgoing.connection-lost', reached: 'unknown' })
    expect(asked()).toBe(2)
  })
})
