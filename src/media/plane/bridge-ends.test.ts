import { describe, expect, it } from 'vitest'
import { hears } from '../../../test/support/hear.ts'
import { joinHarness, sequenceSteps } from '../../../test/support/join-harness.ts'
import { RtpPeer } from '../../../test/support/media-harness.ts'

const isOne = (step: number): boolean => step === 1

for (const workers of [1, 2]) {
  describe(`the life of a bridge with ${workers === 1 ? 'both sides in one worker' : 'each side in a worker of its own'}`, () => {
    it('is over when it is closed, when either side closes, and when either side is joined anew', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const parties = Array.from({ length: 7 }, () => party())
      const [a, b, c, d, e, f, g] = parties
      if (!a || !b || !c || !d || !e || !f || !g) throw new Error('unreachable')
      for (const one of parties) one.speak()
      const first = plane.bridge(a.endpoint, b.endpoint)
      plane.bridge(c.endpoint, d.endpoint)
      plane.bridge(e.endpoint, f.endpoint)
      await run(200)
      first.close()
      first.close()
      void c.endpoint.close()
      plane.bridge(f.endpoint, g.endpoint)
      await run(10)
      for (const one of parties) one.peer.takeHeard()
      await run(200)
      for (const one of [a, b, c, d, e]) expect(one.peer.heard).toEqual([])
      expect(hears(f.hearing(), [g.hz]) && hears(g.hearing(), [f.hz])).toBe(true)
      // What is over stays over: neither its closing nor its mute touches what came after it.
      const second = plane.bridge(a.endpoint, b.endpoint)
      first.mute(a.endpoint, true)
      first.close()
      await run(200)
      expect(hears(a.hearing(), [b.hz]) && hears(b.hearing(), [a.hz])).toBe(true)
      // With an endpoint that is closed nobody can be joined.
      plane.bridge(c.endpoint, d.endpoint)
      await run(100)
      expect(d.peer.heard).toEqual([])
      second.close()
      expect(await finish()).toEqual({ pending: 0, ports: 0 })
    })

    it('leaves the echo off while it lasts', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      a.endpoint.echo(true)
      a.speak()
      await run(200)
      expect(hears(a.hearing(), [a.hz])).toBe(true)
      const bridge = plane.bridge(a.endpoint, b.endpoint)
      await run(20)
      a.peer.takeHeard()
      await run(200)
      expect(a.peer.heard).toEqual([])
      bridge.close()
      await run(200)
      expect(hears(a.hearing(), [a.hz])).toBe(true)
      expect(a.peer.heard[0]?.isMarked).toBe(true)
      await finish()
    })

    it('lets no stranger be heard, and no garbage through', async () => {
      const { plane, clock, network, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      b.speak()
      await run(100)
      const stranger = new RtpPeer(clock, network, '203.0.113.66', 9000)
      let seed = 7
      const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 16
      for (let i = 0; i < 300; i++) {
        stranger.send(a.endpoint.localPort, new Uint8Array(160).fill(0x20))
        const bytes = Uint8Array.from({ length: random() % 400 }, () => random() & 0xff)
        // Half of it looks like RTP of an agreed number.
        if (i % 2 === 0 && bytes.length > 12) {
          bytes[0] = 0x80 | ((bytes[0] ?? 0) & 0x3f)
          bytes[1] = [0, 8, 13, 101][i % 4] ?? 0
        }
        a.peer.rtp.send(bytes, 0, bytes.length, a.endpoint.localPort, '192.0.2.1')
        await run(5)
      }
      await run(100)
      const { heard } = b.peer
      expect(sequenceSteps(heard).every(isOne)).toBe(true)
      expect(heard.some(({ payload }) => payload.every((byte) => byte === 0x20))).toBe(false)
      expect(heard.every(({ payloadType }) => payloadType === 0 || payloadType === 96)).toBe(true)
      expect(stranger.heard).toEqual([])
      // And the bridge goes on behind all that.
      b.peer.takeHeard()
      await run(300)
      expect(hears(b.hearing(), [a.hz]) && hears(a.hearing(), [b.hz])).toBe(true)
      network.bind('203.0.113.66', 9999).close()
      stranger.rtp.close()
      stranger.rtcp.close()
      expect(await finish()).toEqual({ pending: 0, ports: 0 })
    })

    it('does not pass a flood on', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      for (let i = 0; i < 100; i++) {
        for (let n = 0; n < 50; n++) a.peer.send(a.endpoint.localPort, new Uint8Array(160))
        await run(10)
      }
      expect(b.peer.heard.length).toBeLessThan(700)
      await finish()
    })

    it('can be opened and closed a thousand times, and leaves nothing behind', async () => {
      const { plane, clock, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      a.speak()
      b.speak()
      for (let i = 0; i < 1000; i++) {
        const bridge = plane.bridge(a.endpoint, b.endpoint)
        if (i % 10 === 0) await run(20)
        if (i % 3 === 0) bridge.close()
      }
      a.hush()
      b.hush()
      await run(100)
      const pending = clock.pending
      for (let i = 0; i < 100; i++) plane.bridge(a.endpoint, b.endpoint)
      await run(100)
      expect(clock.pending).toBe(pending)
      a.speak()
      b.speak()
      await run(20)
      a.peer.takeHeard()
      await run(200)
      expect(hears(a.hearing(), [b.hz])).toBe(true)
      expect(await finish()).toEqual({ pending: 0, ports: 0 })
    })
  })
}

