import { describe, expect, it } from 'vitest'
import type { FakeRoom } from '../../test/support/fake-mixer.ts'
import { LiveCalls } from '../../test/support/live-calls.ts'
import type { Call } from './call.ts'
import type { Supervision } from './supervision.ts'

function lastRoom(live: LiveCalls): FakeRoom {
  const room = live.mixer.rooms.at(-1)
  if (!room) throw new Error('no room was opened')
  return room
}

function supervise(
  live: LiveCalls,
  own: Call,
  call: Call,
  options: Partial<Parameters<LiveCalls['supervisions']['start']>[2]> = {},
): Supervision {
  const supervision = live.supervisions.start(own, call.id, { mode: 'listen', side: 'callee', ...options })
  if (!supervision) throw new Error('no such call')
  return supervision
}

describe('a supervisor of two who are joined', () => {
  it('listens, whispers to the agent, and barges in, each heard by whom it should be', async () => {
    const live = new LiveCalls()
    const { leg, call, otherLeg } = await live.pair('ann')
    const boss = await live.begin('boss')
    const supervision = supervise(live, boss.call, call)
    const room = lastRoom(live)
    expect(room.audienceOf(leg)).toEqual(['leg_ann-desk', 'leg_boss'])
    expect(room.audienceOf(otherLeg)).toEqual(['leg_ann', 'leg_boss'])
    expect(room.audienceOf(boss.leg)).toEqual([])
    supervision.setMode('whisper')
    expect(room.audienceOf(boss.leg)).toEqual(['leg_ann-desk'])
    supervision.setMode('barge')
    expect(room.audienceOf(boss.leg)).toEqual(['leg_ann', 'leg_ann-desk'])
  })

  it('whispers to the caller where that is the agent', async () => {
    const live = new LiveCalls()
    const { call } = await live.pair('ann')
    const boss = await live.begin('boss')
    supervise(live, boss.call, call, { mode: 'whisper', side: 'caller' })
    expect(lastRoom(live).audienceOf(boss.leg)).toEqual(['leg_ann'])
  })

  it('leaves, and at that very moment the two are joined again', async () => {
    const live = new LiveCalls()
    const { call } = await live.pair('ann')
    expect(live.mixer.joined).toEqual(['leg_ann+leg_ann-desk'])
    const boss = await live.begin('boss')
    const supervision = supervise(live, boss.call, call)
    expect(live.mixer.joined).toEqual([])
    await live.pass(2000)
    supervision.leave('left')
    expect(live.mixer.joined).toEqual(['leg_ann+leg_ann-desk'])
    expect(lastRoom(live).isClosed).toBe(true)
    expect(await supervision.ended).toEqual({ outcome: 'left', seconds: 2, sentence: null })
  })

  it('shares one room with a second one, and the room stays until both have left', async () => {
    const live = new LiveCalls()
    const { call } = await live.pair('ann')
    const [boss, vice] = [await live.begin('boss'), await live.begin('vice')]
    const first = supervise(live, boss.call, call)
    supervise(live, vice.call, call, { mode: 'barge' })
    expect(live.mixer.rooms).toHaveLength(1)
    expect(lastRoom(live).audienceOf(vice.leg)).toEqual(['leg_ann', 'leg_ann-desk', 'leg_boss'])
    first.leave('left')
    expect(live.mixer.joined).toEqual([])
    vice.leg.hangUp()
    expect(live.mixer.joined).toEqual(['leg_ann+leg_ann-desk'])
  })

  it('hears on when they part and the caller stays, and is told when the call is over', async () => {
    const live = new LiveCalls()
    const { leg, call, otherLeg } = await live.pair('ann')
    const boss = await live.begin('boss')
    const supervision = supervise(live, boss.call, call)
    otherLeg.hangUp()
    await live.pass(0)
    expect(lastRoom(live).audienceOf(leg)).toEqual(['leg_boss'])
    leg.hangUp()
    expect(await supervision.ended).toMatchObject({ outcome: 'ended' })
    expect(live.mixer.rooms.every((room) => room.isClosed)).toBe(true)
    expect(boss.call.isEnded).toBe(false)
  })

  it('hears also the one who is on hold, whom the other does not', async () => {
    const live = new LiveCalls()
    const { leg, call, bridge } = await live.pair('ann')
    const boss = await live.begin('boss')
    supervise(live, boss.call, call)
    bridge.mute(call.party, true)
    expect(lastRoom(live).audienceOf(leg)).toEqual(['leg_boss'])
    bridge.mute(call.party, false)
    expect(lastRoom(live).audienceOf(leg)).toEqual(['leg_ann-desk', 'leg_boss'])
  })

  it('stays with the talk when a party takes the place of another', async () => {
    const live = new LiveCalls()
    const { leg, call, otherLeg, bridge } = await live.pair('ann')
    const boss = await live.begin('boss')
    supervise(live, boss.call, call, { mode: 'whisper' })
    const cat = await live.begin('cat')
    const room = lastRoom(live)
    call.adopt(cat.call.party)
    call.putInPlace(bridge.other(call.party), cat.call.party)
    expect(room.audienceOf(boss.leg)).toEqual(['leg_cat'])
    expect(room.audienceOf(leg)).toEqual(['leg_boss', 'leg_cat'])
    expect(room.audienceOf(otherLeg)).toEqual([])
  })

  it('keeps them apart while one of them is being transferred, and joined behind it', async () => {
    const live = new LiveCalls()
    const { leg, otherLeg, call, bridge } = await live.pair('ann')
    const boss = await live.begin('boss')
    supervise(live, boss.call, call)
    const room = lastRoom(live)
    bridge.beginTransfer(call.party)
    expect(room.audienceOf(otherLeg)).toEqual(['leg_boss'])
    bridge.endTransfer()
    expect(room.audienceOf(otherLeg)).toEqual(expect.arrayContaining(['leg_ann', 'leg_boss']))
    expect(room.audienceOf(leg)).toHaveLength(2)
    expect(live.mixer.joined).toEqual([])
  })

  it('is told when the room is lost, and the two are joined again', async () => {
    const live = new LiveCalls()
    const { call } = await live.pair('ann')
    const boss = await live.begin('boss')
    const supervision = supervise(live, boss.call, call)
    lastRoom(live).fail('The media worker 0 has ended.')
    expect(await supervision.ended).toMatchObject({ outcome: 'failed', sentence: 'The media worker 0 has ended.' })
    expect(live.mixer.joined).toEqual(['leg_ann+leg_ann-desk'])
  })

  it('stands in the journals of both calls', async () => {
    const live = new LiveCalls()
    const { leg, call } = await live.pair('ann')
    const boss = await live.begin('boss')
    supervise(live, boss.call, call).leave('left')
    boss.leg.hangUp()
    leg.hangUp()
    await Promise.all([call.ended, boss.call.ended])
    const facts = live.records.journal.filter(({ what }) => what.startsWith('supervision')).map((event) => event.facts)
    expect(facts).toContainEqual({ supervisor: boss.call.id, mode: 'listen' })
    expect(facts).toContainEqual({ supervises: call.id, mode: 'listen', outcome: 'left' })
    expect(live.clock.pending).toBe(0)
  })
})

