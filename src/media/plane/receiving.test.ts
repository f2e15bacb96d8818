import { describe, expect, it } from 'vitest'
import { agreedMedia, countingPrompt, mediaHarness, peerAddress, RtpPeer } from '../../../test/support/media-harness.ts'
import { levelOf } from '../g711.ts'

const frame = (value: number, bytes = 160): Uint8Array => new Uint8Array(bytes).fill(value)

describe('echo', () => {
  it('sends back what came, on the clock it came on, with our own SSRC and numbers', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.echo(true)
    for (let i = 0; i < 3; i++) {
      peer.send(endpoint.localPort, frame(i + 1))
      await clock.advanceAsync(20)
    }
    // A pause of the peer, and a packet of 30 ms.
    peer.timestamp += 800
    peer.send(endpoint.localPort, frame(9, 240), { isMarked: true })
    await clock.advanceAsync(20)
    const { heard } = peer
    expect(heard.map(({ payload }) => payload[0])).toEqual([1, 2, 3, 9])
    expect(heard[3]?.payload.length).toBe(240)
    expect(heard.map(({ isMarked }) => isMarked)).toEqual([true, false, false, true])
    const stamps = heard.map(({ timestamp }) => (timestamp - (heard[0]?.timestamp ?? 0)) >>> 0)
    expect(stamps).toEqual([0, 160, 320, 1280])
    expect(heard.every(({ ssrc }) => ssrc !== peer.ssrc)).toBe(true)
    endpoint.echo(false)
    peer.send(endpoint.localPort, frame(10))
    await clock.advanceAsync(20)
    expect(peer.heard.length).toBe(4)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('changes the law where the codecs differ', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia({ sendCodec: 'PCMU', sendPayloadType: 0 }))
    endpoint.echo(true)
    const codes = Uint8Array.from({ length: 160 }, (_, i) => i + 48)
    peer.send(endpoint.localPort, codes, { payloadType: 8 })
    await clock.advanceAsync(20)
    const [heard] = peer.heard
    expect(heard?.payloadType).toBe(0)
    const errors = [...codes].map((code, i) => {
      const wanted = levelOf('PCMA', code)
      return Math.abs(levelOf('PCMU', heard?.payload[i] ?? 0) - wanted) / Math.max(200, Math.abs(wanted))
    })
    expect(Math.max(...errors)).toBeLessThan(0.06)
    await finish()
  })

  it('is silent while a prompt plays, and no timestamp goes backwards where they meet', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.echo(true)
    // The peer's clock is fast: 80 ms of sound every 20 ms.
    for (let i = 0; i < 5; i++) {
      peer.timestamp += 480
      peer.send(endpoint.localPort, frame(100))
      await clock.advanceAsync(20)
    }
    endpoint.play([countingPrompt('p', 3)])
    for (let i = 0; i < 8; i++) {
      peer.send(endpoint.localPort, frame(101))
      await clock.advanceAsync(20)
    }
    const { heard } = peer
    const said = heard.map(({ payload }) => payload[0])
    expect(said.slice(0, 5)).toEqual([100, 100, 100, 100, 100])
    expect(said.filter((value) => value !== 100 && value !== 101)).toEqual([1, 2, 3])
    const stamps = heard.map(({ timestamp }) => (timestamp - (heard[0]?.timestamp ?? 0)) | 0)
    expect(stamps.every((stamp, i) => i === 0 || stamp > (stamps[i - 1] ?? 0))).toBe(true)
    await finish()
  })

  it('sends a packet that was overtaken with the time that is right for it, none twice, and none longer than ours', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.echo(true)
    peer.sendAt(endpoint.localPort, 1, 1000, frame(1))
    peer.sendAt(endpoint.localPort, 3, 1320, frame(3))
    peer.sendAt(endpoint.localPort, 2, 1160, frame(2))
    peer.sendAt(endpoint.localPort, 2, 1160, frame(2))
    peer.sendAt(endpoint.localPort, 4, 1480, frame(4, 1450))
    peer.sendAt(endpoint.localPort, 5, 1640, frame(5))
    await clock.advanceAsync(20)
    const { heard } = peer
    expect(heard.map(({ payload }) => payload[0])).toEqual([1, 3, 2, 5])
    expect(heard.map(({ timestamp }) => (timestamp - (heard[0]?.timestamp ?? 0)) | 0)).toEqual([0, 320, 160, 640])
    expect(heard.map(({ sequence }) => (sequence - (heard[0]?.sequence ?? 0)) & 0xffff)).toEqual([0, 1, 2, 3])
    await finish()
  })
})

