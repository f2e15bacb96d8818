import { createHmac } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Receiver, startReceiver } from '../../../test/support/receiver.ts'
import { TestClock } from '../../../test/support/test-clock.ts'
import { parseCidr } from '../../config/addresses.ts'
import { OutgoingHttp, type OutgoingHttpOptions } from './outgoing-http.ts'
import type { OutgoingFailure, OutgoingOutcome, OutgoingRequest } from './types.ts'

const fixtures = join(import.meta.dirname, '../../../test/fixtures/http')
const key = readFileSync(join(fixtures, 'localhost.key'), 'utf8')
const cert = readFileSync(join(fixtures, 'localhost.crt'), 'utf8')

/** Resolves when node:http has read the head of the next answer, whatever may follow it. */
function clientHasReadHead(): Promise<void> {
  const channel = 'http.client.response.finish'
  return new Promise((resolve) => {
    const told = (): void => {
      unsubscribe(channel, told)
      resolve()
    }
    subscribe(channel, told)
  })
}

describe('the client for requests to programs outside', () => {
  let clock: TestClock
  const opened: { close(): unknown }[] = []

  beforeEach(() => {
    clock = new TestClock()
  })

  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close()
    expect(clock.pending).toBe(0)
  })

  function client(options: Partial<OutgoingHttpOptions> = {}): OutgoingHttp {
    const made = new OutgoingHttp({ clock, allowPrivateAddresses: false, ...options })
    opened.push(made)
    return made
  }

  async function receiver(options: Parameters<typeof startReceiver>[0] = {}): Promise<Receiver> {
    const made = await startReceiver(options)
    opened.push(made)
    return made
  }

  /** A server that speaks bytes. */
  async function rawServer(onSocket: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>()
    const server: Server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      onSocket(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    opened.push({
      close: async () => {
        for (const socket of sockets) socket.destroy()
        await new Promise((resolve) => server.close(resolve))
      },
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  const post = (url: string, change: Partial<OutgoingRequest> = {}): OutgoingRequest => {
    return { url, method: 'POST', body: '{"a":"ü"}', timeoutMs: 10_000, isTrusted: true, ...change }
  }
  const text = (outcome: OutgoingOutcome): string =>
    outcome.kind === 'answer' ? Buffer.from(outcome.body).toString() : ''
  const failed = (code: OutgoingFailure['code'], reached: 'nothing' | 'unknown') =>
    expect.objectContaining({ kind: 'failure', code, reached })

  it('sends a request whole and gives back status, headers and body', async () => {
    const there = await receiver({
      answer: (_request, response) => response.writeHead(201, { 'x-a': '1', 'set-cookie': ['a=1', 'b=2'] }).end('done'),
    })
    const outcome = await client({ userAgent: 'Switchhook/9' }).request(
      post(`${there.url}/in?x=1`, { headers: { 'Content-Type': 'application/json', 'X-Key': 'k' } }),
    )
    expect(outcome).toMatchObject({ kind: 'answer', status: 201, isTruncated: false, url: `${there.url}/in?x=…` })
    expect(text(outcome)).toBe('done')
    if (outcome.kind === 'answer') expect(outcome.headers.get('set-cookie')).toBe('a=1, b=2')
    expect(there.received).toMatchObject([
      {
        method: 'POST',
        path: '/in?x=1',
        body: '{"a":"ü"}',
        headers: {
          host: `127.0.0.1:${there.port}`,
          'content-type': 'application/json',
          'content-length': '10',
          'user-agent': 'Switchhook/9',
          'accept-encoding': 'identity',
          'x-key': 'k',
        },
      },
    ])
  })

  it('keeps connections for the next request', async () => {
    const there = await receiver()
    const http = client()
    for (let i = 0; i < 3; i++) expect(await http.request(post(there.url))).toMatchObject({ status: 204 })
    expect(there.connections).toBe(1)
    await Promise.all(Array.from({ length: 5 }, () => http.request(post(there.url))))
    expect(there.connections).toBeLessThanOrEqual(5)
  })

  it('keeps no more unused connections than allowed, per host and in all', async () => {
    const one = await receiver()
    const other = await receiver()
    const http = client({ limits: { idlePerHost: 2, idleTotal: 3 } })
    await Promise.all([one, other].flatMap(({ url }) => Array.from({ length: 4 }, () => http.request(post(url)))))
    expect(http.counts).toEqual({ underWay: 0, idle: 3 })
  })

  it('says of a receiver that is down that nothing had reached it', async () => {
    const there = await startReceiver()
    await there.close()
    const outcome = await client().request(post(`http://user:secret@127.0.0.1:${there.port}/in?token=secret`))
    expect(outcome).toEqual(failed('outgoing.connect-failed', 'nothing'))
    expect(outcome).toMatchObject({
      sentence: `http://127.0.0.1:${there.port}/in?token=… cannot be reached: nothing listens there (ECONNREFUSED).`,
    })
  })

  it('waits for an answer no longer than told, and does not know then what the receiver has done', async () => {
    const there = await receiver({ answer: () => {} })
    const asked = client().request(post(there.url))
    await there.has(1)
    clock.advance(9_999)
    clock.advance(1)
    expect(await asked).toMatchObject({
      code: 'outgoing.timed-out',
      reached: 'unknown',
      status: null,
      durationMs: 10_000,
      sentence: `${there.url}/ did not answer within 10000 ms.`,
    })
  })

  it('tells the status of an answer that does not end', async () => {
    const there = await receiver({ answer: (_request, response) => void response.writeHead(200).write('half') })
    const headRead = clientHasReadHead()
    const asked = client().request(post(there.url))
    await headRead
    clock.advance(10_000)
    expect(await asked).toMatchObject({ code: 'outgoing.timed-out', reached: 'unknown', status: 200 })
  })

  it('waits for a connection no longer than told, and nothing had reached the receiver then', async () => {
    const http = client({ resolve: () => new Promise(() => {}) })
    const asked = http.request(post('http://slow.example/', { connectTimeoutMs: 2000 }))
    await clock.advanceAsync(2000)
    expect(await asked).toEqual(failed('outgoing.connect-timed-out', 'nothing'))
    const whole = http.request(post('http://slow.example/', { timeoutMs: 500 }))
    await clock.advanceAsync(500)
    expect(await whole).toEqual(failed('outgoing.connect-timed-out', 'nothing'))
  })

  it('names a host that has no address', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND', syscall: 'getaddrinfo' }))
    const outcome = await client({ resolve }).request(post('http://nobody.example/x'))
    expect(outcome).toEqual(failed('outgoing.name-unknown', 'nothing'))
    expect(outcome).toMatchObject({ sentence: expect.stringContaining('nobody.example') as string })
    const empty = await client({ resolve: async () => [] }).request(post('http://nobody.example/x'))
    expect(empty).toEqual(failed('outgoing.name-unknown', 'nothing'))
  })

  it('asks at most as many at once as allowed, in all and per host', async () => {
    const there = await receiver({ answer: () => {} })
    const all = client({ limits: { requests: 1 } })
    const first = all.request(post(there.url))
    await there.has(1)
    expect(await all.request(post(there.url))).toEqual(failed('outgoing.busy', 'nothing'))
    const perHost = client({ limits: { perHost: 1 } })
    const taken = perHost.request(post(there.url))
    await there.has(2)
    const queued = perHost.request(post(there.url, { connectTimeoutMs: 3000 }))
    clock.advance(3000)
    expect(await queued).toEqual(failed('outgoing.busy', 'nothing'))
    clock.advance(7000)
    expect([await first, await taken]).toMatchObject([{ code: 'outgoing.timed-out' }, { code: 'outgoing.timed-out' }])
  })

  it('knows of a connection that is handed on from one request to the next that it stands', async () => {
    for (const tls of [undefined, { key, cert }]) {
      let answered = 0
      const answer = (_request: unknown, response: { end(): unknown }) => void (++answered === 1 && response.end())
      const there = await receiver({ answer, ...(tls && { tls }) })
      const http = client({ limits: { perHost: 1 }, ca: cert })
      const [first, second] = [http.request(post(there.url)), http.request(post(there.url))]
      expect(await first).toMatchObject({ status: 200 })
      await there.has(2)
      clock.advance(10_000)
      expect(await second).toEqual(failed('outgoing.timed-out', 'unknown'))
      expect(there.connections).toBe(1)
    }
  })

  it('gives up at once when told so, and when it is closed', async () => {
    const there = await receiver({ answer: () => {} })
    const http = client()
    const stop = new AbortController()
    const stopped = http.request(post(there.url, { signal: stop.signal }))
    const closed = http.request(post(there.url))
    await there.has(2)
    stop.abort()
    expect(await stopped).toEqual(failed('outgoing.stopped', 'unknown'))
    http.close()
    expect(await closed).toEqual(failed('outgoing.stopped', 'unknown'))
    expect(await http.request(post(there.url))).toEqual(failed('outgoing.stopped', 'nothing'))
    expect(await client().request(post(there.url, { signal: stop.signal }))).toEqual(
      failed('outgoing.stopped', 'nothing'),
    )
  })

  describe('towards addresses that arrived over an API', () => {
    const untrusted = { isTrusted: false } as const
    const at = (address: string) => [{ address, family: address.includes(':') ? 6 : 4 }]

    it('refuses literals before any socket is made', async () => {
      const there = await receiver()
      const http = client()
      for (const host of ['127.0.0.1', '0x7f.1', '2130706433', '[::ffff:7f00:1]', '[64:ff9b::127.0.0.1]']) {
        const url = `http://${host}:${there.port}/`
        expect(await http.request(post(url, untrusted)), url).toEqual(failed('outgoing.address-refused', 'nothing'))
        expect(http.refuse(url, false)).toMatchObject({ code: 'outgoing.address-refused' })
        expect(http.refuse(url, true)).toBeNull()
      }
      expect(there.connections).toBe(0)
    })

    it.each([
      ['its only address is private', ['127.0.0.1']],
      ['one of its addresses is private', ['93.184.216.34', '10.0.0.1']],
      ['its address is private in IPv6', ['::1']],
      ['its address is private behind NAT64', ['64:ff9b::127.0.0.1']],
    ])('refuses a name when %s', async (_why, addresses) => {
      const there = await receiver()
      const http = client({ resolve: async () => addresses.flatMap(at) })
      const outcome = await http.request(post(`http://evil.example:${there.port}/`, untrusted))
      expect(outcome).toEqual(failed('outgoing.address-refused', 'nothing'))
      expect(there.connections).toBe(0)
    })

    it('connects to the very address that was checked: a second answer of DNS changes nothing', async () => {
      const there = await receiver()
      const allowed = [parseCidr('127.0.0.1')].filter((cidr) => cidr !== null)
      let questions = 0
      const resolve = async () => at(++questions === 1 ? '127.0.0.1' : '127.0.0.2')
      const http = client({ allowPrivateAddresses: allowed, resolve })
      const url = `http://rebinding.example:${there.port}/`
      expect(await http.request(post(url, untrusted))).toMatchObject({ status: 204 })
      expect([questions, there.connections]).toEqual([1, 1])
      // The connection stands: no question, no new address. A new connection is checked anew.
      expect(await http.request(post(url, untrusted))).toMatchObject({ status: 204 })
      expect(questions).toBe(1)
      const fresh = client({ allowPrivateAddresses: allowed, resolve })
      expect(await fresh.request(post(url, untrusted))).toEqual(failed('outgoing.address-refused', 'nothing'))
      expect(there.received).toHaveLength(2)
    })

    it('never uses a connection that was made for the operator', async () => {
      const there = await receiver()
      const http = client({ resolve: async () => at('127.0.0.1') })
      const url = `http://shared.example:${there.port}/`
      expect(await http.request(post(url))).toMatchObject({ status: 204 })
      expect(http.counts.idle).toBe(1)
      expect(await http.request(post(url, untrusted))).toEqual(failed('outgoing.address-refused', 'nothing'))
    })

    it('reaches private ones that are allowed', async () => {
      const there = await receiver()
      expect(await client({ allowPrivateAddresses: true }).request(post(there.url, untrusted))).toMatchObject({
        status: 204,
      })
    })
  })

  describe('and redirects', () => {
    const to = (location: string, status = 307) =>
      receiver({
        answer: ({ path }, response) =>
          path === '/end' ? response.writeHead(200).end('end') : response.writeHead(status, { location }).end(),
      })

    it('are answers like any other unless they are to be followed', async () => {
      const there = await to('/end')
      expect(await client().request(post(there.url))).toMatchObject({ kind: 'answer', status: 307 })
    })

    it('are followed with method and body, within a host with everything', async () => {
      const there = await to('/end')
      const outcome = await client().request(
        post(there.url, { maxRedirects: 3, credentials: { user: 'u', password: 'p' }, headers: { 'x-key': 'k' } }),
      )
      expect(outcome).toMatchObject({ status: 200, url: `${there.url}/end` })
      expect(there.received[1]).toMatchObject({
        method: 'POST',
        body: '{"a":"ü"}',
        headers: { authorization: `Basic ${Buffer.from('u:p').toString('base64')}`, 'x-key': 'k' },
      })
    })

    it('turn POST into GET as RFC 9110 says of 303, and as everybody does of 301 and 302', async () => {
      for (const status of [301, 302, 303]) {
        const there = await to('/end', status)
        await client().request(post(there.url, { maxRedirects: 1 }))
        expect(there.received[1], String(status)).toMatchObject({ method: 'GET', body: '' })
        expect(there.received[1]?.headers['content-length']).toBeUndefined()
      }
    })

    it('to another host lose credentials and trust', async () => {
      const secret = await receiver()
      const there = await to(`${secret.url}/end`)
      const request = post(there.url, { maxRedirects: 1, headers: { 'x-key': 'k', authorization: 'Bearer b' } })
      expect(await client().request(request)).toEqual(failed('outgoing.address-refused', 'unknown'))
      expect(secret.connections).toBe(0)
      expect(await client({ allowPrivateAddresses: true }).request(request)).toMatchObject({ status: 204 })
      expect(secret.received[0]?.headers).not.toHaveProperty('x-key')
      expect(secret.received[0]?.headers).not.toHaveProperty('authorization')
    })

    it('end: three at most, and none to what is no http address', async () => {
      const round = await to('/round')
      const outcome = await client().request(post(round.url, { maxRedirects: 99 }))
      expect(outcome).toEqual(failed('outgoing.redirect-refused', 'unknown'))
      expect(round.received).toHaveLength(4)
      const odd = await to('file:///etc/passwd')
      expect(await client().request(post(odd.url, { maxRedirects: 3 }))).toEqual(
        failed('outgoing.url-invalid', 'unknown'),
      )
    })

    it('never lead from https to http', async () => {
      const plain = await receiver()
      const answer: Parameters<typeof startReceiver>[0] = {
        tls: { key, cert },
        answer: (_request, response) => response.writeHead(307, { location: `${plain.url}/` }).end(),
      }
      const there = await receiver(answer)
      const http = client({ ca: cert, allowPrivateAddresses: true })
      const request = post(there.url, { maxRedirects: 3, credentials: { user: 'u', password: 'p' } })
      expect(await http.request(request)).toEqual(failed('outgoing.redirect-refused', 'unknown'))
      expect(plain.connections).toBe(0)
    })
  })

  describe('over TLS', () => {
    it('reaches a receiver whose certificate is trusted, and keeps the connection', async () => {
      const there = await receiver({ tls: { key, cert } })
      const http = client({ ca: cert })
      for (let i = 0; i < 2; i++) expect(await http.request(post(there.url))).toMatchObject({ status: 204 })
      expect(there.connections).toBe(1)
    })

    it('sends nothing to one whose certificate is not', async () => {
      const there = await receiver({ tls: { key, cert } })
      expect(await client().request(post(there.url))).toEqual(failed('outgoing.tls-failed', 'nothing'))
      expect(there.received).toEqual([])
    })

    it('sends nothing to one that speaks plain HTTP, or hangs up', async () => {
      const there = await receiver()
      const plain = await client().request(post(there.url.replace('http', 'https')))
      expect(plain).toEqual(failed('outgoing.tls-failed', 'nothing'))
      const url = await rawServer((socket) => socket.destroy())
      expect(await client().request(post(url.replace('http', 'https')))).toEqual(
        failed('outgoing.tls-failed', 'nothing'),
      )
      expect(there.received).toEqual([])
    })
  })

  describe('takes no harm from', () => {
    it('an answer of 10 MB: it is cut off', async () => {
      const there = await receiver({ answer: (_request, response) => response.end(Buffer.alloc(10_000_000, 120)) })
      const outcome = await client().request(post(there.url, { maxResponseBytes: 2048 }))
      expect(outcome).toMatchObject({ kind: 'answer', status: 200, isTruncated: true })
      expect(text(outcome)).toBe('x'.repeat(2048))
    })

    it('an answer exactly as large as allowed: it is whole', async () => {
      const there = await receiver({ answer: (_request, response) => response.end('x'.repeat(2048)) })
      expect(await client().request(post(there.url, { maxResponseBytes: 2048 }))).toMatchObject({ isTruncated: false })
    })

    it('garbage', async () => {
      const url = await rawServer((socket) =>
        socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\n\0\u{1}\u{2}')),
      )
      expect(await client().request(post(url))).toEqual(failed('outgoing.answer-malformed', 'unknown'))
    })

    it('a head without end', async () => {
      const url = await rawServer((socket) =>
        socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}`)),
      )
      expect(await client().request(post(url))).toEqual(failed('outgoing.answer-malformed', 'unknown'))
    })

    it('a connection that is closed instead of an answer', async () => {
      const url = await rawServer((socket) => socket.once('data', () => socket.destroy()))
      expect(await client().request(post(url))).toEqual(failed('outgoing.connection-lost', 'unknown'))
    })

    it('an answer that breaks off: its status is told', async () => {
      const url = await rawServer((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')),
      )
      expect(await client().request(post(url))).toMatchObject({ code: 'outgoing.connection-lost', status: 200 })
    })

    it('a switch of protocols that nobody asked for', async () => {
      const url = await rawServer((socket) =>
        socket.once('data', () =>
          socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
        ),
      )
      expect(await client().request(post(url))).toEqual(failed('outgoing.connection-lost', 'unknown'))
    })

    it('a compressed answer: it is not unpacked', async () => {
      const there = await receiver({
        answer: (_request, response) =>
          response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1_000_000))),
      })
      expect(await client().request(post(there.url))).toMatchObject({ code: 'outgoing.answer-encoded', status: 200 })
    })

    it('an answer that ends with its connection', async () => {
      const url = await rawServer((socket) => socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nall of it')))
      const outcome = await client().request(post(url))
      expect([text(outcome), outcome.kind]).toEqual(['all of it', 'answer'])
    })

    it.each([
      ['x-a', 'a\r\nx-b: b'],
      ['x-a', 'a\nb'],
      ['x-a', 'a\0'],
      ['x-a', '\u{2028}'],
      ['x\r\nx-b', 'a'],
      ['x a', 'a'],
      ['', 'a'],
      ['Host', 'evil.example'],
      ['content-length', '3'],
      ['Transfer-Encoding', 'chunked'],
    ])('the header %j: %j, which would say something else', async (name, value) => {
      const there = await receiver()
      const outcome = await client().request(post(there.url, { headers: { [name]: value } }))
      expect(outcome).toEqual(failed('outgoing.header-invalid', 'nothing'))
      expect(there.connections).toBe(0)
    })
  })

  it('sends basic credentials: given ones, else those of the address', async () => {
    const there = await receiver()
    const withUser = there.url.replace('//', '//us%40er:p%C3%A4ss@')
    await client().request(post(withUser))
    await client().request(post(withUser, { credentials: { user: 'a', password: 'b' } }))
    const basic = (plain: string): string => `Basic ${Buffer.from(plain).toString('base64')}`
    expect(there.received.map((one) => one.headers.authorization)).toEqual([basic('us@er:päss'), basic('a:b')])
  })

  it('signs time, event and body with each secret', async () => {
    const there = await receiver()
    const signing = { secrets: ['new secret', 'old secret'], eventId: 'call.ended:call_1' }
    await client().request(post(there.url, { signing }))
    await client().request(post(there.url, { signing: { secrets: [], eventId: 'x' } }))
    const seconds = Math.floor(clock.wallTime() / 1000)
    const sum = (secret: string): string =>
      createHmac('sha256', secret).update(`${seconds}.call.ended:call_1.{"a":"ü"}`).digest('hex')
    expect(there.received[0]?.headers).toMatchObject({
      'switchhook-event-id': 'call.ended:call_1',
      'switchhook-signature': `t=${seconds},v1=${sum('new secret')},v1=${sum('old secret')}`,
    })
    expect(there.received[1]?.headers).not.toHaveProperty('switchhook-signature')
  })
})
