import { describe, expect, it } from 'vitest'
import { LiveCalls } from '../../test/support/live-calls.ts'
import type { ConferenceOutcome } from './conference.ts'
import type { FlowCall } from './flow-call.ts'

type Request = Parameters<FlowCall['conference']>[1]

/** A call that comes into the room `sales`, and what its flow was told when it was out again. */
async function conferee(
  live: LiveCalls,
  user: string,
  request: Request = {},
): Promise<{ leg: Awaited<ReturnType<LiveCalls['flow']>>['leg']; outcomes: ConferenceOutcome[] }> {
  const outcomes: ConferenceOutcome[] = []
  const { leg } = await live.flow(user, async (call) => {
    outcomes.push(await call.conference('sales', request))
    await call.say('Goodbye')
    await call.hangUp()
  })
  return { leg, outcomes }
}

function audience(live: LiveCalls, leg: { id: string }): readonly string[] {
  const room = live.mixer.rooms.at(-1)
  const member = room?.members.find((one) => one.leg.id === leg.id)
  return room && member ? room.audienceOf(member.leg) : []
}

describe('conference', () => {
  it('answers, plays music to who is alone, and lets all hear each other', async () => {
    const live = new LiveCalls()
    const ann = await conferee(live, 'ann')
    expect(ann.leg.lines).toEqual(['answer', 'play tone:music'])
    const bob = await conferee(live, 'bob')
    expect(ann.leg.lines.at(-1)).toBe('stopped tone:music')
    expect(audience(live, ann.leg)).toEqual([bob.leg.id])
    expect(audience(live, bob.leg)).toEqual([ann.leg.id])
  })

  it('is left by its key, and the program goes on', async () => {
    const live = new LiveCalls()
    const ann = await conferee(live, 'ann', { music: null })
    await live.pass(3000)
    ann.leg.press('1#')
    await live.pass(0)
    expect(ann.outcomes).toEqual([{ outcome: 'left', seconds: 3, members: 1, sentence: null, recordingId: null }])
    expect(ann.leg.lines.at(-1)).toBe('play say:en:Goodbye')
    expect(ann.leg.isCollecting).toBe(false)
    await live.pass(1000)
    expect(live.clock.pending).toBe(0)
  })

  it('is left by the signal; and by the end of the call, which says so', async () => {
    const live = new LiveCalls()
    const abort = new AbortController()
    const ann = await conferee(live, 'ann', { signal: abort.signal })
    const bob = await conferee(live, 'bob')
    abort.abort()
    bob.leg.hangUp()
    await live.pass(0)
    expect(ann.outcomes).toMatchObject([{ outcome: 'left', members: 2 }])
    expect(bob.outcomes).toMatchObject([{ outcome: 'ended' }])
    expect(live.rooms.count).toBe(0)
  })

  it('does with keys what its table says, and reads none without a table', async () => {
    const live = new LiveCalls()
    const ann = await conferee(live, 'ann', { keys: { '*1': 'mute', '*2': 'lock' }, leaveKey: null })
    const bob = await conferee(live, 'bob', { leaveKey: null })
    ann.leg.press('*1')
    await live.pass(0)
    expect(audience(live, ann.leg)).toEqual([])
    ann.leg.press('*')
    await live.pass(4000)
    ann.leg.press('1')
    await live.pass(0)
    expect(audience(live, ann.leg)).toEqual([])
    ann.leg.press('**1#')
    await live.pass(0)
    expect(audience(live, ann.leg)).toEqual([bob.leg.id])
    ann.leg.press('*2')
    await live.pass(0)
    expect(live.rooms.get('acme', 'sales').isLocked).toBe(false)
    expect([ann.leg.isCollecting, bob.leg.isCollecting]).toEqual([true, false])
  })

  it('lets a moderator lock and close the room by key, and tells the others so', async () => {
    const live = new LiveCalls()
    const boss = await conferee(live, 'boss', { role: 'moderator', keys: { '*2': 'lock', '*9': 'close' } })
    const ann = await conferee(live, 'ann')
    boss.leg.press('*2')
    await live.pass(0)
    const late = await conferee(live, 'late')
    expect(late.outcomes).toMatchObject([{ outcome: 'locked', seconds: 0, members: 0 }])
    boss.leg.press('*9')
    await live.pass(0)
    expect(ann.outcomes).toMatchObject([{ outcome: 'closed', sentence: 'The moderator has closed the room.' }])
  })

  it('says that the room was full, that it was sent out, and that the room was lost', async () => {
    const live = new LiveCalls()
    const ann = await conferee(live, 'ann', { max: 2 })
    const bob = await conferee(live, 'bob')
    const cat = await conferee(live, 'cat')
    expect(cat.outcomes).toMatchObject([{ outcome: 'full' }])
    const room = live.rooms.get('acme', 'sales')
    const member = room.member(bob.leg.id)
    if (member) room.kick(member)
    live.mixer.rooms.at(-1)?.fail('The media worker 0 has ended.')
    await live.pass(0)
    expect(bob.outcomes).toMatchObject([{ outcome: 'kicked' }])
    expect(ann.outcomes).toMatchObject([{ outcome: 'failed', sentence: 'The media worker 0 has ended.' }])
    expect(ann.leg.lines.at(-1)).toBe('play say:en:Goodbye')
  })

  it('beeps for all where asked to, and records the room', async () => {
    const live = new LiveCalls()
    await conferee(live, 'ann')
    const bob = await conferee(live, 'bob', { beep: true, record: true })
    const room = live.mixer.rooms.at(-1)
    expect(room?.lines).toContain('play tone:beep')
    bob.leg.press('#')
    await live.pass(0)
    expect(room?.lines).toContain('play tone:beep+tone:beep')
    const [recording] = live.records.recordings.values()
    expect(bob.outcomes[0]?.recordingId).toBe(recording?.id)
    expect(recording?.state).toBe('recording')
  })

  it('leaves the room when its party is transferred away, and not when another takes its place there', async () => {
    const live = new LiveCalls()
    const ann = await conferee(live, 'ann')
    const bob = await conferee(live, 'bob')
    const call = live.calls.live().find((one) => one.leg.id === ann.leg.id)
    const cat = await live.begin('cat')
    const old = call?.party
    if (!call || !old) throw new Error('no call')
    call.adopt(cat.call.party)
    call.putInPlace(old, cat.call.party)
    ann.leg.hangUp()
    await live.pass(0)
    expect(ann.outcomes).toEqual([])
    expect(audience(live, bob.leg)).toEqual([cat.leg.id])
    cat.leg.press('#')
    await live.pass(0)
    expect(ann.outcomes).toMatchObject([{ outcome: 'left' }])
  })

  it('keeps the place of one whose telephone passes it on and hangs up at once, for who takes it', async () => {
    const live = new LiveCalls()
    const ann = await conferee(live, 'ann')
    const bob = await conferee(live, 'bob')
    const desk = live.telephone('140')
    ann.leg.peerAsksTransfer('sip:140@acme.example')
    ann.leg.hangUp()
    await live.pass(1000)
    expect([ann.outcomes, bob.outcomes]).toEqual([[], []])
    desk.peerAnswers()
    await live.pass(0)
    expect(audience(live, bob.leg)).toEqual([desk.id])
    desk.hangUp()
    await live.pass(0)
    expect(ann.outcomes).toMatchObject([{ outcome: 'ended' }])
  })

  it('ends when nobody takes the place of one whose telephone passed it on and hung up', async () => {
    const live = new LiveCalls()
    const ann = await conferee(live, 'ann')
    await conferee(live, 'bob')
    ann.leg.peerAsksTransfer('sip:199@acme.example')
    ann.leg.hangUp()
    await live.pass(1000)
    expect(ann.outcomes).toMatchObject([{ outcome: 'ended' }])
    expect(live.rooms.get('acme', 'sales').size).toBe(1)
  })

  it('fails its flow for a name that is none and for keys that could never be pressed', async () => {
    const live = new LiveCalls()
    for (const run of [
      (call: FlowCall) => call.conference('a/b'),
      (call: FlowCall) => call.conference('sales', { keys: { '*': 'mute', '*1': 'lock' } }),
      (call: FlowCall) => call.conference('sales', { keys: { x: 'mute' } }),
      (call: FlowCall) => call.conference('sales', { max: 0 }),
    ]) {
      const { call } = await live.flow('ann', run)
      await live.pass(20_000)
      expect((await call.ended).cause).toBe('flow-failed')
    }
    expect(live.rooms.count).toBe(0)
  })
})
