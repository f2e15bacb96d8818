import { afterEach, describe, expect, it } from 'vitest'
import { TcpPeer, TcpPeerServer, UdpPeer } from '../../../test/support/live-sockets.ts'
import { hasIpv6, type LiveTransport, liveTransport, optionsText } from '../../../test/support/live-transport.ts'
import { sipRequest } from '../../../test/support/sip-peer.ts'
import { createResponse, type SipMessage, type SipRequest } from '../message/index.ts'
import type { SocketAddress } from './types.ts'

const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function live(address?: string, options?: Parameters<typeof liveTransport>[1]): Promise<LiveTransport> {
  const parts = await liveTransport(address, options)
  closers.push(() => parts.transport.close())
  return parts
}

async function tcpPeer(to: SocketAddress): Promise<TcpPeer> {
  const peer = await TcpPeer.open(to)
  closers.push(() => peer.close())
  return peer
}

async function peerServer(address = '127.0.0.1', port = 0): Promise<TcpPeerServer> {
  const server = await TcpPeerServer.open(address, port)
  closers.push(() => server.close())
  return server
}

function asRequest(message: SipMessage): SipRequest {
  if (message.kind !== 'request') throw new Error('That was a response.')
  return message
}

function tcpTo(port: number, address = '127.0.0.1') {
  return { destination: { protocol: 'tcp', remote: { address, port } } } as const
}

const options = optionsText('TCP phone.invalid;branch=z9hG4bK1')

for (const address of ['127.0.0.1', '::1']) {
  describe.skipIf(address === '::1' && !hasIpv6)(`TCP on ${address}`, () => {
    it('hands up a request and answers by the same connection', async () => {
      const { transport, user, tcp } = await live(address)
      const peer = await tcpPeer(tcp)
      await peer.send(options)
      const { message, flow } = await user.messages.next()
      expect(flow).toMatchObject({
        protocol: 'tcp',
        isReliable: true,
        isOpen: true,
        remote: { address, port: peer.port },
      })
      expect(message.vias[0].parameters.get('received')).toBe(address)
      await transport.sendResponse(createResponse(asRequest(message), 200), flow)
      expect(await peer.until('\r\n\r\n')).toMatch(/^SIP\/2\.0 200 OK\r\n/)
    })

    it('opens one connection to a peer, shows its listening port in the Via, and uses it again', async () => {
      const { transport, tcp } = await live(address)
      const server = await peerServer(address)
      const request = sipRequest('OPTIONS', { branch: 'z9hG4bK2' })
      const [first, second] = await Promise.all([
        transport.sendRequest(request, tcpTo(server.port, address)),
        transport.sendRequest(request, tcpTo(server.port, address)),
      ])
      const third = await transport.sendRequest(request, tcpTo(server.port, address))
      expect(second).toBe(first)
      expect(third).toBe(first)
      const peer = await server.connections.next()
      const host = address.includes(':') ? `[${address}]` : address
      for (let i = 0; i < 3; i++) {
        expect(await peer.until('\r\n\r\n')).toContain(`Via: SIP/2.0/TCP ${host}:${tcp.port};branch=z9hG4bK2\r\n`)
      }
      expect(server.connections.left).toBe(0)
      expect(transport.counts.connections).toMatchObject({ open: 1, opened: 1 })
    })
  })
}

