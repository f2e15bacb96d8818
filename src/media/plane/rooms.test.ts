import { describe, expect, it } from 'vitest'
import { hears, hearsNone, peakOf, shareWith, sine } from '../../../test/support/hear.ts'
import { joinHarness, type Party } from '../../../test/support/join-harness.ts'
import { promptOf } from '../../../test/support/media-harness.ts'
import { heardBy, meeting, NotingRoomUser, recordingId, recordOptions } from '../../../test/support/meeting.ts'
import type { RecordingId } from '../../base/ids.ts'

for (const workers of [1, 2]) {
  describe(`a room whose members live in ${workers} worker${workers === 1 ? '' : 's'}`, () => {
    it('lets each hear all others and not itself, in a steady stream', async () => {
      const { parties, listen, finish } = await meeting(workers, 4)
      expect(new Set(parties.map(({ endpoint }) => endpoint.worker)).size).toBe(workers)
      await listen(1000)
      expect(parties.map((one) => heardBy(one, parties))).toEqual([
        [1, 2, 3],
        [0, 2, 3],
        [0, 1, 3],
        [0, 1, 2],
      ])
      for (const { peer } of parties) {
        const { heard } = peer
        expect(heard.length).toBe(50)
        for (let i = 1; i < heard.length; i++) {
          const [before, here] = [heard[i - 1], heard[i]]
          expect(((here?.sequence ?? 0) - (before?.sequence ?? 0)) & 0xffff).toBe(1)
          expect(((here?.timestamp ?? 0) - (before?.timestamp ?? 0)) | 0).toBe(160)
          expect((here?.atMs ?? 0) - (before?.atMs ?? 0)).toBe(20)
          expect(here?.isMarked).toBe(false)
        }
      }
      expect(await finish()).toEqual({ pending: 0, ports: 0 })
    })

    it('mixes telephones of both laws and of any packet time', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const parties = [party({ codec: 'PCMA' }), party({ ptimeMs: 30 }), party({ codec: 'PCMA', ptimeMs: 60 }), party()]
      const room = plane.openRoom({ user: new NotingRoomUser() })
      for (const one of parties) {
        room.join(one.endpoint)
        one.speak()
      }
      await run(300)
      for (const one of parties) one.peer.takeHeard()
      await run(1000)
      expect(parties.map((one) => heardBy(one, parties))).toEqual([
        [1, 2, 3],
        [0, 2, 3],
        [0, 1, 3],
        [0, 1, 2],
      ])
      expect(parties.map(({ peer }) => peer.heard[0]?.payloadType)).toEqual([8, 0, 8, 0])
      // One changes its law in the middle.
      const [first] = parties
      first?.agree({ sendCodec: 'PCMU', sendPayloadType: 0 })
      await run(100)
      first?.peer.takeHeard()
      await run(400)
      expect(first ? heardBy(first, parties) : []).toEqual([1, 2, 3])
      expect(first?.peer.heard.every(({ payloadType }) => payloadType === 0)).toBe(true)
      await finish()
    })

    it('lets a member be heard by nobody, by some, and by all, and hear or not', async () => {
      const { parties, members, listen, run, finish } = await meeting(workers, 4)
      const [a, b, c, d] = members
      if (!a || !b || !c || !d) throw new Error('unreachable')
      const who = (): number[][] => parties.map((one) => heardBy(one, parties))
      const change = async (then: () => void): Promise<void> => {
        then()
        await run(400)
        await listen(500)
      }
      await change(() => a.heardBy([]))
      expect(who()).toEqual([
        [1, 2, 3],
        [2, 3],
        [1, 3],
        [1, 2],
      ])
      // A whisper: only b hears a; and c is heard by b and d.
      await change(() => {
        a.heardBy([b])
        c.heardBy([b, d])
      })
      expect(who()).toEqual([
        [1, 3],
        [0, 2, 3],
        [1, 3],
        [1, 2],
      ])
      await change(() => {
        for (const one of [a, b, c, d]) one.heardBy('all')
        d.hears(false)
      })
      expect(parties[3]?.peer.heard).toEqual([])
      expect(who().slice(0, 3)).toEqual([
        [1, 2, 3],
        [0, 2, 3],
        [0, 1, 3],
      ])
      await change(() => d.hears(true))
      expect(who()[3]).toEqual([0, 1, 2])
      // More whisperers than share a mix.
      await change(() => {
        a.heardBy([d])
        b.heardBy([d])
        c.heardBy([d])
      })
      expect(who()).toEqual([[3], [3], [3], [0, 1, 2]])
      await finish()
    })

    it('is left by who leaves, closes or is bridged, and others take their place', async () => {
      const { plane, room, parties, members, party, run, listen, finish } = await meeting(workers, 5)
      const [a, b, c, d, e] = parties
      if (!a || !b || !c || !d || !e) throw new Error('unreachable')
      members[0]?.leave()
      void b.endpoint.close()
      await run(300)
      await listen(500)
      expect([a.peer.heard.length, b.peer.heard.length]).toEqual([0, 0])
      expect([c, d, e].map((one) => heardBy(one, parties))).toEqual([
        [3, 4],
        [2, 4],
        [2, 3],
      ])
      plane.bridge(a.endpoint, c.endpoint)
      await run(300)
      await listen(500)
      expect([a, c, d, e].map((one) => heardBy(one, parties))).toEqual([[2], [0], [4], [3]])
      // The member that is gone moves nobody.
      members[2]?.leave()
      members[2]?.heardBy([])
      room.join(a.endpoint)
      const late = party()
      late.speak()
      room.join(late.endpoint)
      await run(300)
      late.peer.takeHeard()
      await listen(500)
      const all = [...parties, late]
      expect([a, c, d, e, late].map((one) => heardBy(one, all))).toEqual([
        [3, 4, 5],
        [],
        [0, 4, 5],
        [0, 3, 5],
        [0, 3, 4],
      ])
      room.close()
      room.close()
      await run(20)
      await listen(200)
      expect(all.every(({ peer }) => peer.heard.length === (peer === late.peer ? peer.heard.length : 0))).toBe(true)
      expect(await finish()).toEqual({ pending: 0, ports: 0 })
    })

    it('plays to all who hear, mixed with what is said, and one play takes the place of another', async () => {
      const { room, parties, members, listen, run, finish } = await meeting(workers, 3)
      members[2]?.hears(false)
      await run(100)
      const first = room.play([promptOf('first', sine(2300, 5000))])
      await run(100)
      const second = room.play([promptOf('second', sine(3100, 600))])
      expect((await first.ended).end).toBe('stopped')
      await listen(400)
      const [a, b] = parties
      expect(a && hears(a.hearing(), [3100, b?.hz ?? 0]) && hearsNone(a.hearing(), [2300, a.hz])).toBe(true)
      expect(parties[2]?.peer.heard).toEqual([])
      await run(400)
      expect(await second.ended).toEqual({ end: 'finished', playedMs: 600 })
      const third = room.play([promptOf('third', sine(2300, 100))], { loop: true })
      await listen(1000)
      expect(b && hears(b.hearing(), [2300])).toBe(true)
      third.stop()
      expect((await third.ended).end).toBe('stopped')
      expect(await room.play([]).ended).toEqual({ end: 'finished', playedMs: 0 })
      await run(100)
      await listen(300)
      expect(b && hearsNone(b.hearing(), [2300])).toBe(true)
      const last = room.play([promptOf('last', sine(2300, 5000))])
      room.close()
      expect((await last.ended).end).toBe('stopped')
      expect((await room.play([promptOf('none', sine(2300, 100))]).ended).end).toBe('stopped')
      expect(await finish()).toEqual({ pending: 0, ports: 0 })
    })

    it('records all that is said in it, whispers and prompts too, mixed, in mono', async () => {
      const { room, parties, members, recordings, run, finish } = await meeting(workers, 4)
      const [a, b, c, d] = members
      if (!a || !b || !c || !d) throw new Error('unreachable')
      a.heardBy([b])
      d.heardBy([])
      await run(400)
      const recording = room.record(recordOptions)
      room.play([promptOf('tone', sine(3100, 1000))])
      await run(1000)
      recording.pause(true)
      await run(500)
      recording.pause(false)
      await run(500)
      recording.stop()
      const result = await recording.ended
      expect(result).toMatchObject({ end: 'stopped', heardSound: true, problem: null })
      expect(result.durationMs).toBeGreaterThanOrEqual(1460)
      expect(result.durationMs).toBeLessThanOrEqual(1520)
      const sound = recordings.channel(recordingId)
      expect(sound.length).toBe(result.durationMs * 8)
      const [one, two, three, four] = parties.map(({ hz }) => hz)
      expect(hears(sound, [one ?? 0, two ?? 0, three ?? 0, 3100])).toBe(true)
      // Four tones at once are cut at the top here and there, which sounds a little at other frequencies, this one too.
      expect(hearsNone(sound.subarray(400, 7600), [four ?? 0], 8000, -30)).toBe(true)
      // Whoever records when the room ends has what was said until then.
      const second = room.record({ ...recordOptions, recordingId: 'rec_2' as RecordingId })
      await run(200)
      room.close()
      expect((await second.ended).end).toBe('endpoint-closed')
      expect((await room.record(recordOptions).ended).end).toBe('endpoint-closed')
      expect(await finish()).toEqual({ pending: 0, ports: 0 })
    })

    it("tells a member's keys to its own user, and the others hear nothing of them", async () => {
      const { parties, listen, run, finish } = await meeting(workers, 3)
      const [a, b] = parties
      if (!a || !b) throw new Error('unreachable')
      a.hush()
      await run(100)
      for (const one of parties) one.peer.takeHeard()
      for (let n = 1; n <= 5; n++) {
        a.peer.sendEvent(a.endpoint.localPort, 9, n * 160, { isMarked: n === 1, isEnd: n === 5 })
        await run(20)
      }
      expect(a.user.digits.map(({ digit }) => digit)).toEqual(['9'])
      expect(b.user.digits).toEqual([])
      expect(parties.every(({ peer }) => peer.heard.every(({ payloadType }) => payloadType === 0))).toBe(true)
      await listen(100)
      await finish()
    })

    it('lets a member hear what is played to it alone, while that lasts', async () => {
      const { clock, parties, run, finish } = await meeting(workers, 3)
      const [a, b] = parties
      if (!a || !b) throw new Error('unreachable')
      const fromMs = clock.now()
      const playing = a.endpoint.play([promptOf('alone', sine(3100, 500))])
      await run(600)
      const untilMs = clock.now()
      await run(500)
      expect((await playing.ended).end).toBe('finished')
      const during = a.hearing(fromMs).subarray(320, 480 * 8)
      expect(hears(during, [3100]) && hearsNone(during, [b.hz])).toBe(true)
      expect(heardBy({ hearing: () => a.hearing(untilMs) } as Party, parties)).toEqual([1, 2])
      expect(hearsNone(b.hearing(fromMs), [3100])).toBe(true)
      const stamps = a.peer.heard.map(({ timestamp }) => timestamp)
      expect(stamps.every((stamp, i) => i === 0 || ((stamp - (stamps[i - 1] ?? 0)) | 0) >= 160)).toBe(true)
      await finish()
    })

    it('sends nothing to a member that holds, and hears nothing of one that is not to be heard', async () => {
      const { parties, listen, run, finish } = await meeting(workers, 3)
      parties[0]?.agree({ direction: 'inactive', isHeld: true })
      await run(400)
      await listen(400)
      expect(parties[0]?.peer.heard).toEqual([])
      expect(parties.slice(1).map((one) => heardBy(one, parties))).toEqual([[2], [1]])
      parties[0]?.agree()
      await run(300)
      await listen(400)
      expect(parties.map((one) => heardBy(one, parties))).toEqual([
        [1, 2],
        [0, 2],
        [0, 1],
      ])
      await finish()
    })

    it('saturates where many are loud, and sends silence where nobody speaks', async () => {
      const { plane, party, run, finish } = await joinHarness(workers)
      const parties = Array.from({ length: 12 }, () => party({ hz: 1000, levelDb: -6 }))
      const quiet = party({ hz: 700 })
      const room = plane.openRoom({ user: new NotingRoomUser() })
      for (const one of [...parties, quiet]) room.join(one.endpoint)
      await run(200)
      expect(quiet.peer.heard.length).toBeGreaterThanOrEqual(8)
      expect(peakOf(quiet.hearing())).toBeLessThanOrEqual(8)
      for (const one of parties) one.speak()
      await run(300)
      quiet.peer.takeHeard()
      await run(500)
      const pcm = quiet.hearing()
      // 12 times half of the scale in phase: a square wave. Wrapped, it would be noise.
      expect(shareWith(pcm, 1000, 8000, -6)).toBeGreaterThan(0.95)
      expect(peakOf(pcm)).toBeGreaterThan(31_000)
      expect(hearsNone(pcm, [2000, 1500, 500])).toBe(true)
      await finish()
    })

    it('is heard through loss and jitter, each loss costing its own 20 ms only', async () => {
      const { parties, network, listen, run, finish } = await meeting(workers, 3)
      network.path('198.51.100.12', '192.0.2.1', { jitterMs: 60, lossRate: 0.05 })
      await run(1000)
      await listen(2000)
      const [a, b] = parties
      if (!a || !b) throw new Error('unreachable')
      expect(shareWith(a.hearing(), b.hz)).toBeGreaterThan(0.9)
      expect(hears(b.hearing(), [a.hz])).toBe(true)
      await finish()
    })
  })
}
