import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { Latch, type SignalledSource } from './latching.ts'

const peer = '198.51.100.7'
const stranger = '203.0.113.66'
const atPeer: SignalledSource = { address: peer, port: 4000, isExpected: true }
const behindNat: SignalledSource = { address: '192.168.1.20', port: 4000, isExpected: true }

/** A source that speaks: one packet per call, sequence numbers going up. */
function source(latch: Latch, address: string, port: number, ssrc: number, first = 0): (nowMs: number) => string {
  let sequence = first
  return (nowMs) => latch.receive(address, port, ssrc, sequence++ & 0xffff, true, nowMs)
}

describe('Latch, nothing heard yet', () => {
  it('hears the signalled source with its first packet', () => {
    const latch = new Latch(atPeer, 0)
    const speak = source(latch, peer, 4000, 1)
    expect(latch.isLatched).toBe(false)
    expect(speak(0)).toBe('latched')
    expect(speak(20)).toBe('accepted')
    expect([latch.remoteAddress, latch.remotePort]).toEqual([peer, 4000])
  })

  it('hears another port of the signalled host after two packets in a row', () => {
    const latch = new Latch(atPeer, 0)
    const speak = source(latch, peer, 61_000, 1)
    expect(speak(0)).toBe('refused')
    expect(latch.remotePort).toBe(4000)
    expect(speak(20)).toBe('latched')
    expect(latch.remotePort).toBe(61_000)
  })

  it('hears a public source after three packets where the signalled address is private', () => {
    const latch = new Latch(behindNat, 0)
    const speak = source(latch, peer, 61_000, 1)
    expect([speak(0), speak(20), speak(40), speak(60)]).toEqual(['refused', 'refused', 'latched', 'accepted'])
  })

  it('prefers the host that signals to strangers where the signalled address is private', () => {
    const latch = new Latch({ ...behindNat, signallingAddress: peer }, 0)
    const attack = source(latch, stranger, 5000, 9)
    const speak = source(latch, peer, 61_000, 1)
    for (let ms = 0; ms < 500; ms += 5) expect(attack(ms)).toBe('refused')
    expect(speak(500)).toBe('refused')
    expect(attack(505)).toBe('refused')
    expect(speak(520)).toBe('latched')
    expect(latch.remoteAddress).toBe(peer)
  })

  it('hears a stranger where a public signalled address is silent for a second, and not before', () => {
    const latch = new Latch(atPeer, 0)
    const speak = source(latch, stranger, 5000, 9)
    for (let ms = 0; ms < 1000; ms += 20) expect(speak(ms)).toBe('refused')
    expect([speak(1000), speak(1020), speak(1040)]).toEqual(['refused', 'refused', 'latched'])
  })

  it('wants packets in a row: of one source, one SSRC, near numbers, near in time, of an agreed payload type', () => {
    const attempt = (each: (latch: Latch, n: number) => string): string[] => {
      const latch = new Latch(atPeer, 0)
      return Array.from({ length: 6 }, (_, n) => each(latch, n))
    }
    const at = (n: number): number => 2000 + n * 20
    const one = attempt((latch, n) => latch.receive(stranger, 5000, 9, n * 2, true, at(n)))
    expect(one).toContain('latched')
    const tries: Record<string, (latch: Latch, n: number) => string> = {
      ports: (latch, n) => latch.receive(stranger, 5000 + n, 9, n, true, at(n)),
      ssrcs: (latch, n) => latch.receive(stranger, 5000, n, n, true, at(n)),
      numbers: (latch, n) => latch.receive(stranger, 5000, 9, n * 7919, true, at(n)),
      same: (latch, n) => latch.receive(stranger, 5000, 9, 5, true, at(n)),
      backwards: (latch, n) => latch.receive(stranger, 5000, 9, 100 - n, true, at(n)),
      slow: (latch, n) => latch.receive(stranger, 5000, 9, n, true, 2000 + n * 600),
      payload: (latch, n) => latch.receive(stranger, 5000, 9, n, false, at(n)),
    }
    for (const [name, each] of Object.entries(tries)) expect(attempt(each), name).not.toContain('latched')
  })

  it('is not spoilt by a network that doubles packets', () => {
    const latch = new Latch(behindNat, 0)
    const verdicts = [0, 0, 1, 1, 2, 2].map((n, i) => latch.receive(peer, 61_000, 1, n, true, i * 10))
    expect(verdicts).toEqual(['refused', 'refused', 'refused', 'refused', 'latched', 'accepted'])
  })

  it('lets no crowd of strangers push the true source out', () => {
    const latch = new Latch({ ...atPeer }, 0)
    const speak = source(latch, peer, 61_000, 1)
    let verdict = speak(0)
    for (let n = 0; n < 3; n++) latch.receive(`203.0.113.${n}`, 5000, n, n, true, 5)
    verdict = speak(20)
    expect(verdict).toBe('latched')
  })

  it('learns nothing during a hold', () => {
    const latch = new Latch({ ...atPeer, isExpected: false }, 0)
    const speak = source(latch, stranger, 5000, 9)
    for (let ms = 0; ms < 20_000; ms += 20) expect(speak(ms)).toBe('refused')
    expect(source(latch, peer, 4000, 1)(20_000)).toBe('latched')
  })
})

