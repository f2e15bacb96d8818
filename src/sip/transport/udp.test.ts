import { platform } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { UdpPeer } from '../../../test/support/live-sockets.ts'
import { hasIpv6, type LiveTransport, liveTransport, optionsText } from '../../../test/support/live-transport.ts'
import { sipRequest } from '../../../test/support/sip-peer.ts'
import { ConfigError, TransportError } from '../../base/errors.ts'
import type { ListenAddress } from '../../config/addresses.ts'
import { createResponse, type SipMessage, type SipRequest } from '../message/index.ts'

const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function live(address?: string, options?: Parameters<typeof liveTransport>[1]): Promise<LiveTransport> {
  const parts = await liveTransport(address, options)
  closers.push(() => parts.transport.close())
  return parts
}

async function udpPeer(address: string): Promise<UdpPeer> {
  const peer = await UdpPeer.open(address)
  closers.push(() => peer.close())
  return peer
}

function asRequest(message: SipMessage): SipRequest {
  if (message.kind !== 'request') throw new Error('That was a response.')
  return message
}

for (const address of ['127.0.0.1', '::1']) {
  describe.skipIf(address === '::1' && !hasIpv6)(`UDP on ${address}`, () => {
    const host = address.includes(':') ? `[${address}]` : address

    it('hands up a request with received and rport, and answers to the port it came from', async () => {
      const { transport, user, udp } = await live(address)
      const peer = await udpPeer(address)
      await peer.send(optionsText('UDP phone.invalid:9;rport;branch=z9hG4bK1'), udp)
      const { message, flow } = await user.messages.next()
      expect(flow).toMatchObject({
        protocol: 'udp',
        isReliable: false,
        isOpen: true,
        remote: { address, port: peer.port },
      })
      expect(message.headers.get('Via')).toBe(
        `SIP/2.0/UDP phone.invalid:9;rport=${peer.port};branch=z9hG4bK1;received=${address}`,
      )
      await transport.sendResponse(createResponse(asRequest(message), 200), flow)
      const { text, from } = await peer.datagrams.next()
      expect(text).toMatch(/^SIP\/2\.0 200 OK\r\n/)
      expect(from.port).toBe(udp.port)
    })

    it('answers to the port in the Via when no rport was asked for', async () => {
      const { transport, user, udp } = await live(address)
      const [peer, other] = [await udpPeer(address), await udpPeer(address)]
      await peer.send(optionsText(`UDP ${host}:${other.port};branch=z9hG4bK1`), udp)
      const { message, flow } = await user.messages.next()
      await transport.sendResponse(createResponse(asRequest(message), 200), flow)
      expect((await other.datagrams.next()).from.port).toBe(udp.port)
    })

    it('sends a request with its own address and rport in the Via, and by a flow to where that came from', async () => {
      const { transport, user, udp } = await live(address)
      const peer = await udpPeer(address)
      const request = sipRequest('OPTIONS', { branch: 'z9hG4bK2' })
      const remote = { address, port: peer.port }
      const flow = await transport.sendRequest(request, { destination: { protocol: 'udp', remote } })
      expect(flow.remote).toEqual(remote)
      const via = `Via: SIP/2.0/UDP ${host}:${udp.port};branch=z9hG4bK2;rport\r\n`
      expect((await peer.datagrams.next()).text).toContain(via)
      await peer.send(optionsText(`UDP ${host};branch=z9hG4bK1`), udp)
      const arrived = await user.messages.next()
      expect(arrived.flow.id).toBe(flow.id)
      await transport.sendRequest(request, { flow: arrived.flow })
      expect((await peer.datagrams.next()).text).toContain(via)
    })
  })
}

