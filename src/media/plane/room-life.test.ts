import { describe, expect, it } from 'vitest'
import { sine, timeline } from '../../../test/support/hear.ts'
import { joinHarness, type Party } from '../../../test/support/join-harness.ts'
import { promptOf } from '../../../test/support/media-harness.ts'
import { heardBy, meeting, NotingRoomUser, recordOptions } from '../../../test/support/meeting.ts'

import { encodeG711 } from '../g711.ts'

describe('a room', () => {
  it('whose home ends is told as failed once, and its members can be joined anew', async () => {
    const { plane, engines, user, room, parties, run, listen, finish } = await meeting(2, 4)
    const [a, b, c, d] = parties
    if (!a || !b || !c || !d) throw new Error('unreachable')
    const playing = room.play([promptOf('p', sine(3100, 60_000))])
    const recording = room.record(recordOptions)
    engines.kill(0)
    expect((await playing.ended).end).toBe('stopped')
    expect((await recording.ended).end).toBe('write-failed')
    await run(100)
    expect(user.failed).toEqual(['Media worker 0 ended unexpectedly.'])
    expect([a, b, c, d].map((one) => one.user.failed.length)).toEqual([1, 0, 1, 0])
    await listen(200)
    expect(parties.every(({ peer }) => peer.heard.length === 0)).toBe(true)
    room.join(b.endpoint)
    room.close()
    const again = plane.openRoom({ user })
    for (const one of [b, d]) again.join(one.endpoint)
    await run(300)
    await listen(400)
    expect([b, d].map((one) => heardBy(one, parties))).toEqual([[3], [1]])
    expect(user.failed.length).toBe(1)
    // Its own worker is the last one: then no room can be.
    engines.kill(1)
    const none = new NotingRoomUser()
    plane.openRoom({ user: none })
    await run(10)
    expect(none.failed).toEqual(['No media worker runs that could mix a room.'])
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('loses the members of another worker that ends, and goes on', async () => {
    const { engines, user, parties, run, listen, finish } = await meeting(2, 4)
    engines.kill(1)
    await run(300)
    await listen(500)
    expect(user.failed).toEqual([])
    expect([0, 2].map((i) => heardBy(parties[i] as Party, parties))).toEqual([[2], [0]])
    await finish()
  })

  it('of many members spreads them over ticks, so that other streams do not wait for all of them', async () => {
    const { plane, party, run, finish } = await joinHarness(1)
    const room = plane.openRoom({ user: new NotingRoomUser() })
    const parties = Array.from({ length: 60 }, () => party())
    const members = parties.map(({ endpoint }) => room.join(endpoint))
    await run(100)
    const more = Array.from({ length: 60 }, () => party())
    for (const one of more) room.join(one.endpoint)
    more[7]?.speak()
    await run(300)
    const all = [...parties, ...more]
    for (const one of all) one.peer.takeHeard()
    await run(400)
    const atTick = new Map<number, number>()
    for (const { peer } of all) {
      expect(peer.heard.length).toBe(20)
      for (const { atMs } of peer.heard) atTick.set(atMs, (atTick.get(atMs) ?? 0) + 1)
    }
    expect(Math.max(...atTick.values())).toBe(64)
    expect(heardBy(parties[3] as Party, [more[7] as Party])).toEqual([0])
    // One leaves while the others are being served: none of those is served twice or left out for it.
    for (const one of all) one.peer.takeHeard()
    while (all.at(-1)?.peer.heard.length === 0) await run(1)
    expect(parties[0]?.peer.heard.length).toBe(0)
    members[0]?.leave()
    await run(10)
    expect(all.map(({ peer }) => peer.heard.length)).toEqual([0, ...Array<number>(119).fill(1)])
    await finish()
  })

  it('keeps the length of its recording over a stall of the thread, and sends no burst behind it', async () => {
    const { clock, room, parties, run, finish } = await meeting(1, 3)
    const recording = room.record(recordOptions)
    const startMs = clock.now()
    await run(500)
    for (const one of parties) one.peer.takeHeard()
    clock.stall(300)
    await run(40)
    expect(parties[0]?.peer.heard.length).toBeLessThanOrEqual(6)
    await run(460)
    recording.stop()
    const { durationMs } = await recording.ended
    expect(Math.abs(durationMs - (clock.now() - startMs))).toBeLessThanOrEqual(20)
    await finish()
  })

  it('goes on mixing soft sound behind loud for the end of a word, and not for ever', async () => {
    const { plane, party, run, finish } = await joinHarness(1)
    const [a, b] = [party({ hz: 1000 }), party()]
    const room = plane.openRoom({ user: new NotingRoomUser() })
    room.join(a.endpoint)
    room.join(b.endpoint)
    await run(100)
    a.speak()
    await run(300)
    a.hush()
    const soft = new Uint8Array(160)
    encodeG711('PCMU', sine(1000, 20, { levelDb: -56 }), soft)
    for (let n = 0; n < 50; n++) {
      a.peer.send(a.endpoint.localPort, soft)
      await run(20)
    }
    const heard = timeline(b.hearing(), [1000], 8000, -62).filter(({ frequenciesHz }) => frequenciesHz.length > 0)
    expect(heard.length).toBe(1)
    expect(Math.abs((heard[0]?.durationMs ?? 0) - 600)).toBeLessThanOrEqual(60)
    await finish()
  })

  it('opens every word at once', async () => {
    const { plane, party, run, finish } = await joinHarness(1)
    const [a, b] = [party({ hz: 1000 }), party()]
    const room = plane.openRoom({ user: new NotingRoomUser() })
    room.join(a.endpoint)
    room.join(b.endpoint)
    await run(100)
    for (let word = 0; word < 3; word++) {
      a.speak()
      await run(300)
      a.hush()
      await run(300)
      a.skip(300)
    }
    const words = timeline(b.hearing(), [1000]).filter(({ frequenciesHz }) => frequenciesHz.length > 0)
    expect(words.length).toBe(3)
    for (const { durationMs } of words) expect(Math.abs(durationMs - 300)).toBeLessThanOrEqual(40)
    await finish()
  })

  it('can be opened and closed a thousand times with members, and leaves nothing behind', async () => {
    const { plane, clock, party, run, finish } = await joinHarness(2)
    const parties = [party(), party(), party()]
    for (const one of parties) one.speak()
    for (let i = 0; i < 1000; i++) {
      const room = plane.openRoom({ user: new NotingRoomUser() })
      for (const { endpoint } of parties) room.join(endpoint)
      if (i % 20 === 0) await run(20)
      if (i % 2 === 0) room.play([promptOf('p', sine(1000, 1000))])
      const [a, b] = parties
      if (i % 3 === 0 && a && b) plane.bridge(a.endpoint, b.endpoint)
      room.close()
    }
    for (const one of parties) one.hush()
    await run(2000)
    for (const one of parties) one.peer.takeHeard()
    await run(200)
    expect(parties.every(({ peer }) => peer.heard.length === 0)).toBe(true)
    expect(clock.pending).toBeLessThan(6)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })
})
