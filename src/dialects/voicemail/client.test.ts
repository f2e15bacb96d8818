import { createServer as createHttp, type Server as Http } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { settle, TestClock } from '../../../test/support/test-clock.ts'
import { voicemailSample } from '../../../test/support/voicemail-stage.ts'
import { SystemClock } from '../../base/clock.ts'
import { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import { type Asked, clientOf, serviceOfText, serviceText } from './client.ts'

const request = { command: 'INITLEAVING', number: { a: '1', b: '2', c: '222' } }
const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** A foreign service over TCP. @param answer - what it writes to a request; null: it closes; undefined: it says nothing. */
async function tcpService(answer: string | null | undefined) {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      asked.push(chunk.toString())
      if (answer === null) socket.destroy()
      else if (answer !== undefined) socket.write(answer)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({ close: () => (server.close(), [...sockets].map((socket) => socket.destroy())) })
  return { asked, port: (server.address() as AddressInfo).port }
}

const parts = (clock: TestClock | SystemClock = new TestClock(), isTrusted = true) => {
  const http = new OutgoingHttp({ clock: new SystemClock(), allowPrivateAddresses: false })
  open.push({ close: () => http.close() })
  const service = { handle: async () => ({ status: 'ok' as const }) }
  return { service, http, clock, nodeName: 'SWITCHHOOK', isTrusted: () => isTrusted }
}

function overTcp(port: number, clock = new TestClock(), isTrusted = true): Promise<Asked> {
  return clientOf({ kind: 'tcp', host: '127.0.0.1', port }, 'acme', parts(clock, isTrusted)).ask(request)
}

describe('a foreign voicemail service over TCP', () => {
  it('is asked with one line in the order of the published samples, and read however it breaks its lines', async () => {
    const { asked, port } = await tcpService(voicemailSample('initleaving-response.corrected.json'))
    expect(await overTcp(port)).toMatchObject({ kind: 'answer', object: { status: 'ok', record_message: 'on' } })
    expect(asked).toEqual([
      '{"command":"INITLEAVING","ip":"127.0.0.1","ivr_name":"SWITCHHOOK","number":{"a":"1","b":"2","c":"222"}}\n',
    ])
  })

  it('may put a comma too many', async () => {
    const { port } = await tcpService(voicemailSample('ok-response.published.txt'))
    expect(await overTcp(port)).toEqual({ kind: 'answer', object: { status: 'ok' } })
  })

  it.each(['{"ok":true}\n', 'HTTP/1.1 400 Bad Request\r\n\r\n', '{nonsense}', '[]', `{"a":"${'x'.repeat(70_000)}`])(
    'is not believed when it answers %.40j',
    async (garbage) => {
      const { port } = await tcpService(garbage)
      expect((await overTcp(port)).kind).toBe('failure')
    },
  )

  it('that is down, hangs up, or says nothing for five seconds is no answer', async () => {
    const { port } = await tcpService(null)
    expect((await overTcp(port)).kind).toBe('failure')
    expect((await overTcp(1)).kind).toBe('failure')
    const silent = await tcpService(undefined)
    const clock = new TestClock()
    const asking = overTcp(silent.port, clock)
    while (silent.asked.length === 0) await settle()
    clock.advance(5000)
    expect(await asking).toMatchObject({ kind: 'failure', sentence: expect.stringContaining('within 5 s') })
    expect(clock.pending).toBe(0)
  })

  it('is not asked where its address came over an API', async () => {
    const { asked, port } = await tcpService('{"status":"ok"}')
    expect((await overTcp(port, new TestClock(), false)).kind).toBe('failure')
    expect(asked).toEqual([])
  })
})

describe('a foreign voicemail service over HTTP', () => {
  async function overHttp(status: number, body: string, isTrusted = true): Promise<Asked> {
    const server: Http = createHttp((_incoming, reply) => reply.writeHead(status).end(body))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push({ close: () => (server.closeAllConnections(), server.close()) })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/voicemail`
    return await clientOf({ kind: 'http', url }, 'acme', parts(new SystemClock(), isTrusted)).ask(request)
  }

  it('is believed with 200 and a status, and with nothing else', async () => {
    expect(await overHttp(200, '{"status":"error","reason":"NO_MAILBOX"}')).toMatchObject({ kind: 'answer' })
    expect((await overHttp(500, '{"status":"ok"}')).kind).toBe('failure')
    expect((await overHttp(200, '<html>')).kind).toBe('failure')
    expect((await overHttp(200, voicemailSample('initleaving-response.published.txt'))).kind).toBe('failure')
  })

  it('in a private network is not asked where its address came over an API', async () => {
    expect((await overHttp(200, '{"status":"ok"}', false)).kind).toBe('failure')
  })
})

describe('a service', () => {
  it('is remembered by the text of the configuration', () => {
    for (const text of [
      'local',
      'tcp://vms.example.com:7070',
      'tcp://[2001:db8::1]:7070',
      'https://vms.example.com/voicemail',
    ]) {
      expect(serviceText(serviceOfText(text))).toBe(text)
    }
  })
})
