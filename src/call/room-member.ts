import type { LegId } from '../base/ids.ts'
import type { Playing } from '../leg/leg.ts'
import type { LegRoom, LegRoomMember } from '../leg/mixer.ts'
import type { Prompt } from '../media/prompt.ts'
import type { Call } from './call.ts'
import type { Party, PartyPlace } from './party.ts'

/** A party that comes into a room, and the call it belongs to. */
export interface Guest {
  readonly party: Party
  readonly call: Call
  /** How the others and the operator know it: its number or name. */
  readonly label: string
}

/** A moderator comes into a locked room, and is whom `startOnModerator` waits for. */
export type RoomRole = 'moderator' | 'participant'

export interface RoomJoinOptions {
  readonly role: RoomRole
  readonly isMuted: boolean
  /** Most members, if this guest is the first and so makes the room. */
  readonly max: number
  /** Nobody hears anybody until a moderator has come. Holds for the room as soon as one member asks for it. */
  readonly startOnModerator: boolean
  /** The room is closed for all when its last moderator leaves. Holds for the room as soon as one member asks for it. */
  readonly endWithModerator: boolean
  /** Played over and over to this member alone while nobody else is there, or while a moderator is awaited. */
  readonly music: readonly Prompt[]
  /** Played into the room when this member comes, and when it leaves. Empty: nothing. */
  readonly joinTone: readonly Prompt[]
  readonly leaveTone: readonly Prompt[]
}

/** How somebody's time in a room ended. */
export interface RoomLeaving {
  readonly outcome:
    | 'left'
    | 'kicked'
    /** Its leg was over. */
    | 'ended'
    /** The room was closed: its last moderator left, or an operator did it. */
    | 'closed'
    /** The room was lost through a fault of ours. */
    | 'failed'
  readonly seconds: number
  /** The most that were in the room at one time meanwhile, itself counted. */
  readonly members: number
  /** Set with `failed` and `closed`. */
  readonly sentence: string | null
}

/** A member as it is shown. */
export interface RoomMemberView {
  readonly id: LegId
  readonly callId: string
  readonly label: string
  readonly role: RoomRole
  /** Wall-clock ms. */
  readonly since: number
  readonly isMuted: boolean
  readonly isDeaf: boolean
  readonly isHeld: boolean
}

/**
 * Somebody in a room: what it may hear and say, and the music while there is nobody. Its room decides, this does. When
 * another party takes its party's place (attended transfer), that one is in the room from then on.
 */
export class RoomMember implements PartyPlace {
  /** Its first leg's: a leg is in one room at a time. */
  readonly id: LegId
  readonly roomName: string
  readonly call: Call
  readonly role: RoomRole
  readonly options: RoomJoinOptions
  readonly ended: Promise<RoomLeaving>
  isMuted: boolean
  isDeaf = false
  peak = 0
  readonly #label: string
  readonly #room: LegRoom
  readonly #news: { changed(): void; partyEnded(): void }
  readonly #since: number
  readonly #sinceMs: number
  #party: Party
  #audio: LegRoomMember
  #state = { isOpen: true, hasMusic: false }
  #isHeard = true
  #isHearing = true
  #music: Playing | null = null
  #unwatch: () => void = () => {}
  #resolve: (leaving: RoomLeaving) => void = () => {}

  /** @param news - `changed`: it is to be settled anew; `partyEnded`: it is to be taken out. */
  constructor(
    guest: Guest,
    options: RoomJoinOptions,
    room: { readonly name: string; readonly audio: LegRoom },
    news: { changed(): void; partyEnded(): void },
  ) {
    const { party, call } = guest
    this.id = party.leg.id
    this.call = call
    this.role = options.role
    this.options = options
    this.isMuted = options.isMuted
    this.#label = guest.label
    this.roomName = room.name
    this.#room = room.audio
    this.#news = news
    this.#since = call.clock.wallTime()
    this.#sinceMs = call.clock.now()
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#party = party
    this.#audio = room.audio.join(party.leg)
    this.#watch()
  }

  /** Its peer has put us on hold: its music is not for the others. */
  get isHeld(): boolean {
    return this.#party.isHolding
  }

  view(): RoomMemberView {
    const { id, role, isMuted, isDeaf, isHeld } = this
    return { id, callId: this.call.id, label: this.#label, role, since: this.#since, isMuted, isDeaf, isHeld }
  }

  partyReplaced(_old: Party, by: Party): void {
    this.#unwatch()
    this.#stopMusic()
    this.#party = by
    this.#audio = this.#room.join(by.leg)
    this.#isHeard = true
    this.#isHearing = true
    this.#watch()
    this.settle(this.#state)
    if (by.isEnded) this.#news.partyEnded()
  }

  /** Applies what it may say, hear, and be played. Tells the mixer only what changed. */
  settle(state: { readonly isOpen: boolean; readonly hasMusic: boolean }): void {
    this.#state = state
    const isHeard = state.isOpen && !this.isMuted && !this.isHeld
    const isHearing = state.isOpen && !this.isDeaf
    if (isHeard !== this.#isHeard) this.#audio.heardBy(isHeard ? 'all' : [])
    if (isHearing !== this.#isHearing) this.#audio.hears(isHearing)
    this.#isHeard = isHeard
    this.#isHearing = isHearing
    if (state.hasMusic && this.options.music.length > 0) this.#startMusic()
    else this.#stopMusic()
  }

  /** Takes its leg out of the mix and says how it ended. */
  leave(outcome: RoomLeaving['outcome'], sentence: string | null): void {
    this.#unwatch()
    this.#stopMusic()
    this.#audio.leave()
    const seconds = Math.round((this.call.clock.now() - this.#sinceMs) / 100) / 10
    this.#resolve({ outcome, seconds, members: this.peak, sentence })
  }

  #watch(): void {
    const undo = [
      this.#party.enter(this),
      this.#party.on('held', () => this.#news.changed()),
      this.#party.on('ended', () => this.#partyEnded()),
    ]
    const { gone } = this.call
    const onGone = (): void => this.#news.partyEnded()
    gone.addEventListener('abort', onGone, { once: true })
    this.#unwatch = () => {
      for (const one of undo) one()
      gone.removeEventListener('abort', onGone)
    }
  }

  /** One who asked for a transfer and hung up keeps its place for who is to take it, until that is decided. */
  #partyEnded(): void {
    if (this.call.transferor !== this.#party) return this.#news.partyEnded()
    const decide = async (): Promise<void> => {
      await this.call.vacancy
      if (this.#party.isEnded) this.#news.partyEnded()
    }
    // The call hears of its party's end behind us.
    queueMicrotask(() => void decide())
  }

  #startMusic(): void {
    if (this.#music) return
    const music = this.#party.leg.play(this.options.music, { loop: true })
    this.#music = music
    // Whoever else plays to this leg takes its place; the music may then begin again when the room changes.
    music.ended
      .then(() => {
        if (this.#music === music) this.#music = null
      })
      .catch(() => {})
  }

  #stopMusic(): void {
    const music = this.#music
    this.#music = null
    music?.stop()
  }
}
