import type {
  MediaBridge,
  MediaEndpoint,
  MediaPlane,
  MediaRoom,
  RecordOptions,
  RoomMember,
} from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import { DigitRelay } from './digit-relay.ts'
import type { Leg, LegRecording, Playing } from './leg.ts'
import { type LegMedia, mediaOf } from './leg-media.ts'
import type { LegBridge, LegMixer, LegRoom, LegRoomMember } from './mixer.ts'

/**
 * Joins legs by the media plane. A leg without media, one that has ended, or one with itself is joined with nothing, and nobody is
 * troubled.
 */
export class PlaneMixer implements LegMixer {
  readonly #plane: Pick<MediaPlane, 'bridge' | 'openRoom'>
  /** The bridge each leg is in. */
  readonly #bridges = new WeakMap<Leg, PlaneBridge>()

  constructor(plane: Pick<MediaPlane, 'bridge' | 'openRoom'>) {
    this.#plane = plane
  }

  bridge(a: Leg, b: Leg, options: { readonly passDigits?: boolean } = {}): LegBridge {
    const [one, other] = [liveMediaOf(a), liveMediaOf(b)]
    if (!one || !other || one === other) return emptyBridge
    this.#part(a)
    this.#part(b)
    const sound = this.#plane.bridge(one.endpoint, other.endpoint, options)
    const bridge = new PlaneBridge(sound, [new Side(a, one, b), new Side(b, other, a)], options.passDigits ?? true)
    this.#bridges.set(a, bridge)
    this.#bridges.set(b, bridge)
    return bridge
  }

  openRoom(near: Leg | null, failed: (sentence: string) => void): LegRoom {
    const home: MediaEndpoint | null = near && (liveMediaOf(near)?.endpoint ?? null)
    const room = this.#plane.openRoom({ user: { roomFailed: failed }, ...(home ? { near: home } : {}) })
    return new PlaneRoom(room, (leg) => this.#part(leg))
  }

  /** Its keys go nowhere any more; the plane itself takes the sound out of the old bridge. */
  #part(leg: Leg): void {
    this.#bridges.get(leg)?.stopRelays()
    this.#bridges.delete(leg)
  }
}

function liveMediaOf(leg: Leg): LegMedia | null {
  return leg.state === 'ended' ? null : mediaOf(leg)
}

const emptyBridge: LegBridge = { mute: () => {}, close: () => {} }

/** One of the two in a bridge: hands the keys that came by INFO on to the other. */
class Side {
  readonly leg: Leg
  readonly media: LegMedia
  isMuted = false
  readonly #relay: DigitRelay

  constructor(leg: Leg, media: LegMedia, other: Leg) {
    this.leg = leg
    this.media = media
    this.#relay = new DigitRelay((digits) => other.sendDigits(digits))
  }

  startRelay(): void {
    this.media.digits.relay = (digit) => {
      if (!this.isMuted) this.#relay.add(digit)
    }
  }

  stopRelay(): void {
    this.media.digits.relay = null
    this.#relay.clear()
  }
}

class PlaneBridge implements LegBridge {
  readonly #sound: MediaBridge
  readonly #sides: readonly [Side, Side]
  #isRelaying = false

  constructor(sound: MediaBridge, sides: readonly [Side, Side], passDigits: boolean) {
    this.#sound = sound
    this.#sides = sides
    if (!passDigits) return
    this.#isRelaying = true
    for (const side of sides) side.startRelay()
  }

  mute(from: Leg, isMuted: boolean): void {
    const side = this.#sides.find(({ leg }) => leg === from)
    if (!side) return
    side.isMuted = isMuted
    this.#sound.mute(side.media.endpoint, isMuted)
  }

  close(): void {
    this.stopRelays()
    this.#sound.close()
  }

  /** Once: another bridge may have taken the keys over since. */
  stopRelays(): void {
    if (!this.#isRelaying) return
    this.#isRelaying = false
    for (const side of this.#sides) side.stopRelay()
  }
}

class PlaneRoom implements LegRoom {
  readonly #room: MediaRoom
  readonly #part: (leg: Leg) => void

  constructor(room: MediaRoom, part: (leg: Leg) => void) {
    this.#room = room
    this.#part = part
  }

  join(leg: Leg): LegRoomMember {
    const media = liveMediaOf(leg)
    if (!media) return new PlaneMember(null)
    this.#part(leg)
    return new PlaneMember(this.#room.join(media.endpoint))
  }

  play(prompts: readonly Prompt[], options: { readonly loop?: boolean } = {}): Playing {
    return this.#room.play(prompts, options)
  }

  record(options: RecordOptions): LegRecording {
    return this.#room.record(options)
  }

  close(): void {
    this.#room.close()
  }
}

class PlaneMember implements LegRoomMember {
  readonly #member: RoomMember | null

  constructor(member: RoomMember | null) {
    this.#member = member
  }

  heardBy(who: 'all' | readonly LegRoomMember[]): void {
    if (who === 'all') return this.#member?.heardBy('all')
    const listeners = who.flatMap((one) => (one instanceof PlaneMember && one.#member ? [one.#member] : []))
    this.#member?.heardBy(listeners)
  }

  hears(isHearing: boolean): void {
    this.#member?.hears(isHearing)
  }

  leave(): void {
    this.#member?.leave()
  }
}
