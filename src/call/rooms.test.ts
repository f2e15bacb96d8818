import { describe, expect, it } from 'vitest'
import { fakePrompt } from '../../test/support/fake-sounds.ts'
import { LiveCalls } from '../../test/support/live-calls.ts'
import type { Guest, RoomJoinOptions, RoomMember } from './room-member.ts'

const music = fakePrompt('music')
const options: RoomJoinOptions = {
  role: 'participant',
  isMuted: false,
  max: 50,
  startOnModerator: false,
  endWithModerator: false,
  music: [music],
  joinTone: [fakePrompt('in')],
  leaveTone: [fakePrompt('out')],
}

function joined(live: LiveCalls, guest: Guest, changes: Partial<RoomJoinOptions> = {}): RoomMember {
  const joining = live.rooms.join('sales', guest, { ...options, ...changes })
  if (joining.outcome !== 'joined') throw new Error(`not let in: ${joining.outcome}`)
  return joining.member
}

function audio(live: LiveCalls, index = 0) {
  const room = live.mixer.rooms[index]
  if (!room) throw new Error('no room was opened')
  return room
}

describe('a room', () => {
  it('is made by the first who comes, near its leg, and is gone with the last', async () => {
    const live = new LiveCalls()
    const [ann, bob] = [await live.guest('ann'), await live.guest('bob')]
    const first = joined(live, ann)
    expect(audio(live).near).toBe(ann.leg)
    joined(live, bob)
    expect(audio(live).audienceOf(ann.leg)).toEqual(['leg_bob'])
    live.rooms.get('acme', 'sales').leave(first)
    expect(live.rooms.count).toBe(1)
    bob.leg.hangUp()
    expect(live.rooms.count).toBe(0)
    expect(audio(live).isClosed).toBe(true)
    expect(() => live.rooms.get('acme', 'sales')).toThrow(expect.objectContaining({ code: 'room.unknown' }))
  })

  it('of another tenant is another room, whatever its name', async () => {
    const live = new LiveCalls()
    joined(live, await live.guest('ann'))
    joined(live, await live.guest('eve', { tenant: 'other' }))
    expect(live.mixer.rooms).toHaveLength(2)
    expect(
      live.rooms
        .get('other', 'sales')
        .view()
        .members.map(({ label }) => label),
    ).toEqual(['eve'])
  })

  it('tells everybody how long it was there, and with how many', async () => {
    const live = new LiveCalls()
    const ann = joined(live, await live.guest('ann'))
    await live.pass(1500)
    const bob = joined(live, await live.guest('bob'))
    const room = live.rooms.get('acme', 'sales')
    await live.pass(1000)
    room.kick(bob)
    room.leave(ann)
    expect(await bob.ended).toEqual({ outcome: 'kicked', seconds: 1, members: 2, sentence: null })
    expect(await ann.ended).toEqual({ outcome: 'left', seconds: 2.5, members: 2, sentence: null })
  })

  it('plays music to whoever is alone, and not over the tone of the one who left', async () => {
    const live = new LiveCalls()
    const ann = await live.guest('ann')
    joined(live, ann)
    expect(ann.leg.lines.at(-1)).toBe('play music')
    const bob = joined(live, await live.guest('bob'))
    expect(ann.leg.lines.at(-1)).toBe('stopped music')
    expect(audio(live).lines).toContain('play in')
    live.rooms.get('acme', 'sales').leave(bob)
    expect(audio(live).lines.at(-1)).toBe('play out')
    expect(ann.leg.lines.at(-1)).toBe('stopped music')
    audio(live).finishPlaying()
    await live.pass(0)
    expect(ann.leg.lines.at(-1)).toBe('play music')
  })

  it('lets nobody in when it is full, and only moderators when it is locked', async () => {
    const live = new LiveCalls()
    joined(live, await live.guest('ann'), { max: 2 })
    live.rooms.get('acme', 'sales').lock(true)
    const bob = await live.guest('bob')
    expect(live.rooms.join('sales', bob, options)).toEqual({ outcome: 'locked' })
    joined(live, bob, { role: 'moderator' })
    live.rooms.get('acme', 'sales').lock(false)
    expect(live.rooms.join('sales', await live.guest('cat'), options)).toEqual({ outcome: 'full' })
  })

  it('that waits for its moderator keeps members apart with music until one comes', async () => {
    const live = new LiveCalls()
    const [ann, bob, boss] = [await live.guest('ann'), await live.guest('bob'), await live.guest('boss')]
    joined(live, ann, { startOnModerator: true })
    joined(live, bob, { startOnModerator: true })
    const room = live.rooms.get('acme', 'sales')
    expect(room.isOpen).toBe(false)
    expect(audio(live).audienceOf(ann.leg)).toEqual([])
    expect(bob.leg.lines.at(-1)).toBe('play music')
    const moderator = joined(live, boss, { role: 'moderator', isMuted: true })
    expect(bob.leg.lines.at(-1)).toBe('stopped music')
    expect(audio(live).audienceOf(ann.leg)).toEqual(['leg_bob', 'leg_boss'])
    expect(audio(live).audienceOf(boss.leg)).toEqual([])
    room.leave(moderator)
    expect(audio(live).audienceOf(ann.leg)).toEqual(['leg_bob'])
  })

  it('that ends with its moderator closes for all when the last one goes', async () => {
    const live = new LiveCalls()
    const one = joined(live, await live.guest('one'), { role: 'moderator', endWithModerator: true })
    const two = await live.guest('two')
    joined(live, two, { role: 'moderator' })
    const ann = joined(live, await live.guest('ann'))
    const room = live.rooms.get('acme', 'sales')
    room.leave(one)
    expect(room.size).toBe(2)
    two.leg.hangUp()
    expect(await ann.ended).toMatchObject({ outcome: 'closed', sentence: 'The moderator has left the room.' })
    expect(live.rooms.count).toBe(0)
  })

  it('mutes, deafens and sets aside who is on hold, each alone', async () => {
    const live = new LiveCalls()
    const [ann, bob] = [await live.guest('ann'), await live.guest('bob')]
    const member = joined(live, ann)
    joined(live, bob)
    const room = live.rooms.get('acme', 'sales')
    room.mute(member, true)
    ann.leg.peerHolds(true)
    room.mute(member, false)
    expect(audio(live).audienceOf(ann.leg)).toEqual([])
    ann.leg.peerHolds(false)
    expect(audio(live).audienceOf(ann.leg)).toEqual(['leg_bob'])
    room.deafen(member, true)
    expect(audio(live).audienceOf(bob.leg)).toEqual([])
    expect(room.view().members[0]).toMatchObject({ label: 'ann', isMuted: false, isDeaf: true, isHeld: false })
  })

  it('lost by a fault of ours tells every member, whose calls go on, and the name is free for a new room', async () => {
    const live = new LiveCalls()
    const [ann, bob] = [await live.guest('ann'), await live.guest('bob')]
    const members = [joined(live, ann), joined(live, bob)]
    audio(live).fail('The media worker 1 has ended.')
    for (const member of members) {
      expect(await member.ended).toMatchObject({ outcome: 'failed', sentence: 'The media worker 1 has ended.' })
    }
    expect(ann.call.isEnded).toBe(false)
    joined(live, ann)
    expect(live.mixer.rooms).toHaveLength(2)
    ann.leg.hangUp()
    bob.leg.hangUp()
    await live.pass(10_000)
    expect(live.clock.pending).toBe(0)
  })

  it('is recorded under the call that asked first, beyond the end of that call, until the last has gone', async () => {
    const live = new LiveCalls()
    const [ann, bob] = [await live.guest('ann'), await live.guest('bob')]
    joined(live, ann)
    joined(live, bob)
    const room = live.rooms.get('acme', 'sales')
    const id = room.record(ann.call)
    expect(room.record(bob.call)).toBe(id)
    expect(room.view().recordingId).toBe(id)
    ann.leg.hangUp()
    await ann.call.ended
    expect(live.records.recordings.get(id)).toMatchObject({ state: 'recording', callId: ann.call.id, channels: 1 })
    bob.leg.hangUp()
    await bob.call.ended
    expect(live.records.recordings.get(id)).toMatchObject({ state: 'saved', fileBytes: 44 })
    await live.pass(0)
    expect(live.clock.pending).toBe(0)
  })

  it('does not cut an announcement off for a tone', async () => {
    const live = new LiveCalls()
    joined(live, await live.guest('ann'))
    live.rooms.get('acme', 'sales').play([fakePrompt('news')])
    joined(live, await live.guest('bob'))
    expect(audio(live).lines.filter((line) => line.startsWith('play'))).toEqual(['play news'])
  })

  it('refuses names that are none, sizes beyond the bound, and a party that is in a room already', async () => {
    const live = new LiveCalls()
    const ann = await live.guest('ann')
    for (const name of ['', ' sales', 'a/b', 'x'.repeat(65), 'new\nline', '..']) {
      expect(() => live.rooms.join(name, ann, options)).toThrow(expect.objectContaining({ code: 'room.name-invalid' }))
    }
    for (const max of [0, 1.5, 201, Number.NaN]) {
      expect(() => live.rooms.join('sales', ann, { ...options, max })).toThrow(
        expect.objectContaining({ code: 'room.size' }),
      )
    }
    joined(live, ann)
    expect(() => live.rooms.join('other', ann, options)).toThrow(expect.objectContaining({ code: 'room.already-in' }))
    expect(live.rooms.count).toBe(1)
  })

  it('is refused to a tenant that has a hundred', async () => {
    const live = new LiveCalls()
    for (let i = 0; i < 100; i++) live.rooms.join(`room ${i}`, await live.guest(`a${i}`), options)
    const late = await live.guest('late')
    expect(() => live.rooms.join('one more', late, options)).toThrow(expect.objectContaining({ code: 'room.too-many' }))
    expect(live.rooms.join('room 7', late, options).outcome).toBe('joined')
  })
})