describe('Latch, a source is heard', () => {
  it('neither redirects nor lets in a stranger who sprays a live port, whatever numbers and SSRC it sends', () => {
    const latch = new Latch(behindNat, 0)
    const random = new SeededRandom(4)
    const speak = source(latch, peer, 61_000, 1, 65_000)
    for (let ms = 0; ms < 60; ms += 20) speak(ms)
    for (let n = 0; n < 600; n++) {
      const ms = 60 + n * 20
      expect(speak(ms)).toBe('accepted')
      for (let i = 0; i < 20; i++) {
        // Even with the true SSRC and the very next number.
        const ssrc = i % 2 === 0 ? 1 : random.uint32()
        const verdict = latch.receive(stranger, 5000 + (i % 3), ssrc, (65_003 + n + 1) & 0xffff, true, ms + i)
        expect(verdict).toBe('refused')
      }
      expect(latch.remoteAddress).toBe(peer)
    }
  })

  it('lets the same stream move after a second of silence, its numbers going on', () => {
    const latch = new Latch(atPeer, 0)
    const speak = source(latch, peer, 4000, 77, 65_530)
    for (let ms = 0; ms <= 200; ms += 20) speak(ms)
    const moved = source(latch, '198.51.100.99', 7000, 77, 65_541)
    for (let ms = 220; ms < 1200; ms += 20) expect(moved(ms)).toBe('refused')
    expect([moved(1200), moved(1220), moved(1240)]).toEqual(['refused', 'refused', 'latched'])
    expect(latch.remoteAddress).toBe('198.51.100.99')
  })

  it('lets another stream take over only after five seconds of silence', () => {
    const latch = new Latch(atPeer, 0)
    const speak = source(latch, peer, 4000, 77)
    speak(0)
    const other = source(latch, stranger, 5000, 9)
    for (let ms = 20; ms < 5000; ms += 20) expect(other(ms)).toBe('refused')
    expect([other(5000), other(5020), other(5040)]).toEqual(['refused', 'refused', 'latched'])
  })

  it('begins the count anew whenever the latched source is heard in between', () => {
    const latch = new Latch(atPeer, 0)
    const speak = source(latch, peer, 4000, 77)
    const other = source(latch, stranger, 5000, 9)
    speak(0)
    expect([other(5000), other(5020)]).toEqual(['refused', 'refused'])
    expect(speak(5030)).toBe('accepted')
    expect(other(5040)).toBe('refused')
  })

  it('goes back to the signalled source as soon as that speaks', () => {
    const latch = new Latch(atPeer, 0)
    const other = source(latch, stranger, 5000, 9)
    for (let ms = 1000; ms <= 1100; ms += 20) other(ms)
    expect(latch.remoteAddress).toBe(stranger)
    expect(source(latch, peer, 4000, 1)(1120)).toBe('latched')
    expect(latch.remoteAddress).toBe(peer)
    expect(other(1140)).toBe('refused')
  })

  it('accepts a new SSRC from the source it listens to', () => {
    const latch = new Latch(atPeer, 0)
    source(latch, peer, 4000, 1)(0)
    expect(source(latch, peer, 4000, 2, 999)(20)).toBe('accepted')
  })
})

describe('Latch, negotiated again', () => {
  it('keeps what a NAT showed when the address is the same', () => {
    const latch = new Latch(behindNat, 0)
    const speak = source(latch, peer, 61_000, 1)
    for (let ms = 0; ms <= 60; ms += 20) speak(ms)
    latch.negotiated(behindNat, 100)
    expect(latch.remoteAddress).toBe(peer)
    expect(speak(120)).toBe('accepted')
  })

  it('opens for a new address and sends there at once', () => {
    const latch = new Latch(atPeer, 0)
    const old = source(latch, peer, 4000, 1)
    old(0)
    latch.negotiated({ address: '198.51.100.200', port: 6000, isExpected: true }, 100)
    expect([latch.remoteAddress, latch.remotePort, latch.isLatched]).toEqual(['198.51.100.200', 6000, false])
    expect(old(110)).toBe('refused')
    expect(source(latch, '198.51.100.200', 6000, 2)(120)).toBe('latched')
  })

  it('keeps the latch through a hold by 0.0.0.0, and lets nobody in meanwhile', () => {
    const latch = new Latch(atPeer, 0)
    const speak = source(latch, peer, 4000, 1)
    const attack = source(latch, stranger, 5000, 9)
    speak(0)
    latch.negotiated({ address: '0.0.0.0', port: 4000, isExpected: true }, 100)
    for (let ms = 100; ms < 60_000; ms += 20) expect(attack(ms)).toBe('refused')
    latch.negotiated(atPeer, 60_000)
    for (let ms = 60_000; ms < 64_900; ms += 20) expect(attack(ms)).toBe('refused')
    expect(speak(64_900)).toBe('accepted')
  })

  it('compares addresses, not their spelling', () => {
    const latch = new Latch({ address: '2001:DB8:0:0::7', port: 4000, isExpected: true }, 0)
    expect(source(latch, '2001:db8::7', 4000, 1)(0)).toBe('latched')
    const mapped = new Latch({ address: '::ffff:198.51.100.7', port: 4000, isExpected: true }, 0)
    expect(source(mapped, peer, 4000, 1)(0)).toBe('latched')
  })
})

describe('Latch, RTCP', () => {
  it('hears the host that RTP comes from and the signalled one, nobody else', () => {
    const latch = new Latch(behindNat, 0)
    const speak = source(latch, peer, 61_000, 1)
    expect(latch.isRtcpHeard(peer)).toBe(false)
    for (let ms = 0; ms <= 60; ms += 20) speak(ms)
    expect([peer, behindNat.address, stranger].map((one) => latch.isRtcpHeard(one))).toEqual([true, true, false])
  })
})
