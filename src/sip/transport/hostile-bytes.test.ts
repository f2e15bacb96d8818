import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Arrivals, TcpPeer, UdpPeer } from '../../../test/support/live-sockets.ts'
import { type LiveTransport, liveTransport, optionsText } from '../../../test/support/live-transport.ts'
import { SeededRandom } from '../../base/random.ts'

const folder = join(import.meta.dirname, '../../../test/fixtures/torture')
const torture = ['rfc4475', 'rfc5118'].flatMap((rfc) =>
  readdirSync(join(folder, rfc)).map((name) => readFileSync(join(folder, rfc, name))),
)

const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function live(): Promise<LiveTransport> {
  const parts = await liveTransport()
  closers.push(() => parts.transport.close())
  return parts
}

/** Each torture message, and twenty damaged twins of it: bytes changed, cut short, repeated. */
function* hostile(): Generator<Uint8Array> {
  const random = new SeededRandom(4475)
  for (const message of torture) {
    yield message
    for (let i = 0; i < 20; i++) {
      const twin = Uint8Array.from(message)
      for (let n = random.uint32() % 8; n >= 0; n--) twin[random.uint32() % twin.length] = random.uint32() & 255
      const end = random.uint32() % 3 === 0 ? random.uint32() % twin.length : twin.length
      yield random.uint32() % 5 === 0 ? Buffer.concat([twin, twin.subarray(0, end)]) : twin.subarray(0, end)
    }
  }
}

describe('hostile bytes over live sockets', () => {
  it('over UDP: every one is passed up, or counted and dropped; then a phone is still served', async () => {
    const { transport, udp } = await live()
    const arrivals = new Arrivals<string>()
    transport.user = {
      messageReceived: (message) => arrivals.add(message.sipCallId),
      garbageReceived: (error) => arrivals.add(error.code),
      flowClosed: () => {},
    }
    const peer = await UdpPeer.open('127.0.0.1')
    closers.push(() => peer.close())
    let sent = 0
    for (const bytes of hostile()) {
      // Shorter ones may be keep-alives, of which nobody is told.
      if (bytes.length <= 8) continue
      // One at a time, or the kernel may drop some.
      await peer.send(bytes, udp)
      await arrivals.next()
      sent++
    }
    expect(transport.counts.udp.received).toBe(sent)
    expect(sent).toBeGreaterThan(1200)
    await peer.send(optionsText('UDP 127.0.0.1;branch=z9hG4bKlast', { callId: 'last-one' }), udp)
    expect(await arrivals.next()).toBe('last-one')
    expect(transport.counts.malformed).toBeGreaterThan(200)
  })

  it('over TCP: a connection is closed when it cannot be read on; the next one is served', async () => {
    const { transport, user, tcp } = await live()
    for (const bytes of hostile()) {
      const peer = await TcpPeer.open(tcp)
      await peer.send(bytes)
      peer.close()
      await user.closed.next()
    }
    const peer = await TcpPeer.open(tcp)
    closers.push(() => peer.close())
    await peer.send(optionsText('TCP 127.0.0.1;branch=z9hG4bKlast', { callId: 'last-one' }))
    for (;;) if ((await user.messages.next()).message.sipCallId === 'last-one') break
    expect(transport.counts.connections.open).toBe(1)
  })

  it('a reader above that throws costs its own message', async () => {
    const { transport, user, udp } = await live()
    const peer = await UdpPeer.open('127.0.0.1')
    closers.push(() => peer.close())
    transport.user = {
      messageReceived: (message, flow) => {
        if (message.sipCallId === 'bad') throw new Error('broken')
        user.messageReceived(message, flow)
      },
      garbageReceived: () => {
        throw new Error('broken')
      },
      flowClosed: () => {},
    }
    await peer.send('garbage', udp)
    await peer.send(optionsText('UDP 127.0.0.1;branch=z9hG4bK1', { callId: 'bad' }), udp)
    await peer.send(optionsText('UDP 127.0.0.1;branch=z9hG4bK2', { callId: 'good' }), udp)
    expect((await user.messages.next()).message.sipCallId).toBe('good')
  })
})
