import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import type { DatagramPort } from '../../src/rtp/datagram-port.ts'
import { writeEventPayload } from '../../src/rtp/event-payload.ts'
import { EventReceiver } from '../../src/rtp/event-receiver.ts'
import { EventSender } from '../../src/rtp/event-sender.ts'
import { Latch } from '../../src/rtp/latching.ts'
import { newRtpHeader, readRtpHeader, rtpHeaderBytes, writeRtpHeader } from '../../src/rtp/packet.ts'
import { ReceiveStatistics } from '../../src/rtp/receive-statistics.ts'
import { TestClock } from './test-clock.ts'
import { VirtualNetwork } from './virtual-network.ts'

const server = '198.51.100.10'
const phone = '192.168.1.20'
const router = '203.0.113.5'

interface World {
  readonly clock: TestClock
  readonly network: VirtualNetwork
}

function world(): World {
  const clock = new TestClock()
  return { clock, network: new VirtualNetwork(clock, new SeededRandom(3)) }
}

/** Texts with the source, as a port hears them. */
function listen(port: DatagramPort): string[] {
  const heard: string[] = []
  port.onMessage((bytes, address, from) => heard.push(`${Buffer.from(bytes).toString()} ${address}:${from}`))
  return heard
}

function send(from: DatagramPort, text: string, port: number, address: string): void {
  from.send(new TextEncoder().encode(text), 0, text.length, port, address)
}

describe('VirtualNetwork', () => {
  it('delivers after the delay of the path, and loses what the script says', () => {
    const { clock, network } = world()
    const [a, b] = [network.bind(server), network.bind(phone, 4000)]
    network.path(server, phone, { delayMs: 30, drop: (n) => n === 1 })
    const heard = listen(b)
    for (const text of ['one', 'two', 'three']) send(a, text, 4000, phone)
    clock.advance(29)
    expect(heard).toEqual([])
    clock.advance(1)
    expect(heard).toEqual([`one ${server}:${a.port}`, `three ${server}:${a.port}`])
  })

  it('loses, doubles and reorders at the rates asked for', () => {
    const { clock, network } = world()
    const [a, b] = [network.bind(server), network.bind(phone, 4000)]
    network.path(server, phone, { lossRate: 0.1, duplicateRate: 0.1, jitterMs: 50 })
    const heard = listen(b)
    for (let n = 0; n < 1000; n++) {
      send(a, String(n), 4000, phone)
      clock.advance(20)
    }
    clock.advance(100)
    const numbers = heard.map((line) => Number.parseInt(line, 10))
    expect(new Set(numbers).size).toBeGreaterThan(850)
    expect(new Set(numbers).size).toBeLessThan(950)
    expect(numbers.length).toBeGreaterThan(new Set(numbers).size + 50)
    expect(numbers.some((n, i) => n < (numbers[i - 1] ?? -1))).toBe(true)
  })

  it('hides a phone behind a NAT: only who was written to gets in, by the port the NAT chose', () => {
    const { clock, network } = world()
    const [a, b, other] = [network.bind(server, 20_000), network.bind(phone, 4000), network.bind('192.0.2.66', 5000)]
    network.nat(phone, router)
    const [heardByServer, heardByPhone] = [listen(a), listen(b)]
    send(b, 'hello', 20_000, server)
    clock.advance(1)
    expect(heardByServer).toEqual([`hello ${router}:60000`])
    send(a, 'answer', 60_000, router)
    send(other, 'attack', 60_000, router)
    send(a, 'direct', 4000, router)
    clock.advance(1)
    expect(heardByPhone).toEqual([`answer ${server}:20000`])
    expect(network.undelivered).toBe(2)
    network.rebindNat(phone)
    send(b, 'again', 20_000, server)
    clock.advance(1)
    expect(heardByServer.at(-1)).toBe(`again ${router}:60001`)
  })

  it('gives a symmetric NAT one port per remote endpoint', () => {
    const { clock, network } = world()
    const [a, c, b] = [network.bind(server, 20_000), network.bind(server, 20_002), network.bind(phone, 4000)]
    network.nat(phone, router, 'symmetric')
    const heard = [listen(a), listen(c)]
    send(b, 'x', 20_000, server)
    send(b, 'x', 20_002, server)
    clock.advance(1)
    expect(heard).toEqual([[`x ${router}:60000`], [`x ${router}:60001`]])
  })
})

