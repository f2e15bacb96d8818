import type { RecordingId } from '../base/ids.ts'
import type { LegRecording, Playing } from '../leg/leg.ts'
import type { LegRoom } from '../leg/mixer.ts'
import type { Prompt } from '../media/prompt.ts'
import type { Call } from './call.ts'
import { type KeptRecording, keepRecording, type RecordingParts } from './recording.ts'
import { type Guest, type RoomJoinOptions, type RoomLeaving, RoomMember, type RoomMemberView } from './room-member.ts'

/** The longest that a room is recorded. */
const maxRecordingMs = 12 * 3_600_000

export type RoomJoining =
  | { readonly outcome: 'joined'; readonly member: RoomMember }
  | { readonly outcome: 'full' | 'locked' }

/** A room as it is shown. */
export interface RoomView {
  readonly tenant: string
  readonly name: string
  /** Wall-clock ms. */
  readonly since: number
  /** False while a moderator is awaited. */
  readonly isOpen: boolean
  readonly isLocked: boolean
  readonly max: number
  readonly recordingId: RecordingId | null
  readonly members: readonly RoomMemberView[]
}

/**
 * A conference: who is in it and who hears whom. The sound itself is mixed behind `LegRoom`. Made by `Rooms` with the
 * first who comes, and gone with the last.
 */
export class Room {
  readonly tenant: string
  readonly name: string
  readonly max: number
  readonly #audio: LegRoom
  readonly #parts: RecordingParts
  readonly #since: number
  readonly #gone: () => void
  readonly #members = new Map<string, RoomMember>()
  #isLocked = false
  #awaitsModerator = false
  #hadModerator = false
  #endsWithModerator = false
  /** A tone or an announcement that all hear; music waits for it. */
  #sound: { readonly playing: Playing; readonly isTone: boolean } | null = null
  #recording: KeptRecording | null = null
  #isOver = false

  /** @param options.gone - told once, when the last has left. */
  constructor(options: {
    readonly tenant: string
    readonly name: string
    readonly max: number
    readonly since: number
    readonly audio: LegRoom
    readonly parts: RecordingParts
    gone(): void
  }) {
    this.tenant = options.tenant
    this.name = options.name
    this.max = options.max
    this.#since = options.since
    this.#audio = options.audio
    this.#parts = options.parts
    this.#gone = options.gone
  }

  get isLocked(): boolean {
    return this.#isLocked
  }

  /** Whether the members hear each other: false while a moderator is awaited. */
  get isOpen(): boolean {
    return !this.#awaitsModerator || this.#hadModerator
  }

  get size(): number {
    return this.#members.size
  }

