import type { Leg, LegRecording, Playing } from '../../src/leg/leg.ts'
import type { LegBridge, LegMixer, LegRoom, LegRoomMember } from '../../src/leg/mixer.ts'
import type { RecordOptions } from '../../src/media/plane/types.ts'
import type { Prompt } from '../../src/media/prompt.ts'

/** One leg in a fake room, and what was asked for it. */
export class FakeMember implements LegRoomMember {
  readonly leg: Leg
  audience: 'all' | readonly LegRoomMember[] = 'all'
  isHearing = true
  readonly #left: () => void

  constructor(leg: Leg, left: () => void) {
    this.leg = leg
    this.#left = left
  }

  heardBy(who: 'all' | readonly LegRoomMember[]): void {
    this.audience = who
  }

  hears(isHearing: boolean): void {
    this.isHearing = isHearing
  }

  leave(): void {
    this.#left()
  }
}

/** A room that mixes nothing: who is in it, what was played and recorded. */
export class FakeRoom implements LegRoom {
  readonly near: Leg | null
  readonly lines: string[] = []
  readonly #members = new Set<FakeMember>()
  readonly #mixer: FakeMixer
  readonly #failed: (sentence: string) => void
  readonly #stops: (() => void)[] = []
  #finish: () => void = () => {}
  isClosed = false

  constructor(mixer: FakeMixer, near: Leg | null, failed: (sentence: string) => void) {
    this.#mixer = mixer
    this.near = near
    this.#failed = failed
  }

  /** Those who are in it and whose legs live. */
  get members(): readonly FakeMember[] {
    return [...this.#members].filter(({ leg }) => leg.state !== 'ended')
  }

  /** Who hears this leg now, by id. */
  audienceOf(leg: Leg): readonly string[] {
    const speaker = this.members.find((member) => member.leg === leg)
    if (!speaker) return []
    const { audience } = speaker
    const isHeardBy = (one: FakeMember): boolean => audience === 'all' || audience.includes(one)
    return this.members.filter((one) => one !== speaker && one.isHearing && isHeardBy(one)).map((one) => one.leg.id)
  }

  join(leg: Leg): FakeMember {
    this.#mixer.part(leg)
    const member = new FakeMember(leg, () => this.remove(leg))
    if (!this.isClosed && leg.state !== 'ended') this.#members.add(member)
    this.lines.push(`join ${leg.id}`)
    return member
  }

  remove(leg: Leg): void {
    for (const member of this.#members) {
      if (member.leg !== leg) continue
      this.#members.delete(member)
      this.lines.push(`leave ${leg.id}`)
    }
  }

  /** Plays nothing: ends when stopped, when the room closes, or when the test says that it is played. */
  play(prompts: readonly Prompt[]): Playing {
    this.lines.push(`play ${prompts.map(({ id }) => id).join('+')}`)
    let stop = (): void => {}
    const ended = new Promise<{ end: 'stopped' | 'finished'; playedMs: number }>((resolve) => {
      stop = () => resolve({ end: 'stopped', playedMs: 0 })
      this.#finish = () => resolve({ end: 'finished', playedMs: 0 })
    })
    this.#stops.push(stop)
    return { ended, stop }
  }

  /** What is played into it has come to its end. */
  finishPlaying(): void {
    this.#finish()
  }

  record(options: RecordOptions): LegRecording {
    this.lines.push(`record ${options.file}`)
    let finish: (end: 'stopped' | 'endpoint-closed') => void = () => {}
    const ended = new Promise<Awaited<LegRecording['ended']>>((resolve) => {
      finish = (end) => resolve({ end, durationMs: 0, fileBytes: 44, heardSound: true, problem: null })
    })
    this.#stops.push(() => finish('endpoint-closed'))
    return {
      ended,
      pause: (isPaused) => this.lines.push(`recording ${isPaused ? 'paused' : 'resumed'}`),
      stop: () => finish('stopped'),
    }
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#members.clear()
    this.lines.push('close')
    for (const stop of this.#stops) stop()
  }

  /** The worker that mixed it is gone. */
  fail(sentence: string): void {
    this.close()
    this.#failed(sentence)
  }
}

/** Two legs joined by a fake mixer. */
export class FakeBridge implements LegBridge {
  readonly a: Leg
  readonly b: Leg
  readonly passDigits: boolean
  readonly muted = new Set<Leg>()
  #isClosed = false

  constructor(a: Leg, b: Leg, passDigits: boolean) {
    this.a = a
    this.b = b
    this.passDigits = passDigits
  }

  /** Whether the two hear each other: neither closed, nor either leg ended. */
  get isOpen(): boolean {
    return !this.#isClosed && this.a.state !== 'ended' && this.b.state !== 'ended'
  }

  mute(from: Leg, isMuted: boolean): void {
    if (isMuted) this.muted.add(from)
    else this.muted.delete(from)
  }

  close(): void {
    this.#isClosed = true
  }
}

/** Joins nothing, and writes down who is joined with whom. */
export class FakeMixer implements LegMixer {
  /** All that were made, the closed ones too. */
  readonly bridges: FakeBridge[] = []
  readonly rooms: FakeRoom[] = []

  /** The pairs that hear each other now, by id: `leg_a+leg_b`. */
  get joined(): readonly string[] {
    return this.bridges.filter((bridge) => bridge.isOpen).map(({ a, b }) => `${a.id}+${b.id}`)
  }

  bridge(a: Leg, b: Leg, options: { readonly passDigits?: boolean } = {}): FakeBridge {
    this.part(a)
    this.part(b)
    const bridge = new FakeBridge(a, b, options.passDigits ?? true)
    this.bridges.push(bridge)
    return bridge
  }

  openRoom(near: Leg | null, failed: (sentence: string) => void): FakeRoom {
    const room = new FakeRoom(this, near, failed)
    this.rooms.push(room)
    return room
  }

  /** A leg is in one bridge or one room at a time. */
  part(leg: Leg): void {
    for (const bridge of this.bridges) if (bridge.a === leg || bridge.b === leg) bridge.close()
    for (const room of this.rooms) room.remove(leg)
  }
}
