import { describe, expect, it } from 'vitest'
import {
  agreedMedia,
  countingPrompt,
  type HeardPacket,
  mediaHarness,
  NotingUser,
  ourAddress,
  RtpPeer,
} from '../../../test/support/media-harness.ts'

const markers = (packets: readonly HeardPacket[]): boolean[] => packets.map(({ isMarked }) => isMarked)
const firstBytes = (packets: readonly HeardPacket[]): number[] => packets.map(({ payload }) => payload[0] ?? -1)
const times = (packets: readonly HeardPacket[]): number[] => packets.map(({ atMs }) => atMs)
const steps = (values: readonly number[]): number[] => values.slice(1).map((value, i) => value - (values[i] ?? 0))
const sequenceSteps = (packets: readonly HeardPacket[]): number[] =>
  steps(packets.map(({ sequence }) => sequence)).map((step) => step & 0xffff)
const timestampSteps = (packets: readonly HeardPacket[]): number[] =>
  steps(packets.map(({ timestamp }) => timestamp)).map((step) => step >>> 0)

describe('playing', () => {
  it('sends a frame every 20 ms with running numbers and one marker, and ends with the last packet', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const playing = endpoint.play([countingPrompt('p', 5)])
    await clock.advanceAsync(300)
    const { heard } = peer
    expect(heard.length).toBe(5)
    expect(steps(times(heard))).toEqual([20, 20, 20, 20])
    expect(timestampSteps(heard)).toEqual([160, 160, 160, 160])
    expect(sequenceSteps(heard)).toEqual([1, 1, 1, 1])
    expect(markers(heard)).toEqual([true, false, false, false, false])
    expect(heard.every(({ payload, payloadType }) => payload.length === 160 && payloadType === 0)).toBe(true)
    expect(firstBytes(heard)).toEqual([1, 2, 3, 4, 5])
    expect(await playing.ended).toEqual({ end: 'finished', playedMs: 100 })
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('plays several prompts, and the next play called when one ends, without a gap or a marker', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const first = endpoint.play([countingPrompt('a', 2), countingPrompt('b', 1, 10)])
    void first.ended.then(() => endpoint.play([countingPrompt('c', 2, 20)]))
    await clock.advanceAsync(300)
    expect(firstBytes(peer.heard)).toEqual([1, 2, 10, 20, 21])
    expect(steps(times(peer.heard))).toEqual([20, 20, 20, 20])
    expect(markers(peer.heard)).toEqual([true, false, false, false, false])
    await finish()
  })

  it('lets the timestamp go on over silence, with a marker where sound begins again', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.play([countingPrompt('a', 2)])
    await clock.advanceAsync(1000)
    endpoint.play([countingPrompt('b', 2)])
    await clock.advanceAsync(100)
    const { heard } = peer
    const silentMs = (heard[2]?.atMs ?? 0) - (heard[1]?.atMs ?? 0)
    expect(silentMs).toBeGreaterThan(900)
    expect(timestampSteps(heard)).toEqual([160, silentMs * 8, 160])
    expect(sequenceSteps(heard)).toEqual([1, 1, 1])
    expect(markers(heard)).toEqual([true, false, true, false])
    await finish()
  })

  it('starts within 10 ms, and lets calls that start together leave at two ticks', async () => {
    const { clock, plane, network, user, finish } = await mediaHarness({ portsAhead: 12 })
    const peers = Array.from({ length: 8 }, (_, i) => new RtpPeer(clock, network, '198.51.100.8', 5000 + 2 * i))
    for (const [i] of peers.entries()) {
      const endpoint = plane.open({ user, localAddress: ourAddress, timeoutMs: null })
      endpoint.connect(agreedMedia({ remoteAddress: '198.51.100.8', remotePort: 5000 + 2 * i }))
      endpoint.play([countingPrompt('p', 5)])
    }
    await clock.advanceAsync(10)
    const starts = peers.map(({ heard }) => heard[0]?.atMs ?? -1)
    expect(starts).toEqual([4, 8, 4, 8, 4, 8, 4, 8])
    expect((await finish()).pending).toBe(0)
  })

  it('stops at once: no packet follows', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const playing = endpoint.play([countingPrompt('p', 50)])
    await clock.advanceAsync(105)
    const heardBefore = peer.heard.length
    playing.stop()
    await clock.advanceAsync(500)
    expect(peer.heard.length).toBe(heardBefore)
    expect(await playing.ended).toEqual({ end: 'stopped', playedMs: heardBefore * 20 })
    await finish()
  })

  it('goes on in the rhythm when a prompt is barged in on and another begins', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const first = endpoint.play([countingPrompt('a', 50)])
    await clock.advanceAsync(50)
    first.stop()
    endpoint.play([countingPrompt('b', 3, 100)])
    await clock.advanceAsync(100)
    expect(firstBytes(peer.heard)).toEqual([1, 2, 3, 100, 101, 102])
    expect(steps(times(peer.heard))).toEqual([20, 20, 20, 20, 20])
    expect(markers(peer.heard).slice(1)).toEqual([false, false, false, false, false])
    expect((await first.ended).end).toBe('stopped')
    await finish()
  })

  it('ends what plays when something else is played', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const first = endpoint.play([countingPrompt('a', 50)])
    await clock.advanceAsync(45)
    const second = endpoint.play([countingPrompt('b', 1, 100)])
    first.stop()
    await clock.advanceAsync(100)
    expect(await first.ended).toEqual({ end: 'stopped', playedMs: 60 })
    expect(await second.ended).toEqual({ end: 'finished', playedMs: 20 })
    expect(firstBytes(peer.heard)).toEqual([1, 2, 3, 100])
    await finish()
  })

  it('loops without a gap until it is stopped', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const playing = endpoint.play([countingPrompt('a', 2), countingPrompt('b', 1, 9)], { loop: true })
    await clock.advanceAsync(131)
    playing.stop()
    expect(firstBytes(peer.heard)).toEqual([1, 2, 9, 1, 2, 9, 1])
    expect(steps(times(peer.heard)).every((step) => step === 20)).toBe(true)
    await clock.advanceAsync(100)
    expect(await playing.ended).toEqual({ end: 'stopped', playedMs: peer.heard.length * 20 })
    await finish()
  })

  it('ends at once when there is nothing to play, looped or not', async () => {
    const { endpoint, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    expect(await endpoint.play([]).ended).toEqual({ end: 'finished', playedMs: 0 })
    expect(await endpoint.play([countingPrompt('empty', 0)], { loop: true }).ended).toEqual({
      end: 'finished',
      playedMs: 0,
    })
    await finish()
  })

  for (const ptimeMs of [10, 30, 40, 50, 60] as const) {
    it(`sends packets of ${ptimeMs} ms where the peer wants them, across the borders of prompts`, async () => {
      const { clock, endpoint, peer, finish } = await mediaHarness()
      endpoint.connect(agreedMedia({ ptimeMs }))
      const playing = endpoint.play([countingPrompt('a', 3), countingPrompt('b', 4, 4)])
      await clock.advanceAsync(500)
      const { heard } = peer
      expect(heard.length).toBe(Math.ceil(140 / ptimeMs))
      expect(steps(times(heard)).every((step) => step === ptimeMs)).toBe(true)
      expect(timestampSteps(heard).every((step) => step === ptimeMs * 8)).toBe(true)
      expect(heard.every(({ payload }) => payload.length === ptimeMs * 8)).toBe(true)
      const sound = heard.flatMap(({ payload }) => [...payload])
      const expected = Array.from({ length: sound.length }, (_, i) => (i < 1120 ? 1 + Math.floor(i / 160) : 0xff))
      expect(sound).toEqual(expected)
      expect(await playing.ended).toEqual({ end: 'finished', playedMs: 140 })
      await finish()
    })
  }

  it('changes packet time, codec and payload type in the middle of a prompt, and no sound is lost', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.play([countingPrompt('a', 6)])
    await clock.advanceAsync(45)
    endpoint.connect(agreedMedia({ ptimeMs: 40, sendCodec: 'PCMA', sendPayloadType: 8 }))
    await clock.advanceAsync(200)
    const { heard } = peer
    expect(heard.map(({ payloadType }) => payloadType)).toEqual([0, 0, 0, 8, 8])
    expect(firstBytes(heard)).toEqual([1, 2, 3, 251, 249])
    expect(steps(times(heard))).toEqual([20, 20, 20, 40])
    expect(timestampSteps(heard)).toEqual([160, 160, 160, 320])
    await finish()
  })

  it('waits with what was asked for until it is connected, and follows a change of address', async () => {
    const { clock, endpoint, network, peer, finish } = await mediaHarness()
    const other = new RtpPeer(clock, network, '198.51.100.9', 6000)
    endpoint.play([countingPrompt('a', 4)])
    await clock.advanceAsync(200)
    expect(peer.heard.length).toBe(0)
    endpoint.connect(agreedMedia())
    await clock.advanceAsync(30)
    endpoint.connect(agreedMedia({ remoteAddress: '198.51.100.9', remotePort: 6000 }))
    await clock.advanceAsync(200)
    expect(firstBytes([...peer.heard, ...other.heard])).toEqual([1, 2, 3, 4])
    expect(other.heard.length).toBeGreaterThan(0)
    await finish()
  })

  it('sends nothing while held, lets the prompt run on, and marks the sound that comes after', async () => {
    const { clock, endpoint, peer, user, finish } = await mediaHarness({ timeoutMs: 1000 })
    endpoint.connect(agreedMedia())
    const playing = endpoint.play([countingPrompt('a', 200)])
    await clock.advanceAsync(45)
    peer.takeHeard()
    endpoint.connect(agreedMedia({ direction: 'inactive', isHeld: true }))
    await clock.advanceAsync(3000)
    expect(peer.heard.length).toBe(0)
    expect(user.timedOut).toEqual([])
    endpoint.connect(agreedMedia())
    await clock.advanceAsync(100)
    const [first, second] = peer.heard
    expect([first?.isMarked, second?.isMarked]).toEqual([true, false])
    expect(first?.payload[0]).toBe(1 + Math.round(((first?.atMs ?? 0) - 1) / 20))
    playing.stop()
    await finish()
  })

  it('keeps the timestamps true over a stall: three late frames go at once, older ones are left out', async () => {
    const { clock, endpoint, plane, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.play([countingPrompt('a', 100)])
    await clock.advanceAsync(45)
    const before = peer.takeHeard()
    clock.stall(500)
    await clock.advanceAsync(45)
    const { heard } = peer
    // The sound goes on where it stopped, later.
    expect(firstBytes(heard).slice(0, 5)).toEqual([4, 5, 6, 7, 8])
    expect(heard[0]?.isMarked).toBe(true)
    expect(markers(heard).slice(1)).not.toContain(true)
    const start = before[0]
    const nominalMs = heard.map(
      ({ timestamp }) => ((timestamp - (start?.timestamp ?? 0)) >>> 0) / 8 + (start?.atMs ?? 0),
    )
    const lateMs = heard.map(({ atMs }, i) => atMs - (nominalMs[i] ?? 0))
    expect(Math.max(...lateMs)).toBeLessThanOrEqual(60)
    expect(lateMs.slice(3).every((late) => late === 0)).toBe(true)
    expect(sequenceSteps([...before, ...heard]).every((step) => step === 1)).toBe(true)
    const snapshot = await plane.snapshot()
    expect(snapshot.skippedFrames).toBeGreaterThan(20)
    expect(snapshot.lateness.maxMs).toBeLessThanOrEqual(60)
    expect((await endpoint.stats()).maxLatenessMs).toBeGreaterThan(30)
    await finish()
  })

  it('ends everything when it is closed, and gives the ports back', async () => {
    const { clock, endpoint, plane, peer, finish } = await mediaHarness({ lastPort: 20_001 })
    endpoint.connect(agreedMedia())
    const playing = endpoint.play([countingPrompt('a', 100)])
    await clock.advanceAsync(100)
    const open = () => plane.open({ user: new NotingUser(), localAddress: ourAddress, timeoutMs: null })
    expect(open).toThrow(/No pair of RTP ports is free/)
    const stats = await endpoint.close()
    expect(stats.packetsSent).toBe(peer.heard.length)
    expect((await playing.ended).end).toBe('stopped')
    expect(await endpoint.close()).toBe(stats)
    expect(await endpoint.stats()).toBe(stats)
    expect(await endpoint.play([countingPrompt('b', 1)]).ended).toEqual({ end: 'stopped', playedMs: 0 })
    // The pair rests, so that packets of this call do not reach the next.
    expect(open).toThrow(/No pair/)
    await clock.advanceAsync(200)
    expect(open().localPort).toBe(20_000)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('says which address has no ports prepared', async () => {
    const { plane, user, finish } = await mediaHarness()
    expect(() => plane.open({ user, localAddress: '203.0.113.1', timeoutMs: null })).toThrow(
      expect.objectContaining({ code: 'media.no-ports', message: 'No RTP ports are prepared on 203.0.113.1.' }),
    )
    await finish()
  })
})