describe('framing on TCP, RFC 3261 §18.3', () => {
  it('puts together a message that comes byte by byte', async () => {
    const { user, tcp } = await live()
    const peer = await tcpPeer(tcp)
    const text = optionsText('TCP 127.0.0.1;branch=z9hG4bK1', {
      headers: 'Content-Type: text/plain',
      body: 'a body\r\n\r\n',
    })
    for (const byte of Buffer.from(text)) await peer.send(new Uint8Array([byte]))
    const { message } = await user.messages.next()
    expect(Buffer.from(message.body).toString()).toBe('a body\r\n\r\n')
  })

  it('takes apart messages that come in one segment, with empty lines between', async () => {
    const { user, tcp } = await live()
    const peer = await tcpPeer(tcp)
    const texts = ['one', 'two', 'three'].map((callId) => optionsText('TCP 127.0.0.1;branch=z9hG4bK1', { callId }))
    await peer.send(`\r\n${texts.join('\r\n')}`)
    const arrived = await user.messages.take(3)
    expect(arrived.map(({ message }) => message.sipCallId)).toEqual(['one', 'two', 'three'])
  })

  it('answers a malformed message that could be framed, and reads on', async () => {
    const { user, tcp, transport } = await live()
    const peer = await tcpPeer(tcp)
    await peer.send(options.replace('CSeq: 1', 'CSeq: none') + options)
    expect(await peer.until('\r\n\r\n')).toMatch(/^SIP\/2\.0 400 /)
    await user.messages.next()
    expect(transport.counts).toMatchObject({ malformed: 1, refusalsSent: 1, tcp: { received: 2 } })
  })

  it('still answers what came before the stream broke, and then closes', async () => {
    const { user, tcp, transport, clock } = await live()
    const peer = await tcpPeer(tcp)
    await peer.send(`${options}nonsense\r\n\r\n`)
    const { message, flow } = await user.messages.next()
    await user.garbage.next()
    await transport.sendResponse(createResponse(asRequest(message), 200), flow)
    expect(await peer.until('\r\n\r\n')).toMatch(/^SIP\/2\.0 200 OK\r\n/)
    clock.advance(500)
    await peer.closed()
    await user.closed.next()
  })

  for (const [why, text, status] of [
    ['without Content-Length', options.replace(/Content-Length.*\r\n/, ''), 400],
    ['with a Content-Length that is no number', options.replace('Content-Length: 0', 'Content-Length: -1'), 400],
    ['larger than 64 KiB', options.replace('Content-Length: 0', 'Content-Length: 70000'), 513],
  ] as const) {
    it(`answers a message ${why} ${status} and closes, since nobody knows where the next begins`, async () => {
      const { user, tcp } = await live()
      const peer = await tcpPeer(tcp)
      await peer.send(text + options)
      expect(await peer.until('\r\n\r\n')).toMatch(new RegExp(`^SIP/2\\.0 ${status} `))
      await peer.closed()
      await user.garbage.next()
      await user.closed.next()
      expect(user.messages.left).toBe(0)
    })
  }

  it('closes on a head without end', async () => {
    const { user, tcp, transport } = await live()
    const peer = await tcpPeer(tcp)
    await peer.send(`OPTIONS sip:a@b SIP/2.0\r\nSubject: ${'x'.repeat(70_000)}`)
    await peer.closed()
    expect((await user.garbage.next()).error.code).toBe('sip-message.too-large')
    expect(transport.counts.connections.open).toBe(0)
  })
})

describe('keep-alive on TCP, RFC 5626 §3.5.1', () => {
  it('answers a double CRLF with one CRLF, also when it comes in two parts; a single one with nothing', async () => {
    const { user, tcp, transport } = await live()
    const peer = await tcpPeer(tcp)
    await peer.send(options)
    await user.messages.next()
    await peer.send('\r\n\r\n')
    expect(await peer.until('\r\n')).toBe('\r\n')
    await peer.send('\r\n')
    await peer.send('\r\n')
    expect(await peer.until('\r\n')).toBe('\r\n')
    await peer.send(`\r\n${options}`)
    await user.messages.next()
    expect(transport.counts.keepAlives).toBe(2)
  })
})

describe('a lost connection', () => {
  it('is told, and its flow is closed', async () => {
    const { user, tcp } = await live()
    const peer = await tcpPeer(tcp)
    await peer.send(options)
    const { flow } = await user.messages.next()
    peer.close()
    expect(await user.closed.next()).toBe(flow)
    expect(flow.isOpen).toBe(false)
  })

  it('has the response go to the address it came from and the port in its Via: §18.2.2', async () => {
    const { transport, user, tcp } = await live()
    const server = await peerServer()
    const peer = await tcpPeer(tcp)
    await peer.send(optionsText(`TCP phone.invalid:${server.port};rport;branch=z9hG4bK1`))
    const { message, flow } = await user.messages.next()
    peer.close()
    await user.closed.next()
    await transport.sendResponse(createResponse(asRequest(message), 200), flow)
    const back = await server.connections.next()
    expect(await back.until('\r\n\r\n')).toMatch(/^SIP\/2\.0 200 OK\r\n/)
  })

  it('has a response fail when nobody listens there either', async () => {
    const { transport, user, tcp } = await live()
    const server = await peerServer()
    const peer = await tcpPeer(tcp)
    await peer.send(optionsText(`TCP phone.invalid:${server.port};branch=z9hG4bK1`))
    const { message, flow } = await user.messages.next()
    peer.close()
    server.close()
    await user.closed.next()
    const sending = transport.sendResponse(createResponse(asRequest(message), 200), flow)
    await expect(sending).rejects.toMatchObject({ code: 'transport.connect-failed', sipStatus: 503 })
  })

  it('has a request by its flow go to the destination instead, or fail where none is given', async () => {
    const { transport, user, tcp } = await live()
    const server = await peerServer()
    const peer = await tcpPeer(tcp)
    await peer.send(options)
    const { flow } = await user.messages.next()
    peer.close()
    await user.closed.next()
    const request = sipRequest('OPTIONS')
    await expect(transport.sendRequest(request, { flow })).rejects.toMatchObject({ code: 'transport.connection-lost' })
    const other = await transport.sendRequest(request, { flow, ...tcpTo(server.port) })
    expect(other.id).not.toBe(flow.id)
    await (await server.connections.next()).until('\r\n\r\n')
  })

  it('that we opened is opened again for the next request', async () => {
    const { transport, user } = await live()
    const server = await peerServer()
    const first = await transport.sendRequest(sipRequest('OPTIONS'), tcpTo(server.port))
    ;(await server.connections.next()).close()
    expect(await user.closed.next()).toBe(first)
    const second = await transport.sendRequest(sipRequest('OPTIONS'), tcpTo(server.port))
    expect(second.id).not.toBe(first.id)
    await (await server.connections.next()).until('\r\n\r\n')
  })
})