  view(): RoomView {
    const { tenant, name, max, isOpen, isLocked } = this
    const members = [...this.#members.values()].map((member) => member.view())
    return {
      tenant,
      name,
      since: this.#since,
      isOpen,
      isLocked,
      max,
      recordingId: this.#recording?.id ?? null,
      members,
    }
  }

  member(id: string): RoomMember | null {
    return this.#members.get(id) ?? null
  }

  join(guest: Guest, options: RoomJoinOptions): RoomJoining {
    if (this.#isLocked && options.role !== 'moderator') return { outcome: 'locked' }
    if (this.#members.size >= this.max) return { outcome: 'full' }
    const member: RoomMember = new RoomMember(
      guest,
      options,
      { name: this.name, audio: this.#audio },
      {
        changed: () => this.#settle(),
        partyEnded: () => this.#remove(member, 'ended'),
      },
    )
    this.#members.set(member.id, member)
    this.#awaitsModerator ||= options.startOnModerator
    this.#endsWithModerator ||= options.endWithModerator
    this.#hadModerator ||= options.role === 'moderator'
    for (const one of this.#members.values()) one.peak = Math.max(one.peak, this.#members.size)
    guest.call.note('decision', 'roomJoined', { room: this.name, role: options.role, members: this.#members.size })
    if (this.#members.size > 1 && this.isOpen) this.#playTone(options.joinTone)
    this.#settle()
    return { outcome: 'joined', member }
  }

  leave(member: RoomMember): void {
    this.#remove(member, 'left')
  }

  kick(member: RoomMember): void {
    this.#remove(member, 'kicked')
  }

  mute(member: RoomMember, isMuted: boolean): void {
    if (member.isMuted === isMuted) return
    member.isMuted = isMuted
    member.call.note('decision', isMuted ? 'roomMuted' : 'roomUnmuted', { room: this.name })
    this.#settle()
  }

  /** Whether the member hears the room. */
  deafen(member: RoomMember, isDeaf: boolean): void {
    member.isDeaf = isDeaf
    this.#settle()
  }

  /** A locked room takes moderators only. */
  lock(isLocked: boolean): void {
    this.#isLocked = isLocked
  }

  /** Plays to all who hear, mixed with what is said. A second announcement replaces the first. */
  play(prompts: readonly Prompt[], options: { readonly loop?: boolean } = {}): Playing {
    return this.#playAll(prompts, false, options.loop ?? false)
  }

  /** Records all that is said, under the call that asks first. Ends when told to, or with the room, not with that call. */
  record(call: Call): RecordingId {
    if (this.#recording) return this.#recording.id
    const limits = { channels: 'received', maxDurationMs: maxRecordingMs, silenceMs: null } as const
    const kept = keepRecording(call, this.#parts, limits, (options): LegRecording => this.#audio.record(options))
    this.#recording = kept
    kept.stopped
      .then(() => {
        if (this.#recording === kept) this.#recording = null
      })
      .catch(() => {})
    return kept.id
  }

  stopRecording(): void {
    this.#recording?.stop()
  }

  /** Sends everybody out. */
  close(sentence: string): void {
    this.#removeAll('closed', sentence)
  }

  /** The mix is lost; every member is told, and its call goes on. */
  fail(sentence: string): void {
    this.#removeAll('failed', sentence)
  }

  #remove(member: RoomMember, outcome: RoomLeaving['outcome'], sentence: string | null = null): void {
    if (!this.#members.delete(member.id)) return
    const { call } = member
    call.note('decision', 'roomLeft', { room: this.name, how: outcome, members: this.#members.size })
    if (this.#members.size === 0) this.#end(call)
    member.leave(outcome, sentence)
    if (this.#isOver) return
    if (member.role === 'moderator' && this.#endsWithModerator && !this.#hasModerator()) {
      return this.close('The moderator has left the room.')
    }
    if (this.isOpen) this.#playTone(member.options.leaveTone)
    this.#settle()
  }

  #removeAll(outcome: 'closed' | 'failed', sentence: string): void {
    for (const member of [...this.#members.values()]) {
      this.#members.delete(member.id)
      const { call } = member
      const kind = outcome === 'failed' ? 'problem' : 'decision'
      call.note(kind, 'roomLeft', { room: this.name, how: outcome, sentence })
      if (this.#members.size === 0) this.#end(call)
      member.leave(outcome, sentence)
    }
  }

  /** @param last - the call of the last member: its record waits for what is being written of the room. */
  #end(last: Call): void {
    if (this.#isOver) return
    this.#isOver = true
    const recording = this.#recording
    if (recording) {
      recording.stop()
      last.owe(recording.ended)
    }
    this.#sound?.playing.stop()
    this.#audio.close()
    this.#gone()
  }

  #hasModerator(): boolean {
    return [...this.#members.values()].some(({ role }) => role === 'moderator')
  }

  #playTone(tone: readonly Prompt[]): void {
    // An announcement is worth more than the tone that would cut it off.
    if (tone.length === 0 || (this.#sound && !this.#sound.isTone)) return
    this.#playAll(tone, true, false)
  }

  #playAll(prompts: readonly Prompt[], isTone: boolean, loop: boolean): Playing {
    const playing = this.#audio.play(prompts, { loop })
    const sound = { playing, isTone }
    this.#sound = sound
    playing.ended
      .then(() => {
        if (this.#sound !== sound) return
        this.#sound = null
        if (!this.#isOver) this.#settle()
      })
      .catch(() => {})
    this.#settle()
    return playing
  }

  /** Music on a leg wins over the room: it is only for one who is alone or waits, and not while something is played to all. */
  #settle(): void {
    const { isOpen } = this
    const hasMusic = !isOpen || (this.#members.size === 1 && this.#sound === null)
    for (const member of this.#members.values()) member.settle({ isOpen, hasMusic })
  }
}