describe('UDP', () => {
  it('answers malformed requests 400, to one address no more than ten times a second', async () => {
    const { transport, user, udp, clock } = await live()
    const peer = await udpPeer('127.0.0.1')
    const broken = optionsText('UDP 127.0.0.1;rport;branch=z9hG4bK1').replace('CSeq: 1', 'CSeq: none')
    for (let i = 0; i < 15; i++) await peer.send(broken, udp)
    const [first] = await user.garbage.take(15)
    expect(first?.error.code).toBe('sip-message.header')
    const answers = await peer.datagrams.take(10)
    expect(answers[0]?.text).toMatch(/^SIP\/2\.0 400 /)
    expect(answers[0]?.text).toContain(`;rport=${peer.port}`)
    expect(answers[0]?.text).toMatch(/To: <sip:1000@127\.0\.0\.1>;tag=[a-z0-9]{10}\r\n/)
    expect(transport.counts).toMatchObject({ malformed: 15, refusalsSent: 10, refusalsWithheld: 5 })
    clock.advance(1000)
    await peer.send(broken, udp)
    await peer.datagrams.next()
    expect(peer.datagrams.left).toBe(0)
  })

  it('answers neither noise nor malformed responses nor ACKs, and reads on', async () => {
    const { transport, user, udp } = await live()
    const peer = await udpPeer('127.0.0.1')
    const ack = optionsText('UDP 127.0.0.1;rport;branch=z9hG4bK1')
      .replaceAll('OPTIONS', 'ACK')
      .replace('CSeq: 1', 'CSeq: x')
    const noise = ['hello', new Uint8Array(2000).fill(0xff), 'SIP/2.0 200 OK\r\nVia: x\r\n\r\n', ack]
    for (const bytes of noise) await peer.send(bytes, udp)
    await user.garbage.take(noise.length)
    await peer.send(optionsText('UDP 127.0.0.1;rport;branch=z9hG4bK1'), udp)
    await user.messages.next()
    expect(transport.counts).toMatchObject({ malformed: 4, refusalsSent: 0 })
    expect(peer.datagrams.left).toBe(0)
  })

  it('takes keep-alives for what they are', async () => {
    const { transport, user, udp } = await live()
    const peer = await udpPeer('127.0.0.1')
    for (const keepAlive of ['\r\n\r\n', '\r\n', '\0']) await peer.send(keepAlive, udp)
    await peer.send(optionsText('UDP 127.0.0.1;branch=z9hG4bK1'), udp)
    await user.messages.next()
    expect(transport.counts).toMatchObject({ keepAlives: 3, malformed: 0, udp: { received: 1 } })
  })

  it('outlives sending to a port where nobody is', async () => {
    const { transport, user, udp } = await live()
    const gone = await UdpPeer.open('127.0.0.1')
    const remote = { address: '127.0.0.1', port: gone.port }
    gone.close()
    for (let i = 0; i < 3; i++) {
      await transport.sendRequest(sipRequest('OPTIONS'), { destination: { protocol: 'udp', remote } })
    }
    const peer = await udpPeer('127.0.0.1')
    await peer.send(optionsText('UDP 127.0.0.1;branch=z9hG4bK1'), udp)
    await user.messages.next()
  })

  it('rejects what the system does not take: too large, or no socket of that family', async () => {
    const { transport } = await live('127.0.0.1', { listen: [{ protocol: 'udp', address: '127.0.0.1', port: 0 }] })
    const huge = sipRequest('MESSAGE', { body: 'x'.repeat(70_000) })
    const to = (address: string, protocol: 'udp' | 'tcp') => ({
      destination: { protocol, remote: { address, port: 9 } },
    })
    await expect(transport.sendRequest(huge, to('127.0.0.1', 'udp'))).rejects.toThrow(TransportError)
    await expect(transport.sendRequest(sipRequest('OPTIONS'), to('::1', 'udp'))).rejects.toMatchObject({
      code: 'transport.no-socket',
    })
    await expect(transport.sendRequest(sipRequest('OPTIONS'), to('127.0.0.1', 'tcp'))).rejects.toMatchObject({
      code: 'transport.no-socket',
    })
    expect(transport.counts.sendFailures).toBe(3)
  })

  it.skipIf(!hasIpv6)(
    'listening on every address shows each peer the one it can reach, IPv4 and IPv6 by one socket',
    async () => {
      const { transport, user, udp } = await live('::')
      const [four, six] = [await udpPeer('127.0.0.1'), await udpPeer('::1')]
      await four.send(optionsText('UDP 127.0.0.1;rport;branch=z9hG4bK1'), { address: '127.0.0.1', port: udp.port })
      const fromFour = await user.messages.next()
      expect(fromFour.flow.remote).toEqual({ address: '127.0.0.1', port: four.port })
      expect(fromFour.flow.local).toEqual({ address: '127.0.0.1', port: udp.port })
      await transport.sendResponse(createResponse(asRequest(fromFour.message), 200), fromFour.flow)
      await four.datagrams.next()
      await six.send(optionsText('UDP [::1];rport;branch=z9hG4bK1'), { address: '::1', port: udp.port })
      const fromSix = await user.messages.next()
      expect(fromSix.flow.local).toEqual({ address: '::1', port: udp.port })
      await transport.sendRequest(sipRequest('OPTIONS', { branch: 'z9hG4bK3' }), { flow: fromSix.flow })
      expect((await six.datagrams.next()).text).toContain(`Via: SIP/2.0/UDP [::1]:${udp.port};`)
      await transport.sendRequest(sipRequest('OPTIONS', { branch: 'z9hG4bK3' }), { flow: fromFour.flow })
      expect((await four.datagrams.next()).text).toContain(`Via: SIP/2.0/UDP 127.0.0.1:${udp.port};`)
      expect(transport.localAddress({ protocol: 'udp', remote: fromFour.flow.remote }).address).toBe('127.0.0.1')
      expect(transport.interfaceAddress({ remote: fromSix.flow.remote })).toBe('::1')
    },
  )

  it.skipIf(!hasIpv6)('0.0.0.0 and :: may stand side by side on one port', async () => {
    const first = await live('0.0.0.0')
    const { port } = first.udp
    const listen: ListenAddress[] = [
      { protocol: 'udp', address: '::', port },
      { protocol: 'udp', address: '127.0.0.1', port: 0 },
    ]
    // Alone, `::` takes IPv4 too, and the port is in use; beside an IPv4 socket of that port it does not.
    await expect(live('::', { listen })).rejects.toMatchObject({ code: 'transport.address-in-use' })
    const { transport } = await live('::', {
      listen: [...listen, { protocol: 'udp', address: '127.0.0.2', port }],
    }).catch((thrown: unknown) => ({ transport: thrown as { code: string } }))
    // `::` was bound this time; what is refused is the IPv4 address that the other transport has.
    expect(transport).toMatchObject({ code: 'transport.address-in-use', facts: { address: '127.0.0.2' } })
  })

  it('advertises outside the local networks only', async () => {
    const { transport, udp } = await live('127.0.0.1', { advertised: { host: '198.51.100.1', port: null } })
    const seenBy = (address: string) => transport.localAddress({ protocol: 'udp', remote: { address, port: 5060 } })
    expect(seenBy('203.0.113.9')).toEqual({ address: '198.51.100.1', port: udp.port })
    expect(seenBy('192.168.1.9')).toEqual({ address: '127.0.0.1', port: udp.port })
    expect(transport.interfaceAddress({ remote: { address: '203.0.113.9', port: 5060 } })).toBe('127.0.0.1')
  })

  it('says which port is in use, and by whom; nothing stays bound', async () => {
    const { udp } = await live()
    const listen: ListenAddress[] = [
      { protocol: 'udp', address: '127.0.0.1', port: 0 },
      { protocol: 'udp', ...udp },
    ]
    const failure = await live('127.0.0.1', { listen }).catch((thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(ConfigError)
    expect(failure).toMatchObject({ code: 'transport.address-in-use', facts: { port: udp.port, protocol: 'udp' } })
    const by = platform() === 'linux' ? `by .+ \\(process ${process.pid}\\)` : 'by'
    expect((failure as ConfigError).message).toMatch(new RegExp(`^UDP 127\\.0\\.0\\.1:${udp.port} is in use ${by}`))
  })

  it('says when the address is not of this machine', async () => {
    const listen: ListenAddress[] = [{ protocol: 'udp', address: '203.0.113.77', port: 0 }]
    await expect(live('127.0.0.1', { listen })).rejects.toMatchObject({ code: 'transport.address-unknown' })
  })

  it('rejects after it was closed', async () => {
    const { transport, udp } = await live()
    await transport.close()
    const sending = transport.sendRequest(sipRequest('OPTIONS'), { destination: { protocol: 'udp', remote: udp } })
    await expect(sending).rejects.toMatchObject({ code: 'transport.send-failed' })
  })
})
