import { describe, expect, it } from 'vitest'
import { IdFactory } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { Call } from '../../src/call/call.ts'
import { Calls } from '../../src/call/calls.ts'
import { Supervisions } from '../../src/call/supervisions.ts'
import type { Leg } from '../../src/leg/leg.ts'
import type { LegMixer } from '../../src/leg/mixer.ts'
import type { MediaEndpoint, MediaPlane, RoomMember } from '../../src/media/plane/types.ts'
import { FakeLeg } from '../support/fake-leg.ts'
import { hears, hearsNone, timeline } from '../support/hear.ts'
import { joinHarness, type Party as Telephone } from '../support/join-harness.ts'
import { MemoryRecords } from '../support/memory-records.ts'

/** Joins the endpoints behind fake legs on a real media plane. */
function planeMixer(plane: Pick<MediaPlane, 'bridge' | 'openRoom'>, endpoints: Map<Leg, MediaEndpoint>): LegMixer {
  const endpointOf = (leg: Leg): MediaEndpoint => {
    const endpoint = endpoints.get(leg)
    if (!endpoint) throw new Error(`no telephone is behind ${leg.id}`)
    return endpoint
  }
  return {
    bridge: (a, b) => {
      const bridge = plane.bridge(endpointOf(a), endpointOf(b))
      return { mute: (from, isMuted) => bridge.mute(endpointOf(from), isMuted), close: () => bridge.close() }
    },
    openRoom: (near, failed) => {
      const room = plane.openRoom({ user: { roomFailed: failed }, ...(near ? { near: endpointOf(near) } : {}) })
      const behind = new Map<object, RoomMember>()
      return {
        join: (leg) => {
          const inside = room.join(endpointOf(leg))
          const member = {
            heardBy: (who: 'all' | readonly object[]) =>
              inside.heardBy(who === 'all' ? 'all' : who.flatMap((one) => behind.get(one) ?? [])),
            hears: (isHearing: boolean) => inside.hears(isHearing),
            leave: () => inside.leave(),
          }
          behind.set(member, inside)
          return member
        },
        play: (prompts, options) => room.play(prompts, options),
        record: (options) => room.record(options),
        close: () => room.close(),
      }
    },
  }
}

/** The longest time for which a telephone did not hear a frequency that was there before and behind. */
function longestGapMs(listener: Telephone, hz: number): number {
  return Math.max(
    0,
    ...timeline(listener.hearing(), [hz])
      .slice(1, -1)
      .filter(({ frequenciesHz }) => frequenciesHz.length === 0)
      .map(({ durationMs }) => durationMs),
  )
}

/** The longest time for which nothing at all came. */
function longestWaitMs({ peer }: Telephone): number {
  const times = peer.heard.map(({ atMs }) => atMs)
  return Math.max(...times.slice(1).map((atMs, i) => atMs - (times[i] ?? atMs)))
}

async function supervisedPair(workers: number) {
  const harness = await joinHarness(workers)
  const { clock, plane } = harness
  const endpoints = new Map<Leg, MediaEndpoint>()
  const ids = new IdFactory(clock, new SeededRandom(7))
  const mixer = planeMixer(plane, endpoints)
  const calls = new Calls({ clock, ids, log: silentLogger, records: new MemoryRecords(), mixer })
  const supervisions = new Supervisions({ mixer, find: (id) => calls.find(id) })
  const telephone = (): { leg: FakeLeg; phone: Telephone } => {
    const phone = harness.party()
    const leg = new FakeLeg(clock, { id: `leg_${phone.hz}`, user: `${phone.hz}` })
    endpoints.set(leg, phone.endpoint)
    phone.speak()
    return { leg, phone }
  }
  const begin = async (leg: Leg): Promise<Call> => {
    const call = calls.begin(leg, { tenant: 'acme', to: '1000', app: null }, async (begun) => begun.answer())
    await harness.run(20)
    return call
  }
  const [ann, bob, boss] = [telephone(), telephone(), telephone()]
  const call = await begin(ann.leg)
  const other = await begin(bob.leg)
  const own = await begin(boss.leg)
  call.join(call.party, other.party)
  await harness.run(500)
  const supervise = (mode: 'listen' | 'whisper' | 'barge') => {
    const supervision = supervisions.start(own, call.id, { mode, side: 'callee' })
    if (!supervision) throw new Error('no such call')
    return supervision
  }
  const finish = async (): Promise<unknown> => {
    for (const one of [call, other, own]) one.end({ by: 'server', cause: 'normal', sentence: null })
    await harness.run(100)
    return await harness.finish()
  }
  return { ...harness, ann: ann.phone, bob: bob.phone, boss: boss.phone, supervise, finish }
}

describe.each([1, 2])('a supervisor of two who talk, on %i media workers', (workers) => {
  it('comes, changes its mode and goes, and the two miss less than 100 ms of each other', async () => {
    const { ann, bob, boss, supervise, run, clock, finish } = await supervisedPair(workers)
    const supervision = supervise('listen')
    await run(1000)
    expect(hears(boss.hearing(clock.now() - 500), [ann.hz, bob.hz])).toBe(true)
    supervision.setMode('whisper')
    await run(1000)
    expect(hears(bob.hearing(clock.now() - 500), [ann.hz, boss.hz])).toBe(true)
    expect(hearsNone(ann.hearing(), [boss.hz])).toBe(true)
    supervision.setMode('barge')
    await run(1000)
    expect(hears(ann.hearing(clock.now() - 500), [bob.hz, boss.hz])).toBe(true)
    supervision.leave('left')
    await run(1000)
    expect(hearsNone(ann.hearing(clock.now() - 500), [ann.hz, boss.hz])).toBe(true)
    expect(longestGapMs(ann, bob.hz)).toBeLessThan(100)
    expect(longestGapMs(bob, ann.hz)).toBeLessThan(100)
    for (const one of [ann, bob]) expect(longestWaitMs(one)).toBeLessThan(100)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })
})
