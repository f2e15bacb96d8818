import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { answer, LegHarness, NotingLegUser, peerSdp } from '../../test/support/leg-harness.ts'
import { peerAddress, RtpPeer } from '../../test/support/media-harness.ts'
import type { MediaEndpoint, MediaPlane, MediaRoom, RoomMember } from '../media/plane/types.ts'
import type { Leg } from './leg.ts'
import { mediaOf } from './leg-media.ts'
import { PlaneMixer } from './plane-mixer.ts'

let harness: LegHarness

beforeEach(async () => {
  harness = await LegHarness.start()
})

afterEach(async () => {
  await harness.close()
})

const encoder = new TextEncoder()

/** A plane that writes down who is joined, by the ports of the endpoints. */
class NotingPlane implements Pick<MediaPlane, 'bridge' | 'openRoom'> {
  readonly lines: string[] = []
  fail: (sentence: string) => void = () => {}

  bridge(a: MediaEndpoint, b: MediaEndpoint, options: { passDigits?: boolean } = {}) {
    this.lines.push(`bridge ${a.localPort} ${b.localPort} ${options.passDigits ?? 'default'}`)
    return {
      mute: (from: MediaEndpoint, isMuted: boolean) => void this.lines.push(`mute ${from.localPort} ${isMuted}`),
      close: () => void this.lines.push('close'),
    }
  }

  openRoom(options: Parameters<MediaPlane['openRoom']>[0]): MediaRoom {
    this.lines.push(`room near ${options.near?.localPort ?? 'nobody'}`)
    this.fail = (sentence) => options.user.roomFailed(sentence)
    return {
      join: (endpoint) => {
        this.lines.push(`join ${endpoint.localPort}`)
        const member: RoomMember = {
          heardBy: (who) => void this.lines.push(`heard by ${who === 'all' ? who : who.length}`),
          hears: (isHearing) => void this.lines.push(`hears ${isHearing}`),
          leave: () => void this.lines.push('leave'),
        }
        return member
      },
      play: () => ({ ended: Promise.resolve({ end: 'stopped', playedMs: 0 }), stop: () => {} }),
      record: () => {
        throw new Error('not recorded here')
      },
      close: () => void this.lines.push('room closed'),
    }
  }
}

/** Two legs that talk with us: a caller, and one that we called. */
async function twoLegs() {
  const plane = new NotingPlane()
  const mixer = new PlaneMixer(plane)
  const { leg: a } = harness.established()
  const ourTag = harness.sip.ourTag
  const { leg: b, invite } = await harness.talking(undefined, { user: new NotingLegUser() })
  harness.sip.ourTag = ourTag
  const port = (leg: Leg): number => mediaOf(leg)?.endpoint.localPort ?? 0
  return { plane, mixer, a, b, invite, ports: `${port(a)} ${port(b)}`, portOfA: port(a), portOfB: port(b) }
}

/** The caller presses a key that is sent by INFO. */
function press(digit: string): void {
  const body = encoder.encode(`Signal=${digit}\r\nDuration=100\r\n`)
  harness.sip.receive('INFO', { body, contentType: 'application/dtmf-relay' })
}

/** Notes what is sent on a leg. */
function sendingsOf(leg: Leg): string[] {
  const sent: string[] = []
  const send = leg.sendDigits.bind(leg)
  leg.sendDigits = (digits) => {
    sent.push(digits.join(''))
    return send(digits)
  }
  return sent
}

describe('a bridge of legs', () => {
  it('joins their endpoints, mutes one of them, and parts them', async () => {
    const { plane, mixer, a, b, ports, portOfA } = await twoLegs()
    const bridge = mixer.bridge(a, b)
    bridge.mute(a, true)
    bridge.mute(new FakeLeg(harness.sip.clock), true)
    bridge.close()
    expect(plane.lines).toEqual([`bridge ${ports} default`, `mute ${portOfA} true`, 'close'])
  })

  it('hands on keys that came by INFO, one after the other and none lost', async () => {
    const { mixer, a, b } = await twoLegs()
    const sent = sendingsOf(b)
    mixer.bridge(a, b)
    for (const key of ['5', '6', '#']) press(key)
    expect(sent).toEqual(['5'])
    await harness.pass(400)
    expect(sent).toEqual(['5', '6#'])
  })

  it('does not hand on keys that are muted, not to be passed, or of a bridge that is closed', async () => {
    const { mixer, a, b } = await twoLegs()
    const sent = sendingsOf(b)
    mixer.bridge(a, b, { passDigits: false })
    press('1')
    const bridge = mixer.bridge(a, b)
    bridge.mute(a, true)
    press('2')
    bridge.mute(a, false)
    press('3')
    bridge.close()
    press('4')
    expect(sent).toEqual(['3'])
  })

  it('does not hand on by INFO what the same telephone sends as RTP events', async () => {
    const { mixer, a, b } = await twoLegs()
    const sent = sendingsOf(b)
    mixer.bridge(a, b)
    const startedMs = harness.sip.clock.now()
    mediaOf(a)?.digitReceived({ digit: '5', carrier: 'rfc4733', startedMs, durationMs: 100 })
    press('5')
    await harness.pass(2000)
    press('6')
    expect(sent).toEqual([])
    expect(harness.user.lines).toEqual(['digit 5 rfc4733', 'digit 6 info'])
  })

  it('keeps the keys of a leg that is in another bridge by now', async () => {
    const { mixer, a, b } = await twoLegs()
    const { leg: c } = await harness.talking(undefined, { user: new NotingLegUser() })
    harness.sip.ourTag = null
    const toB = sendingsOf(b)
    const toC = sendingsOf(c)
    const old = mixer.bridge(a, b)
    mixer.bridge(a, c)
    old.close()
    mediaOf(a)?.digits.infoReceived('application/dtmf', encoder.encode('7'), harness.sip.clock.now())
    expect(toB).toEqual([])
    expect(toC).toEqual(['7'])
  })

  it('is an empty one with a leg that has ended or has no media', async () => {
    const { plane, mixer, a, b } = await twoLegs()
    b.end('normal')
    for (const other of [a, b, new FakeLeg(harness.sip.clock)]) {
      const bridge = mixer.bridge(a, other)
      bridge.mute(a, true)
      bridge.close()
    }
    expect(plane.lines).toEqual([])
  })
})