describe('a bridge across workers', () => {
  it('is over when one of them ends, and the side that is left can be joined anew', async () => {
    const { plane, engines, party, run, finish } = await joinHarness(2)
    const [a, b, c] = [party(), party(), party()]
    expect([a.endpoint.worker, b.endpoint.worker, c.endpoint.worker]).toEqual([0, 1, 0])
    for (const one of [a, b, c]) one.speak()
    plane.bridge(a.endpoint, b.endpoint)
    await run(200)
    engines.kill(1)
    await run(10)
    a.peer.takeHeard()
    await run(100)
    expect(b.user.failed.length).toBe(1)
    expect([a.user.failed.length, a.peer.heard.length]).toEqual([0, 0])
    plane.bridge(a.endpoint, c.endpoint)
    await run(200)
    expect(hears(a.hearing(), [c.hz]) && hears(c.hearing(), [a.hz])).toBe(true)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('does not hear what was still on its way for the bridge before', async () => {
    const { plane, party, run, finish } = await joinHarness(2)
    const [a, b, , d] = [party(), party(), party(), party()]
    plane.bridge(a.endpoint, b.endpoint)
    await run(10)
    for (const isJoinedAnew of [false, true]) {
      b.peer.takeHeard()
      a.peer.send(a.endpoint.localPort, new Uint8Array(160))
      await run(0)
      if (isJoinedAnew) plane.bridge(b.endpoint, d.endpoint)
      await run(10)
      expect(b.peer.heard.length).toBe(isJoinedAnew ? 0 : 1)
    }
    await finish()
  })

  it('sends all that crosses in a millisecond in one buffer', async () => {
    const { plane, engines, party, run, finish } = await joinHarness(2)
    const pairs = Array.from({ length: 20 }, () => [party(), party()] as const)
    for (const [a, b] of pairs) plane.bridge(a.endpoint, b.endpoint)
    for (const [a] of pairs) a.speak()
    await run(1000)
    for (const [, b] of pairs) expect(b.peer.heard.length).toBeGreaterThanOrEqual(49)
    expect(engines.crossings).toBeLessThanOrEqual(102)
    await finish()
  })

  it('leaves out what a worker that hangs would get late, and counts it', async () => {
    const { plane, engines, clock, party, run, finish } = await joinHarness(2)
    const [a, b] = [party(), party()]
    plane.bridge(a.endpoint, b.endpoint)
    await run(10)
    engines.hang(1)
    for (let i = 0; i < 500; i++) {
      a.peer.send(a.endpoint.localPort, new Uint8Array(160))
      await run(5)
    }
    expect(engines.crossings).toBeLessThan(300)
    const { crossingsDropped } = await plane.snapshot()
    expect(crossingsDropped).toBeGreaterThan(200)
    engines.hang(1, false)
    expect(clock.pending).toBeGreaterThan(0)
    await finish()
  })
})
