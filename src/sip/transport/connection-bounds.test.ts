import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { TcpPeer, TcpPeerServer } from '../../../test/support/live-sockets.ts'
import { type LiveTransport, liveTransport, optionsText } from '../../../test/support/live-transport.ts'
import { TestClock } from '../../../test/support/test-clock.ts'
import { silentLogger } from '../../base/log.ts'
import { createResponse, type SipMessage, type SipRequest } from '../message/index.ts'
import { defaultConnectionLimits } from './connection-limits.ts'
import { newCounts } from './counts.ts'
import { TcpListener } from './tcp-listener.ts'
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

const options = optionsText('TCP phone.invalid;branch=z9hG4bK1')

describe('bounds on connections', () => {
  it('a connection without a whole message is closed after ten seconds, keep-alives or not', async () => {
    const { user, tcp, transport, clock } = await live()
    const peer = await tcpPeer(tcp)
    await peer.send(`\r\n\r\n${options.slice(0, 50)}`)
    await peer.until('\r\n')
    clock.advance(9000)
    expect(transport.counts.connections.open).toBe(1)
    clock.advance(2000)
    await peer.closed()
    await user.closed.next()
    expect(transport.counts.connections).toMatchObject({ open: 0, timedOut: 1 })
    expect(clock.pending).toBe(0)
  })

  it('one that has spoken stays for an hour of silence, a single CRLF at its end or not', async () => {
    const { user, tcp, transport, clock } = await live()
    const [one, two] = [await tcpPeer(tcp), await tcpPeer(tcp)]
    await one.send(options)
    await two.send(`${options}\r\n`)
    await user.messages.take(2)
    clock.advance(3_600_000)
    expect(transport.counts.connections.open).toBe(2)
    clock.advance(302_000)
    await one.closed()
    await two.closed()
    expect(transport.counts.connections).toMatchObject({ open: 0, idle: 2, timedOut: 0 })
  })

  it('one that leaves a message half done is closed', async () => {
    const { user, tcp, transport, clock } = await live()
    const peer = await tcpPeer(tcp)
    await peer.send(options + options.slice(0, 50))
    await user.messages.next()
    clock.advance(11_000)
    await peer.closed()
    expect(transport.counts.connections.timedOut).toBe(1)
  })

  it('one address may have so many, and all together so many', async () => {
    for (const limits of [{ perAddress: 2 }, { accepted: 2 }]) {
      const { user, tcp, transport } = await live('127.0.0.1', { limits })
      const peers = [await tcpPeer(tcp), await tcpPeer(tcp)]
      for (const peer of peers) await peer.send(options)
      await user.messages.take(2)
      // Refused so soon that it may not even see itself connected.
      const third = new TcpPeer(connect(tcp.port, tcp.address))
      await third.closed()
      expect(transport.counts.connections).toMatchObject({ open: 2, refused: 1 })
      peers[0]?.close()
      await user.closed.next()
      await (await tcpPeer(tcp)).send(options)
      await user.messages.next()
    }
  })

  it('of those that never spoke the oldest makes room, so that a newcomer is served', async () => {
    const { user, tcp, transport } = await live('127.0.0.1', { limits: { silent: 2 } })
    const oldest = await tcpPeer(tcp)
    const others = [await tcpPeer(tcp), await tcpPeer(tcp), await tcpPeer(tcp)]
    await oldest.closed()
    await others[2]?.send(options)
    await user.messages.next()
    expect(transport.counts.connections.refused).toBe(0)
  })

  it('a peer that does not read is closed when too much waits for it', async () => {
    const { user, tcp, transport } = await live('127.0.0.1', { limits: { unsentBytes: 100_000 } })
    const peer = await tcpPeer(tcp)
    await peer.send(options)
    const { message, flow } = await user.messages.next()
    peer.socket.pause()
    const response = createResponse(asRequest(message), 200, { body: 'x'.repeat(60_000), contentType: 'text/plain' })
    // The kernel takes some megabytes at first; the bound is on what it does not take.
    const outcomes: Promise<unknown>[] = []
    for (let i = 0; i < 1000 && flow.isOpen; i++) {
      outcomes.push(
        transport
          .prepareResponse(response, flow)
          .send()
          .catch((thrown: unknown) => thrown),
      )
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(flow.isOpen).toBe(false)
    expect(transport.counts.connections.tooSlow).toBe(1)
    peer.close()
    await transport.close()
    await Promise.all(outcomes)
  })
})

describe('opening a connection', () => {
  function listener(clock: TestClock): TcpListener {
    const user = { messageArrived: () => {}, framingFailed: () => {}, keepAliveArrived: () => {}, wireClosed: () => {} }
    const local = { address: '127.0.0.1', port: 0 }
    const common = { clock, log: silentLogger, limits: defaultConnectionLimits, counts: newCounts(), user }
    return new TcpListener({ local, isDualStack: false, ...common })
  }

  it('fails after three seconds without an answer, and leaves no timer', async () => {
    const clock = new TestClock()
    const own = listener(clock)
    await own.start()
    closers.push(() => own.close())
    const server = await peerServer()
    const opening = own.open({ address: '127.0.0.1', port: server.port })
    // Before the event loop turns no connection can be there.
    clock.advance(3000)
    await expect(opening).rejects.toMatchObject({ code: 'transport.connect-timed-out' })
    expect(clock.pending).toBe(0)
  })

  it('is given up when the transport closes', async () => {
    const clock = new TestClock()
    const own = listener(clock)
    await own.start()
    const server = await peerServer()
    const opening = own.open({ address: '127.0.0.1', port: server.port })
    const closing = own.close()
    await expect(opening).rejects.toMatchObject({ code: 'transport.connect-failed' })
    await closing
    expect(clock.pending).toBe(0)
    await expect(own.open({ address: '127.0.0.1', port: server.port })).rejects.toMatchObject({
      code: 'transport.too-many-connections',
    })
  })
})