describe('requests over 1,300 bytes, RFC 3261 §18.1.1', () => {
  const large = sipRequest('INVITE', { branch: 'z9hG4bKlarge', body: 'x'.repeat(1300) })
  const small = sipRequest('OPTIONS', { branch: 'z9hG4bKsmall' })

  it('go by TCP with a Via that says so; smaller ones by UDP', async () => {
    const { transport, tcp } = await live()
    const server = await peerServer()
    const to = { destination: { protocol: 'udp', remote: { address: '127.0.0.1', port: server.port } } } as const
    const flow = await transport.sendRequest(large, to)
    expect(flow).toMatchObject({ protocol: 'tcp', isReliable: true })
    const text = await (await server.connections.next()).until('\r\n\r\n')
    expect(text).toContain(`Via: SIP/2.0/TCP 127.0.0.1:${tcp.port};branch=z9hG4bKlarge\r\n`)
    expect((await transport.sendRequest(small, to)).protocol).toBe('udp')
  })

  it('fall back to UDP when TCP is refused', async () => {
    const { transport, udp } = await live()
    const peer = await UdpPeer.open('127.0.0.1')
    closers.push(() => peer.close())
    const to = { destination: { protocol: 'udp', remote: { address: '127.0.0.1', port: peer.port } } } as const
    for (let i = 0; i < 2; i++) {
      expect((await transport.sendRequest(large, to)).protocol).toBe('udp')
      const { text } = await peer.datagrams.next()
      expect(text).toContain(`Via: SIP/2.0/UDP 127.0.0.1:${udp.port};branch=z9hG4bKlarge;rport\r\n`)
    }
    expect(transport.counts.sendFailures).toBe(0)
  })

  it('stay with UDP where no TCP socket is there to answer to', async () => {
    const { transport } = await live('127.0.0.1', { listen: [{ protocol: 'udp', address: '127.0.0.1', port: 0 }] })
    const peer = await UdpPeer.open('127.0.0.1')
    closers.push(() => peer.close())
    const remote = { address: '127.0.0.1', port: peer.port }
    expect((await transport.sendRequest(large, { destination: { protocol: 'udp', remote } })).protocol).toBe('udp')
    await peer.datagrams.next()
  })
})

describe('listening on every address over TCP', () => {
  it.skipIf(!hasIpv6)('serves IPv4 and IPv6 by one socket and shows each peer the address it reached', async () => {
    const { transport, user, tcp } = await live('::')
    const four = await tcpPeer({ address: '127.0.0.1', port: tcp.port })
    await four.send(options)
    expect((await user.messages.next()).flow).toMatchObject({
      local: { address: '127.0.0.1' },
      remote: { address: '127.0.0.1' },
    })
    const six = await tcpPeer({ address: '::1', port: tcp.port })
    await six.send(options)
    expect((await user.messages.next()).flow).toMatchObject({ local: { address: '::1' }, remote: { address: '::1' } })
    const server = await peerServer('127.0.0.1')
    await transport.sendRequest(sipRequest('OPTIONS'), tcpTo(server.port))
    const text = await (await server.connections.next()).until('\r\n\r\n')
    expect(text).toContain(`Via: SIP/2.0/TCP 127.0.0.1:${tcp.port}`)
  })
})
