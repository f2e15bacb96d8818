import { describe, expect, it } from 'vitest'
import { hears, sine } from '../../../test/support/hear.ts'
import { joinHarness, sequenceSteps, timestampSteps } from '../../../test/support/join-harness.ts'
import { type HeardPacket, promptOf } from '../../../test/support/media-harness.ts'

const markers = (packets: readonly HeardPacket[]): boolean[] => packets.map(({ isMarked }) => isMarked)
const isOne = (step: number): boolean => step === 1

for (const workers of [1, 2]) {
  describe(`keys over a bridge with ${workers === 1 ? 'both sides in one worker' : 'each side in a worker of its own'}`, () => {
    it('keeps back what a muted side says and presses, and no key stays down for it', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      const bridge = plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      b.speak()
      await run(100)
      a.peer.sendEvent(a.endpoint.localPort, 5, 160, { isMarked: true })
      await run(20)
      bridge.mute(a.endpoint, true)
      await run(20)
      const events = b.peer.takeHeard().filter(({ payloadType }) => payloadType === 96)
      expect(events.map(({ payload }) => (payload[1] ?? 0) >> 7)).toEqual([0, 1, 1, 1])
      a.peer.sendEvent(a.endpoint.localPort, 7, 160)
      await run(300)
      expect(b.peer.heard).toEqual([])
      expect(a.user.digits.map(({ digit }) => digit)).toEqual(['5', '7'])
      expect(hears(a.hearing(), [b.hz])).toBe(true)
      bridge.mute(a.endpoint, false)
      await run(200)
      expect(hears(b.hearing(), [a.hz])).toBe(true)
      expect(b.peer.heard[0]?.isMarked).toBe(true)
      await finish()
    })

    it('passes keys on as events with their own length and end, at one timestamp each, and tells them', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      await run(205)
      a.hush()
      await run(20)
      const offset = ((b.peer.heard[0]?.timestamp ?? 0) - 1_000_000) | 0
      b.peer.takeHeard()
      const keyTimestamp = a.peer.timestamp
      for (let n = 1; n <= 7; n++) {
        a.peer.sendEvent(a.endpoint.localPort, 9, Math.min(n, 5) * 160, { isMarked: n === 1, isEnd: n >= 5 })
        await run(20)
      }
      a.skip(140)
      a.speak()
      await run(200)
      const events = b.peer.heard.filter(({ payloadType }) => payloadType === 96)
      expect(
        events.map(({ payload }) => [payload[0], (payload[1] ?? 0) >> 7, ((payload[2] ?? 0) << 8) | (payload[3] ?? 0)]),
      ).toEqual([
        [9, 0, 160],
        [9, 0, 320],
        [9, 0, 480],
        [9, 0, 640],
        [9, 1, 800],
        [9, 1, 800],
        [9, 1, 800],
      ])
      expect(markers(events)).toEqual([true, false, false, false, false, false, false])
      expect(new Set(events.map(({ timestamp }) => timestamp))).toEqual(new Set([(keyTimestamp + offset) >>> 0]))
      expect(sequenceSteps(b.peer.heard).every(isOne)).toBe(true)
      const after = b.peer.heard.find(
        ({ payloadType, sequence }) => payloadType === 0 && sequence > (events[6]?.sequence ?? 0),
      )
      expect(after?.timestamp).toBe((keyTimestamp + 1120 + offset) >>> 0)
      expect(a.user.digits).toMatchObject([{ digit: '9', carrier: 'rfc4733' }])
      expect(b.user.digits).toEqual([])
      await finish()
    })

    it('lets a key go whose end was lost, once its source is heard to have gone on without it', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      await run(100)
      a.peer.sendEvent(a.endpoint.localPort, 4, 160, { isMarked: true })
      await run(400)
      const events = b.peer.heard.filter(({ payloadType }) => payloadType === 96)
      expect(events.map(({ payload }) => (payload[1] ?? 0) >> 7)).toEqual([0, 1, 1, 1])
      expect(new Set(events.map(({ timestamp }) => timestamp)).size).toBe(1)
      expect(a.user.digits.map(({ digit }) => digit)).toEqual(['4'])
      await finish()
    })

    it('passes a key that is down to its end when something begins to play, and keeps later ones back', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party()]
      plane.bridge(a.endpoint, b.endpoint)
      const press = async (code: number, from: number, to: number): Promise<void> => {
        for (let n = from; n <= to; n++) {
          a.peer.sendEvent(a.endpoint.localPort, code, Math.min(n, 5) * 160, { isMarked: n === 1, isEnd: n >= 5 })
          await run(20)
        }
      }
      await press(4, 1, 2)
      b.endpoint.play([promptOf('music', sine(2500, 400))])
      await press(4, 3, 7)
      a.skip(200)
      await press(5, 1, 7)
      a.skip(200)
      await run(400)
      await press(6, 1, 7)
      await run(20)
      const keys = b.peer.heard.filter(({ payloadType }) => payloadType === 96)
      const ends = keys.filter(({ payload }) => (payload[1] ?? 0) >> 7 === 1)
      expect([...new Set(keys.map(({ payload }) => payload[0]))]).toEqual([4, 6])
      expect(ends.map(({ payload }) => payload[0])).toEqual([4, 4, 4, 6, 6, 6])
      expect(sequenceSteps(b.peer.heard).every(isOne)).toBe(true)
      expect(a.user.digits.map(({ digit }) => digit)).toEqual(['4', '5', '6'])
      await finish()
    })

    it('says keys as tones to a side that did not agree on events, and none where keys are not to be passed', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party({ agreed: { telephoneEvent: null } })]
      plane.bridge(a.endpoint, b.endpoint)
      const press = async (code: number): Promise<void> => {
        for (let n = 1; n <= 7; n++) {
          a.peer.sendEvent(a.endpoint.localPort, code, Math.min(n, 5) * 160, { isMarked: n === 1, isEnd: n >= 5 })
          await run(20)
        }
        a.skip(160)
      }
      await press(1)
      await press(2)
      await run(300)
      expect(b.peer.heard.every(({ payloadType }) => payloadType === 0)).toBe(true)
      const sound = b.hearing()
      // Keys 1 and 2, Q.23: 697 Hz with 1209 and with 1336.
      expect(hears(sound.subarray(0, 800), [697, 1209])).toBe(true)
      expect(hears(sound.subarray(160 * 8, 260 * 8), [697, 1336])).toBe(true)
      expect(sound.length).toBe(320 * 8)
      b.peer.takeHeard()
      plane.bridge(a.endpoint, b.endpoint, { passDigits: false })
      await press(3)
      await run(300)
      expect(b.peer.heard).toEqual([])
      expect(a.user.digits.map(({ digit }) => digit)).toEqual(['1', '2', '3'])
      a.speak()
      await run(200)
      expect(hears(b.hearing(), [a.hz])).toBe(true)
      await finish()
    })

    it('makes a frame of silence of each packet of comfort noise, which the other side did not agree to', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const [a, b] = [party(), party({ codec: 'PCMA' })]
      plane.bridge(a.endpoint, b.endpoint)
      a.speak()
      await run(95)
      a.hush()
      await run(5)
      a.peer.sendAt(a.endpoint.localPort, a.peer.sequence++, a.peer.timestamp, Uint8Array.of(70), { payloadType: 13 })
      await run(180)
      a.skip(180)
      a.peer.sendAt(a.endpoint.localPort, a.peer.sequence++, a.peer.timestamp, Uint8Array.of(70), { payloadType: 13 })
      await run(20)
      const { heard } = b.peer
      expect(new Set(heard.map(({ payloadType }) => payloadType))).toEqual(new Set([8]))
      expect(heard.slice(5).map(({ payload }) => [payload.length, payload[0]])).toEqual([
        [160, 0xd5],
        [160, 0xd5],
      ])
      expect(timestampSteps(heard)).toEqual([160, 160, 160, 160, 160, 180 * 8])
      await finish()
    })
  })
}