describe('a room of legs', () => {
  it('is opened near a leg, joined, and closed', async () => {
    const { plane, mixer, a, b, portOfA, portOfB } = await twoLegs()
    const room = mixer.openRoom(a, () => {})
    const first = room.join(a)
    const second = room.join(b)
    first.heardBy([second])
    first.heardBy('all')
    second.hears(false)
    second.leave()
    room.close()
    expect(plane.lines).toEqual([
      `room near ${portOfA}`,
      `join ${portOfA}`,
      `join ${portOfB}`,
      'heard by 1',
      'heard by all',
      'hears false',
      'leave',
      'room closed',
    ])
  })

  it('takes a leg out of its bridge, whose keys go nowhere any more', async () => {
    const { mixer, a, b } = await twoLegs()
    const sent = sendingsOf(b)
    mixer.bridge(a, b)
    mixer.openRoom(null, () => {}).join(a)
    press('5')
    expect(sent).toEqual([])
  })

  it('does not mind a member without media, and tells when it is lost', async () => {
    const { plane, mixer, a } = await twoLegs()
    const failures: string[] = []
    const room = mixer.openRoom(new FakeLeg(harness.sip.clock), (sentence) => failures.push(sentence))
    const nobody = room.join(new FakeLeg(harness.sip.clock))
    const member = room.join(a)
    member.heardBy([nobody])
    nobody.leave()
    plane.fail('A media worker has ended.')
    expect(plane.lines[0]).toBe('room near nobody')
    expect(plane.lines.at(-1)).toBe('heard by 0')
    expect(failures).toEqual(['A media worker has ended.'])
  })
})

describe('two legs on a media plane', () => {
  /** A caller at port 4000 and a called party at port 4100, bridged. */
  async function talking() {
    const { sip, network, plane } = harness
    const caller = new RtpPeer(sip.clock, network, peerAddress, 4000)
    const callee = new RtpPeer(sip.clock, network, peerAddress, 4100)
    const { leg: a } = harness.established()
    const ourTag = sip.ourTag
    const made = await harness.started(undefined, { near: a, user: new NotingLegUser() })
    answer(made.invite, { sdp: peerSdp({ port: 4100, formats: '8' }) })
    sip.ourTag = ourTag
    const mixer = new PlaneMixer(plane)
    return { caller, callee, a, b: made.leg, mixer, portOfA: mediaOf(a)?.endpoint.localPort ?? 0 }
  }
  const tone = Int16Array.from({ length: 8000 }, (_, i) => 8000 * Math.sin((2 * Math.PI * 440 * i) / 8000))

  it('hear each other whatever their codecs, and no longer once they are parted', async () => {
    const { caller, callee, a, b, mixer, portOfA } = await talking()
    const bridge = mixer.bridge(a, b)
    await caller.speak(portOfA, tone)
    expect(callee.heard.filter(({ payloadType }) => payloadType === 8).length).toBeGreaterThan(40)
    bridge.close()
    await harness.pass(100)
    callee.takeHeard()
    await caller.speak(portOfA, tone)
    expect(callee.takeHeard()).toEqual([])
  })

  it('hear a key that one of them sends by INFO as an RTP event', async () => {
    const { callee, a, b, mixer } = await talking()
    mixer.bridge(a, b)
    press('5')
    await harness.pass(500)
    const events = callee.heard.filter(({ payloadType }) => payloadType === 101)
    expect(events.length).toBeGreaterThan(3)
    expect(new Set(events.map(({ payload }) => payload[0]))).toEqual(new Set([5]))
  })

  it('go on apart when one of them ends', async () => {
    const { caller, callee, a, b, mixer, portOfA } = await talking()
    mixer.bridge(a, b)
    b.end('normal')
    await harness.pass(100)
    callee.takeHeard()
    await caller.speak(portOfA, tone)
    expect(callee.heard).toEqual([])
    expect(a.state).toBe('answered')
    mixer.bridge(a, b).close()
  })
})