describe('a supervisor of one alone', () => {
  it('goes along when that one is joined with somebody', async () => {
    const live = new LiveCalls()
    const ann = await live.begin('ann')
    const boss = await live.begin('boss')
    const supervision = supervise(live, boss.call, ann.call, { mode: 'whisper' })
    expect(lastRoom(live).audienceOf(boss.leg)).toEqual([])
    const bob = await live.begin('bob')
    const bridge = ann.call.join(ann.call.party, bob.call.party)
    await live.pass(0)
    expect(lastRoom(live).audienceOf(boss.leg)).toEqual(['leg_bob'])
    expect(live.mixer.rooms[0]?.isClosed).toBe(true)
    supervision.leave('stopped')
    expect(live.mixer.joined).toEqual(['leg_ann+leg_bob'])
    expect(bridge.isEnded).toBe(false)
  })

  it('is let go when that one comes into a conference', async () => {
    const live = new LiveCalls()
    const ann = await live.guest('ann')
    const boss = await live.begin('boss')
    const supervision = supervise(live, boss.call, ann.call)
    live.rooms.join('sales', ann, {
      role: 'participant',
      isMuted: false,
      max: 50,
      startOnModerator: false,
      endWithModerator: false,
      music: [],
      joinTone: [],
      leaveTone: [],
    })
    expect(await supervision.ended).toMatchObject({
      outcome: 'unavailable',
      sentence: expect.stringContaining('conference'),
    })
    expect(live.mixer.rooms.at(-1)?.members.map(({ leg }) => leg.id)).toEqual(['leg_ann'])
  })
})

describe('what cannot be supervised', () => {
  it('is another tenant’s call, one that is over, and one that never was', async () => {
    const live = new LiveCalls()
    const boss = await live.begin('boss')
    const foreign = await live.begin('eve', { tenant: 'other' })
    const gone = await live.begin('ann')
    gone.leg.hangUp()
    const options = { mode: 'listen', side: 'callee' } as const
    for (const id of [foreign.call.id, gone.call.id, 'call_nobody']) {
      expect(live.supervisions.start(boss.call, id, options)).toBeNull()
    }
  })

  it('is the supervisor itself, whoever supervises, and a call that is not answered', async () => {
    const live = new LiveCalls()
    const boss = await live.begin('boss')
    const ann = await live.begin('ann')
    const ringing = await live.begin('bob', { program: async () => new Promise(() => {}) })
    for (const call of [boss.call, ringing.call]) {
      expect(await supervise(live, boss.call, call).ended).toMatchObject({ outcome: 'unavailable' })
    }
    supervise(live, boss.call, ann.call)
    expect(await supervise(live, ann.call, boss.call).ended).toMatchObject({ outcome: 'unavailable' })
    expect(live.mixer.rooms).toHaveLength(1)
  })
})
