import { describe, expect, it } from 'vitest'
import { hears, hearsNone, shareWith, sine } from '../../../test/support/hear.ts'
import { joinHarness, sequenceSteps, timeSteps, timestampSteps } from '../../../test/support/join-harness.ts'
import { type HeardPacket, promptOf } from '../../../test/support/media-harness.ts'
import type { RecordingId } from '../../base/ids.ts'
import { levelOf } from '../g711.ts'

const markers = (packets: readonly HeardPacket[]): boolean[] => packets.map(({ isMarked }) => isMarked)
const isOne = (step: number): boolean => step === 1

for (const workers of [1, 2]) {
  describe(`a bridge with ${workers === 1 ? 'both sides in one worker' : 'each side in a worker of its own'}`, () => {
    it('lets each hear the other and not itself, packet by packet as they come and untouched', async () => {
      const { plane, engines, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      expect(a.endpoint.worker === b.endpoint.worker).toBe(workers === 1)
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      await run(7)
      b.speak()
      await run(1000)
      for (const [one, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const { heard } = one.peer
        expect(hears(one.hearing(), [other.hz])).toBe(true)
        expect(hearsNone(one.hearing(), [one.hz])).toBe(true)
        expect(heard.length).toBeGreaterThanOrEqual(50)
        expect(new Set(heard.map(({ ssrc }) => ssrc)).size).toBe(1)
        expect(heard[0]?.ssrc).not.toBe(other.peer.ssrc)
        expect(sequenceSteps(heard).every(isOne)).toBe(true)
        expect(new Set(timestampSteps(heard))).toEqual(new Set([160]))
        expect(new Set(timeSteps(heard))).toEqual(new Set([20]))
        expect(markers(heard)).toEqual([true, ...Array<boolean>(heard.length - 1).fill(false)])
      }
      if (workers === 2) expect(engines.crossings).toBeLessThanOrEqual(102)
      expect(await finish()).toEqual({ pending: 0, ports: 0 })
    })

    it('passes packets of 30 ms to a side that sends 20, and back, as they are', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party({ ptimeMs: 30 }), party()]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      b.speak()
      await run(900)
      expect(new Set(b.peer.heard.map(({ payload }) => payload.length))).toEqual(new Set([240]))
      expect(new Set(a.peer.heard.map(({ payload }) => payload.length))).toEqual(new Set([160]))
      expect(new Set(timestampSteps(b.peer.heard))).toEqual(new Set([240]))
      expect(hears(a.hearing(), [b.hz]) && hears(b.hearing(), [a.hz])).toBe(true)
      await finish()
    })

    it('changes the law where the codecs differ, and the number where only that does', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b, c] = [party({ codec: 'PCMA' }), party(), party({ agreed: { sendPayloadType: 118 } })]
      plane.bridge(a.endpoint, b.endpoint)
      for (const one of [a, b, c]) one.speak()
      await run(600)
      expect(new Set(a.peer.heard.map(({ payloadType }) => payloadType))).toEqual(new Set([8]))
      expect(new Set(b.peer.heard.map(({ payloadType }) => payloadType))).toEqual(new Set([0]))
      expect(hears(a.hearing(), [b.hz]) && hears(b.hearing(), [a.hz])).toBe(true)
      expect(hearsNone(a.hearing(), [a.hz]) && hearsNone(b.hearing(), [b.hz])).toBe(true)
      plane.bridge(c.endpoint, b.endpoint)
      await run(200)
      expect(new Set(c.peer.heard.map(({ payloadType }) => payloadType))).toEqual(new Set([118]))
      await finish()
    })

    it('keeps the numbers without a gap and each sound at its time when packets are lost, late and out of order', async () => {
      const { plane, network, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      network.path('198.51.100.11', '192.0.2.1', { delayMs: 5, jitterMs: 70, lossRate: 0.05, duplicateRate: 0.05 })
      a.speak()
      b.speak()
      await run(4000)
      const { heard } = b.peer
      expect(sequenceSteps(heard).every(isOne)).toBe(true)
      const stamps = heard.map(({ timestamp }) => (timestamp - (heard[0]?.timestamp ?? 0)) | 0)
      expect(timestampSteps(heard).some((step) => step < 0)).toBe(true)
      expect(stamps.every((stamp) => stamp % 160 === 0)).toBe(true)
      // None twice: each has a place of its own.
      expect(new Set(stamps).size).toBe(stamps.length)
      expect(stamps.length).toBeGreaterThan(170)
      expect(heard.filter(({ isMarked }) => isMarked).length).toBe(1)
      expect(shareWith(b.hearing(), a.hz)).toBeGreaterThan(0.9)
      expect(sequenceSteps(a.peer.heard).every(isOne)).toBe(true)
      expect(hears(a.hearing(), [b.hz])).toBe(true)
      await finish()
    })

    it('goes on with a marker and in its own time when the source changes its SSRC or its timestamps jump', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      await run(200)
      a.peer.ssrc = 77
      a.peer.timestamp = 9
      a.peer.sequence = 60_000
      await run(200)
      a.peer.timestamp -= 400_000
      await run(200)
      a.peer.timestamp += 80_000
      await run(200)
      a.peer.sequence -= 500
      await run(200)
      const { heard } = b.peer
      expect(sequenceSteps(heard).every(isOne)).toBe(true)
      expect(heard.filter(({ isMarked }) => isMarked).length).toBe(5)
      expect(timestampSteps(heard).every((step) => step >= 160 && step <= 640)).toBe(true)
      expect(hears(b.hearing(), [a.hz])).toBe(true)
      await finish()
    })

    it('keeps the length of a pause of the source, and its marker', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      await run(95)
      a.hush()
      await run(1205)
      a.skip(1200)
      a.peer.send(a.endpoint.localPort, new Uint8Array(160), { isMarked: true })
      await run(20)
      const { heard } = b.peer
      expect(timestampSteps(heard).at(-1)).toBe((1200 + 20) * 8)
      expect(heard.at(-1)?.isMarked).toBe(true)
      await finish()
    })

    it('is silent for a side while that plays something of its own, and heard again behind it with true timestamps', async () => {
      const { plane, clock, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      b.speak()
      await run(205)
      const fromMs = clock.now()
      const music = b.endpoint.play([promptOf('music', sine(2500, 400))])
      await run(415)
      expect(await music.ended).toEqual({ end: 'finished', playedMs: 400 })
      const untilMs = clock.now()
      await run(400)
      const { heard } = b.peer
      const during = b.hearing(fromMs).subarray(160, 380 * 8)
      expect(hears(during, [2500]) && hearsNone(during, [a.hz])).toBe(true)
      expect(hears(b.hearing(untilMs), [a.hz])).toBe(true)
      expect(hearsNone(b.hearing(untilMs), [2500])).toBe(true)
      expect(sequenceSteps(heard).every(isOne)).toBe(true)
      // No two packets claim the same time, and none more time than has passed, to a packet's length.
      expect(timestampSteps(heard).every((step) => step >= 160 && step <= 480)).toBe(true)
      const [first, last] = [heard[0], heard.at(-1)]
      const passedMs = (last?.atMs ?? 0) - (first?.atMs ?? 0)
      expect(Math.abs(((last?.timestamp ?? 0) - (first?.timestamp ?? 0)) / 8 - passedMs)).toBeLessThanOrEqual(20)
      expect(heard.filter(({ isMarked }) => isMarked).length).toBe(3)
      // The other side heard no more than the bridge all the time.
      expect(new Set(timestampSteps(a.peer.heard))).toEqual(new Set([160]))
      await finish()
    })

    it('begins behind what was played while the source was silent, though its clock did not go on meanwhile', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      await run(95)
      a.hush()
      await run(20)
      b.endpoint.play([promptOf('music', sine(2500, 300))])
      await run(320)
      a.skip(60)
      a.speak()
      await run(100)
      const { heard } = b.peer
      expect(timestampSteps(heard).every((step) => step >= 160)).toBe(true)
      expect(heard.filter(({ isMarked }) => isMarked).length).toBe(3)
      await finish()
    })

    it('sends nothing to a held side, whose silence does not stop the other, and begins with a marker behind the hold', async () => {
      const { plane, clock, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      b.speak()
      await run(205)
      b.agree({ direction: 'recvonly', isHeld: true })
      b.peer.takeHeard()
      const heldMs = clock.now()
      await run(500)
      expect(b.peer.heard).toEqual([])
      // b still speaks (music of its own, say), and that is heard.
      expect(hears(a.hearing(heldMs), [b.hz])).toBe(true)
      b.agree({ direction: 'inactive', isHeld: true })
      a.peer.takeHeard()
      await run(500)
      expect([a.peer.heard.length, b.peer.heard.length]).toEqual([0, 0])
      b.agree()
      await run(200)
      expect(hears(a.hearing(), [b.hz]) && hears(b.hearing(), [a.hz])).toBe(true)
      expect(markers(b.peer.heard).slice(0, 3)).toEqual([true, false, false])
      await finish()
    })

    it('is heard on the right channel of a recording of both, through jitter, and what is played there, too', async () => {
      const { plane, network, recordings, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party({ codec: 'PCMA' })]
      plane.bridge(a.endpoint, b.endpoint)
      network.path('198.51.100.11', '192.0.2.1', { jitterMs: 60 })
      const recordingId = 'rec_1' as RecordingId
      const recording = b.endpoint.record({
        recordingId,
        file: '/recordings/one.wav',
        channels: 'both',
        maxDurationMs: 60_000,
        silenceMs: null,
      })
      a.speak()
      b.speak()
      await run(2000)
      const playing = b.endpoint.play([promptOf('music', sine(2500, 500))])
      await run(600)
      expect((await playing.ended).end).toBe('finished')
      recording.stop()
      await recording.ended
      const [left, right] = [recordings.channel(recordingId, 0), recordings.channel(recordingId, 1)]
      expect(shareWith(left.subarray(1600), b.hz)).toBeGreaterThan(0.95)
      expect(hearsNone(left, [a.hz, 2500])).toBe(true)
      const bridged = right.subarray(4000, 15_500)
      expect(shareWith(bridged, a.hz)).toBeGreaterThan(0.95)
      expect(hearsNone(bridged, [b.hz, 2500])).toBe(true)
      expect(hears(right.subarray(2150 * 8, 2450 * 8), [2500])).toBe(true)
      await finish()
    })
  })
}

describe('a recording beside a bridge', () => {
  it('of one side decodes nothing for the other: what passes is untouched', async () => {
    const { plane, party, run, finish } = await joinHarness(1)
    const [a, b] = [party(), party()]
    plane.bridge(a.endpoint, b.endpoint)
    a.endpoint.record({
      recordingId: 'rec_1' as RecordingId,
      file: '/recordings/one.wav',
      channels: 'both',
      maxDurationMs: 60_000,
      silenceMs: null,
    })
    await run(10)
    const payload = Uint8Array.from({ length: 160 }, (_, i) => (i * 7) & 0xff)
    a.peer.send(a.endpoint.localPort, payload)
    b.peer.send(b.endpoint.localPort, payload)
    await run(20)
    expect([...(b.peer.heard[0]?.payload ?? [])]).toEqual([...payload])
    expect([...(a.peer.heard[0]?.payload ?? [])]).toEqual([...payload])
    expect(levelOf('PCMU', payload[3] ?? 0)).not.toBe(0)
    await finish()
  })
})