describe('the RTP bricks on a bad network', () => {
  it('latch a phone behind a NAT, follow it when the NAT rebinds, and hear every key through 10 % loss and a stranger', () => {
    const { clock, network } = world()
    const [ours, theirs, stranger] = [
      network.bind(server, 20_000),
      network.bind(phone, 4000),
      network.bind('192.0.2.66', 5000),
    ]
    network.nat(phone, router)
    network.path(phone, server, { delayMs: 40, jitterMs: 30, lossRate: 0.1, duplicateRate: 0.02 })

    const latch = new Latch({ address: phone, port: 4000, isExpected: true, signallingAddress: router }, 0)
    const statistics = new ReceiveStatistics()
    const keys: number[] = []
    const receiver = new EventReceiver({ eventStarted: (code) => keys.push(code), eventEnded: () => {} })
    const header = newRtpHeader()
    const latched: string[] = []
    let refusedFromPhone = 0
    ours.onMessage((bytes, address, port) => {
      if (!readRtpHeader(bytes, header)) return
      const isKnown = header.payloadType === 0 || header.payloadType === 101
      const verdict = latch.receive(address, port, header.ssrc, header.sequence, isKnown, clock.now())
      if (verdict === 'refused') {
        if (address === router) refusedFromPhone++
        return
      }
      if (verdict === 'latched') latched.push(`${address}:${port}`)
      expect(address).toBe(router)
      statistics.update(header.sequence, header.timestamp, header.ssrc, clock.now(), header.payloadType === 0)
      if (header.payloadType !== 101) return
      receiver.receive(bytes, header.payloadOffset, header.payloadBytes, header.timestamp, clock.now())
    })

    const sender = new EventSender()
    const packet = new Uint8Array(rtpHeaderBytes + 160)
    const speak = (n: number): void => {
      const timestamp = (0xffff_f000 + n * 160) >>> 0
      if (sender.next(timestamp, 160) === 'event') {
        writeRtpHeader(packet, 0, 101, sender.isMarked, n & 0xffff, sender.timestamp, 0xfeed)
        writeEventPayload(packet, rtpHeaderBytes, sender.code, sender.isEnd, sender.durationTicks)
        theirs.send(packet, 0, rtpHeaderBytes + 4, 20_000, server)
      } else {
        writeRtpHeader(packet, 0, 0, false, n & 0xffff, timestamp, 0xfeed)
        theirs.send(packet, 0, packet.length, 20_000, server)
      }
      writeRtpHeader(packet, 0, 0, false, n & 0xffff, timestamp, 0xbad)
      stranger.send(packet, 0, packet.length, 20_000, server)
      clock.advance(20)
    }

    let n = 65_000
    for (; n < 65_100; n++) speak(n)
    for (let code = 0; code < 12; code++) sender.enqueue(code)
    for (; n < 65_300; n++) speak(n)
    // The phone is silent for 1.5 s, its NAT forgets it, and it goes on from another port.
    clock.advance(1500)
    network.rebindNat(phone)
    for (; n < 66_000; n++) speak(n)
    clock.advance(200)

    expect(keys).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(latched).toEqual([`${router}:60000`, `${router}:60001`])
    expect(refusedFromPhone).toBeLessThan(30)
    expect(statistics.packetsLost).toBeGreaterThan(60)
    expect(statistics.packetsLost).toBeLessThan(150)
    expect(clock.pending).toBe(0)
  })
})