describe('receiving', () => {
  it('tells where media come from, once, and sends there', async () => {
    const { clock, network, endpoint, peer, user, finish } = await mediaHarness()
    endpoint.connect(agreedMedia({ remoteAddress: '10.0.0.5', remotePort: 7000 }), { signallingAddress: peerAddress })
    endpoint.play([countingPrompt('p', 50)])
    for (let i = 0; i < 10; i++) {
      peer.send(endpoint.localPort, frame(1))
      await clock.advanceAsync(20)
    }
    expect(user.latched).toEqual([`${peerAddress}:4000`])
    expect(peer.heard.length).toBeGreaterThan(5)
    expect((await endpoint.stats()).receivedFrom).toBe(`${peerAddress}:4000`)
    const stranger = new RtpPeer(clock, network, '203.0.113.66', 9000)
    for (let i = 0; i < 10; i++) {
      peer.send(endpoint.localPort, frame(1))
      stranger.send(endpoint.localPort, frame(2))
      await clock.advanceAsync(20)
    }
    expect(user.latched.length).toBe(1)
    expect(stranger.heard).toEqual([])
    expect((await endpoint.stats()).discarded.stranger).toBe(11)
    await finish()
  })

  it('counts what it cannot use, and none of it ends anything', async () => {
    const { clock, endpoint, peer, user, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.detectInband(true)
    peer.rtp.send(Uint8Array.of(1, 2, 3), 0, 3, endpoint.localPort, '192.0.2.1')
    peer.send(endpoint.localPort, frame(1), { payloadType: 77 + 20 })
    peer.send(endpoint.localPort, Uint8Array.of(1), { payloadType: 13 })
    peer.send(endpoint.localPort, Uint8Array.of(1), { payloadType: 101 })
    peer.send(endpoint.localPort, new Uint8Array(0))
    peer.rtcp.send(Uint8Array.of(0x80, 200, 0), 0, 3, endpoint.localPort + 1, '192.0.2.1')
    await clock.advanceAsync(100)
    const stats = await endpoint.stats()
    expect(stats.discarded).toEqual({ malformed: 3, stranger: 0, unknownPayload: 1 })
    expect(stats.packetsReceived).toBe(4)
    expect(stats.packetsLost).toBe(0)
    expect(user.digits).toEqual([])
    await finish()
  })

  it('counts true loss', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    for (let i = 0; i < 50; i++) {
      if (i % 10 === 5) peer.sequence++
      else peer.send(endpoint.localPort, frame(1))
      await clock.advanceAsync(20, 1)
    }
    const stats = await endpoint.stats()
    expect([stats.packetsReceived, stats.packetsLost]).toEqual([45, 5])
    await finish()
  })
})

describe('the media time-out', () => {
  it('is told once, after neither RTP nor RTCP for so long', async () => {
    const { clock, endpoint, peer, user, finish } = await mediaHarness({ timeoutMs: 5000 })
    endpoint.connect(agreedMedia())
    for (let i = 0; i < 10; i++) {
      peer.send(endpoint.localPort, frame(1))
      await clock.advanceAsync(1000)
    }
    expect(user.timedOut).toEqual([])
    // An empty receiver report with no block.
    const report = Uint8Array.of(0x80, 201, 0, 1, 1, 2, 3, 4)
    peer.rtcp.send(report, 0, 8, endpoint.localPort + 1, '192.0.2.1')
    await clock.advanceAsync(4900)
    expect(user.timedOut).toEqual([])
    await clock.advanceAsync(300)
    expect(user.timedOut.length).toBe(1)
    expect(user.timedOut[0]).toBeGreaterThanOrEqual(5000)
    expect(user.timedOut[0]).toBeLessThan(5100)
    await clock.advanceAsync(20_000)
    expect(user.timedOut.length).toBe(1)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('runs from the connection when nothing ever comes, not while held, and anew after the hold', async () => {
    const { clock, endpoint, user, finish } = await mediaHarness({ timeoutMs: 5000 })
    await clock.advanceAsync(60_000)
    endpoint.connect(agreedMedia())
    await clock.advanceAsync(4000)
    endpoint.connect(agreedMedia({ direction: 'recvonly', isHeld: true }))
    await clock.advanceAsync(60_000)
    endpoint.connect(agreedMedia())
    await clock.advanceAsync(4900)
    expect(user.timedOut).toEqual([])
    await clock.advanceAsync(200)
    expect(user.timedOut.length).toBe(1)
    await finish()
  })
})

describe('a user that closes the endpoint from within what it is told', () => {
  const told = ['mediaTimedOut', 'mediaLatched', 'digitReceived'] as const
  for (const name of told) {
    it(`leaves nothing behind in ${name}`, async () => {
      const { clock, endpoint, peer, user, finish } = await mediaHarness({ timeoutMs: 2000 })
      let calls = 0
      user[name] = () => {
        calls++
        void endpoint.close()
      }
      endpoint.connect(agreedMedia())
      endpoint.detectInband(true)
      endpoint.play([countingPrompt('p', 5)], { loop: true })
      peer.sendEvent(endpoint.localPort, 5, 160, { isMarked: true })
      await clock.advanceAsync(3000)
      expect(calls).toBe(1)
      peer.takeHeard()
      await clock.advanceAsync(100)
      expect(peer.heard).toEqual([])
      expect(clock.pending).toBe(0)
      expect(await finish()).toEqual({ pending: 0, ports: 0 })
    })
  }
})

describe('RTCP', () => {
  it('reports what was sent and heard, and says goodbye at the end', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.play([countingPrompt('p', 200)], { loop: true })
    for (let i = 0; i < 600; i++) {
      peer.send(endpoint.localPort, frame(1))
      await clock.advanceAsync(20, 1)
    }
    const reports = peer.rtcpHeard.length
    expect(reports).toBeGreaterThanOrEqual(1)
    const first = peer.rtcpHeard[0] ?? new Uint8Array(0)
    // A sender report with one block, of the peer's SSRC.
    expect([first[0], first[1]]).toEqual([0x81, 200])
    const view = new DataView(first.buffer, first.byteOffset)
    expect(view.getUint32(28)).toBe(peer.ssrc)
    expect(view.getUint32(20)).toBeGreaterThan(50)
    expect(view.getUint32(24)).toBe(view.getUint32(20) * 160)
    // Its RTP timestamp lies on the line of our packets.
    const packet = peer.heard[0]
    const ahead = (view.getUint32(16) - (packet?.timestamp ?? 0)) | 0
    expect(ahead).toBeGreaterThan(0)
    expect(ahead / 8).toBeLessThan(12_000)
    await endpoint.close()
    await clock.advanceAsync(10)
    const last = peer.rtcpHeard.at(-1) ?? new Uint8Array(0)
    expect(peer.rtcpHeard.length).toBe(reports + 1)
    expect(last[last.length - 7]).toBe(203)
    await finish()
  })
})
